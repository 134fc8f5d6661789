use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_dynamodb_wire::operations as dynamodb;
use haneul_iam_wire::operations as iam;
use haneul_lambda_wire::operations as lambda;
use haneul_logs_wire::operations as logs;
use haneul_s3_wire::operations as s3;
use haneul_shape::Operation;
use haneul_sqs_wire::operations as sqs;
use haneul_sts_wire::operations as sts;
use haneul_wire::Protocol::{self, AwsJson, AwsQuery};

use crate::support::{accept, accept_rest};

fn refused<O: Operation>(protocol: Protocol, body: &str, code: &str, message: &str) {
    let error = accept::<O>(protocol, body.as_bytes()).err().unwrap_or_else(|| panic!("accepted: {body}"));
    assert_eq!((&*error.code, error.message.as_str()), (code, message), "{body}");
}

#[test]
fn coral() {
    refused::<logs::CreateLogGroup>(
        AwsJson,
        "{}",
        "InvalidParameterException",
        "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null",
    );
    refused::<logs::CreateLogGroup>(
        AwsJson,
        r#"{"logGroupName":""}"#,
        "InvalidParameterException",
        "2 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: Member must have length \
         greater than or equal to 1; Value '' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    );
}

#[test]
fn dynamodb_paths() {
    refused::<dynamodb::CreateTable>(
        AwsJson,
        r#"{"TableName":"table","KeySchema":[{"AttributeName":"a"}],"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"X"}]}"#,
        "ValidationException",
        "2 validation errors detected: Value 'X' at 'attributeDefinitions.1.member.attributeType' failed to satisfy \
         constraint: Member must satisfy enum value set: [B, N, S]; Value null at 'keySchema.1.member.keyType' failed to \
         satisfy constraint: Member must not be null",
    );
    refused::<dynamodb::CreateTable>(
        AwsJson,
        r#"{"TableName":"table","KeySchema":[],"AttributeDefinitions":[],
            "ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":-1}}"#,
        "ValidationException",
        "3 validation errors detected: Value '-1' at 'provisionedThroughput.writeCapacityUnits' failed to satisfy \
         constraint: Member must have value greater than or equal to 1; Value '0' at \
         'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or \
         equal to 1; Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or \
         equal to 1",
    );
    refused::<dynamodb::BatchWriteItem>(
        AwsJson,
        r#"{"RequestItems":{"t":[]}}"#,
        "ValidationException",
        "1 validation error detected: Value '{t=[]}' at 'requestItems' failed to satisfy constraint: Map value must \
         satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or \
         equal to 1]",
    );
    refused::<dynamodb::ListTables>(
        AwsJson,
        r#"{"Limit":0}"#,
        "ValidationException",
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater \
         than or equal to 1",
    );
}

#[test]
fn query_services() {
    // IAM has words of its own for characters in names and paths.
    refused::<iam::CreateUser>(
        AwsQuery,
        "UserName=a/b",
        "ValidationError",
        "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
         following: +=,.@_-",
    );
    refused::<iam::CreateUser>(
        AwsQuery,
        "UserName=%C3%A9",
        "ValidationError",
        "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
         following: +=,.@_-",
    );
    refused::<iam::CreateRole>(
        AwsQuery,
        "RoleName=a&AssumeRolePolicyDocument=b&Path=x",
        "ValidationError",
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters \
         and/or / characters.",
    );
    refused::<iam::CreateUser>(
        AwsQuery,
        "Action=CreateUser",
        "ValidationError",
        "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
    );
    refused::<iam::CreateUser>(
        AwsQuery,
        "UserName=a&Tags.member.1.Value=v",
        "ValidationError",
        "1 validation error detected: Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null",
    );
    refused::<cloudwatch::DeleteAlarms>(
        AwsQuery,
        "AlarmNames.member.1=",
        "ValidationError",
        "1 validation error detected: Value '[]' at 'alarmNames' failed to satisfy constraint: Member must satisfy \
         constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 1]",
    );
}

#[test]
fn sts_names_the_pattern_first() {
    refused::<sts::AssumeRole>(
        AwsQuery,
        "RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=%20",
        "ValidationError",
        "2 validation errors detected: Value ' ' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\w+=,.@-]*; Value ' ' at 'roleSessionName' failed to satisfy constraint: Member must have length \
         greater than or equal to 2",
    );
}

#[test]
fn missing_parameters() {
    refused::<sqs::SendMessage>(
        AwsJson,
        r#"{"QueueUrl":"q"}"#,
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    );
    refused::<sqs::SendMessageBatch>(
        AwsQuery,
        "QueueUrl=q&SendMessageBatchRequestEntry.1.Id=i",
        "MissingParameter",
        "The request must contain the parameter SendMessageBatchRequestEntry.1.MessageBody.",
    );
    // What has no entries is for the operation to refuse: by the query protocol it cannot be sent at all.
    for (protocol, body) in [(AwsQuery, "QueueUrl=q"), (AwsJson, r#"{"QueueUrl":"q"}"#)] {
        assert!(accept::<sqs::SendMessageBatch>(protocol, body.as_bytes()).is_ok());
    }
    assert!(accept::<sqs::DeleteMessage>(AwsJson, br#"{"QueueUrl":"q"}"#).is_ok());
    let untyped = r#"{"QueueUrl":"q","MessageBody":"b","MessageAttributes":{"a":{"StringValue":"v"}}}"#;
    assert!(accept::<sqs::SendMessage>(AwsJson, untyped.as_bytes()).is_ok());
}

#[test]
fn rest_services() {
    let error = accept_rest::<s3::PutBucketTagging>("PUT", "/b?tagging", &[], b"").err().unwrap();
    assert_eq!(error.code, "MissingRequestBodyError");
    let error = accept_rest::<s3::PutBucketTagging>("PUT", "/b?tagging", &[], b"<Tagging/>").err().unwrap();
    assert_eq!(error.code, "MalformedXML");
    let target = "/2015-03-31/functions";
    let error =
        accept_rest::<lambda::CreateFunction>("POST", target, &[], br#"{"FunctionName":"f","Code":{}}"#)
            .err()
            .unwrap();
    assert_eq!(
        error.message,
        "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null"
    );
}
