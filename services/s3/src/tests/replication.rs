use std::time::Duration;

use haneul_s3_wire::{operations as op, shapes as s};

use super::cloud::{Cloud, OURS, THEIRS, policy, put, root};

fn rule(id: &str, to: &str, priority: i32, prefix: &str) -> s::ReplicationRule {
    s::ReplicationRule {
        id: Some(id.into()),
        priority: Some(priority),
        filter: Some(s::ReplicationRuleFilter { prefix: Some(prefix.into()), ..Default::default() }),
        status: "Enabled".into(),
        delete_marker_replication: Some(s::DeleteMarkerReplication { status: Some("Enabled".into()) }),
        destination: s::Destination { bucket: format!("arn:aws:s3:::{to}"), ..Default::default() },
        ..Default::default()
    }
}

fn replicate(role: &str, rules: Vec<s::ReplicationRule>) -> s::PutBucketReplicationRequest {
    s::PutBucketReplicationRequest {
        bucket: "src".into(),
        replication_configuration: s::ReplicationConfiguration { role: role.into(), rules },
        ..Default::default()
    }
}

const MAY_ALL: &str = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;

async fn with_buckets(names: &[&str]) -> Cloud {
    let cloud = Cloud::new().await;
    for name in names {
        cloud.bucket(name).await;
        cloud.version(name).await;
    }
    cloud
}

async fn status(cloud: &Cloud, bucket: &str, key: &str) -> String {
    let head = s::HeadObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() };
    cloud.ok::<op::HeadObject>(head).await.replication_status.unwrap_or_default()
}

#[tokio::test]
async fn objects_markers_and_tags_are_copied() {
    let cloud = with_buckets(&["src", "dst"]).await;
    let role = cloud.role("r", MAY_ALL).await;
    cloud.put("src", "before", "x").await;
    cloud.ok::<op::PutBucketReplication>(replicate(&role, vec![rule("a", "dst", 1, "")])).await;
    let big = "0123456789".repeat(20_000);
    let input = s::PutObjectRequest {
        tagging: Some("team=a".into()),
        content_type: Some("text/plain".into()),
        ..put("src", "k", &big)
    };
    let made = cloud.ok::<op::PutObject>(input).await;
    assert_eq!(status(&cloud, "src", "k").await, "PENDING");
    cloud.run().await;
    assert_eq!(status(&cloud, "src", "k").await, "COMPLETED");
    assert_eq!(status(&cloud, "dst", "k").await, "REPLICA");
    assert_eq!(status(&cloud, "src", "before").await, "");
    assert_eq!(cloud.get("dst", "k").await.unwrap(), big);
    let head = s::HeadObjectRequest { bucket: "dst".into(), key: "k".into(), ..Default::default() };
    let head = cloud.ok::<op::HeadObject>(head).await;
    assert_eq!((head.e_tag, head.content_type.as_deref()), (made.e_tag, Some("text/plain")));
    let tags = |bucket: &str| s::GetObjectTaggingRequest {
        bucket: bucket.into(),
        key: "k".into(),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::GetObjectTagging>(tags("dst")).await.tag_set[0].value, "a");

    let retag = s::PutObjectTaggingRequest {
        bucket: "src".into(),
        key: "k".into(),
        tagging: s::Tagging { tag_set: vec![s::Tag { key: "team".into(), value: "b".into() }] },
        ..Default::default()
    };
    cloud.ok::<op::PutObjectTagging>(retag).await;
    cloud.run().await;
    assert_eq!(cloud.ok::<op::GetObjectTagging>(tags("dst")).await.tag_set[0].value, "b");

    let delete = s::DeleteObjectRequest { bucket: "src".into(), key: "k".into(), ..Default::default() };
    cloud.ok::<op::DeleteObject>(delete).await;
    cloud.run().await;
    assert!(cloud.get("dst", "k").await.is_err_and(|error| error.code() == "NoSuchKey"));
    // A version that is deleted for good stays in the other bucket.
    let version_id = made.version_id;
    let delete =
        s::DeleteObjectRequest { bucket: "src".into(), key: "k".into(), version_id, ..Default::default() };
    cloud.ok::<op::DeleteObject>(delete).await;
    cloud.run().await;
    let list = s::ListObjectVersionsRequest { bucket: "dst".into(), ..Default::default() };
    let list = cloud.ok::<op::ListObjectVersions>(list).await;
    assert_eq!((list.versions.unwrap().len(), list.delete_markers.unwrap().len()), (1, 1));
    assert_eq!(cloud.s3.records.next_copying().await.unwrap(), None);
}

