use std::collections::BTreeSet;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use proptest::prelude::*;

use super::world::{World, code};

/// What a listing shows, in order.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Entry {
    Key(String),
    Prefix(String),
}

/// A listing as its definition says, without any care for cost.
fn naive(keys: &BTreeSet<String>, prefix: &str, delimiter: &str, after: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let common = |key: &str| {
        let rest = key.strip_prefix(prefix)?;
        let at = rest.find(delimiter).filter(|_| !delimiter.is_empty())?;
        Some(key[..prefix.len() + at + delimiter.len()].to_owned())
    };
    let passed = common(after);
    for key in keys.iter().filter(|key| key.starts_with(prefix) && (after.is_empty() || key.as_str() > after))
    {
        let entry = match common(key) {
            Some(prefix) if passed.as_ref() == Some(&prefix) => continue,
            Some(prefix) => Entry::Prefix(prefix),
            None => Entry::Key(key.clone()),
        };
        if entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}

fn entries(contents: &Option<Vec<s::Object>>, prefixes: &Option<Vec<s::CommonPrefix>>) -> Vec<Entry> {
    let keys = contents.iter().flatten().filter_map(|object| object.key.clone()).map(Entry::Key);
    let prefixes = prefixes.iter().flatten().filter_map(|common| common.prefix.clone()).map(Entry::Prefix);
    let mut all: Vec<Entry> = keys.chain(prefixes).collect();
    all.sort_by_key(|entry| match entry {
        Entry::Key(text) | Entry::Prefix(text) => text.clone(),
    });
    all
}

/// Every page of ListObjectsV2 and of ListObjects, put together.
async fn paged(
    world: &World,
    prefix: &str,
    delimiter: &str,
    after: &str,
    page: i32,
) -> (Vec<Entry>, Vec<Entry>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (mut v2, mut v1) = (Vec::new(), Vec::new());
    let mut token = None;
    loop {
        let input = s::ListObjectsV2Request {
            bucket: "bkt".into(),
            prefix: some(prefix),
            delimiter: some(delimiter),
            start_after: some(after),
            max_keys: Some(page),
            continuation_token: token,
            ..Default::default()
        };
        let output = world.root::<op::ListObjectsV2>(input).await.unwrap();
        let found = entries(&output.contents, &output.common_prefixes);
        assert_eq!(output.key_count, Some(found.len() as i32));
        assert!(found.len() <= page as usize);
        assert_eq!(output.is_truncated, Some(output.next_continuation_token.is_some()));
        v2.extend(found);
        token = output.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    let mut marker = some(after);
    loop {
        let input = s::ListObjectsRequest {
            bucket: "bkt".into(),
            prefix: some(prefix),
            delimiter: some(delimiter),
            marker: marker.clone(),
            max_keys: Some(page),
            ..Default::default()
        };
        let output = world.root::<op::ListObjects>(input).await.unwrap();
        let found = entries(&output.contents, &output.common_prefixes);
        v1.extend(found.clone());
        if output.is_truncated != Some(true) {
            break;
        }
        marker = output.next_marker.or_else(|| match found.last() {
            Some(Entry::Key(key)) => Some(key.clone()),
            _ => None,
        });
    }
    (v2, v1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn as_defined(
        keys in prop::collection::btree_set("[ab/\u{0}-]{1,5}|a/[a-c]{3}[a-f]", 0..80),
        prefix in prop::sample::select(vec!["", "a", "a/", "a/b", "/", "b-"]),
        delimiter in prop::sample::select(vec!["", "/", "--", "ab", "-"]),
        after in prop::sample::select(vec!["", "a", "a/", "a/b", "b/b", "zz", "-"]),
        page in prop::sample::select(vec![1, 2, 3, 7, 1000]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::with_bucket().await;
            for key in &keys {
                world.put(key, "").await;
            }
            let expected = naive(&keys, prefix, delimiter, after);
            let (v2, v1) = paged(&world, prefix, delimiter, after, page).await;
            assert_eq!(v2, expected, "ListObjectsV2");
            assert_eq!(v1, expected, "ListObjects");
        });
    }
}

#[tokio::test]
async fn a_wide_directory_costs_one_seek() {
    let world = World::with_bucket().await;
    for dir in ["a", "b", "c"] {
        for i in 0..300 {
            world.put(&format!("{dir}/{i:04}"), "").await;
        }
    }
    world.put("d", "").await;
    let (v2, v1) = paged(&world, "", "/", "", 1000).await;
    let prefix = |text: &str| Entry::Prefix(text.to_owned());
    assert_eq!(v2, [prefix("a/"), prefix("b/"), prefix("c/"), Entry::Key("d".into())]);
    assert_eq!(v1, v2);
}

#[tokio::test]
async fn limits_and_encodings() {
    let world = World::with_bucket().await;
    world.put("a b/키", "x").await;
    let list = |max_keys, encoding: Option<&str>| s::ListObjectsV2Request {
        bucket: "bkt".into(),
        max_keys,
        encoding_type: encoding.map(str::to_owned),
        fetch_owner: Some(true),
        ..Default::default()
    };
    for (input, expected) in [
        (list(Some(-1), None), "InvalidArgument"),
        (list(Some(0), None), "ok"),
        (list(Some(5000), None), "ok"),
        (list(None, Some("utf-7")), "InvalidArgument"),
        (
            s::ListObjectsV2Request { continuation_token: Some("x".into()), ..list(None, None) },
            "InvalidArgument",
        ),
    ] {
        assert_eq!(code(&world.root::<op::ListObjectsV2>(input).await), expected);
    }
    // A token that is not of this listing is not repeated.
    let token = s::ListObjectsV2Request { continuation_token: Some("x".into()), ..list(None, None) };
    let refused = world.root::<op::ListObjectsV2>(token).await.err().unwrap();
    assert_eq!(refused.fields(), [("ArgumentName", "continuation-token".to_owned())]);
    let none = world.root::<op::ListObjectsV2>(list(Some(0), None)).await.unwrap();
    assert!(none.contents.is_none() && none.is_truncated == Some(false));
    let shown = world.root::<op::ListObjectsV2>(list(Some(5000), Some("url"))).await.unwrap();
    assert_eq!(shown.max_keys, Some(1000));
    let object = &shown.contents.unwrap()[0];
    assert_eq!(object.key.as_deref(), Some("a+b/%ED%82%A4"));
    assert_eq!(object.storage_class.as_deref(), Some("STANDARD"));
    assert!(object.owner.as_ref().unwrap().id.as_ref().unwrap().len() == 64);
}
