use std::time::Duration;

use haneul_s3_wire::{operations as op, shapes as s};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use serde_json::Value;

use super::cloud::{Cloud, OURS};

fn queue(arn: &str, events: &[&str], rules: &[(&str, &str)]) -> s::QueueConfiguration {
    let rule = |(name, value): &(&str, &str)| s::FilterRule {
        name: Some((*name).into()),
        value: Some((*value).into()),
    };
    s::QueueConfiguration {
        id: None,
        queue_arn: arn.into(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        filter: (!rules.is_empty()).then(|| s::NotificationConfigurationFilter {
            key: Some(s::S3KeyFilter { filter_rules: Some(rules.iter().map(rule).collect()) }),
        }),
    }
}

fn configure(queues: Vec<s::QueueConfiguration>) -> s::PutBucketNotificationConfigurationRequest {
    s::PutBucketNotificationConfigurationRequest {
        bucket: "bkt".into(),
        notification_configuration: s::NotificationConfiguration {
            queue_configurations: Some(queues),
            ..Default::default()
        },
        ..Default::default()
    }
}

const ALL: &[&str] = &["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"];

/// The names and keys of the events in a queue.
async fn told(cloud: &Cloud, name: &str) -> Vec<(String, String)> {
    let mut told: Vec<(String, (String, String))> = Vec::new();
    for message in cloud.messages(name).await {
        let record = &message["Records"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &record["s3"]["object"];
        told.push((text(&object["sequencer"]), (text(&record["eventName"]), text(&object["key"]))));
    }
    told.sort();
    told.into_iter().map(|(_, event)| event).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
}

#[tokio::test]
async fn events_reach_their_queue() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let arn = cloud.queue("q", "bkt").await;
    cloud.ok::<op::PutBucketNotificationConfiguration>(configure(vec![queue(&arn, ALL, &[])])).await;
    let test = cloud.messages("q").await;
    assert_eq!(
        (test.len(), &test[0]["Event"], &test[0]["Bucket"]),
        (1, &"s3:TestEvent".into(), &"bkt".into())
    );

    cloud.put("bkt", "a key/ü+.txt", "hello").await;
    cloud.run().await;
    let message = cloud.messages("q").await.remove(0);
    let record = &message["Records"][0];
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventSource"], "aws:s3");
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["userIdentity"]["principalId"], format!("AWS:{OURS}"));
    let s3 = &record["s3"];
    assert_eq!(s3["s3SchemaVersion"], "1.0");
    assert_eq!(s3["bucket"]["arn"], "arn:aws:s3:::bkt");
    assert_eq!(s3["object"]["key"], "a+key/%C3%BC%2B.txt");
    assert_eq!(s3["object"]["size"], 5);
    assert_eq!(s3["object"]["eTag"], "5d41402abc4b2a76b9719d911017c592");
    assert!(s3["object"].get("versionId").is_none());

    // What follows, in order.
    let copy = s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "copy".into(),
        copy_source: "bkt/copied".into(),
        ..Default::default()
    };
    cloud.put("bkt", "copied", "x").await;
    cloud.ok::<op::CopyObject>(copy).await;
    let tags = s::PutObjectTaggingRequest {
        bucket: "bkt".into(),
        key: "copy".into(),
        tagging: s::Tagging { tag_set: vec![s::Tag { key: "k".into(), value: "v".into() }] },
        ..Default::default()
    };
    cloud.ok::<op::PutObjectTagging>(tags).await;
    let untag =
        s::DeleteObjectTaggingRequest { bucket: "bkt".into(), key: "copy".into(), ..Default::default() };
    cloud.ok::<op::DeleteObjectTagging>(untag).await;
    let delete = |key: &str, version: Option<String>| s::DeleteObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        version_id: version,
        ..Default::default()
    };
    cloud.ok::<op::DeleteObject>(delete("copied", None)).await;
    // There was nothing to delete: nothing happened.
    cloud.ok::<op::DeleteObject>(delete("missing", None)).await;
    cloud.version("bkt").await;
    cloud.ok::<op::DeleteObject>(delete("copy", None)).await;
    cloud.ok::<op::DeleteObject>(delete("copy", Some("null".into()))).await;
    cloud.run().await;
    assert_eq!(
        told(&cloud, "q").await,
        pairs(&[
            ("ObjectCreated:Put", "copied"),
            ("ObjectCreated:Copy", "copy"),
            ("ObjectTagging:Put", "copy"),
            ("ObjectTagging:Delete", "copy"),
            ("ObjectRemoved:Delete", "copied"),
            ("ObjectRemoved:DeleteMarkerCreated", "copy"),
            ("ObjectRemoved:Delete", "copy"),
        ])
    );
}

