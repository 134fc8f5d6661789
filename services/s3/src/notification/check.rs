//! What PutBucketNotificationConfiguration accepts, with S3's refusals.

use haneul_kit::{ApiError, Arn, Region, Result};

use super::covers;
use crate::error::{self, invalid_argument};
use crate::model::features::{Notification, Target};

/// S3 User Guide, "Amazon S3 Event Notifications": of a bucket.
const CONFIGURATIONS_MAX: usize = 100;
const ID_LENGTH_MAX: usize = 255;

/// Longest prefix or suffix, in bytes.
pub(crate) const FILTER_BYTES_MAX: usize = 1024;

/// Every type that can be asked for.
pub(crate) const EVENTS: &[&str] = &[
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
];

pub(crate) fn check(notifications: &[Notification], region: Region) -> Result<()> {
    if notifications.len() > CONFIGURATIONS_MAX {
        return Err(error::invalid_request(
            "The number of notification configurations exceeds the limit of 100",
        ));
    }
    for (i, notification) in notifications.iter().enumerate() {
        if notification.id.chars().count() > ID_LENGTH_MAX {
            let message = "Size of the ID exceeds the limit of 255 characters";
            return Err(invalid_argument(message, "Id", notification.id.clone()));
        }
        if notifications[..i].iter().any(|earlier| earlier.id == notification.id) {
            let message = "Same ID used for multiple configurations. IDs must be unique";
            return Err(invalid_argument(message, "Id", notification.id.clone()));
        }
        check_one(notification, region)?;
        for earlier in &notifications[..i] {
            check_overlap(earlier, notification)?;
        }
    }
    Ok(())
}

fn check_one(notification: &Notification, region: Region) -> Result<()> {
    if notification.events.is_empty() {
        return Err(error::malformed_xml());
    }
    for event in &notification.events {
        if !EVENTS.contains(&event.as_str()) {
            let message = "A specified event is not supported for notifications.";
            return Err(invalid_argument(message, "Event", event.clone()));
        }
    }
    check_arn(&notification.target, region)
}

fn check_arn(target: &Target, region: Region) -> Result<()> {
    let (text, service, name) = match target {
        Target::Queue(arn) => (arn, "sqs", "QueueArn"),
        Target::Topic(arn) => (arn, "sns", "TopicArn"),
        Target::Function(arn) => (arn, "lambda", "LambdaFunctionArn"),
        Target::EventBridge => return Ok(()),
    };
    let unread = || invalid_argument("The ARN could not be parsed", name, text.clone());
    let malformed = || invalid_argument("The ARN is not well formed", name, text.clone());
    let arn = Arn::parse(text).map_err(|_| unread())?;
    if arn.service() != service {
        return Err(unread());
    }
    if arn.account_id().is_none() || arn.resource().is_empty() {
        return Err(malformed());
    }
    if service == "lambda" && !arn.resource().starts_with("function:") {
        return Err(malformed());
    }
    if arn.region() != region.as_str() {
        let message =
            "The notification destination service region is not valid for the bucket location constraint";
        return Err(invalid_argument(message, name, text.clone()));
    }
    if arn.resource().ends_with(".fifo") {
        return Err(undeliverable(target, "FIFO queues and topics are not supported as destinations"));
    }
    Ok(())
}

/// Two configurations may share an event type only if no key can match both.
fn check_overlap(a: &Notification, b: &Notification) -> Result<()> {
    let shared = a.events.iter().find(|x| b.events.iter().any(|y| meet(x, y)));
    let Some(event) = shared else { return Ok(()) };
    let nested = |x: &Option<String>, y: &Option<String>, within: fn(&str, &str) -> bool| {
        let (x, y) = (x.as_deref().unwrap_or_default(), y.as_deref().unwrap_or_default());
        within(x, y) || within(y, x)
    };
    if !nested(&a.prefix, &b.prefix, |x, y| x.starts_with(y))
        || !nested(&a.suffix, &b.suffix, |x, y| x.ends_with(y))
    {
        return Ok(());
    }
    let filtered = [a, b].iter().any(|one| one.prefix.is_some() || one.suffix.is_some());
    let message = if filtered {
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are \
         overlapping for the same event type."
    } else {
        "Configurations overlap. Configurations on the same bucket cannot share a common event type."
    };
    Err(invalid_argument(message, "Event", event.clone()))
}

