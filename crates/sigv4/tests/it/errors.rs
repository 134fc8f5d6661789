//! The words of the families, one case each.

use expect_test::{Expect, expect};
use haneul_sigv4::{AuthError, Family, RequestAuth, Timestamp, Verifier};

use crate::support::Sample;

const NOW: Timestamp = Timestamp::from_unix_s(1_440_938_160);
const SIGNATURE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn words(error: &AuthError, family: Family) -> String {
    let reply = error.render(family);
    let mut text = format!("{} {} {}", reply.status, reply.code, reply.message);
    for (name, value) in reply.details {
        text += &format!("\n  {name}: {}", value.replace('\n', "\\n"));
    }
    text
}

fn header(value: &str, date: &str) -> Sample {
    let sha = haneul_sigv4::EMPTY_SHA256;
    Sample::new(
        "GET",
        "/",
        None,
        &[("host", "h"), ("authorization", value), ("x-amz-date", date), ("x-amz-content-sha256", sha)],
        b"",
    )
}

fn check(sample: &Sample, s3: &Expect, json: &Expect) {
    let error = match RequestAuth::parse(&sample.parts()) {
        Err(error) => error,
        Ok(_) => sample.verify(&Verifier::new(4), "secret", NOW).unwrap_err(),
    };
    s3.assert_eq(&words(&error, Family::S3));
    json.assert_eq(&words(&error, Family::Json));
}

fn signed(credential: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={SIGNATURE}"
    )
}

const CREDENTIAL: &str = "AKID/20150830/us-east-1/s3/aws4_request";
const DATE: &str = "20150830T123600Z";

