use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetBucketNotificationConfiguration, PutBucketNotificationConfiguration};
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::bucket::Bucket;
use crate::model::BucketRecord;
use crate::model::features::{Notification, Target};
use crate::notification::check::{self, undeliverable};
use crate::notification::message;
use crate::{S3, calls, error};

impl Handle<GetBucketNotificationConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketNotificationConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketNotification").await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketNotificationConfigurationRequest,
    ) -> Result<s::NotificationConfiguration> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let features = &bucket.record.features;
        let mut output = s::NotificationConfiguration {
            event_bridge_configuration: features.event_bridge.then(Default::default),
            ..Default::default()
        };
        for notification in &features.notifications {
            let (id, events) = (Some(notification.id.clone()), notification.events.clone());
            let filter = filter_to_wire(notification);
            match notification.target.clone() {
                Target::Queue(queue_arn) => output
                    .queue_configurations
                    .get_or_insert_default()
                    .push(s::QueueConfiguration { id, queue_arn, events, filter }),
                Target::Topic(topic_arn) => output
                    .topic_configurations
                    .get_or_insert_default()
                    .push(s::TopicConfiguration { id, topic_arn, events, filter }),
                Target::Function(lambda_function_arn) => output
                    .lambda_function_configurations
                    .get_or_insert_default()
                    .push(s::LambdaFunctionConfiguration { id, lambda_function_arn, events, filter }),
                Target::EventBridge => {}
            }
        }
        Ok(output)
    }
}

impl Handle<PutBucketNotificationConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutBucketNotificationConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketNotification").await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketNotificationConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.notification_configuration;
        let event_bridge = given.event_bridge_configuration.is_some();
        let notifications = self.notifications_from_wire(given)?;
        check::check(&notifications, bucket.region)?;
        self.try_destinations(cx, &bucket, &notifications, event_bridge, input.skip_destination_validation)
            .await?;
        let set = |record: &mut BucketRecord| {
            record.features.notifications = notifications.clone();
            record.features.event_bridge = event_bridge;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl S3 {
    fn notifications_from_wire(&self, given: s::NotificationConfiguration) -> Result<Vec<Notification>> {
        let mut notifications = Vec::new();
        let mut add =
            |id: Option<String>, target, events, filter: Option<s::NotificationConfigurationFilter>| {
                let (prefix, suffix) = filter_from_wire(filter)?;
                let id = id
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| STANDARD.encode(self.platform.env.rng.uuid()));
                notifications.push(Notification { id, target, events, prefix, suffix });
                Ok::<_, ApiError>(())
            };
        for one in given.topic_configurations.into_iter().flatten() {
            add(one.id, Target::Topic(one.topic_arn), one.events, one.filter)?;
        }
        for one in given.queue_configurations.into_iter().flatten() {
            add(one.id, Target::Queue(one.queue_arn), one.events, one.filter)?;
        }
        for one in given.lambda_function_configurations.into_iter().flatten() {
            add(one.id, Target::Function(one.lambda_function_arn), one.events, one.filter)?;
        }
        Ok(notifications)
    }

    /// Sends each destination the test event, so that its own policy decides now whether it can be told later.
    async fn try_destinations(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        notifications: &[Notification],
        event_bridge: bool,
        skip: Option<bool>,
    ) -> Result<()> {
        let (bus, source) = (&self.platform.bus, bucket.source());
        if event_bridge && !calls::has_event_bridge(bus, &source).await {
            return Err(undeliverable(&Target::EventBridge, "EventBridge is not implemented by Haneul"));
        }
        let mut targets: Vec<&Target> = notifications.iter().map(|one| &one.target).collect();
        targets.sort();
        targets.dedup();
        for target in targets {
            let tried = match target {
                Target::Function(function) => calls::may_invoke(bus, &source, function).await,
                _ if skip == Some(true) => Ok(()),
                _ => {
                    let test = message::test_event(&bucket.name, cx.request_id(), cx.now());
                    calls::send(bus, &source, target, test.to_string()).await
                }
            };
            match tried {
                Ok(()) => {}
                Err(error) if error.code() == "NotImplemented" => {
                    return Err(undeliverable(
                        target,
                        "The destination's service is not implemented by Haneul",
                    ));
                }
                Err(_) if skip == Some(true) => {}
                Err(error) => return Err(undeliverable(target, &refusal(target, &error))),
            }
        }
        Ok(())
    }
}