fn meet(x: &str, y: &str) -> bool {
    let bare = |event: &str| event.trim_start_matches("s3:").trim_end_matches(":*").to_owned();
    covers(x, &bare(y)) || covers(y, &bare(x))
}

/// A destination that does not take the test event.
pub(crate) fn undeliverable(target: &Target, why: &str) -> ApiError {
    error::new("InvalidArgument", 400, "Unable to validate the following destination configurations")
        .with_field("ArgumentName1", format!("{}, null", target.arn().unwrap_or("EventBridge")))
        .with_field("ArgumentValue1", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, events: &[&str], prefix: Option<&str>, suffix: Option<&str>) -> Notification {
        Notification {
            id: id.into(),
            target: Target::Queue("arn:aws:sqs:us-east-1:000000000000:q".into()),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            prefix: prefix.map(str::to_owned),
            suffix: suffix.map(str::to_owned),
        }
    }

    #[test]
    fn overlaps() {
        let put = ["s3:ObjectCreated:Put"];
        let all = ["s3:ObjectCreated:*"];
        let gone = ["s3:ObjectRemoved:*"];
        for (a, b, expected) in [
            (one("a", &put, None, None), one("b", &all, None, None), "Configurations overlap"),
            (one("a", &put, None, None), one("b", &gone, None, None), "ok"),
            (one("a", &put, None, None), one("b", &["s3:ObjectCreated:Copy"], None, None), "ok"),
            (one("a", &all, Some("x/"), None), one("b", &all, Some("y/"), None), "ok"),
            (
                one("a", &all, Some("x/"), None),
                one("b", &all, Some("x/y"), None),
                "Configuration is ambiguously",
            ),
            (one("a", &all, Some("x/"), Some(".jpg")), one("b", &all, Some("x/"), Some(".png")), "ok"),
            (
                one("a", &all, None, Some(".jpg")),
                one("b", &put, Some("x/"), None),
                "Configuration is ambiguously",
            ),
            (one("a", &put, None, None), one("a", &gone, None, None), "Same ID"),
        ] {
            let said =
                check(&[a, b], Region::US_EAST_1).map_or_else(|e| e.message().to_owned(), |()| "ok".into());
            assert!(said.starts_with(expected), "{said} / {expected}");
        }
    }

    #[test]
    fn destinations() {
        for (target, expected) in [
            (Target::Queue("arn:aws:sqs:us-east-1:000000000000:q".into()), "ok"),
            (Target::Queue("q".into()), "The ARN could not be parsed"),
            (Target::Queue("arn:aws:sns:us-east-1:000000000000:q".into()), "The ARN could not be parsed"),
            (Target::Queue("arn:aws:sqs:us-east-1::q".into()), "The ARN is not well formed"),
            (
                Target::Queue("arn:aws:sqs:eu-west-1:000000000000:q".into()),
                "The notification destination service",
            ),
            (Target::Queue("arn:aws:sqs:us-east-1:000000000000:q.fifo".into()), "Unable to validate"),
            (Target::Function("arn:aws:lambda:us-east-1:000000000000:function:f".into()), "ok"),
            (Target::Function("arn:aws:lambda:us-east-1:000000000000:layer:f".into()), "The ARN is not"),
        ] {
            let one = Notification { target, ..one("a", &["s3:ObjectCreated:*"], None, None) };
            let said =
                check(&[one], Region::US_EAST_1).map_or_else(|e| e.message().to_owned(), |()| "ok".into());
            assert!(said.starts_with(expected), "{said} / {expected}");
        }
        let odd = one("a", &["s3:ObjectCreated:Nothing"], None, None);
        assert_eq!(check(&[odd], Region::US_EAST_1).unwrap_err().code(), "InvalidArgument");
    }
}
