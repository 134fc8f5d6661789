use haneul_shape::ServiceModel;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

macro_rules! models {
    ($($name:literal: $metadata:literal,)*) => {
        &[$({
            static MODEL: ServiceModel = ServiceModel::new($name, concat!(r#"{ "metadata": "#, $metadata, r#", "operations": {}}"#));
            &MODEL
        }),*]
    };
}

/// The heads of real models, cut to what routing reads.
pub(crate) static MODELS: &[&ServiceModel] = models! {
    "sqs": r#"{"apiVersion":"2012-11-05","awsQueryCompatible":{},"endpointPrefix":"sqs","protocol":"json","protocols":["json"],"serviceId":"SQS","targetPrefix":"AmazonSQS"}"#,
    "sts": r#"{"apiVersion":"2011-06-15","endpointPrefix":"sts","protocol":"query","protocols":["query"],"serviceId":"STS"}"#,
    "ec2": r#"{"apiVersion":"2016-11-15","endpointPrefix":"ec2","protocol":"ec2","protocols":["ec2"],"serviceId":"EC2"}"#,
    "s3": r#"{"apiVersion":"2006-03-01","endpointPrefix":"s3","protocol":"rest-xml","protocols":["rest-xml"],"serviceId":"S3"}"#,
    "s3control": r#"{"apiVersion":"2018-08-20","endpointPrefix":"s3-control","protocol":"rest-xml","protocols":["rest-xml"],"serviceId":"S3 Control","signingName":"s3"}"#,
    "dynamodb": r#"{"apiVersion":"2012-08-10","endpointPrefix":"dynamodb","protocol":"json","protocols":["json"],"serviceId":"DynamoDB","targetPrefix":"DynamoDB_20120810"}"#,
    "dynamodbstreams": r#"{"apiVersion":"2012-08-10","endpointPrefix":"streams.dynamodb","protocol":"json","protocols":["json"],"serviceId":"DynamoDB Streams","signingName":"dynamodb","targetPrefix":"DynamoDBStreams_20120810"}"#,
    "cloudwatch": r#"{"apiVersion":"2010-08-01","awsQueryCompatible":{},"endpointPrefix":"monitoring","protocol":"smithy-rpc-v2-cbor","protocols":["smithy-rpc-v2-cbor","json","query"],"serviceId":"CloudWatch","targetPrefix":"GraniteServiceVersion20100801"}"#,
    "lambda": r#"{"apiVersion":"2015-03-31","endpointPrefix":"lambda","protocol":"rest-json","protocols":["rest-json"],"serviceId":"Lambda","signingName":"lambda"}"#,
    "resourcegroupstaggingapi": r#"{"apiVersion":"2017-01-26","endpointPrefix":"tagging","protocol":"json","protocols":["json"],"serviceId":"Resource Groups Tagging API","targetPrefix":"ResourceGroupsTaggingAPI_20170126"}"#,
    "logs": r#"{"apiVersion":"2014-03-28","endpointPrefix":"logs","protocol":"json","protocols":["json"],"serviceId":"CloudWatch Logs","targetPrefix":"Logs_20140328"}"#,
    "cloudtrail": r#"{"apiVersion":"2013-11-01","endpointPrefix":"cloudtrail","protocol":"json","protocols":["json"],"serviceId":"CloudTrail","targetPrefix":"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"}"#,
};

struct Case {
    /// `METHOD host/path`
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    scope: Option<&'static str>,
    /// `service protocol operation`, with the bucket behind `@`.
    expected: &'static str,
}

const fn case(
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    scope: Option<&'static str>,
    expected: &'static str,
) -> Case {
    Case { request, headers, scope, expected }
}

const FORM_BODY: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

const BEARER: (&str, &str) = ("authorization", "Bearer ACWLkey");

const CASES: &[Case] = &[
    // By target.
    case(
        "POST localhost:4566/",
        &[("x-amz-target", "AmazonSQS.SendMessage")],
        Some("sqs"),
        "sqs AwsJson SendMessage",
    ),
    case(
        "POST localhost:4566/",
        &[("x-amz-target", "AmazonSQS.SendMessage")],
        None,
        "sqs AwsJson SendMessage",
    ),
    case(
        "POST h/",
        &[("x-amz-target", "DynamoDB_20120810.GetItem")],
        Some("dynamodb"),
        "dynamodb AwsJson GetItem",
    ),
    case(
        "POST h/",
        &[("x-amz-target", "DynamoDBStreams_20120810.GetRecords")],
        Some("dynamodb"),
        "dynamodbstreams AwsJson GetRecords",
    ),
    case(
        "POST h/",
        &[("x-amz-target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")],
        Some("cloudtrail"),
        "cloudtrail AwsJson LookupEvents",
    ),
    case(
        "POST h/",
        &[("x-amz-target", "ResourceGroupsTaggingAPI_20170126.GetResources")],
        Some("tagging"),
        "resourcegroupstaggingapi AwsJson GetResources",
    ),
    case(
        "POST h/",
        &[("x-amz-target", "Nobody_20120810.GetItem")],
        Some("dynamodb"),
        "dynamodb AwsJson Nobody_20120810.GetItem",
    ),
    case("POST h/", &[("x-amz-target", "")], Some("dynamodb"), "dynamodb AwsJson "),
    case("POST h/", &[("x-amz-target", "AWSGlue.GetTables")], Some("glue"), "?glue AwsJson GetTables"),
    case("POST h/", &[("x-amz-target", "AWSGlue.GetTables")], None, "?AWSGlue AwsJson GetTables"),
    // RPC v2.
    case(
        "POST h/service/GraniteServiceVersion20100801/operation/PutMetricData",
        &[("smithy-protocol", "rpc-v2-cbor")],
        Some("monitoring"),
        "cloudwatch RpcV2Cbor PutMetricData",
    ),
    case(
        "POST h/service/Unheard/operation/Of",
        &[("smithy-protocol", "rpc-v2-cbor")],
        Some("unheard"),
        "?unheard RpcV2Cbor Of",
    ),
    case("PUT h/service/bucket/operation/key", &[], Some("s3"), "s3 RestXml rest"),
    // Query.
    case("POST h/", &[FORM_BODY], Some("sts"), "sts AwsQuery form"),
    case("POST h/", &[FORM_BODY], None, "? AwsQuery form"),
    case("POST h/", &[FORM_BODY], Some("monitoring"), "cloudwatch AwsQuery form"),
    case("POST h/", &[FORM_BODY], Some("ec2"), "ec2 Ec2Query form"),
    case(
        "GET h/?Action=GetCallerIdentity&Version=2011-06-15",
        &[],
        Some("sts"),
        "sts AwsQuery GetCallerIdentity",
    ),
    case("GET h/?Action=GetCallerIdentity&Version=2011-06-15", &[], None, "sts AwsQuery GetCallerIdentity"),
    case("GET h/?Action=Dance&Version=1999-01-01", &[], None, "? AwsQuery Dance"),
    case("POST h/000000000000/q", &[FORM_BODY], Some("sqs"), "sqs AwsQuery form"),
    case("POST h/000000000000/q", &[FORM_BODY], None, "sqs AwsQuery form"),
    case("GET h/000000000000/q?Action=SendMessage", &[], None, "sqs AwsQuery SendMessage"),
    case("POST h/", &[FORM_BODY], Some("iot"), "?iot AwsQuery form"),
    // Hosts.
    case("POST sqs.eu-west-1.localhost:4566/", &[FORM_BODY], None, "sqs AwsQuery form"),
    case("GET sts.amazonaws.com/?Action=GetCallerIdentity", &[], None, "sts AwsQuery GetCallerIdentity"),
    case("GET glue.us-east-1.amazonaws.com/", &[], None, "?glue RestJson rest"),
    case("GET photos.s3.us-west-2.amazonaws.com/a/b", &[], None, "s3 RestXml rest @photos"),
    case("GET photos.s3.localhost:4566/a", &[], Some("s3"), "s3 RestXml rest @photos"),
    case("PUT photos.localhost:4566/a", &[], Some("s3"), "s3 RestXml rest @photos"),
    case("PUT logs.localhost:4566/a", &[], Some("s3"), "s3 RestXml rest @logs"),
    case("GET my.photos.localhost:4566/a", &[], None, "s3 RestXml rest @my.photos"),
    case("GET photos.s3-website.us-east-1.localhost/", &[], None, "s3 RestXml unmodelled @photos"),
    case(
        "GET 000000000000.s3-control.us-east-1.amazonaws.com/v20180820/jobs",
        &[],
        Some("s3"),
        "s3control RestXml rest",
    ),
    case("GET abc.execute-api.us-east-1.localhost/prod", &[], None, "?apigateway RestJson unmodelled"),
    case("GET abc.lambda-url.us-east-1.on.aws/", &[], None, "lambda RestJson unmodelled"),
    // Events by plain HTTP, and what only looks like them.
    case("POST logs.us-east-1.amazonaws.com/v1/logs", &[], None, "logs RestJson unmodelled"),
    case("POST h/v1/logs", &[BEARER], None, "logs RestJson unmodelled"),
    case("POST h/v1/logs", &[], Some("logs"), "logs RestJson unmodelled"),
    case("POST h/v1/logs", &[], None, "s3 RestXml rest"),
    case("POST bucket.s3.us-east-1.amazonaws.com/v1/logs", &[BEARER], None, "s3 RestXml rest @bucket"),
    case("POST monitoring.us-east-1.amazonaws.com/v1/logs", &[BEARER], None, "cloudwatch RpcV2Cbor nothing"),
    case("POST abc.lambda-url.us-east-1.on.aws/v1/logs", &[BEARER], None, "lambda RestJson unmodelled"),
    // Paths.
    case("GET h/2015-03-31/functions", &[], Some("lambda"), "lambda RestJson rest"),
    case("GET h/v20180820/jobs", &[], Some("s3"), "s3control RestXml rest"),
    case("PUT h/bucket/key", &[], Some("s3"), "s3 RestXml rest"),
    case("PUT h/bucket/key?Action=x", &[], Some("s3"), "s3 RestXml rest"),
    case("GET h/bucket/key", &[], None, "s3 RestXml rest"),
    case("GET h/", &[], None, "s3 RestXml rest"),
    case("PUT h/bucket/key", &[FORM_BODY], None, "s3 RestXml rest"),
    case("GET h/x", &[], Some("polly"), "?polly RestJson rest"),
    // A service asked in no protocol of its own.
    case("GET h/", &[], Some("dynamodb"), "dynamodb AwsJson nothing"),
    case("GET h/", &[], Some("sts"), "sts AwsQuery nothing"),
];

#[test]
fn every_form() {
    let catalog = Catalog::new(MODELS, Vec::new());
    let hosts = Hosts::new(&[]);
    for case in CASES {
        let (method, rest) = case.request.split_once(' ').unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap());
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(host));
        for (name, value) in case.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let head = RequestHead::new(method.parse().unwrap(), path.parse().unwrap(), headers);
        let route = route(&catalog, &hosts, &head, case.scope);
        let known = if route.entry.is_some() { "" } else { "?" };
        let asked = match &route.asked {
            Asked::Operation(name) => name,
            Asked::Rest => "rest",
            Asked::Form => "form",
            Asked::Unmodelled => "unmodelled",
            Asked::Nothing => "nothing",
        };
        let bucket = route.bucket.map(|bucket| format!(" @{bucket}")).unwrap_or_default();
        let found = format!("{known}{} {:?} {asked}{bucket}", route.service, route.protocol);
        assert_eq!(found, case.expected, "{} {:?}", case.request, case.scope);
    }
}
