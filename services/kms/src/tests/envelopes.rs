//! Symmetric encryption: what opens, and that nothing else does.

use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use proptest::prelude::*;

use super::cloud::{Cloud, OURS, context, decrypt, encrypt, root};

#[tokio::test]
async fn only_the_same_context_opens() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    let given = context(&[("a", "1"), ("b", "2")]);
    let input = s::EncryptRequest { encryption_context: given.clone(), ..encrypt(&key.key_id, "secret") };
    let blob = cloud.ok::<op::Encrypt>(&root(OURS), input).await.ciphertext_blob.unwrap();
    let open = |context| s::DecryptRequest { encryption_context: context, ..decrypt(&blob) };
    let opened = cloud.ok::<op::Decrypt>(&root(OURS), open(context(&[("b", "2"), ("a", "1")]))).await;
    assert_eq!(opened.plaintext.unwrap(), &b"secret"[..]);
    assert_eq!(opened.key_id, key.arn);
    assert_eq!(opened.key_material_id, key.current_key_material_id);
    for other in
        [None, context(&[("a", "1")]), context(&[("a", "2"), ("b", "1")]), context(&[("a1", ""), ("b2", "")])]
    {
        assert_eq!(cloud.err::<op::Decrypt>(&root(OURS), open(other)).await, "InvalidCiphertextException: ");
    }
}

#[tokio::test]
async fn a_ciphertext_names_its_key() {
    let cloud = Cloud::new().await;
    let (one, two) = (cloud.key().await, cloud.key().await);
    let blob = cloud.encrypt(&one.key_id, "x").await;
    let with =
        |key: &s::KeyMetadata| s::DecryptRequest { key_id: Some(key.key_id.clone()), ..decrypt(&blob) };
    cloud.ok::<op::Decrypt>(&root(OURS), with(&one)).await;
    let refused = cloud.err::<op::Decrypt>(&root(OURS), with(&two)).await;
    assert!(refused.starts_with("IncorrectKeyException"), "{refused}");
    let elsewhere =
        cloud.call_in::<op::Decrypt>(&root(OURS), "eu-west-1", decrypt(&blob)).await.err().unwrap();
    assert!(elsewhere.message().contains("does not exist in this region"), "{elsewhere}");
}

#[tokio::test]
async fn limits() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    cloud.encrypt(&key.key_id, &"x".repeat(4096)).await;
    let refused = cloud.err::<op::Encrypt>(&root(OURS), encrypt(&key.key_id, &"x".repeat(4097))).await;
    assert!(refused.starts_with("ValidationException: 1 validation error detected"), "{refused}");
    let long = context(&[("a", &"x".repeat(8192))]);
    let input = s::EncryptRequest { encryption_context: long, ..encrypt(&key.key_id, "x") };
    assert!(cloud.err::<op::Encrypt>(&root(OURS), input).await.contains("8192"));
    let input = s::GenerateDataKeyRequest { key_id: key.key_id.clone(), ..Default::default() };
    let refused = cloud.err::<op::GenerateDataKey>(&root(OURS), input).await;
    assert_eq!(refused, "ValidationException: Please specify either number of bytes or key spec.");
}

#[tokio::test]
async fn data_keys_open_to_what_they_were() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    for (spec, bytes, length) in
        [(Some("AES_256"), None, 32), (Some("AES_128"), None, 16), (None, Some(77), 77)]
    {
        let input = s::GenerateDataKeyRequest {
            key_id: key.key_id.clone(),
            key_spec: spec.map(str::to_owned),
            number_of_bytes: bytes,
            ..Default::default()
        };
        let made = cloud.ok::<op::GenerateDataKey>(&root(OURS), input).await;
        let opened = cloud.ok::<op::Decrypt>(&root(OURS), decrypt(&made.ciphertext_blob.unwrap())).await;
        assert_eq!(opened.plaintext, made.plaintext);
        assert_eq!(opened.plaintext.unwrap().len(), length);
    }
    let dry = s::GenerateDataKeyRequest {
        key_id: key.key_id.clone(),
        key_spec: Some("AES_256".into()),
        dry_run: Some(true),
        ..Default::default()
    };
    let said = cloud.err::<op::GenerateDataKey>(&root(OURS), dry).await;
    assert_eq!(
        said,
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set."
    );
}

#[tokio::test]
async fn re_encrypt_moves_between_keys_and_contexts() {
    let cloud = Cloud::new().await;
    let (one, two) = (cloud.key().await, cloud.key().await);
    let blob = cloud.encrypt(&one.key_id, "x").await;
    let input = s::ReEncryptRequest {
        ciphertext_blob: Some(blob.clone()),
        destination_key_id: two.key_id.clone(),
        destination_encryption_context: context(&[("a", "b")]),
        ..Default::default()
    };
    let moved = cloud.ok::<op::ReEncrypt>(&root(OURS), input).await;
    assert_eq!((&moved.source_key_id, &moved.key_id), (&one.arn, &two.arn));
    let blob = moved.ciphertext_blob.unwrap();
    let input = s::DecryptRequest { encryption_context: context(&[("a", "b")]), ..decrypt(&blob) };
    assert_eq!(cloud.ok::<op::Decrypt>(&root(OURS), input).await.plaintext.unwrap(), &b"x"[..]);
    assert!(cloud.decrypt(&blob).await.is_err());
}

#[tokio::test]
async fn no_flipped_bit_opens() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    let blob = cloud.encrypt(&key.key_id, "a secret").await;
    for at in 0..blob.len() * 8 {
        let mut changed = blob.to_vec();
        changed[at / 8] ^= 1 << (at % 8);
        assert!(cloud.decrypt(&changed.into()).await.is_err(), "bit {at}");
    }
    for length in 0..blob.len() {
        if length > 0 {
            assert!(cloud.decrypt(&blob.slice(..length)).await.is_err(), "{length} bytes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = crate::crypto::blob::Blob::parse(&bytes);
    }

    #[test]
    fn contexts_are_not_mixed_up(
        a in proptest::collection::btree_map("[a-c]{0,3}", "[a-c]{0,3}", 0..4),
        b in proptest::collection::btree_map("[a-c]{0,3}", "[a-c]{0,3}", 0..4),
    ) {
        let env = haneul_env::Env::simulated(1);
        let name = crate::model::KeyName {
            account: haneul_kit::AccountId::DEFAULT,
            region: haneul_kit::Region::US_EAST_1,
            id: "k".into(),
        };
        let id = "00".repeat(32);
        let (one, two) = (a.clone().into_iter().collect(), b.clone().into_iter().collect());
        let sealed = crate::crypto::blob::seal(&env, &name, (&id, &[1; 32]), Some(&one), b"x").unwrap();
        let blob = crate::crypto::blob::Blob::parse(&sealed).unwrap();
        prop_assert!(blob.open(&[1; 32], Some(&one)).is_ok());
        prop_assert_eq!(blob.open(&[1; 32], Some(&two)).is_ok(), a == b);
        prop_assert!(blob.open(&[2; 32], Some(&one)).is_err());
    }
}
