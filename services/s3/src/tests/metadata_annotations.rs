//! S3 Metadata: the table of annotations is what is attached to a bucket's objects, as far as the role may read it.

use haneul_kit::ByteStream;
use haneul_s3_wire::{operations as op, shapes as s};

use super::cloud::Cloud;
use super::metadata::{configuration, minutes, rows, shown, text};

const TABLE: &str = "annotation";

async fn annotate(cloud: &Cloud, key: &str, name: &str, payload: &str) {
    let input = s::PutObjectAnnotationRequest {
        bucket: "bkt".into(),
        key: key.into(),
        annotation_name: name.into(),
        annotation_payload: ByteStream::from_bytes(payload.to_owned()),
        ..Default::default()
    };
    cloud.ok::<op::PutObjectAnnotation>(input).await;
}

fn update(state: &str, role: Option<&str>) -> s::UpdateBucketMetadataAnnotationTableConfigurationRequest {
    s::UpdateBucketMetadataAnnotationTableConfigurationRequest {
        bucket: "bkt".into(),
        annotation_table_configuration: s::AnnotationTableConfigurationUpdates {
            configuration_state: state.into(),
            encryption_configuration: None,
            role: role.map(str::to_owned),
        },
        ..Default::default()
    }
}

/// Key, name and text of each row.
async fn table(cloud: &Cloud) -> Vec<String> {
    let rows = rows(cloud, TABLE).await;
    let mut shown: Vec<_> =
        rows.iter().map(|row| format!("{} {} {}", text(&row[1]), text(&row[4]), text(&row[11]))).collect();
    shown.sort();
    shown
}

async fn state(cloud: &Cloud) -> Option<(String, Option<String>, Option<String>)> {
    let own = shown(cloud).await.annotation_table_configuration_result?;
    let error = own.error.and_then(|error| error.error_code);
    Some((own.configuration_state, own.table_status, error))
}

fn is(state: &str, status: Option<&str>) -> Option<(String, Option<String>, Option<String>)> {
    Some((state.to_owned(), status.map(str::to_owned), None))
}

#[tokio::test]
async fn annotations_are_a_table() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let role = cloud.role("all", r#""Effect":"Allow","Action":"s3:*Annotation*","Resource":"*""#).await;
    for key in ["a", "b"] {
        cloud.put("bkt", key, key).await;
        annotate(&cloud, key, "first", &format!("one of {key}")).await;
    }
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    assert_eq!(state(&cloud).await, None);
    let refused =
        cloud.err::<op::UpdateBucketMetadataAnnotationTableConfiguration>(update("ENABLED", None)).await;
    assert!(refused.starts_with("InvalidRequest"), "{refused}");
    for (role, code) in
        [("nonsense", "InvalidArgument"), ("arn:aws:iam::111111111111:user/u", "InvalidArgument")]
    {
        let input = update("ENABLED", Some(role));
        let refused = cloud.err::<op::UpdateBucketMetadataAnnotationTableConfiguration>(input).await;
        assert!(refused.starts_with(code), "{refused}");
    }
    cloud.ok::<op::UpdateBucketMetadataAnnotationTableConfiguration>(update("ENABLED", Some(&role))).await;
    cloud.run().await;
    assert_eq!(state(&cloud).await, is("ENABLED", Some("ACTIVE")));
    assert_eq!(table(&cloud).await, ["a first one of a", "b first one of b"]);

    // What changes is there within the hour: a new one, one that is another, one that went with its object.
    minutes(&cloud, 31).await;
    annotate(&cloud, "a", "second", "two").await;
    annotate(&cloud, "a", "first", "three").await;
    let gone = s::DeleteObjectRequest { bucket: "bkt".into(), key: "b".into(), ..Default::default() };
    cloud.ok::<op::DeleteObject>(gone).await;
    minutes(&cloud, 1).await;
    assert_eq!(table(&cloud).await, ["a first three", "a second two"]);
    let row = &rows(&cloud, TABLE).await[0];
    assert_eq!((text(&row[0]), text(&row[2]), text(&row[8]).len()), ("bkt".into(), "-".into(), 32));

    // Switched off, it stays as it is; what was noted meanwhile is not there.
    cloud.ok::<op::UpdateBucketMetadataAnnotationTableConfiguration>(update("DISABLED", None)).await;
    annotate(&cloud, "a", "third", "x").await;
    minutes(&cloud, 61).await;
    assert_eq!(state(&cloud).await, is("DISABLED", None));
    assert_eq!(table(&cloud).await.len(), 2);
}

#[tokio::test]
async fn what_the_role_may_not_read_is_left_out() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let some = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bkt/open/*""#;
    let role = cloud.role("some", some).await;
    for key in ["open/a", "shut/b"] {
        cloud.put("bkt", key, key).await;
        annotate(&cloud, key, "note", key).await;
    }
    let mut wanted = configuration(None, None);
    wanted.metadata_configuration.annotation_table_configuration = Some(s::AnnotationTableConfiguration {
        configuration_state: "ENABLED".into(),
        encryption_configuration: None,
        role: Some(role.clone()),
    });
    cloud.ok::<op::CreateBucketMetadataConfiguration>(wanted).await;
    cloud.run().await;
    assert_eq!(table(&cloud).await, ["open/a note open/a"]);
    let own = shown(&cloud).await.annotation_table_configuration_result.unwrap();
    assert_eq!((own.role, own.table_name.as_deref()), (Some(role), Some(TABLE)));

    // Another role sees more.
    let all = cloud.role("all", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    cloud.ok::<op::UpdateBucketMetadataAnnotationTableConfiguration>(update("ENABLED", Some(&all))).await;
    minutes(&cloud, 31).await;
    assert_eq!(table(&cloud).await, ["open/a note open/a", "shut/b note shut/b"]);
}
