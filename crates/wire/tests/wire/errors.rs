use expect_test::{Expect, expect};
use haneul_dynamodb_wire::shapes::{CancellationReason, TransactionCanceledException};
use haneul_shape::ServiceModel;
use haneul_wire::{Protocol, WireError, decode_error, encode_error, model};

use crate::support::text;

fn check(service: &'static ServiceModel, protocol: Protocol, error: &WireError, expected: Expect) {
    expected.assert_eq(&text(encode_error(model(service), None, protocol, error, "REQ")));
}

#[test]
fn json() {
    let error = WireError::sender("QueueDoesNotExist", "The specified queue does not exist.");
    check(
        &haneul_sqs_wire::SERVICE,
        Protocol::AwsJson,
        &error,
        expect![[r#"
        400
        content-type: application/x-amz-json-1.0
        x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender
        x-amzn-requestid: REQ
        {"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#]],
    );
    let reason = CancellationReason { code: Some("ConditionalCheckFailed".into()), ..Default::default() };
    let detail =
        TransactionCanceledException { cancellation_reasons: Some(vec![reason]), ..Default::default() };
    let error =
        WireError::sender("TransactionCanceledException", "Transaction cancelled").with_detail(detail);
    check(
        &haneul_dynamodb_wire::SERVICE,
        Protocol::AwsJson,
        &error,
        expect![[r#"
        400
        content-type: application/x-amz-json-1.0
        x-amz-crc32: 2640065872
        x-amzn-requestid: REQ
        {"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled","CancellationReasons":[{"Code":"ConditionalCheckFailed"}]}"#]],
    );
    let error = WireError::receiver("InternalServerError", "no");
    assert!(
        text(encode_error(model(&haneul_dynamodb_wire::SERVICE), None, Protocol::AwsJson, &error, ""))
            .starts_with("500")
    );
}

/// What SQS's model does not list has Coral's name in the body and the query protocol's code in the header.
#[test]
fn common_errors_of_sqs() {
    for (code, name, header) in [
        ("InvalidParameterValue", "InvalidParameterValueException", "InvalidParameterValue"),
        ("MissingParameter", "MissingRequiredParameterException", "MissingParameter"),
        ("AccessDenied", "AccessDeniedException", "AccessDenied"),
        ("UnknownOperationException", "UnknownOperationException", "InvalidAction"),
    ] {
        let error = WireError::sender(code, "no");
        let answer =
            text(encode_error(model(&haneul_sqs_wire::SERVICE), None, Protocol::AwsJson, &error, "REQ"));
        let body = format!(r#"{{"__type":"com.amazon.coral.service#{name}","message":"no"}}"#);
        assert!(answer.ends_with(&body), "{answer}");
        assert!(answer.contains(&format!("x-amzn-query-error: {header};Sender")), "{answer}");
    }
    let error = WireError::sender("QueueDoesNotExist", "The specified queue does not exist.");
    check(
        &haneul_sqs_wire::SERVICE,
        Protocol::AwsQuery,
        &error,
        expect![[r#"
            400
            content-type: text/xml
            x-amzn-requestid: REQ
            <?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error><RequestId>REQ</RequestId></ErrorResponse>"#]],
    );
}

#[test]
fn query() {
    let error = WireError::sender("NoSuchEntityException", "The user with name a<b cannot be found.");
    check(
        &haneul_iam_wire::SERVICE,
        Protocol::AwsQuery,
        &error,
        expect![[r#"
            404
            content-type: text/xml
            x-amzn-requestid: REQ
            <ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The user with name a&lt;b cannot be found.</Message></Error><RequestId>REQ</RequestId></ErrorResponse>"#]],
    );
    let error = WireError::sender("QueueDoesNotExist", "no");
    check(
        &haneul_sqs_wire::SERVICE,
        Protocol::AwsQuery,
        &error,
        expect![[r#"
            400
            content-type: text/xml
            x-amzn-requestid: REQ
            <?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>no</Message><Detail/></Error><RequestId>REQ</RequestId></ErrorResponse>"#]],
    );
}

#[test]
fn rest() {
    let error = WireError::sender("NoSuchBucket", "The specified bucket does not exist")
        .with_status(404)
        .with_field("BucketName", "b");
    check(
        &haneul_s3_wire::SERVICE,
        Protocol::RestXml,
        &error,
        expect![[r#"
        404
        content-type: application/xml
        x-amz-id-2: REQ
        x-amz-request-id: REQ
        <?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>b</BucketName><RequestId>REQ</RequestId><HostId>REQ</HostId></Error>"#]],
    );
    let error = WireError::sender("NotModified", "").with_status(304);
    check(
        &haneul_s3_wire::SERVICE,
        Protocol::RestXml,
        &error,
        expect![[r#"
        304
        x-amz-id-2: REQ
        x-amz-request-id: REQ
    "#]],
    );
    let error =
        WireError::sender("ResourceNotFoundException", "Function not found: f").with_field("Type", "User");
    check(
        &haneul_lambda_wire::SERVICE,
        Protocol::RestJson,
        &error,
        expect![[r#"
        404
        content-type: application/json
        x-amzn-errortype: ResourceNotFoundException
        x-amzn-requestid: REQ
        {"Message":"Function not found: f","Type":"User"}"#]],
    );
}

/// Every protocol's client finds code and message again.
#[test]
fn there_and_back() {
    for (service, code, client_code) in [
        (&haneul_sqs_wire::SERVICE, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
        (&haneul_dynamodb_wire::SERVICE, "ResourceNotFoundException", "ResourceNotFoundException"),
        (&haneul_iam_wire::SERVICE, "NoSuchEntityException", "NoSuchEntity"),
        (&haneul_s3_wire::SERVICE, "NoSuchKey", "NoSuchKey"),
        (&haneul_lambda_wire::SERVICE, "ResourceNotFoundException", "ResourceNotFoundException"),
        (&haneul_cloudwatch_wire::SERVICE, "ResourceNotFoundException", "ResourceNotFoundException"),
    ] {
        let model = model(service);
        for &protocol in &model.metadata.protocols {
            let error = WireError::sender(code, "a <message> & \"more\"");
            let (parts, body) = encode_error(model, None, protocol, &error, "REQ").into_parts();
            let haneul_wire::Payload::Bytes(body) = body else { panic!("an error streams") };
            let got = decode_error(protocol, parts.status, &parts.headers, &body);
            assert_eq!(
                (&*got.code, got.message.as_str()),
                (client_code, error.message.as_str()),
                "{} {protocol:?}",
                service.name
            );
            assert_eq!(got.status, Some(parts.status.as_u16()));
        }
    }
}
