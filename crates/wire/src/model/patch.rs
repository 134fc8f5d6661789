use super::{Kind, Model, Pattern};
use crate::Protocol;

/// What botocore's models leave out, because its clients no longer need it and older ones do.
pub(super) fn apply(model: &mut Model) {
    match model.service.name {
        "sqs" => sqs_query(model),
        "s3" => s3_roots(model),
        "s3control" => {
            model.metadata.xml_namespace = Some("http://awss3control.amazonaws.com/doc/2018-08-20/");
        }
        "s3tables" => s3tables_namespaces(model),
        _ => {}
    }
}

/// The namespaces that S3 makes by itself are called after buckets, whose names may have hyphens (S3 User Guide, "Accelerating
/// data discovery with S3 Metadata").
fn s3tables_namespaces(model: &mut Model) {
    for shape in model.shapes.iter_mut().filter(|shape| shape.name == "NamespaceName") {
        if let Some(constraints) = &mut shape.constraints {
            constraints.pattern = Some(Pattern::new("[0-9a-z_-]*"));
        }
    }
}

/// botocore does not look at the root of an answer; other SDKs do.
fn s3_roots(model: &mut Model) {
    model.metadata.xml_namespace = Some("http://s3.amazonaws.com/doc/2006-03-01/");
    for operation in &mut model.operations {
        let root = S3_ROOTS.iter().find(|(name, _)| *name == operation.name);
        operation.output_root = root.map(|(_, root)| *root);
        operation.bare_output = operation.name == "GetBucketLocation";
    }
}

