//! What functions return for HeadObject and listings: JSON with headers, or with the document of a listing.

use haneul_kit::{ApiError, Operation, Result};
use haneul_s3_wire::shapes::HeadObjectOutput;
use haneul_shape::Shape;
use haneul_wire::{Payload, Protocol};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::error;

pub(super) fn invalid() -> ApiError {
    error::new("LambdaInvalidResponse", 400, "The Lambda function returned a response that is not valid.")
}

/// The status; an error when it is one.
fn status(said: &Value) -> Result<StatusCode> {
    let given = &said["statusCode"];
    let number = given.as_u64().or_else(|| given.as_str().and_then(|text| text.parse().ok()));
    let number =
        number.and_then(|number| u16::try_from(number).ok()).filter(|number| (200..600).contains(number));
    let status = number.and_then(|number| StatusCode::from_u16(number).ok()).ok_or_else(invalid)?;
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(status);
    }
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    let code = text("errorCode").unwrap_or_else(|| "UnknownError".to_owned());
    let message = text("errorMessage").unwrap_or_default();
    Err(ApiError::new(code, message).with_status(status.as_u16()))
}

/// The answer to HeadObject. Headers that are none of S3's are left out, and so are empty ones.
pub(super) fn head(said: &Value) -> Result<(StatusCode, HeadObjectOutput)> {
    let status = status(said)?;
    let mut headers = HeaderMap::new();
    let mut given: Vec<(&String, &Value)> = said["headers"].as_object().into_iter().flatten().collect();
    // Our own answers have names in lower case: a function that adds to a copy of one spells what it changes as AWS does.
    given.sort_by_key(|(name, _)| name.bytes().any(|byte| byte.is_ascii_uppercase()));
    for (name, value) in given {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => continue,
        };
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).map_err(|_| invalid())?;
        if text.is_empty() {
            headers.remove(name);
        } else {
            headers.insert(name, HeaderValue::from_str(&text).map_err(|_| invalid())?);
        }
    }
    let mut output = HeadObjectOutput::default();
    decode("HeadObject", status, &headers, Payload::empty(), &mut output)?;
    Ok((status, output))
}

/// The answer to a listing, from its document.
pub(super) fn list<O: Operation>(said: &Value) -> Result<(StatusCode, O::Output)> {
    let status = status(said)?;
    let document = said["listResultXml"].as_str().ok_or_else(invalid)?;
    let mut output = O::Output::default();
    let payload = Payload::Bytes(document.to_owned().into());
    decode(O::NAME, status, &HeaderMap::new(), payload, &mut output)?;
    Ok((status, output))
}

fn decode(
    operation: &str,
    status: StatusCode,
    headers: &HeaderMap,
    payload: Payload,
    output: &mut dyn Shape,
) -> Result<()> {
    let model = haneul_wire::model(&haneul_s3_wire::SERVICE);
    let operation =
        model.operation(operation).ok_or_else(|| ApiError::internal("an operation is unknown"))?;
    haneul_wire::decode_response(model, operation, Protocol::RestXml, status, headers, payload, output)
        .map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use haneul_s3_wire::operations::{ListObjects, ListObjectsV2};
    use serde_json::json;

    use super::*;

    #[test]
    fn heads() {
        let (status, output) = head(&json!({ "statusCode": 200, "headers": {
            "Content-Length": 12, "ETag": "\"x\"", "content-type": "a/b", "Content-Type": "", "x-amz-meta-a": "b", "Server": "s", "Connection": null,
            "x-amz-server-side-encryption-bucket-key-enabled": true,
        }}))
        .unwrap();
        assert_eq!(
            (status.as_u16(), output.content_length, output.e_tag.as_deref()),
            (200, Some(12), Some("\"x\""))
        );
        assert_eq!((output.content_type, output.bucket_key_enabled), (None, Some(true)));
        assert_eq!(output.metadata.unwrap().get("a").map(String::as_str), Some("b"));
        for (said, code) in [
            (json!({ "statusCode": 404, "errorCode": "Gone", "errorMessage": "m" }), "Gone"),
            (json!({ "headers": {} }), "LambdaInvalidResponse"),
            (json!("text"), "LambdaInvalidResponse"),
            (json!({ "statusCode": 200, "headers": { "Content-Length": "x" } }), "LambdaInvalidResponse"),
            (json!({ "statusCode": 200, "headers": { "a b": "x" } }), "LambdaInvalidResponse"),
        ] {
            assert_eq!(
                head(&said).err().map(|error| error.code().to_owned()).as_deref(),
                Some(code),
                "{said}"
            );
        }
    }

    #[test]
    fn listings() {
        let xml = r#"<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>n</Name>
            <KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>3</Size><StorageClass/></Contents>
            <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>"#;
        let said = json!({ "statusCode": 200, "listResultXml": xml });
        let (_, output) = list::<ListObjectsV2>(&said).unwrap();
        assert_eq!(output.contents.unwrap()[0].key.as_deref(), Some("k"));
        assert_eq!((output.key_count, output.common_prefixes.unwrap().len()), (Some(1), 1));
        assert!(list::<ListObjects>(&said).is_ok());
        for said in [json!({ "statusCode": 200 }), json!({ "statusCode": 200, "listResultXml": "<a" })] {
            assert_eq!(list::<ListObjects>(&said).err().unwrap().code(), "LambdaInvalidResponse");
        }
    }
}
