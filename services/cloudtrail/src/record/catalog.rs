//! What is known of AWS's calls beyond their models: how records name them, which only read, which are data events.
//!
//! Sources: CloudTrail User Guide, "Logging data events" and "CloudTrail event reference"; each service's page on logging
//! its API calls with CloudTrail.

/// How one call appears in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Management,
    /// With the type of the resources that selectors choose by.
    Data(&'static str),
    /// Bulk that AWS has no event for.
    Never,
}

/// Operations whose records are data events: only what a trail or event data store selects is kept.
const DATA: &[(&str, &str, &[&str])] = &[
    (
        "s3",
        "AWS::S3::Object",
        &[
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "DeleteObject",
            "DeleteObjectTagging",
            "DeleteObjects",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectLegalHold",
            "GetObjectRetention",
            "GetObjectTagging",
            "GetObjectTorrent",
            "HeadBucket",
            "HeadObject",
            "ListMultipartUploads",
            "ListObjectVersions",
            "ListObjects",
            "ListObjectsV2",
            "ListParts",
            "PutObject",
            "PutObjectAcl",
            "PutObjectLegalHold",
            "PutObjectRetention",
            "PutObjectTagging",
            "RenameObject",
            "RestoreObject",
            "SelectObjectContent",
            "UploadPart",
            "UploadPartCopy",
        ],
    ),
    (
        "dynamodb",
        "AWS::DynamoDB::Table",
        &[
            "BatchExecuteStatement",
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "ExecuteStatement",
            "ExecuteTransaction",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        ],
    ),
    ("dynamodbstreams", "AWS::DynamoDB::Stream", &["GetRecords", "GetShardIterator"]),
    ("kinesis", "AWS::Kinesis::Stream", &["GetRecords", "GetShardIterator", "PutRecord", "PutRecords"]),
    ("kinesis", "AWS::Kinesis::StreamConsumer", &["SubscribeToShard"]),
    (
        "sqs",
        "AWS::SQS::Queue",
        &[
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        ],
    ),
    (
        "lambda",
        "AWS::Lambda::Function",
        &[
            "CheckpointDurableExecution",
            "GetDurableExecutionState",
            "Invoke",
            "InvokeAsync",
            "InvokeWithResponseStream",
            "SendDurableExecutionCallbackFailure",
            "SendDurableExecutionCallbackHeartbeat",
            "SendDurableExecutionCallbackSuccess",
        ],
    ),
    ("sns", "AWS::SNS::Topic", &["Publish", "PublishBatch"]),
    (
        "cloudwatch",
        "AWS::CloudWatch::Metric",
        &["GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage", "ListMetrics", "PutMetricData"],
    ),
];

const NEVER: &[(&str, &[&str])] = &[("logs", &["PutLogEvents"])];

/// Beginnings of the names of operations that change nothing.
const READS: &[&str] = &[
    "BatchGet",
    "Check",
    "Describe",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "TransactGet",
    "Validate",
    "View",
];

/// Others that count as read-only.
const READ_ONLY: &[(&str, &[&str])] = &[
    (
        "kms",
        &[
            "Decapsulate",
            "Decrypt",
            "DeriveSharedSecret",
            "Encapsulate",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "GenerateRandom",
            "ReEncrypt",
            "Sign",
            "Verify",
            "VerifyMac",
        ],
    ),
    ("kinesis", &["SubscribeToShard"]),
    ("logs", &["StartLiveTail", "StartQuery"]),
    ("sqs", &["ReceiveMessage"]),
    (
        "sts",
        &[
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "AssumeRoot",
            "DecodeAuthorizationMessage",
        ],
    ),
];

/// Operations whose names begin like those that only read.
const WRITES: &[(&str, &[&str])] = &[("lambda", &["CheckpointDurableExecution"])];