#[test]
fn headers() {
    check(
        &header(&signed(CREDENTIAL), DATE),
        &expect![[r#"
        403 SignatureDoesNotMatch The request signature we calculated does not match the signature you provided. Check your key and signing method.
          AWSAccessKeyId: AKID
          StringToSign: AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/s3/aws4_request\n14791810d2995b8335037719180e2178aa8dda005fd98fb86cf073e216d37e99
          SignatureProvided: 0000000000000000000000000000000000000000000000000000000000000000
          StringToSignBytes: 41 57 53 34 2d 48 4d 41 43 2d 53 48 41 32 35 36 0a 32 30 31 35 30 38 33 30 54 31 32 33 36 30 30 5a 0a 32 30 31 35 30 38 33 30 2f 75 73 2d 65 61 73 74 2d 31 2f 73 33 2f 61 77 73 34 5f 72 65 71 75 65 73 74 0a 31 34 37 39 31 38 31 30 64 32 39 39 35 62 38 33 33 35 30 33 37 37 31 39 31 38 30 65 32 31 37 38 61 61 38 64 64 61 30 30 35 66 64 39 38 66 62 38 36 63 66 30 37 33 65 32 31 36 64 33 37 65 39 39
          CanonicalRequest: GET\n/\n\nhost:h\nx-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nx-amz-date:20150830T123600Z\n\nhost;x-amz-content-sha256;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
          CanonicalRequestBytes: 47 45 54 0a 2f 0a 0a 68 6f 73 74 3a 68 0a 78 2d 61 6d 7a 2d 63 6f 6e 74 65 6e 74 2d 73 68 61 32 35 36 3a 65 33 62 30 63 34 34 32 39 38 66 63 31 63 31 34 39 61 66 62 66 34 63 38 39 39 36 66 62 39 32 34 32 37 61 65 34 31 65 34 36 34 39 62 39 33 34 63 61 34 39 35 39 39 31 62 37 38 35 32 62 38 35 35 0a 78 2d 61 6d 7a 2d 64 61 74 65 3a 32 30 31 35 30 38 33 30 54 31 32 33 36 30 30 5a 0a 0a 68 6f 73 74 3b 78 2d 61 6d 7a 2d 63 6f 6e 74 65 6e 74 2d 73 68 61 32 35 36 3b 78 2d 61 6d 7a 2d 64 61 74 65 0a 65 33 62 30 63 34 34 32 39 38 66 63 31 63 31 34 39 61 66 62 66 34 63 38 39 39 36 66 62 39 32 34 32 37 61 65 34 31 65 34 36 34 39 62 39 33 34 63 61 34 39 35 39 39 31 62 37 38 35 32 62 38 35 35"#]],
        &expect![
            "400 InvalidSignatureException The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
        ],
    );
    check(
        &header("AWS4-HMAC-SHA256 Credential=A", DATE),
        &expect![
            "400 AuthorizationHeaderMalformed The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."
        ],
        &expect![
            "400 IncompleteSignatureException Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=U6SPFLLtDaiv7cGt1PmMfyTFbXyRi9zAX+m9jxLbTc8="
        ],
    );
    check(
        &header("AWS4-HMAC-SHA256 nonsense", DATE),
        &expect![
            "400 AuthorizationHeaderMalformed The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."
        ],
        &expect![
            "400 IncompleteSignatureException Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '/GgzqArXSgHmeH9zKGL5W27LTpQAGGlulZHcz25KRcI='."
        ],
    );
    check(
        &header(&signed("AKID/20150830/us-east-1/s3"), DATE),
        &expect![[
            r#"400 AuthorizationHeaderMalformed The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"."#
        ]],
        &expect![
            "400 IncompleteSignatureException Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID/20150830/us-east-1/s3'"
        ],
    );
    check(
        &header(&signed("AKID/20150830/us-east-1/s3/aws3_request"), DATE),
        &expect![[
            r#"400 AuthorizationHeaderMalformed The authorization header is malformed; incorrect terminal "aws3_request". This endpoint uses "aws4_request"."#
        ]],
        &expect![
            "400 InvalidSignatureException Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'."
        ],
    );
    check(
        &header(&signed("AKID/2015083/us-east-1/s3/aws4_request"), DATE),
        &expect![[
            r#"400 AuthorizationHeaderMalformed The authorization header is malformed; incorrect date format "2015083". This date in the credential must be in the format "yyyyMMdd"."#
        ]],
        &expect![
            "400 InvalidSignatureException Date in Credential scope must be in the format YYYYMMDD. Got '2015083'."
        ],
    );
    check(
        &header(&signed("AKID/20150829/us-east-1/s3/aws4_request"), DATE),
        &expect![[
            r#"400 AuthorizationHeaderMalformed The authorization header is malformed; Invalid credential date "20150829". This date is not the same as X-Amz-Date: "20150830"."#
        ]],
        &expect![
            "400 InvalidSignatureException Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'."
        ],
    );
    check(
        &header(&signed(CREDENTIAL), "today"),
        &expect!["403 AccessDenied AWS authentication requires a valid Date or x-amz-date header"],
        &expect![
            "400 IncompleteSignatureException Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601"
        ],
    );
    check(
        &header(&signed(CREDENTIAL), "20150830T122059Z"),
        &expect![[r#"
        403 RequestTimeTooSkewed The difference between the request time and the current time is too large.
          RequestTime: 20150830T122059Z
          ServerTime: 2015-08-30T12:36:00Z
          MaxAllowedSkewMilliseconds: 900000"#]],
        &expect![
            "400 InvalidSignatureException Signature expired: 20150830T122059Z is now earlier than 20150830T122100Z (20150830T123600Z - 15 min.)"
        ],
    );
    check(
        &header(&signed(CREDENTIAL), "20150830T125101Z"),
        &expect![[r#"
        403 RequestTimeTooSkewed The difference between the request time and the current time is too large.
          RequestTime: 20150830T125101Z
          ServerTime: 2015-08-30T12:36:00Z
          MaxAllowedSkewMilliseconds: 900000"#]],
        &expect![
            "400 InvalidSignatureException Signature not yet current: 20150830T125101Z is still later than 20150830T125100Z (20150830T123600Z + 15 min.)"
        ],
    );
    check(
        &header("Bearer abc", DATE),
        &expect![[r#"
        400 InvalidArgument Unsupported Authorization Type
          ArgumentName: Authorization
          ArgumentValue: Bearer abc"#]],
        &expect![
            "400 IncompleteSignatureException Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY="
        ],
    );
    let mut unsigned = header(&signed(CREDENTIAL), DATE);
    unsigned.headers.insert("x-amz-acl", "private".parse().unwrap());
    check(
        &unsigned,
        &expect![[r#"
        403 AccessDenied There were headers present in the request which were not signed
          HeadersNotSigned: x-amz-acl"#]],
        &expect![
            "400 InvalidSignatureException 'x-amz-acl' must be a 'SignedHeader' in the AWS Authorization."
        ],
    );
    let mut nothing = header(&signed(CREDENTIAL), DATE);
    nothing.headers.remove("x-amz-content-sha256");
    check(
        &nothing,
        &expect!["400 InvalidRequest Missing required header for this request: x-amz-content-sha256"],
        &expect!["400 InvalidRequest Missing required header for this request: x-amz-content-sha256"],
    );
    nothing.headers.insert("x-amz-content-sha256", "abc".parse().unwrap());
    check(
        &nothing,
        &expect![[r#"
        400 InvalidArgument x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.
          ArgumentName: x-amz-content-sha256
          ArgumentValue: abc"#]],
        &expect![
            "400 InvalidRequest x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
        ],
    );
}

fn presigned(date: &str, expires: &str) -> Sample {
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date={date}&\
         X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature={SIGNATURE}"
    );
    Sample::new("GET", "/", Some(&query), &[("host", "h")], b"")
}

#[test]
fn queries() {
    check(
        &presigned("20150830T123500Z", "59"),
        &expect![[r#"
        403 AccessDenied Request has expired
          X-Amz-Expires: 59
          Expires: 2015-08-30T12:35:59Z
          ServerTime: 2015-08-30T12:36:00Z"#]],
        &expect![
            "400 InvalidSignatureException Signature expired: 20150830T123500Z is now earlier than 20150830T123501Z (20150830T123600Z - 59 sec.)"
        ],
    );
    check(
        &presigned("20150830T125101Z", "60"),
        &expect![[r#"
        403 AccessDenied Request is not yet valid
          X-Amz-Date: 1440939061000
          Expires: 2015-08-30T12:52:01Z
          ServerTime: 2015-08-30T12:36:00Z"#]],
        &expect![
            "400 InvalidSignatureException Signature not yet current: 20150830T125101Z is still later than 20150830T123600Z"
        ],
    );
    check(
        &presigned(DATE, "604801"),
        &expect![
            "400 AuthorizationQueryParametersError X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        ],
        &expect![
            "400 IncompleteSignatureException X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        ],
    );
    check(
        &presigned(DATE, "-1"),
        &expect!["400 AuthorizationQueryParametersError X-Amz-Expires must be non-negative"],
        &expect!["400 IncompleteSignatureException X-Amz-Expires must be non-negative"],
    );
    check(
        &presigned(DATE, "1h"),
        &expect!["400 AuthorizationQueryParametersError X-Amz-Expires should be a number"],
        &expect!["400 IncompleteSignatureException X-Amz-Expires should be a number"],
    );
    check(
        &presigned("now", "60"),
        &expect![[
            r#"400 AuthorizationQueryParametersError X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'""#
        ]],
        &expect![
            "400 IncompleteSignatureException Date must be in ISO-8601 'basic format'. Got 'now'. See http://en.wikipedia.org/wiki/ISO_8601"
        ],
    );
    let incomplete = Sample::new("GET", "/", Some("X-Amz-Signature=0"), &[("host", "h")], b"");
    check(
        &incomplete,
        &expect![
            "400 AuthorizationQueryParametersError Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        ],
        &expect![
            "400 IncompleteSignatureException AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Date'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Expires'. Re-examine the query-string parameters."
        ],
    );
    let algorithm = Sample::new("GET", "/", Some("X-Amz-Algorithm=AWS5"), &[("host", "h")], b"");
    check(
        &algorithm,
        &expect![[
            r#"400 AuthorizationQueryParametersError X-Amz-Algorithm only supports "AWS4-HMAC-SHA256""#
        ]],
        &expect!["400 IncompleteSignatureException Unsupported AWS 'algorithm'"],
    );
}

#[test]
fn for_the_caller_to_raise() {
    let sample = header(&signed(CREDENTIAL), DATE);
    let auth = sample.sigv4().unwrap();
    assert_eq!(auth.expect_region("us-east-1"), Ok(()));
    let region = auth.expect_region("eu-west-1").unwrap_err();
    let service = auth.expect_service("sqs").unwrap_err();
    let errors = [AuthError::MissingAuthentication, AuthError::SigV2, AuthError::SigV4A, region, service];
    let text = |family| errors.iter().map(|e| words(e, family)).collect::<Vec<_>>().join("\n");
    expect![[r#"
        403 AccessDenied Access Denied
        400 InvalidRequest The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.
        400 InvalidRequest AWS4-ECDSA-P256-SHA256 (SigV4A) is not supported. Please use AWS4-HMAC-SHA256.
        400 AuthorizationHeaderMalformed The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'
          Region: eu-west-1
        400 AuthorizationHeaderMalformed The authorization header is malformed; incorrect service "s3". This endpoint belongs to "sqs"."#]].assert_eq(&text(Family::S3));
    expect![[r#"
        403 MissingAuthenticationToken Request is missing Authentication Token
        400 InvalidRequest The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.
        400 InvalidRequest AWS4-ECDSA-P256-SHA256 (SigV4A) is not supported. Please use AWS4-HMAC-SHA256.
        403 SignatureDoesNotMatch Credential should be scoped to a valid region, not 'us-east-1'. 
        403 SignatureDoesNotMatch Credential should be scoped to correct service: 'sqs'. "#]].assert_eq(&text(Family::Query));
    expect![[r#"
        403 MissingAuthenticationTokenException Missing Authentication Token
        400 InvalidRequest The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.
        400 InvalidRequest AWS4-ECDSA-P256-SHA256 (SigV4A) is not supported. Please use AWS4-HMAC-SHA256.
        403 InvalidSignatureException Credential should be scoped to a valid region, not 'us-east-1'. 
        403 InvalidSignatureException Credential should be scoped to correct service: 'sqs'. "#]].assert_eq(&text(Family::RestJson));
}

#[test]
fn codes_of_a_wrong_signature() {
    let error = header(&signed(CREDENTIAL), DATE).verify(&Verifier::new(4), "secret", NOW).unwrap_err();
    let codes: Vec<_> = [Family::S3, Family::Query, Family::Ec2, Family::Json, Family::RestJson]
        .map(|family| error.render(family))
        .iter()
        .map(|reply| (reply.status, reply.code))
        .collect();
    let expected = [
        (403, "SignatureDoesNotMatch"),
        (403, "SignatureDoesNotMatch"),
        (401, "AuthFailure"),
        (400, "InvalidSignatureException"),
        (403, "InvalidSignatureException"),
    ];
    assert_eq!(codes, expected);
}
