//! Queries to begin with, which SearchSampleQueries finds. The texts are ours; the id of a store goes where `$EDS_ID` is.

pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) sql: &'static str,
}

const fn sample(name: &'static str, description: &'static str, sql: &'static str) -> Sample {
    Sample { name, description, sql }
}

pub(crate) const SAMPLES: &[Sample] = &[
    sample(
        "Most frequent actions",
        "Counts events by service and action in the last week, the most frequent first.",
        "SELECT eventSource, eventName, count(*) AS calls FROM $EDS_ID WHERE eventTime > date_add('day', -7, now()) GROUP BY eventSource, eventName ORDER BY calls DESC LIMIT 50",
    ),
    sample(
        "Who made changes",
        "Finds events that changed something, with the identity that made each.",
        "SELECT eventTime, userIdentity.arn AS who, eventSource, eventName, awsRegion, sourceIPAddress FROM $EDS_ID WHERE readOnly = false AND errorCode IS NULL ORDER BY eventTime DESC LIMIT 200",
    ),
    sample(
        "Denied calls by identity",
        "Counts calls that were denied access, by identity and action.",
        "SELECT userIdentity.arn AS who, eventSource, eventName, count(*) AS denied FROM $EDS_ID WHERE errorCode IN ('AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'Client.UnauthorizedOperation') GROUP BY userIdentity.arn, eventSource, eventName ORDER BY denied DESC",
    ),
    sample(
        "Most frequent errors",
        "Counts error codes by service, with the time of the last one.",
        "SELECT eventSource, errorCode, count(*) AS errors, max(eventTime) AS last FROM $EDS_ID WHERE errorCode IS NOT NULL GROUP BY eventSource, errorCode ORDER BY errors DESC LIMIT 50",
    ),
    sample(
        "Activity of an access key",
        "Shows what was done with one access key. Put its id in place of the example.",
        "SELECT eventTime, eventSource, eventName, errorCode, sourceIPAddress, userAgent FROM $EDS_ID WHERE userIdentity.accessKeyId = 'AKIAIOSFODNN7EXAMPLE' ORDER BY eventTime",
    ),
    sample(
        "Use of the root user",
        "Finds calls that the root user of an account made.",
        "SELECT eventTime, recipientAccountId, eventSource, eventName, sourceIPAddress FROM $EDS_ID WHERE userIdentity.type = 'Root' ORDER BY eventTime DESC",
    ),
    sample(
        "Calls from another account",
        "Finds calls whose caller is of another account than the resource's.",
        "SELECT eventTime, userIdentity.accountId AS caller, recipientAccountId, eventSource, eventName FROM $EDS_ID WHERE userIdentity.accountId <> recipientAccountId ORDER BY eventTime DESC",
    ),
    sample(
        "IAM users and keys that were made",
        "Finds new users, access keys and login profiles of IAM.",
        "SELECT eventTime, userIdentity.arn AS who, eventName, element_at(requestParameters, 'userName') AS userName FROM $EDS_ID WHERE eventSource = 'iam.amazonaws.com' AND eventName IN ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile') ORDER BY eventTime DESC",
    ),
    sample(
        "Changes of IAM policies",
        "Finds policies of IAM that were made, changed, attached or detached.",
        "SELECT eventTime, userIdentity.arn AS who, eventName, requestParameters FROM $EDS_ID WHERE eventSource = 'iam.amazonaws.com' AND regexp_like(eventName, 'Policy') AND readOnly = false ORDER BY eventTime DESC",
    ),
    sample(
        "Roles that were assumed",
        "Counts how often each role was assumed, and by whom.",
        "SELECT element_at(requestParameters, 'roleArn') AS role, userIdentity.arn AS who, count(*) AS times FROM $EDS_ID WHERE eventName = 'AssumeRole' AND errorCode IS NULL GROUP BY element_at(requestParameters, 'roleArn'), userIdentity.arn ORDER BY times DESC",
    ),
    sample(
        "S3 objects that were deleted",
        "Finds data events of S3 that deleted objects, with bucket and key.",
        "SELECT eventTime, userIdentity.arn AS who, element_at(requestParameters, 'bucketName') AS bucket, element_at(requestParameters, 'key') AS object FROM $EDS_ID WHERE eventSource = 's3.amazonaws.com' AND eventName IN ('DeleteObject', 'DeleteObjects') ORDER BY eventTime DESC",
    ),
    sample(
        "S3 buckets whose access changed",
        "Finds changes of bucket policies, access control lists and public access blocks of S3.",
        "SELECT eventTime, userIdentity.arn AS who, eventName, element_at(requestParameters, 'bucketName') AS bucket FROM $EDS_ID WHERE eventName IN ('PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock') ORDER BY eventTime DESC",
    ),
    sample(
        "Lambda functions whose code changed",
        "Finds functions of Lambda that were made or updated.",
        "SELECT eventTime, userIdentity.arn AS who, eventName, element_at(requestParameters, 'functionName') AS functionName FROM $EDS_ID WHERE eventSource = 'lambda.amazonaws.com' AND (eventName LIKE 'CreateFunction%' OR eventName LIKE 'UpdateFunctionCode%') ORDER BY eventTime DESC",
    ),
    sample(
        "KMS keys that were disabled or deleted",
        "Finds keys of KMS that were disabled or scheduled for deletion.",
        "SELECT eventTime, userIdentity.arn AS who, eventName, element_at(requestParameters, 'keyId') AS keyId FROM $EDS_ID WHERE eventSource = 'kms.amazonaws.com' AND eventName IN ('DisableKey', 'ScheduleKeyDeletion') ORDER BY eventTime DESC",
    ),
    sample(
        "First action of each identity",
        "Shows the first event of each identity, by a window function.",
        "SELECT who, eventTime, eventSource, eventName FROM (SELECT userIdentity.arn AS who, eventTime, eventSource, eventName, row_number() OVER (PARTITION BY userIdentity.arn ORDER BY eventTime) AS place FROM $EDS_ID) WHERE place = 1 ORDER BY eventTime",
    ),
    sample(
        "Events by day and hour",
        "Counts events by hour, to see when there is much activity.",
        "SELECT date_trunc('hour', eventTime) AS hour, count(*) AS events FROM $EDS_ID WHERE eventTime > date_add('day', -7, now()) GROUP BY date_trunc('hour', eventTime) ORDER BY hour",
    ),
];