/// Services whose name in records is not that of their folder.
const SOURCES: &[(&str, &str)] = &[
    ("accessanalyzer", "access-analyzer.amazonaws.com"),
    ("application-autoscaling", "autoscaling.amazonaws.com"),
    ("cloudwatch", "monitoring.amazonaws.com"),
    ("dynamodbstreams", "dynamodb.amazonaws.com"),
    ("resourcegroupstaggingapi", "tagging.amazonaws.com"),
    ("s3control", "s3.amazonaws.com"),
];

/// Lambda's events carry the version of the operation's API.
const LAMBDA: &[(&str, &str)] = &[
    ("AddPermission", "20150331v2"),
    ("CreateAlias", "20150331"),
    ("CreateEventSourceMapping", "20150331"),
    ("CreateFunction", "20150331"),
    ("DeleteAlias", "20150331"),
    ("DeleteEventSourceMapping", "20150331"),
    ("DeleteFunction", "20150331"),
    ("DeleteFunctionConcurrency", "20171031"),
    ("DeleteLayerVersion", "20181031"),
    ("GetAccountSettings", "20160819"),
    ("GetAlias", "20150331"),
    ("GetEventSourceMapping", "20150331"),
    ("GetFunction", "20150331v2"),
    ("GetFunctionConfiguration", "20150331v2"),
    ("GetLayerVersion", "20181031"),
    ("GetPolicy", "20150331v2"),
    ("ListAliases", "20150331"),
    ("ListEventSourceMappings", "20150331"),
    ("ListFunctions", "20150331"),
    ("ListLayers", "20181031"),
    ("ListTags", "20170331"),
    ("ListVersionsByFunction", "20150331"),
    ("PublishLayerVersion", "20181031"),
    ("PublishVersion", "20150331"),
    ("PutFunctionConcurrency", "20171031"),
    ("RemovePermission", "20150331v2"),
    ("TagResource", "20170331v2"),
    ("UntagResource", "20170331v2"),
    ("UpdateAlias", "20150331"),
    ("UpdateEventSourceMapping", "20150331"),
    ("UpdateFunctionCode", "20150331v2"),
    ("UpdateFunctionConfiguration", "20150331v2"),
];

/// Services whose events are all recorded in one Region.
const GLOBAL: &[&str] = &["iam", "organizations"];

pub(crate) fn class(service: &str, operation: &str) -> Class {
    if of(NEVER, service).contains(&operation) {
        return Class::Never;
    }
    let data = DATA.iter().find(|(name, _, operations)| *name == service && operations.contains(&operation));
    data.map_or(Class::Management, |(_, kind, _)| Class::Data(kind))
}

pub(crate) fn is_read_only(service: &str, operation: &str) -> bool {
    let reads = READS.iter().any(|start| operation.starts_with(start));
    (reads && !of(WRITES, service).contains(&operation)) || of(READ_ONLY, service).contains(&operation)
}

/// Whether `responseElements` says anything: of what changes something, and of new sessions.
pub(crate) fn tells_answer(service: &str, operation: &str) -> bool {
    !is_read_only(service, operation) || service == "sts" && operation.starts_with("Assume")
}

pub(crate) fn is_global(service: &str) -> bool {
    GLOBAL.contains(&service)
}

/// `eventSource`.
pub(crate) fn source(service: &str) -> String {
    match SOURCES.iter().find(|(name, _)| *name == service) {
        Some((_, source)) => (*source).to_owned(),
        None => format!("{service}.amazonaws.com"),
    }
}

/// `eventName`.
pub(crate) fn event_name(service: &str, operation: &str) -> String {
    let version = (service == "lambda").then(|| LAMBDA.iter().find(|(name, _)| *name == operation)).flatten();
    match (service, operation) {
        ("s3", "ListObjectsV2") => "ListObjects".to_owned(),
        ("lambda", "InvokeWithResponseStream") => "Invoke".to_owned(),
        _ => format!("{operation}{}", version.map_or("", |(_, version)| version)),
    }
}

