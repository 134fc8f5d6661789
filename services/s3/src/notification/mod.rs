//! Event notifications: which configurations are accepted, what an event is called, and its message.
//!
//! Reading order: this file (who is told of what), [`check`] (what is accepted), [`message`] (what is sent).
//! Source: S3 User Guide, "Amazon S3 Event Notifications" and the pages under it.

pub(crate) mod check;
pub(crate) mod message;

use crate::model::features::{Features, Notification, Target};

/// Whether anybody is told anything.
pub(crate) fn wanted(features: &Features) -> bool {
    features.event_bridge || !features.notifications.is_empty()
}

/// Who is told of the event `name` (`ObjectCreated:Put`) on `key`, each with its configuration's id.
pub(crate) fn targets<'a>(
    features: &'a Features,
    name: &'a str,
    key: &'a str,
) -> impl Iterator<Item = (Option<&'a str>, &'a Target)> {
    let told = move |notification: &&Notification| {
        notification.events.iter().any(|pattern| covers(pattern, name))
            && notification.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
            && notification.suffix.as_deref().is_none_or(|suffix| key.ends_with(suffix))
    };
    let configured = features.notifications.iter().filter(told);
    let bridge =
        (features.event_bridge && message::bridge_type(name).is_some()).then_some(&Target::EventBridge);
    configured
        .map(|notification| (Some(notification.id.as_str()), &notification.target))
        .chain(bridge.map(|target| (None, target)))
}

/// Whether the event type of a configuration (`s3:ObjectCreated:*`) is or has within it the event `name`.
fn covers(pattern: &str, name: &str) -> bool {
    let Some(pattern) = pattern.strip_prefix("s3:") else { return false };
    match pattern.strip_suffix(":*") {
        Some(family) => name.split(':').next() == Some(family),
        None => pattern == name,
    }
}
