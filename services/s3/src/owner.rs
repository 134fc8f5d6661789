//! Canonical user ids: how ACLs and listings name an account.

use haneul_kit::AccountId;
use haneul_s3_wire::shapes::Owner;
use sha2::{Digest, Sha256};

/// Bytes of an id that vouch for the account in the rest of it.
const CHECK_BYTES: usize = 24;

/// 64 hexadecimal digits, the same for an account for ever.
pub(crate) fn canonical_id(account: AccountId) -> String {
    let check = check_of(account);
    let mask = mask_of(&check);
    let mut id = check.to_vec();
    id.extend_from_slice(&(account.number() ^ mask).to_be_bytes());
    hex::encode(id)
}

/// The account that an id names: S3 refuses ids of nobody.
pub(crate) fn account_of(id: &str) -> Option<AccountId> {
    let bytes: [u8; 32] = hex::decode(id).ok()?.try_into().ok()?;
    let (check, number) = bytes.split_at(CHECK_BYTES);
    let number = u64::from_be_bytes(number.try_into().ok()?) ^ mask_of(check);
    AccountId::new(number).filter(|account| canonical_id(*account) == id)
}

/// Without a display name, which S3 no longer gives since November 2025.
pub(crate) fn owner(account: AccountId) -> Owner {
    Owner { display_name: None, id: Some(canonical_id(account)) }
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
            let id = canonical_id(account);
            assert_eq!((id.len(), account_of(&id)), (64, Some(account)));
        }
        for bad in ["", "x", &"0".repeat(64), &"f".repeat(64), &"é".repeat(32)] {
            assert_eq!(account_of(bad), None, "{bad}");
        }
    }
}