/// The destination's refusal in S3's words.
fn refusal(target: &Target, error: &ApiError) -> Cow<'static, str> {
    let is_missing = error.status() == Some(404)
        || error.code().contains("NonExistent")
        || error.code().contains("NotFound")
        || error.code() == "QueueDoesNotExist";
    let words = match (target, is_missing) {
        (Target::Queue(_), true) => "The destination queue does not exist",
        (Target::Queue(_), false) => {
            "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"
        }
        (Target::Topic(_), true) => "The destination topic does not exist",
        (Target::Topic(_), false) => {
            "Permissions on the destination topic do not allow S3 to publish notifications from this bucket"
        }
        (_, true) => "The destination Lambda function does not exist",
        (_, false) => {
            let function = target.arn().unwrap_or_default();
            return Cow::Owned(format!("Not authorized to invoke function [{function}]"));
        }
    };
    Cow::Borrowed(words)
}

fn filter_from_wire(
    filter: Option<s::NotificationConfigurationFilter>,
) -> Result<(Option<String>, Option<String>)> {
    let rules = filter.and_then(|filter| filter.key).and_then(|key| key.filter_rules).unwrap_or_default();
    let (mut prefix, mut suffix) = (None, None);
    for rule in rules {
        let name = rule.name.unwrap_or_default();
        let value = rule.value.unwrap_or_default();
        if value.len() > check::FILTER_BYTES_MAX {
            let message = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation";
            return Err(error::invalid_argument(message, "FilterRule.Value", value));
        }
        let slot = match name.to_ascii_lowercase().as_str() {
            "prefix" => &mut prefix,
            "suffix" => &mut suffix,
            _ => {
                let message = "filter rule name must be either prefix or suffix";
                return Err(error::invalid_argument(message, "FilterRule.Name", name));
            }
        };
        if slot.is_some() {
            let message =
                format!("Cannot specify more than one {} rule in a filter.", name.to_ascii_lowercase());
            return Err(error::invalid_argument(message, "FilterRule.Name", name));
        }
        *slot = Some(value);
    }
    Ok((prefix, suffix))
}

fn filter_to_wire(notification: &Notification) -> Option<s::NotificationConfigurationFilter> {
    let rule = |name: &str, value: &Option<String>| {
        value.clone().map(|value| s::FilterRule { name: Some(name.to_owned()), value: Some(value) })
    };
    let rules: Vec<_> = rule("Prefix", &notification.prefix)
        .into_iter()
        .chain(rule("Suffix", &notification.suffix))
        .collect();
    (!rules.is_empty()).then_some(s::NotificationConfigurationFilter {
        key: Some(s::S3KeyFilter { filter_rules: Some(rules) }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_destinations() {
        let (denied, missing) = (
            ApiError::new("AccessDenied", "").with_status(403),
            ApiError::new("ResourceNotFoundException", "").with_status(404),
        );
        let function = "arn:aws:lambda:us-east-1:000000000000:function:f:dev";
        for (target, error, expected) in [
            (Target::Queue("q".into()), &missing, "The destination queue does not exist"),
            (Target::Topic("t".into()), &missing, "The destination topic does not exist"),
            (
                Target::Topic("t".into()),
                &denied,
                "Permissions on the destination topic do not allow S3 to publish notifications from this bucket",
            ),
            (
                Target::Function(function.into()),
                &denied,
                "Not authorized to invoke function [arn:aws:lambda:us-east-1:000000000000:function:f:dev]",
            ),
        ] {
            assert_eq!(refusal(&target, error), expected);
        }
    }
}
