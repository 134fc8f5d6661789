use expect_test::expect;
use haneul_dynamodb_wire::operations as dynamodb;
use haneul_dynamodb_wire::shapes::{AttributeValue, GetItemOutput, ListTablesOutput};
use haneul_shape::Instant;
use haneul_shape::value::Map;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes::SendMessageResult;
use haneul_wire::Protocol::AwsJson;

use crate::support::{accept, answer, decode, text};

#[test]
fn send_message() {
    let body = br#"{"QueueUrl":"http://q/1","MessageBody":"h\u00e9llo","DelaySeconds":5,"Unknown":[{}],"MessageGroupId":null,
        "MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AAE="}}}"#;
    let input = accept::<sqs::SendMessage>(AwsJson, body).unwrap();
    assert_eq!((input.queue_url.as_str(), input.message_body.as_str()), ("http://q/1", "héllo"));
    assert_eq!((input.delay_seconds, input.message_group_id), (Some(5), None));
    let attributes = input.message_attributes.unwrap();
    assert_eq!(attributes.get("a").unwrap().binary_value.as_deref(), Some(&[0_u8, 1][..]));
    let output = SendMessageResult { message_id: Some("i\u{1}\"\\d\n".into()), ..Default::default() };
    expect![[r#"
        200
        content-type: application/x-amz-json-1.0
        x-amzn-requestid: REQ
        {"MessageId":"i\u0001\"\\d\n"}"#]]
    .assert_eq(&text(answer::<sqs::SendMessage>(AwsJson, output)));
}

#[test]
fn attribute_values() {
    let item =
        r#"{"TableName":"t","Key":{"id":{"L":[{"M":{"n":{"N":"1"}}},{"NULL":true},{"BS":["AA=="]}]}}}"#;
    let input = accept::<dynamodb::GetItem>(AwsJson, item.as_bytes()).unwrap();
    let key = input.key.get("id").unwrap();
    let AttributeValue::L(list) = key else { panic!("not a list") };
    assert!(
        matches!(&list[0], AttributeValue::M(map) if matches!(map.get("n"), Some(AttributeValue::N(n)) if n == "1"))
    );
    let item = [("id", key.clone())].into_iter().collect::<Map<_>>();
    expect![[r#"
        200
        content-type: application/x-amz-json-1.0
        x-amz-crc32: 4249753539
        x-amzn-requestid: REQ
        {"Item":{"id":{"L":[{"M":{"n":{"N":"1"}}},{"NULL":true},{"BS":["AA=="]}]}}}"#]]
    .assert_eq(&text(answer::<dynamodb::GetItem>(
        AwsJson,
        GetItemOutput { item: Some(item), ..Default::default() },
    )));
    // An empty list is written, an absent one is not.
    let output = ListTablesOutput { table_names: Some(Vec::new()), ..Default::default() };
    assert!(text(answer::<dynamodb::ListTables>(AwsJson, output)).ends_with(r#"{"TableNames":[]}"#));
}

#[test]
fn last_duplicate_of_a_scalar_counts() {
    let input = accept::<dynamodb::ListTables>(AwsJson, br#"{"Limit":1,"Limit":2}"#).unwrap();
    assert_eq!(input.limit, Some(2));
    let error =
        decode::<dynamodb::GetItem>(AwsJson, br#"{"TableName":"t","Key":{},"Key":{}}"#).err().unwrap();
    assert_eq!(error.code, "SerializationException");
}

#[test]
fn timestamps_in_seconds_with_a_fraction() {
    use haneul_dynamodb_wire::shapes::{DescribeTableOutput, TableDescription};
    let at = |millis| {
        let table =
            TableDescription { creation_date_time: Some(Instant::from_millis(millis)), ..Default::default() };
        let response = answer::<dynamodb::DescribeTable>(AwsJson, DescribeTableOutput { table: Some(table) });
        text(response).lines().last().unwrap().to_owned()
    };
    assert_eq!(at(1_500_000_000_250), r#"{"Table":{"CreationDateTime":1500000000.25}}"#);
    assert_eq!(at(1_500_000_000_000), r#"{"Table":{"CreationDateTime":1500000000}}"#);
}

#[test]
fn an_empty_body_is_an_empty_input() {
    assert_eq!(accept::<dynamodb::ListTables>(AwsJson, b" ").unwrap().limit, None);
}

#[test]
fn wrong_types() {
    for (body, message) in [
        (r#"{"TableName":1,"Key":{}}"#, "NUMBER_VALUE cannot be converted to String"),
        (r#"{"TableName":true,"Key":{}}"#, "TRUE_VALUE cannot be converted to String"),
        (r#"{"TableName":1.5,"Key":{}}"#, "DECIMAL_VALUE cannot be converted to String"),
        (r#"{"TableName":{},"Key":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"TableName":[],"Key":{}}"#, "Unrecognized collection type class java.lang.String"),
        (r#"{"TableName":"t","Key":"x"}"#, "Unexpected field type"),
        (
            r#"{"TableName":"t","Key":[]}"#,
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        (r#"{"TableName":"t","Key":{"a":"x"}}"#, "Unexpected value type in payload"),
        (
            r#"{"TableName":"t","Key":{"a":[]}}"#,
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue",
        ),
        (
            r#"{"TableName":"t","Key":{"a":{"S":{"S":"x"}}}}"#,
            "Start of structure or map found where not expected",
        ),
        (r#"{"TableName":"t","Key":{"a":{"SS":{}}}}"#, "Start of structure or map found where not expected"),
        (r#"{"TableName":"t","Key":{"a":{"SS":"x"}}}"#, "Unexpected field type"),
        (r#"{"TableName":"t","Key":{"a":{"SS":[1]}}}"#, "NUMBER_VALUE cannot be converted to String"),
        (r#"{"TableName":"t","Key":{"a":{"L":[1]}}}"#, "Unexpected value type in payload"),
        (r#"{"TableName":"t","ConsistentRead":"dog"}"#, "Unexpected token received from parser"),
        (r#"{"TableName":"t","ConsistentRead":1}"#, "NUMBER_VALUE cannot be converted to Boolean"),
        (r#"{"TableName":"t","ConsistentRead":[]}"#, "Unrecognized collection type class java.lang.Boolean"),
        (r#"{"TableName":"t","AttributesToGet":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"TableName":"t","Key":{"a":{"B":1}}}"#, "only base-64-encoded strings are convertible to bytes"),
        (
            r#"{"TableName":"t","Key":{"a":{"B":[]}}}"#,
            "Unrecognized collection type class java.nio.ByteBuffer",
        ),
        (
            r#"{"TableName":"t","Key":{"a":{"B":"abcde"}}}"#,
            "Base64 encoded length is expected a multiple of 4 bytes but found: 5",
        ),
        (r#"{"TableName":"t","Key":{"a":{"B":"a*bc"}}}"#, "Invalid Base64 character: '*'"),
        (r#"{"TableName":"t","Key":{"a":{"B":"=+/="}}}"#, "Invalid Base64 character: '='"),
        (r#"{"TableName":"t","Key":{"a":{"B":"+/+="}}}"#, "Invalid last non-pad Base64 character dectected"),
        // Of what is not JSON it does not say more.
        (r#"{"TableName":"t""#, ""),
        (r#"{"TableName":"t",}"#, ""),
        (r#"{"TableName":"t"}x"#, ""),
        ("hello", ""),
        ("[]", "Unexpected field type"),
    ] {
        let error = decode::<dynamodb::GetItem>(AwsJson, body.as_bytes()).err().unwrap();
        assert_eq!((&*error.code, error.message.as_str()), ("SerializationException", message), "{body}");
    }
    let error = decode::<sqs::ReceiveMessage>(AwsJson, br#"{"QueueUrl":"q","MaxNumberOfMessages":"1"}"#)
        .err()
        .unwrap();
    assert_eq!(error.message, "STRING_VALUE can not be converted to an Integer");
    let error =
        decode::<sqs::ReceiveMessage>(AwsJson, br#"{"MaxNumberOfMessages":99999999999}"#).err().unwrap();
    assert_eq!(error.message, "Numeric value (99999999999) out of range of int");
    // DynamoDB cuts fractions off, and has a largest number instead of none.
    for (limit, read) in [("1.9", 1), ("2147483648", i32::MAX), ("-1e30", i32::MIN)] {
        let input = decode::<dynamodb::ListTables>(AwsJson, format!(r#"{{"Limit":{limit}}}"#).as_bytes());
        let refused = format!("Value '{read}' at 'limit'");
        match input {
            Ok((input, _)) => assert_eq!(input.limit, Some(read)),
            Err(error) => assert!(error.message.contains(&refused), "{limit}: {}", error.message),
        }
    }
    let two = br#"{"TableName":"t","Key":{"a":{"S":"x","N":"1"}}}"#;
    assert_eq!(decode::<dynamodb::GetItem>(AwsJson, two).err().unwrap().code, "ValidationException");
}