#[tokio::test]
async fn filters_choose() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let (images, rest) = (cloud.queue("images", "bkt").await, cloud.queue("rest", "bkt").await);
    cloud
        .ok::<op::PutBucketNotificationConfiguration>(configure(vec![
            queue(&images, &["s3:ObjectCreated:Put"], &[("prefix", "img/"), ("Suffix", ".jpg")]),
            queue(&rest, &["s3:ObjectCreated:*"], &[("prefix", "doc/")]),
        ]))
        .await;
    let read = s::GetBucketNotificationConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    let read = cloud.ok::<op::GetBucketNotificationConfiguration>(read).await.queue_configurations.unwrap();
    assert_eq!(read.len(), 2);
    assert_ne!(read[0].id, read[1].id);
    let rules = read[0].filter.clone().unwrap().key.unwrap().filter_rules.unwrap();
    assert_eq!((rules[0].name.as_deref(), rules[1].value.as_deref()), (Some("Prefix"), Some(".jpg")));
    for key in ["img/a.jpg", "img/a.png", "a.jpg", "doc/a.jpg"] {
        cloud.put("bkt", key, "x").await;
    }
    cloud.run().await;
    assert_eq!(told(&cloud, "images").await, pairs(&[("", ""), ("ObjectCreated:Put", "img/a.jpg")]));
    assert_eq!(told(&cloud, "rest").await, pairs(&[("", ""), ("ObjectCreated:Put", "doc/a.jpg")]));
}

#[tokio::test]
async fn the_queue_s_policy_decides() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let other = cloud.queue("q", "another-bucket").await;
    let refused =
        cloud.err::<op::PutBucketNotificationConfiguration>(configure(vec![queue(&other, ALL, &[])])).await;
    assert_eq!(refused, "InvalidArgument: Unable to validate the following destination configurations");
    let missing = format!("arn:aws:sqs:us-east-1:{OURS}:none");
    let input = configure(vec![queue(&missing, ALL, &[])]);
    let refused = cloud
        .call::<op::PutBucketNotificationConfiguration>(&super::cloud::root(OURS), input)
        .await
        .unwrap_err();
    let named =
        |name| refused.fields().iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
    assert_eq!(named("ArgumentName1"), Some(format!("{missing}, null").as_str()));
    assert!(named("ArgumentValue1").is_some());
    // Nothing was kept of either.
    let read = s::GetBucketNotificationConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    assert!(cloud.ok::<op::GetBucketNotificationConfiguration>(read).await.queue_configurations.is_none());
    let skipped = s::PutBucketNotificationConfigurationRequest {
        skip_destination_validation: Some(true),
        ..configure(vec![queue(&missing, ALL, &[])])
    };
    cloud.ok::<op::PutBucketNotificationConfiguration>(skipped).await;
    for (events, rules, expected) in [
        (&["s3:Nothing"][..], &[][..], "A specified event is not supported"),
        (ALL, &[("prefix", "a"), ("Prefix", "b")][..], "Cannot specify more than one prefix rule"),
        (ALL, &[("infix", "a")][..], "filter rule name must be either prefix or suffix"),
    ] {
        let input = configure(vec![queue(&missing, events, rules)]);
        let refused = cloud.err::<op::PutBucketNotificationConfiguration>(input).await;
        assert!(refused.contains(expected), "{refused}");
    }
    let topic = s::TopicConfiguration {
        topic_arn: format!("arn:aws:sns:us-east-1:{OURS}:t"),
        events: vec!["s3:ObjectCreated:*".into()],
        ..Default::default()
    };
    let mut input = configure(Vec::new());
    input.notification_configuration.topic_configurations = Some(vec![topic]);
    let refused = cloud.err::<op::PutBucketNotificationConfiguration>(input).await;
    assert!(refused.contains("Unable to validate"), "{refused}");
}

