use std::collections::BTreeMap;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use proptest::prelude::*;

use super::world::{Who, World, code, get, put};

/// A version as the model sees it: its id, and its content; `None` is a delete marker.
type Version = (String, Option<String>);

/// Every key's versions, newest first, kept as the documentation tells it.
#[derive(Default)]
struct Model {
    status: &'static str,
    keys: BTreeMap<String, Vec<Version>>,
}

impl Model {
    fn write(&mut self, key: &str, id: String, content: Option<String>) {
        let versions = self.keys.entry(key.to_owned()).or_default();
        if id == "null" {
            versions.retain(|(id, _)| id != "null");
        }
        versions.insert(0, (id, content));
    }

    fn delete_unversioned(&mut self, key: &str) {
        self.keys.remove(key);
    }

    fn delete_version(&mut self, key: &str, id: &str) {
        if let Some(versions) = self.keys.get_mut(key) {
            versions.retain(|(version, _)| version != id);
            if versions.is_empty() {
                self.keys.remove(key);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8),
    Delete(u8),
    /// Deletes the version at this place of the key.
    DeleteVersion(u8, usize),
    Status(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u8..3).prop_map(Step::Put),
        3 => (0u8..3).prop_map(Step::Delete),
        4 => (0u8..3, 0usize..5).prop_map(|(key, place)| Step::DeleteVersion(key, place)),
        1 => any::<bool>().prop_map(Step::Status),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn as_documented(steps in prop::collection::vec(step(), 1..40), page in 1i32..5) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps, page));
    }
}

async fn run(steps: Vec<Step>, page: i32) {
    let world = World::with_bucket().await;
    let mut model = Model::default();
    let name = |key: u8| ["a", "a/b", "b"][key as usize];
    for (i, step) in steps.into_iter().enumerate() {
        match step {
            Step::Status(enabled) => {
                model.status = if enabled { "Enabled" } else { "Suspended" };
                world.version(model.status).await;
            }
            Step::Put(key) => {
                let content = format!("{i}");
                let output = world.put(name(key), content.clone()).await;
                let id = output.version_id.unwrap_or_else(|| "null".into());
                assert_eq!(id == "null", model.status != "Enabled");
                model.write(name(key), id, Some(content));
            }
            Step::Delete(key) => {
                let output = world.delete(name(key)).await;
                match model.status {
                    "" => {
                        assert!(output.delete_marker.is_none());
                        model.delete_unversioned(name(key));
                    }
                    _ => {
                        assert_eq!(output.delete_marker, Some(true));
                        model.write(name(key), output.version_id.unwrap(), None);
                    }
                }
            }
            Step::DeleteVersion(key, place) => {
                let Some(versions) = model.keys.get(name(key)) else { continue };
                let (id, content) = versions[place % versions.len()].clone();
                let input = s::DeleteObjectRequest {
                    bucket: "bkt".into(),
                    key: name(key).into(),
                    version_id: Some(id.clone()),
                    ..Default::default()
                };
                let output = world.root::<op::DeleteObject>(input).await.unwrap();
                assert_eq!(output.delete_marker.is_some(), content.is_none());
                model.delete_version(name(key), &id);
            }
        }
    }
    check(&world, &model, page).await;
}

async fn check(world: &World, model: &Model, page: i32) {
    let current: Vec<String> = model
        .keys
        .iter()
        .filter(|(_, versions)| versions[0].1.is_some())
        .map(|(key, _)| key.clone())
        .collect();
    assert_eq!(world.keys().await, current);
    for (key, versions) in &model.keys {
        for (id, content) in versions {
            let input = s::GetObjectRequest { version_id: Some(id.clone()), ..get(key) };
            let result = world.root::<op::GetObject>(input).await;
            match content {
                Some(content) => {
                    assert_eq!(result.unwrap().body.collect(100).await.unwrap(), content.as_bytes());
                }
                None => assert_eq!(code(&result), "MethodNotAllowed"),
            }
        }
    }
    let expected: Vec<(String, String, bool, bool)> = model
        .keys
        .iter()
        .flat_map(|(key, versions)| {
            versions
                .iter()
                .enumerate()
                .map(move |(i, (id, content))| (key.clone(), id.clone(), i == 0, content.is_none()))
        })
        .collect();
    let mut listed = Vec::new();
    let (mut key_marker, mut version_id_marker) = (None, None);
    loop {
        let input = s::ListObjectVersionsRequest {
            bucket: "bkt".into(),
            max_keys: Some(page),
            key_marker,
            version_id_marker,
            ..Default::default()
        };
        let output = world.root::<op::ListObjectVersions>(input).await.unwrap();
        let versions = output.versions.into_iter().flatten();
        let mut entries: Vec<_> = versions
            .map(|v| (v.key.unwrap(), v.version_id.unwrap(), v.is_latest.unwrap(), false))
            .chain(
                output
                    .delete_markers
                    .into_iter()
                    .flatten()
                    .map(|m| (m.key.unwrap(), m.version_id.unwrap(), m.is_latest.unwrap(), true)),
            )
            .collect();
        // The model's answer has two lists; put them back in the order of the versions.
        entries.sort_by_key(|entry| expected.iter().position(|e| e.0 == entry.0 && e.1 == entry.1));
        listed.extend(entries);
        if output.is_truncated != Some(true) {
            break;
        }
        (key_marker, version_id_marker) = (output.next_key_marker, output.next_version_id_marker);
    }
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn delete_markers() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    let first = world.put("k", "1").await.version_id.unwrap();
    let marker = world.delete("k").await.version_id.unwrap();
    let answered = world.call::<op::GetObject>(&Who::root(), get("k")).await;
    assert_eq!(code(&answered.result), "NoSuchKey");
    assert_eq!(answered.headers["x-amz-delete-marker"], "true");
    assert_eq!(answered.headers["x-amz-version-id"], marker.as_str());
    let by_id = s::GetObjectRequest { version_id: Some(marker.clone()), ..get("k") };
    let answered = world.call::<op::GetObject>(&Who::root(), by_id).await;
    assert_eq!(answered.result.err().unwrap().status(), Some(405));
    assert_eq!(answered.headers["x-amz-delete-marker"], "true");
    assert_eq!(answered.headers["allow"], "DELETE");
    let delete = |id: &str| s::DeleteObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: Some(id.into()),
        ..Default::default()
    };
    let gone = world.root::<op::DeleteObject>(delete(&marker)).await.unwrap();
    assert_eq!((gone.delete_marker, gone.version_id), (Some(true), Some(marker.clone())));
    assert_eq!(world.get("k").await.unwrap(), b"1");
    // What is not there any more, and what never was.
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(&marker)).await), "ok");
    assert_eq!(code(&world.root::<op::DeleteObject>(delete("nonsense")).await), "InvalidArgument");
    for (id, expected) in [
        (marker.as_str(), "NoSuchVersion"),
        ("null", "NoSuchVersion"),
        ("nonsense", "InvalidArgument"),
        (first.as_str(), "ok"),
    ] {
        let input = s::GetObjectRequest { version_id: Some(id.into()), ..get("k") };
        assert_eq!(code(&world.root::<op::GetObject>(input).await), expected, "{id}");
    }
}

