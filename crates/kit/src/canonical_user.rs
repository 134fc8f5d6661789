//! Canonical user ids: how S3's access control lists, listings and policies name an account.

use haneul_base::AccountId;
use sha2::{Digest, Sha256};

/// Bytes of an id that vouch for the account in the rest of it.
const CHECK_BYTES: usize = 24;

/// 64 hexadecimal digits, the same for an account for ever.
pub fn canonical_user_id(account: AccountId) -> String {
    let check = check_of(account);
    let number = account.number() ^ mask_of(&check);
    check.iter().chain(&number.to_be_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

/// The account that an id names: S3 refuses ids of nobody.
pub fn account_of(id: &str) -> Option<AccountId> {
    let number = u64::from_str_radix(id.get(2 * CHECK_BYTES..).filter(|rest| rest.len() == 16)?, 16).ok()?;
    let mask = u64::from_str_radix(id.get(..16)?, 16).ok()?;
    AccountId::new(number ^ mask).filter(|account| canonical_user_id(*account) == id)
}

fn check_of(account: AccountId) -> [u8; CHECK_BYTES] {
    let digest = Sha256::digest(format!("haneul canonical user {account}"));
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

fn mask_of(check: &[u8]) -> u64 {
    check.iter().take(8).fold(0, |mask, byte| mask << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_account() {
        for number in [0, 1, 111_111_111_111, 999_999_999_999] {
            let account = AccountId::new(number).unwrap();
            let id = canonical_user_id(account);
            assert_eq!((id.len(), account_of(&id)), (64, Some(account)));
        }
        for bad in ["", "x", &"0".repeat(64), &"f".repeat(64), &"é".repeat(32), &"+".repeat(64)] {
            assert_eq!(account_of(bad), None, "{bad}");
        }
    }
}
