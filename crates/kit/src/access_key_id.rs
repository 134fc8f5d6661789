//! The form of AWS's unique ids: a prefix that tells the kind, then base32 in which the account is written.
//!
//! Source: IAM User Guide, "Unique identifiers", and what is publicly known of the form: of the first 48 bits after the
//! prefix, the highest is set, the next 40 are the account's number, and the rest is random. GetAccessKeyInfo depends
//! on it, because it tells the account of keys that are long gone.

use haneul_base::AccountId;
use haneul_env::Rng;

/// Long-lived access keys and those of a session.
pub const LONG_LIVED: &str = "AKIA";
pub const TEMPORARY: &str = "ASIA";

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ACCOUNT_BITS: u32 = 40;
/// Characters that are read back: 80 bits, of which the first 48 hold the account.
const BODY_LENGTH: usize = 16;

/// A new access key id of `account`: the prefix and 16 characters.
pub fn new_key_id(prefix: &str, account: AccountId, rng: &Rng) -> String {
    new_id(prefix, BODY_LENGTH, account, rng)
}

/// A new unique id of a user, role, group, policy or instance profile: the prefix and 17 characters.
pub fn new_unique_id(prefix: &str, account: AccountId, rng: &Rng) -> String {
    new_id(prefix, BODY_LENGTH + 1, account, rng)
}

/// The account that is written in an id of either form; `None` when it is not of the form.
pub fn account_of(id: &str) -> Option<AccountId> {
    let body = id.as_bytes().get(4..)?;
    if !(BODY_LENGTH..=BODY_LENGTH + 1).contains(&body.len()) || !id.starts_with('A') {
        return None;
    }
    let mut bits = 0u128;
    for character in &body[..BODY_LENGTH] {
        bits = bits << 5 | ALPHABET.iter().position(|c| c == character)? as u128;
    }
    let number = (bits >> 39) as u64 & ((1 << ACCOUNT_BITS) - 1);
    AccountId::new(number)
}

fn new_id(prefix: &str, length: usize, account: AccountId, rng: &Rng) -> String {
    let random = u128::from(rng.u64()) & ((1 << 39) - 1);
    let bits = 1 << 79 | u128::from(account.number()) << 39 | random;
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    for at in (0..BODY_LENGTH).rev() {
        id.push(ALPHABET[(bits >> (5 * at)) as usize & 31] as char);
    }
    for _ in BODY_LENGTH..length {
        id.push(ALPHABET[rng.below(32) as usize] as char);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ids_of_aws() {
        // Both are published examples.
        for (id, account) in
            [("ASIAY34FZKBOKMUTVV7A", "609629065308"), ("ASIAQNZGKIQY56JQ7WML", "029608264753")]
        {
            assert_eq!(account_of(id).unwrap().to_string(), account, "{id}");
        }
        for bad in [
            "",
            "ASIA",
            "test",
            "ASIAY34FZKBOKMUTVV7",
            "ASIAY34FZKBOKMUTVV70",
            "XSIAY34FZKBOKMUTVV7A",
            "ASIAééééééééé",
        ] {
            assert_eq!(account_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn tells_the_account_of_what_it_makes() {
        let rng = Rng::seeded(3);
        for number in [0, 1, 609_629_065_308, 999_999_999_999] {
            let account = AccountId::new(number).unwrap();
            let (key, id) = (new_key_id(TEMPORARY, account, &rng), new_unique_id("AROA", account, &rng));
            assert_eq!((key.len(), id.len()), (20, 21));
            assert_eq!((account_of(&key), account_of(&id)), (Some(account), Some(account)));
            assert_ne!(key, new_key_id(TEMPORARY, account, &rng));
        }
    }
}