#[tokio::test]
async fn conditional_writes_see_markers_as_nothing() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    world.put("k", "1").await;
    world.delete("k").await;
    let input = s::PutObjectRequest { if_none_match: Some("*".into()), ..put("k", "2") };
    assert_eq!(code(&world.root::<op::PutObject>(input).await), "ok");
    let input = s::DeleteObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        if_match: Some("\"stale\"".into()),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::DeleteObject>(input.clone()).await), "PreconditionFailed");
    // A deletion of anything finds a marker, which is not it; and where there is nothing, nothing.
    world.delete("k").await;
    for (key, expected) in [("k", "PreconditionFailed"), ("none", "NoSuchKey")] {
        let input = s::DeleteObjectRequest { key: key.into(), if_match: Some("*".into()), ..input.clone() };
        assert_eq!(code(&world.root::<op::DeleteObject>(input).await), expected, "{key}");
    }
}

#[tokio::test]
async fn refused_settings() {
    let world = World::with_bucket().await;
    let set = |status: Option<&str>, mfa: Option<&str>| s::PutBucketVersioningRequest {
        bucket: "bkt".into(),
        versioning_configuration: s::VersioningConfiguration {
            status: status.map(str::to_owned),
            mfa_delete: mfa.map(str::to_owned),
        },
        ..Default::default()
    };
    for (input, expected) in [
        (set(Some("Enabled"), None), "ok"),
        (set(Some("Enabled"), Some("Disabled")), "ok"),
        (set(Some("Enabled"), Some("Enabled")), "AccessDenied"),
        (set(Some("On"), None), "MalformedXML"),
        (set(None, None), "IllegalVersioningConfigurationException"),
    ] {
        assert_eq!(code(&world.root::<op::PutBucketVersioning>(input).await), expected);
    }
}

#[tokio::test]
async fn a_delete_marker_is_changed_by_nobody() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    world.put("k", "x").await;
    let marker = world.delete("k").await.version_id;
    let allowed = "MethodNotAllowed";
    for (version_id, reads) in [(None, "NoSuchKey"), (marker, allowed)] {
        let (bucket, key) = ("bkt".to_owned(), "k".to_owned());
        let read = s::GetObjectRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            version_id: version_id.clone(),
            ..Default::default()
        };
        assert_eq!(code(&world.root::<op::GetObject>(read).await), reads);
        let tags = s::GetObjectTaggingRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            version_id: version_id.clone(),
            ..Default::default()
        };
        assert_eq!(code(&world.root::<op::GetObjectTagging>(tags).await), allowed);
        let tags = s::DeleteObjectTaggingRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            version_id: version_id.clone(),
            ..Default::default()
        };
        assert_eq!(code(&world.root::<op::DeleteObjectTagging>(tags).await), allowed);
        let tagging = s::Tagging { tag_set: Vec::new() };
        let tags = s::PutObjectTaggingRequest { bucket, key, version_id, tagging, ..Default::default() };
        assert_eq!(code(&world.root::<op::PutObjectTagging>(tags).await), allowed);
    }
    let none = s::GetObjectTaggingRequest { bucket: "bkt".into(), key: "none".into(), ..Default::default() };
    let refused = world.root::<op::GetObjectTagging>(none).await.err().unwrap();
    assert!(refused.fields().contains(&("Key", "bkt/none".to_owned())), "{:?}", refused.fields());
}