/// The type of a resource by its ARN, as records and lookups name it.
pub(crate) fn resource_type(arn: &str) -> Option<&'static str> {
    let mut parts = arn.splitn(6, ':');
    let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
    let kind = resource.split(['/', ':']).next().unwrap_or_default();
    Some(match (service, kind) {
        ("s3", _) if resource.contains('/') => "AWS::S3::Object",
        ("s3", "accesspoint") => "AWS::S3::AccessPoint",
        ("s3", _) => "AWS::S3::Bucket",
        ("iam", "user") => "AWS::IAM::User",
        ("iam", "role") => "AWS::IAM::Role",
        ("iam", "group") => "AWS::IAM::Group",
        ("iam", "policy") => "AWS::IAM::Policy",
        ("iam", "instance-profile") => "AWS::IAM::InstanceProfile",
        ("iam", "saml-provider") => "AWS::IAM::SAMLProvider",
        ("iam", "oidc-provider") => "AWS::IAM::OIDCProvider",
        ("kinesis", "stream") if resource.contains("/consumer/") => "AWS::Kinesis::StreamConsumer",
        ("kinesis", "stream") => "AWS::Kinesis::Stream",
        ("kms", "key") => "AWS::KMS::Key",
        ("kms", "alias") => "AWS::KMS::Alias",
        ("sqs", _) => "AWS::SQS::Queue",
        ("sns", _) => "AWS::SNS::Topic",
        ("dynamodb", "table") if resource.contains("/stream/") => "AWS::DynamoDB::Stream",
        ("dynamodb", "table") => "AWS::DynamoDB::Table",
        ("lambda", "function") => "AWS::Lambda::Function",
        ("logs", "log-group") => "AWS::Logs::LogGroup",
        ("secretsmanager", _) => "AWS::SecretsManager::Secret",
        ("ssm", "parameter") => "AWS::SSM::Parameter",
        ("cloudtrail", "trail") => "AWS::CloudTrail::Trail",
        ("cloudtrail", "eventdatastore") => "AWS::CloudTrail::EventDataStore",
        ("cloudwatch", "alarm") => "AWS::CloudWatch::Alarm",
        _ => return None,
    })
}

fn of(table: &'static [(&str, &'static [&'static str])], service: &str) -> &'static [&'static str] {
    table.iter().find(|(name, _)| *name == service).map_or(&[], |(_, all)| all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_apart() {
        for (service, operation, expected) in [
            ("s3", "PutObject", Class::Data("AWS::S3::Object")),
            ("s3", "CreateBucket", Class::Management),
            ("sqs", "SendMessageBatch", Class::Data("AWS::SQS::Queue")),
            ("sqs", "PurgeQueue", Class::Management),
            ("dynamodb", "TransactWriteItems", Class::Data("AWS::DynamoDB::Table")),
            ("kinesis", "PutRecords", Class::Data("AWS::Kinesis::Stream")),
            ("kinesis", "SplitShard", Class::Management),
            ("kms", "Encrypt", Class::Management),
            ("logs", "PutLogEvents", Class::Never),
        ] {
            assert_eq!(class(service, operation), expected, "{service} {operation}");
        }
        for (service, operation, read_only) in [
            ("iam", "CreateUser", false),
            ("iam", "GetUser", true),
            ("kms", "GenerateDataKey", true),
            ("kms", "CreateGrant", false),
            ("sts", "AssumeRole", true),
            ("sqs", "ReceiveMessage", true),
            ("sqs", "SendMessage", false),
        ] {
            assert_eq!(is_read_only(service, operation), read_only, "{service} {operation}");
        }
        assert_eq!(event_name("lambda", "CreateFunction"), "CreateFunction20150331");
        assert_eq!(source("cloudwatch"), "monitoring.amazonaws.com");
        assert_eq!(resource_type("arn:aws:s3:::b/k"), Some("AWS::S3::Object"));
        assert_eq!(resource_type("arn:aws:kms:eu-west-1:111122223333:key/1"), Some("AWS::KMS::Key"));
        assert_eq!(resource_type("*"), None);
    }
}