#[tokio::test]
async fn an_event_waits_for_its_destination() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let arn = cloud.queue("q", "bkt").await;
    cloud.ok::<op::PutBucketNotificationConfiguration>(configure(vec![queue(&arn, ALL, &[])])).await;
    let queue_url = format!("http://localhost:4566/{OURS}/q");
    cloud.ok::<sqs::DeleteQueue>(q::DeleteQueueRequest { queue_url }).await;
    cloud.put("bkt", "k", "x").await;
    cloud.run().await;
    // Another life of S3 over the same store goes on with it.
    cloud.env.clock.advance(Duration::from_secs(90));
    cloud.queue("q", "bkt").await;
    cloud.run().await;
    assert_eq!(told(&cloud, "q").await, pairs(&[("ObjectCreated:Put", "k")]));
    assert_eq!(cloud.s3.records.next_event().await.unwrap(), None);

    // One that cannot be delivered is given up after a day.
    let queue_url = format!("http://localhost:4566/{OURS}/q");
    cloud.ok::<sqs::DeleteQueue>(q::DeleteQueueRequest { queue_url }).await;
    cloud.put("bkt", "k", "x").await;
    cloud.run().await;
    for _ in 0..3 {
        cloud.env.clock.advance(Duration::from_secs(13 * 3600));
        cloud.run().await;
    }
    assert_eq!(cloud.s3.records.next_event().await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_told_of_what_changed_nothing() {
    let cloud = Cloud::new().await;
    let input = s::CreateBucketRequest {
        bucket: "bkt".into(),
        object_ownership: Some("ObjectWriter".into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateBucket>(input).await;
    let block = s::DeletePublicAccessBlockRequest { bucket: "bkt".into(), ..Default::default() };
    cloud.ok::<op::DeletePublicAccessBlock>(block).await;
    let arn = cloud.queue("q", "bkt").await;
    let events = ["s3:ObjectTagging:*", "s3:ObjectAcl:Put"];
    cloud.ok::<op::PutBucketNotificationConfiguration>(configure(vec![queue(&arn, &events, &[])])).await;
    cloud.messages("q").await;
    cloud.put("bkt", "k", "x").await;
    let untag =
        || s::DeleteObjectTaggingRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let tag = || s::PutObjectTaggingRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        tagging: s::Tagging { tag_set: vec![s::Tag { key: "a".into(), value: "b".into() }] },
        ..Default::default()
    };
    let acl = |canned: &str| s::PutObjectAclRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        acl: Some(canned.into()),
        ..Default::default()
    };
    cloud.ok::<op::DeleteObjectTagging>(untag()).await;
    cloud.ok::<op::PutObjectAcl>(acl("private")).await;
    cloud.ok::<op::PutObjectTagging>(tag()).await;
    cloud.ok::<op::PutObjectTagging>(tag()).await;
    cloud.ok::<op::DeleteObjectTagging>(untag()).await;
    cloud.ok::<op::DeleteObjectTagging>(untag()).await;
    cloud.ok::<op::PutObjectAcl>(acl("public-read")).await;
    cloud.ok::<op::PutObjectAcl>(acl("public-read")).await;
    cloud.run().await;
    let expected = ["ObjectTagging:Put", "ObjectTagging:Put", "ObjectTagging:Delete", "ObjectAcl:Put"];
    assert_eq!(told(&cloud, "q").await, pairs(&expected.map(|name| (name, "k"))));
}

#[tokio::test]
async fn lifecycle_tells_of_what_it_does() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let arn = cloud.queue("q", "bkt").await;
    let events = ["s3:LifecycleExpiration:*", "s3:LifecycleTransition"];
    cloud.ok::<op::PutBucketNotificationConfiguration>(configure(vec![queue(&arn, &events, &[])])).await;
    cloud.messages("q").await;
    let rule = s::LifecycleRule {
        status: "Enabled".into(),
        filter: Some(s::LifecycleRuleFilter { object_size_greater_than: Some(0), ..Default::default() }),
        transitions: Some(vec![s::Transition {
            days: Some(1),
            date: None,
            storage_class: Some("GLACIER_IR".into()),
        }]),
        expiration: Some(s::LifecycleExpiration { days: Some(2), ..Default::default() }),
        ..Default::default()
    };
    let input = s::PutBucketLifecycleConfigurationRequest {
        bucket: "bkt".into(),
        lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    cloud.ok::<op::PutBucketLifecycleConfiguration>(input).await;
    cloud.put("bkt", "k", "x").await;
    for _ in 0..2 {
        cloud.env.clock.advance(Duration::from_secs(2 * 86_400));
        cloud.run().await;
    }
    let told = told(&cloud, "q").await;
    let expected = [("LifecycleTransition", "k"), ("LifecycleExpiration:Delete", "k")];
    // The clock jumped over the move.
    assert!(told == pairs(&expected) || told == pairs(&expected[1..]), "{told:?}");
}
