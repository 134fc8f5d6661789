//! Canonical user ids: how ACLs and listings name an account.

use haneul_kit::AccountId;
use haneul_s3_wire::shapes::{Grant, Grantee, Owner};
use sha2::{Digest, Sha256};

/// 64 hexadecimal digits, the same for an account for ever.
pub(crate) fn canonical_id(account: AccountId) -> String {
    hex::encode(Sha256::digest(format!("haneul canonical user {account}")))
}

/// Without a display name, which S3 no longer gives since November 2025.
pub(crate) fn owner(account: AccountId) -> Owner {
    Owner { display_name: None, id: Some(canonical_id(account)) }
}

/// The ACL of whatever only its owner may use.
pub(crate) fn full_control(account: AccountId) -> Vec<Grant> {
    let grantee =
        Grantee { id: Some(canonical_id(account)), r#type: "CanonicalUser".to_owned(), ..Grantee::default() };
    vec![Grant { grantee: Some(grantee), permission: Some("FULL_CONTROL".to_owned()) }]
}
