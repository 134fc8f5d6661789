//! The operations, one file for each noun.

mod accounts;
mod attachments;
mod close_account;
mod create_account;
mod delegated_administrators;
mod effective_policies;
mod handshakes;
mod invitations;
mod organization;
mod policies;
mod policy_types;
mod resource_policy;
mod service_access;
mod tags;
mod transfers;
mod tree;
mod units;

use haneul_organizations_wire::shapes as s;

use crate::error;
use crate::model::Tags;
use crate::quotas;

/// The tags of a request.
///
/// # Errors
/// For AWS's own keys, a key that comes twice, too many.
fn tags_of(given: Option<Vec<s::Tag>>) -> haneul_kit::Result<Tags> {
    let mut tags = Tags::new();
    for tag in given.unwrap_or_default() {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            let message =
                "You specified a tag key that is a system tag. You can't add, edit, or delete system tags.";
            return Err(error::invalid("INVALID_SYSTEM_TAGS_PARAMETER", message));
        }
        if tags.iter().any(|(key, _)| *key == tag.key) {
            let message = "Tag keys must be unique among the tags attached to the same entity.";
            return Err(error::invalid("DUPLICATE_TAG_KEY", message));
        }
        tags.push((tag.key, tag.value));
    }
    if tags.len() > quotas::TAGS_MAX {
        let message = "You have exceeded the number of tags allowed on this resource.";
        return Err(error::constraint("MAX_TAG_LIMIT_EXCEEDED", message));
    }
    Ok(tags)
}

fn borrowed(tags: Option<&Vec<s::Tag>>) -> Vec<(&str, &str)> {
    tags.into_iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
}
