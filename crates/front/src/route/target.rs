use http::{HeaderMap, HeaderName};

const X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// `X-Amz-Target: DynamoDB_20120810.GetItem`: the service's prefix and the operation.
///
/// The prefix itself may hold dots (`com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`), an operation cannot.
pub fn read(headers: &HeaderMap) -> Option<(&str, &str)> {
    let target = headers.get(X_AMZ_TARGET)?.to_str().ok()?;
    Some(target.rsplit_once('.').unwrap_or(("", target)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn targets() {
        type Case<'a> = (&'a [u8], Option<(&'a str, &'a str)>);
        let cases: &[Case<'_>] = &[
            (b"AmazonSQS.SendMessage", Some(("AmazonSQS", "SendMessage"))),
            (
                b"com.amazonaws.x.CloudTrail_20131101.LookupEvents",
                Some(("com.amazonaws.x.CloudTrail_20131101", "LookupEvents")),
            ),
            (b"ListQueues", Some(("", "ListQueues"))),
            (b"", Some(("", ""))),
            (b"\xff\xfe.X", None),
        ];
        for (target, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-target", HeaderValue::from_bytes(target).unwrap());
            assert_eq!(read(&headers), *expected);
        }
        assert_eq!(read(&HeaderMap::new()), None);
    }
}
