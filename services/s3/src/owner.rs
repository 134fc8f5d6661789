//! Canonical user ids: how ACLs and listings name an account.

use haneul_kit::AccountId;
pub(crate) use haneul_kit::canonical_user::{account_of, canonical_user_id as canonical_id};
use haneul_s3_wire::shapes::Owner;

/// Without a display name, which S3 no longer gives since November 2025.
pub(crate) fn owner(account: AccountId) -> Owner {
    Owner { display_name: None, id: Some(canonical_id(account)) }
}