/// What KMS encrypts is copied where a rule selects it, with the destination's key, as the role may use both.
#[tokio::test]
async fn objects_with_keys_of_kms() {
    use haneul_kms_wire::{operations as kms, shapes as k};
    let cloud = with_buckets(&["src", "dst", "plain"]).await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let made = cloud.ok::<kms::CreateKey>(k::CreateKeyRequest::default()).await;
        keys.push(made.key_metadata.unwrap().arn.unwrap());
    }
    let role = cloud
        .role("r", r#""Effect":"Allow","Action":["s3:*","kms:Decrypt","kms:GenerateDataKey"],"Resource":"*""#)
        .await;
    let selects = |id: &str, to: &str, key: &str| {
        let mut rule = rule(id, to, 1, "");
        rule.source_selection_criteria = Some(s::SourceSelectionCriteria {
            sse_kms_encrypted_objects: Some(s::SseKmsEncryptedObjects { status: "Enabled".into() }),
            replica_modifications: None,
        });
        rule.destination.encryption_configuration =
            Some(s::EncryptionConfiguration { replica_kms_key_id: Some(key.into()) });
        rule
    };
    let mut incomplete = selects("a", "dst", &keys[1]);
    incomplete.destination.encryption_configuration = None;
    assert!(
        cloud
            .err::<op::PutBucketReplication>(replicate(&role, vec![incomplete]))
            .await
            .starts_with("InvalidRequest")
    );
    let rules = vec![
        selects("a", "dst", &keys[1]),
        s::ReplicationRule { priority: Some(2), ..rule("b", "plain", 2, "") },
    ];
    cloud.ok::<op::PutBucketReplication>(replicate(&role, rules)).await;
    let shown = s::GetBucketReplicationRequest { bucket: "src".into(), ..Default::default() };
    let shown = cloud.ok::<op::GetBucketReplication>(shown).await.replication_configuration.unwrap();
    let shown = shown.rules.iter().find(|rule| rule.id.as_deref() == Some("a")).unwrap();
    assert_eq!(
        shown.destination.encryption_configuration.as_ref().unwrap().replica_kms_key_id.as_deref(),
        Some(keys[1].as_str())
    );
    let big = "0123456789".repeat(20_000);
    for (key, algorithm) in [("k", "aws:kms"), ("d", "aws:kms:dsse")] {
        let input = s::PutObjectRequest {
            server_side_encryption: Some(algorithm.into()),
            ssekms_key_id: Some(keys[0].clone()),
            ..put("src", key, &big)
        };
        cloud.ok::<op::PutObject>(input).await;
        cloud.run().await;
        assert_eq!(status(&cloud, "src", key).await, "COMPLETED", "{algorithm}");
        let head = s::HeadObjectRequest { bucket: "dst".into(), key: key.into(), ..Default::default() };
        let head = cloud.ok::<op::HeadObject>(head).await;
        assert_eq!(head.server_side_encryption.as_deref(), Some(algorithm));
        assert_eq!(head.ssekms_key_id.as_deref(), Some(keys[1].as_str()));
        assert_eq!(cloud.get("dst", key).await.unwrap(), big);
        assert!(cloud.get("plain", key).await.is_err(), "that rule does not select it");
    }
    cloud.put("src", "own", "x").await;
    cloud.run().await;
    assert_eq!(cloud.get("plain", "own").await.unwrap(), "x");
    // Without the permission to use the source's key nothing is copied.
    let weak = cloud.role("weak", MAY_ALL).await;
    cloud.ok::<op::PutBucketReplication>(replicate(&weak, vec![selects("a", "dst", &keys[1])])).await;
    let input = s::PutObjectRequest {
        server_side_encryption: Some("aws:kms".into()),
        ssekms_key_id: Some(keys[0].clone()),
        ..put("src", "w", "x")
    };
    cloud.ok::<op::PutObject>(input).await;
    cloud.run().await;
    assert_eq!(status(&cloud, "src", "w").await, "FAILED");
}

