//! The first forms of two configurations. On the wire they are the same requests as their successors, which answer them;
//! here, for who calls by name, they are turned into those.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::S3;

impl Handle<op::GetBucketLifecycle> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetBucketLifecycleRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetLifecycleConfiguration")
            .await
    }

    /// Rules that only the newer form can tell show their prefix alone.
    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketLifecycleRequest,
    ) -> Result<s::GetBucketLifecycleOutput> {
        let newer = s::GetBucketLifecycleConfigurationRequest {
            bucket: input.bucket,
            expected_bucket_owner: input.expected_bucket_owner,
        };
        let answer = Handle::<op::GetBucketLifecycleConfiguration>::call(self, cx, newer).await?;
        let rule = |rule: s::LifecycleRule| s::Rule {
            expiration: rule.expiration,
            id: rule.id,
            prefix: rule.prefix.or_else(|| rule.filter.and_then(|filter| filter.prefix)).unwrap_or_default(),
            status: rule.status,
            transition: rule.transitions.and_then(|all| all.into_iter().next()),
            noncurrent_version_transition: rule
                .noncurrent_version_transitions
                .and_then(|all| all.into_iter().next()),
            noncurrent_version_expiration: rule.noncurrent_version_expiration,
            abort_incomplete_multipart_upload: rule.abort_incomplete_multipart_upload,
        };
        Ok(s::GetBucketLifecycleOutput {
            rules: answer.rules.map(|rules| rules.into_iter().map(rule).collect()),
        })
    }
}

impl Handle<op::PutBucketLifecycle> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutBucketLifecycleRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutLifecycleConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketLifecycleRequest) -> Result<Empty> {
        let rule = |rule: s::Rule| s::LifecycleRule {
            expiration: rule.expiration,
            id: rule.id,
            prefix: Some(rule.prefix),
            status: rule.status,
            transitions: rule.transition.map(|one| vec![one]),
            noncurrent_version_transitions: rule.noncurrent_version_transition.map(|one| vec![one]),
            noncurrent_version_expiration: rule.noncurrent_version_expiration,
            abort_incomplete_multipart_upload: rule.abort_incomplete_multipart_upload,
            ..s::LifecycleRule::default()
        };
        let newer = s::PutBucketLifecycleConfigurationRequest {
            bucket: input.bucket,
            expected_bucket_owner: input.expected_bucket_owner,
            lifecycle_configuration: input.lifecycle_configuration.map(|given| {
                s::BucketLifecycleConfiguration { rules: given.rules.into_iter().map(rule).collect() }
            }),
            ..Default::default()
        };
        Handle::<op::PutBucketLifecycleConfiguration>::call(self, cx, newer).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetBucketNotification> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketNotificationConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketNotification").await
    }

    /// The first of each kind.
    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketNotificationConfigurationRequest,
    ) -> Result<s::NotificationConfigurationDeprecated> {
        let newer = Handle::<op::GetBucketNotificationConfiguration>::call(self, cx, input).await?;
        let topic = newer.topic_configurations.and_then(|all| all.into_iter().next());
        let queue = newer.queue_configurations.and_then(|all| all.into_iter().next());
        let function = newer.lambda_function_configurations.and_then(|all| all.into_iter().next());
        Ok(s::NotificationConfigurationDeprecated {
            topic_configuration: topic.map(|one| s::TopicConfigurationDeprecated {
                id: one.id,
                event: one.events.last().cloned(),
                events: Some(one.events),
                topic: Some(one.topic_arn),
            }),
            queue_configuration: queue.map(|one| s::QueueConfigurationDeprecated {
                id: one.id,
                event: one.events.last().cloned(),
                events: Some(one.events),
                queue: Some(one.queue_arn),
            }),
            cloud_function_configuration: function.map(|one| s::CloudFunctionConfiguration {
                id: one.id,
                event: one.events.last().cloned(),
                events: Some(one.events),
                cloud_function: Some(one.lambda_function_arn),
                invocation_role: None,
            }),
        })
    }
}

impl Handle<op::PutBucketNotification> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutBucketNotificationRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketNotification").await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketNotificationRequest) -> Result<Empty> {
        let given = input.notification_configuration;
        let events = |one: Option<String>, all: Option<Vec<String>>| -> Vec<String> {
            all.filter(|all| !all.is_empty()).unwrap_or_else(|| one.into_iter().collect())
        };
        let newer = s::NotificationConfiguration {
            topic_configurations: given.topic_configuration.map(|one| {
                vec![s::TopicConfiguration {
                    id: one.id,
                    topic_arn: one.topic.unwrap_or_default(),
                    events: events(one.event, one.events),
                    filter: None,
                }]
            }),
            queue_configurations: given.queue_configuration.map(|one| {
                vec![s::QueueConfiguration {
                    id: one.id,
                    queue_arn: one.queue.unwrap_or_default(),
                    events: events(one.event, one.events),
                    filter: None,
                }]
            }),
            lambda_function_configurations: given.cloud_function_configuration.map(|one| {
                vec![s::LambdaFunctionConfiguration {
                    id: one.id,
                    lambda_function_arn: one.cloud_function.unwrap_or_default(),
                    events: events(one.event, one.events),
                    filter: None,
                }]
            }),
            event_bridge_configuration: None,
        };
        let newer = s::PutBucketNotificationConfigurationRequest {
            bucket: input.bucket,
            notification_configuration: newer,
            expected_bucket_owner: input.expected_bucket_owner,
            ..Default::default()
        };
        Handle::<op::PutBucketNotificationConfiguration>::call(self, cx, newer).await
    }
}