/// Operation and the root element of its answer.
const S3_ROOTS: &[(&str, &str)] = &[
    ("CompleteMultipartUpload", "CompleteMultipartUploadResult"),
    ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
    ("CreateSession", "CreateSessionResult"),
    ("DeleteObjects", "DeleteResult"),
    ("GetBucketAccelerateConfiguration", "AccelerateConfiguration"),
    ("GetBucketAcl", "AccessControlPolicy"),
    ("GetBucketCors", "CORSConfiguration"),
    ("GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
    ("GetBucketLocation", "LocationConstraint"),
    ("GetBucketLogging", "BucketLoggingStatus"),
    ("GetBucketNotificationConfiguration", "NotificationConfiguration"),
    ("GetBucketRequestPayment", "RequestPaymentConfiguration"),
    ("GetBucketTagging", "Tagging"),
    ("GetBucketVersioning", "VersioningConfiguration"),
    ("GetBucketWebsite", "WebsiteConfiguration"),
    ("GetObjectAcl", "AccessControlPolicy"),
    ("GetObjectAttributes", "GetObjectAttributesResponse"),
    ("GetObjectTagging", "Tagging"),
    ("ListBucketAnalyticsConfigurations", "ListBucketAnalyticsConfigurationResult"),
    ("ListBucketIntelligentTieringConfigurations", "ListBucketIntelligentTieringConfigurationsResult"),
    ("ListBucketInventoryConfigurations", "ListInventoryConfigurationsResult"),
    ("ListBucketMetricsConfigurations", "ListMetricsConfigurationsResult"),
    ("ListBuckets", "ListAllMyBucketsResult"),
    ("ListDirectoryBuckets", "ListAllMyDirectoryBucketsResult"),
    ("ListMultipartUploads", "ListMultipartUploadsResult"),
    ("ListObjectVersions", "ListVersionsResult"),
    ("ListObjects", "ListBucketResult"),
    ("ListObjectsV2", "ListBucketResult"),
    ("ListParts", "ListPartsResult"),
];

/// SQS spoke the query protocol until 2023; its model of today is JSON's.
fn sqs_query(model: &mut Model) {
    model.metadata.protocols.push(Protocol::AwsQuery);
    model.metadata.xml_namespace = Some("http://queue.amazonaws.com/doc/2012-11-05/");
    for shape in &mut model.shapes {
        let name = shape.name;
        match &mut shape.kind {
            Kind::Structure(structure) => {
                if let Some(error) = &mut structure.error
                    && let Some(&(_, code, status)) = SQS_ERRORS.iter().find(|(shape, ..)| *shape == name)
                {
                    (error.code, error.status, error.sender_fault) = (Some(code), Some(status), true);
                }
                for member in &mut structure.members {
                    let renamed = SQS_MEMBERS.iter().find(|(shape, ours, _)| {
                        (shape.is_empty() || name == *shape) && member.name == *ours
                    });
                    if let Some((.., query_name)) = renamed {
                        member.rare.get_or_insert_default().query_name = Some(query_name);
                    }
                }
            }
            Kind::Map(map) => {
                (map.key_name, map.value_name) = match name {
                    "TagMap" => ("Key", "Value"),
                    _ => ("Name", "Value"),
                }
            }
            _ => {}
        }
    }
}

/// Shape (empty: any), member, and its name in the query protocol: the singular, since lists are flat there.
const SQS_MEMBERS: &[(&str, &str, &str)] = &[
    ("ChangeMessageVisibilityBatchRequest", "Entries", "ChangeMessageVisibilityBatchRequestEntry"),
    ("ChangeMessageVisibilityBatchResult", "Successful", "ChangeMessageVisibilityBatchResultEntry"),
    ("DeleteMessageBatchRequest", "Entries", "DeleteMessageBatchRequestEntry"),
    ("DeleteMessageBatchResult", "Successful", "DeleteMessageBatchResultEntry"),
    ("SendMessageBatchRequest", "Entries", "SendMessageBatchRequestEntry"),
    ("SendMessageBatchResult", "Successful", "SendMessageBatchResultEntry"),
    ("ListMessageMoveTasksResult", "Results", "ListMessageMoveTasksResultEntry"),
    ("ListDeadLetterSourceQueuesResult", "queueUrls", "QueueUrl"),
    ("ListQueuesResult", "QueueUrls", "QueueUrl"),
    ("MessageAttributeValue", "StringListValues", "StringListValue"),
    ("MessageAttributeValue", "BinaryListValues", "BinaryListValue"),
    ("MessageSystemAttributeValue", "StringListValues", "StringListValue"),
    ("MessageSystemAttributeValue", "BinaryListValues", "BinaryListValue"),
    ("", "AWSAccountIds", "AWSAccountId"),
    ("", "Actions", "ActionName"),
    ("", "AttributeNames", "AttributeName"),
    ("", "Attributes", "Attribute"),
    ("", "Failed", "BatchResultErrorEntry"),
    ("", "MessageAttributeNames", "MessageAttributeName"),
    ("", "MessageAttributes", "MessageAttribute"),
    ("", "MessageSystemAttributeNames", "MessageSystemAttributeName"),
    ("", "MessageSystemAttributes", "MessageSystemAttribute"),
    ("", "Messages", "Message"),
    ("", "TagKeys", "TagKey"),
    ("", "Tags", "Tag"),
    ("CreateQueueRequest", "tags", "Tag"),
];

/// Shape, code and status in the query protocol. Errors that are not listed have their shape's name and 400.
const SQS_ERRORS: &[(&str, &str, u16)] = &[
    ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400),
    ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400),
    ("InvalidAddress", "InvalidAddress", 404),
    ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    ("InvalidSecurity", "InvalidSecurity", 403),
    ("KmsAccessDenied", "KMS.AccessDeniedException", 400),
    ("KmsDisabled", "KMS.DisabledException", 400),
    ("KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException", 400),
    ("KmsInvalidState", "KMS.InvalidStateException", 400),
    ("KmsNotFound", "KMS.NotFoundException", 400),
    ("KmsOptInRequired", "KMS.OptInRequired", 403),
    ("KmsThrottled", "KMS.ThrottlingException", 400),
    ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400),
    ("OverLimit", "OverLimit", 403),
    ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403),
    ("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400),
    ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400),
    ("QueueNameExists", "QueueAlreadyExists", 400),
    ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
    ("RequestThrottled", "RequestThrottled", 403),
    ("ResourceNotFoundException", "ResourceNotFoundException", 404),
    ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400),
];