#[tokio::test]
async fn the_role_s_permissions_decide() {
    let cloud = with_buckets(&["src", "dst"]).await;
    let weak = r#""Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:GetObjectVersionForReplication"],"Resource":"*""#;
    let role = cloud.role("weak", weak).await;
    cloud.ok::<op::PutBucketReplication>(replicate(&role, vec![rule("a", "dst", 1, "")])).await;
    let arn = cloud.queue("q", "src").await;
    let queue = s::QueueConfiguration {
        queue_arn: arn,
        events: vec!["s3:Replication:*".into()],
        ..Default::default()
    };
    let notify = s::PutBucketNotificationConfigurationRequest {
        bucket: "src".into(),
        notification_configuration: s::NotificationConfiguration {
            queue_configurations: Some(vec![queue]),
            ..Default::default()
        },
        ..Default::default()
    };
    cloud.ok::<op::PutBucketNotificationConfiguration>(notify).await;
    cloud.messages("q").await;
    cloud.put("src", "k", "x").await;
    cloud.run().await;
    assert_eq!(status(&cloud, "src", "k").await, "FAILED");
    assert!(cloud.get("dst", "k").await.is_err());
    let told = cloud.messages("q").await;
    let record = &told[0]["Records"][0];
    assert_eq!(record["eventName"], "Replication:OperationFailedReplication");
    assert_eq!(record["replicationEventData"]["replicationRuleId"], "a");
    // A role that does not trust S3 cannot be used at all.
    cloud.env.clock.advance(Duration::from_secs(60));
    let stranger = format!("arn:aws:iam::{OURS}:role/none");
    cloud.ok::<op::PutBucketReplication>(replicate(&stranger, vec![rule("a", "dst", 1, "")])).await;
    cloud.put("src", "k2", "x").await;
    cloud.run().await;
    assert_eq!(status(&cloud, "src", "k2").await, "FAILED");
}

