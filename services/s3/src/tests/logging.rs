use std::time::Duration;

use haneul_kit::Extension;
use haneul_s3_wire::{operations as op, shapes as s};
use http::Response;

use super::cloud::{Cloud, OURS, policy, root};

fn logging(target: &str, format: Option<s::TargetObjectKeyFormat>) -> s::PutBucketLoggingRequest {
    s::PutBucketLoggingRequest {
        bucket: "bkt".into(),
        bucket_logging_status: s::BucketLoggingStatus {
            logging_enabled: Some(s::LoggingEnabled {
                target_bucket: target.into(),
                target_prefix: "log/".into(),
                target_grants: None,
                target_object_key_format: format,
            }),
        },
        ..Default::default()
    }
}

/// A request that was answered, as the front door ends it.
async fn answered(cloud: &Cloud, target: &str, status: u16) {
    let mut head =
        haneul_kit::RequestHead::new("GET".parse().unwrap(), target.parse().unwrap(), Default::default());
    head.headers.insert("user-agent", "evil\"agent".parse().unwrap());
    let cx = haneul_kit::Cx::new(haneul_kit::cx::Parts {
        request_id: "REQ".into(),
        caller: root(OURS),
        region: haneul_kit::Region::US_EAST_1,
        now: cloud.env.now(),
        source_ip: Some([192, 0, 2, 3].into()),
        secure: false,
        http: Some(head),
        called_via: Vec::new(),
        source_arn: None,
        answer: Default::default(),
    });
    let (mut parts, ()) =
        Response::builder().status(status).header("content-length", "7").body(()).unwrap().into_parts();
    if status >= 400 {
        parts.extensions.insert(haneul_kit::extension::ErrorCode("NoSuchKey".into()));
    }
    cloud.s3.decorate(&cx, &mut parts).await;
}

async fn logs(cloud: &Cloud) -> Vec<String> {
    let list = s::ListObjectsV2Request { bucket: "logs".into(), ..Default::default() };
    let listed = cloud.ok::<op::ListObjectsV2>(list).await.contents.unwrap_or_default();
    listed.into_iter().filter_map(|object| object.key).collect()
}

#[tokio::test]
async fn requests_are_logged_to_a_bucket_that_lets_them_in() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("logs").await;
    let refused = cloud.err::<op::PutBucketLogging>(logging("nowhere", None)).await;
    assert_eq!(refused, "InvalidTargetBucketForLogging: The target bucket for logging does not exist");
    let elsewhere = s::CreateBucketRequest {
        bucket: "far".into(),
        create_bucket_configuration: Some(s::CreateBucketConfiguration {
            location_constraint: Some("eu-west-1".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    cloud.ok::<op::CreateBucket>(elsewhere).await;
    let refused = cloud.err::<op::PutBucketLogging>(logging("far", None)).await;
    assert_eq!(refused, "CrossLocationLoggingProhibitted: Cross S3 location logging not allowed. ");
    cloud.ok::<op::PutBucketLogging>(logging("logs", None)).await;
    answered(&cloud, "/bkt/a%20key", 200).await;
    cloud.env.clock.advance(Duration::from_secs(301));
    cloud.run().await;
    assert!(logs(&cloud).await.is_empty(), "the target bucket lets nobody in");

    let statement = format!(
        r#""Effect":"Allow","Principal":{{"Service":"logging.s3.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*",
           "Condition":{{"ArnLike":{{"aws:SourceArn":"arn:aws:s3:::bkt"}},"StringEquals":{{"aws:SourceAccount":"{OURS}"}}}}"#
    );
    let input =
        s::PutBucketPolicyRequest { bucket: "logs".into(), policy: policy(&statement), ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(input).await;
    answered(&cloud, "/bkt/a%20key?x=1", 200).await;
    answered(&cloud, "/bkt/none", 404).await;
    answered(&cloud, "/logs/other", 200).await;
    cloud.run().await;
    assert!(logs(&cloud).await.is_empty(), "not yet");
    cloud.env.clock.advance(Duration::from_secs(301));
    cloud.run().await;
    let keys = logs(&cloud).await;
    assert_eq!(keys.len(), 1);
    assert!(
        keys[0].starts_with("log/20") && keys[0].len() == "log/2026-01-01-00-00-00-0123456789ABCDEF".len(),
        "{keys:?}"
    );
    let text = cloud.get("logs", &keys[0]).await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    for part in [
        " bkt [",
        " 192.0.2.3 ",
        " REQ REST.GET.OBJECT a%20key \"GET /bkt/a%20key?x=1 HTTP/1.1\" 200 - 7 7 ",
        "\"evil?agent\"",
    ] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
    assert!(lines[1].contains(" 404 NoSuchKey 7 - "), "{}", lines[1]);
}

#[tokio::test]
async fn keys_by_day() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("logs").await;
    let allow = policy(
        r#""Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*""#,
    );
    let input = s::PutBucketPolicyRequest { bucket: "logs".into(), policy: allow, ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(input).await;
    let by_event = s::TargetObjectKeyFormat {
        partitioned_prefix: Some(s::PartitionedPrefix { partition_date_source: Some("EventTime".into()) }),
        simple_prefix: None,
    };
    cloud.ok::<op::PutBucketLogging>(logging("logs", Some(by_event))).await;
    let read = s::GetBucketLoggingRequest { bucket: "bkt".into(), ..Default::default() };
    let read = cloud.ok::<op::GetBucketLogging>(read).await.logging_enabled.unwrap();
    assert!(read.target_object_key_format.unwrap().partitioned_prefix.is_some());
    answered(&cloud, "/bkt/k", 200).await;
    cloud.env.clock.advance(Duration::from_secs(301));
    cloud.run().await;
    let keys = logs(&cloud).await;
    assert!(keys[0].starts_with(&format!("log/{OURS}/us-east-1/bkt/20")), "{keys:?}");
    let off = s::PutBucketLoggingRequest { bucket: "bkt".into(), ..Default::default() };
    cloud.ok::<op::PutBucketLogging>(off).await;
    answered(&cloud, "/bkt/k", 200).await;
    cloud.env.clock.advance(Duration::from_secs(301));
    cloud.run().await;
    assert_eq!(logs(&cloud).await.len(), 1);
}