#[tokio::test]
async fn a_rule_with_metrics_tells_how_it_goes() {
    let cloud = with_buckets(&["src", "dst", "silent"]).await;
    cloud.platform.metrics.open();
    let role = cloud.role("r", MAY_ALL).await;
    let mut measured = rule("a", "dst", 1, "");
    measured.destination.metrics = Some(s::Metrics { status: "Enabled".into(), ..Default::default() });
    let rules = vec![measured, rule("b", "silent", 2, "")];
    cloud.ok::<op::PutBucketReplication>(replicate(&role, rules)).await;
    let input = s::GetBucketReplicationRequest { bucket: "src".into(), ..Default::default() };
    let kept = cloud.ok::<op::GetBucketReplication>(input).await.replication_configuration.unwrap();
    let metrics = |id: &str| {
        kept.rules.iter().find(|rule| rule.id.as_deref() == Some(id)).unwrap().destination.metrics.clone()
    };
    assert!(
        metrics("a").is_some_and(|metrics| metrics.status == "Enabled" && metrics.event_threshold.is_none())
    );
    assert!(metrics("b").is_none());
    for key in ["k1", "k2"] {
        cloud.put("src", key, "x").await;
    }
    cloud.env.clock.advance(Duration::from_secs(7));
    cloud.run().await;
    let taken = cloud.platform.metrics.take(cloud.env.now() + Duration::from_secs(60));
    let mut told: Vec<_> = taken
        .into_iter()
        .filter(|reading| reading.dimensions.iter().any(|(name, _)| *name == "RuleId"))
        .map(|reading| {
            let names: Vec<String> = reading.dimensions.into_iter().map(|(_, value)| value).collect();
            (reading.name, names.join(" "), reading.summary.count, reading.summary.sum)
        })
        .collect();
    told.sort_by(|a, b| a.0.cmp(b.0));
    let of_rule = "src dst a".to_owned();
    let expected = [
        ("OperationsFailedReplication", of_rule.clone(), 2.0, 0.0),
        ("ReplicationLatency", of_rule, 2.0, 14.0),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn several_destinations_and_another_account() {
    let cloud = with_buckets(&["src", "near"]).await;
    let theirs = root(THEIRS);
    let create = s::CreateBucketRequest { bucket: "far".into(), ..Default::default() };
    cloud.call::<op::CreateBucket>(&theirs, create).await.unwrap();
    let version = s::PutBucketVersioningRequest {
        bucket: "far".into(),
        versioning_configuration: s::VersioningConfiguration {
            status: Some("Enabled".into()),
            mfa_delete: None,
        },
        ..Default::default()
    };
    cloud.call::<op::PutBucketVersioning>(&theirs, version).await.unwrap();
    let role = cloud.role("r", MAY_ALL).await;
    let mut far = rule("far", "far", 2, "");
    far.destination.account = Some(THEIRS.to_string());
    far.destination.access_control_translation =
        Some(s::AccessControlTranslation { owner: "Destination".into() });
    far.destination.storage_class = Some("STANDARD_IA".into());
    cloud.ok::<op::PutBucketReplication>(replicate(&role, vec![rule("near", "near", 1, ""), far])).await;
    cloud.put("src", "k", "x").await;
    cloud.run().await;
    assert_eq!(status(&cloud, "src", "k").await, "FAILED", "the other account did not let the role in");
    assert_eq!(cloud.get("near", "k").await.unwrap(), "x");
    let allow = policy(&format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":["s3:ReplicateObject","s3:ReplicateDelete","s3:ObjectOwnerOverrideToBucketOwner"],"Resource":"arn:aws:s3:::far/*""#
    ));
    let input = s::PutBucketPolicyRequest { bucket: "far".into(), policy: allow, ..Default::default() };
    cloud.call::<op::PutBucketPolicy>(&theirs, input).await.unwrap();
    cloud.put("src", "k", "y").await;
    cloud.run().await;
    assert_eq!(status(&cloud, "src", "k").await, "COMPLETED");
    let get = s::GetObjectRequest { bucket: "far".into(), key: "k".into(), ..Default::default() };
    let got = cloud.call::<op::GetObject>(&theirs, get).await.unwrap();
    assert_eq!(got.storage_class.as_deref(), Some("STANDARD_IA"));
}

#[tokio::test]
async fn what_is_refused() {
    let cloud = with_buckets(&["src", "dst"]).await;
    cloud.bucket("plain").await;
    let role = cloud.role("r", MAY_ALL).await;
    let v1 = s::ReplicationRule {
        prefix: Some("a".into()),
        priority: None,
        filter: None,
        delete_marker_replication: None,
        ..rule("v1", "dst", 1, "")
    };
    let tagged = s::ReplicationRule {
        filter: Some(s::ReplicationRuleFilter {
            tag: Some(s::Tag { key: "k".into(), value: "v".into() }),
            ..Default::default()
        }),
        ..rule("t", "dst", 1, "")
    };
    for (input, expected) in [
        (replicate("nonsense", vec![rule("a", "dst", 1, "")]), "Invalid Role ARN"),
        (replicate(&role, vec![]), "The XML you provided"),
        (replicate(&role, vec![rule("a", "src", 1, "")]), "Destination bucket cannot be the same"),
        (replicate(&role, vec![rule("a", "none", 1, "")]), "Destination bucket must have versioning enabled"),
        (
            replicate(&role, vec![rule("a", "plain", 1, "")]),
            "Destination bucket must have versioning enabled",
        ),
        (replicate(&role, vec![rule("a", "dst", 1, ""), rule("a", "dst", 2, "")]), "Rule Id must be unique"),
        (
            replicate(&role, vec![rule("a", "dst", 1, ""), rule("b", "dst", 1, "")]),
            "Found duplicate priority",
        ),
        (
            replicate(&role, vec![s::ReplicationRule { priority: None, ..rule("a", "dst", 1, "") }]),
            "Priority must",
        ),
        (
            replicate(
                &role,
                vec![s::ReplicationRule { delete_marker_replication: None, ..rule("a", "dst", 1, "") }],
            ),
            "DeleteMarkerReplication must",
        ),
        (replicate(&role, vec![tagged]), "Delete marker replication is not supported"),
        (
            s::PutBucketReplicationRequest {
                bucket: "plain".into(),
                ..replicate(&role, vec![rule("a", "dst", 1, "")])
            },
            "Versioning must be 'Enabled'",
        ),
    ] {
        let refused = cloud.err::<op::PutBucketReplication>(input).await;
        assert!(refused.contains(expected), "{refused} / {expected}");
    }
    cloud.ok::<op::PutBucketReplication>(replicate(&role, vec![v1])).await;
    let read = s::GetBucketReplicationRequest { bucket: "src".into(), ..Default::default() };
    let read = cloud.ok::<op::GetBucketReplication>(read).await.replication_configuration.unwrap();
    assert_eq!((read.rules[0].prefix.as_deref(), read.rules[0].filter.is_none()), (Some("a"), true));
    let suspend = s::PutBucketVersioningRequest {
        bucket: "src".into(),
        versioning_configuration: s::VersioningConfiguration {
            status: Some("Suspended".into()),
            mfa_delete: None,
        },
        ..Default::default()
    };
    assert!(cloud.err::<op::PutBucketVersioning>(suspend).await.starts_with("InvalidBucketState"));
}
