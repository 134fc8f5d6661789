//! Imported key material, wrapped as an importer would.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use haneul_kit::Instant;
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::cloud::{Cloud, OURS, encrypt, root};
use crate::spec::Spec;

pub(super) struct Wrapped {
    token: haneul_shape::Bytes,
    material: Vec<u8>,
}

pub(super) async fn wrap(cloud: &Cloud, key_id: &str, algorithm: &str, material: &[u8]) -> Wrapped {
    let get = s::GetParametersForImportRequest {
        key_id: key_id.into(),
        wrapping_algorithm: algorithm.into(),
        wrapping_key_spec: "RSA_2048".into(),
    };
    let made = cloud.ok::<op::GetParametersForImport>(&root(OURS), get).await;
    let public = PublicEncryptingKey::from_der(&made.public_key.unwrap()).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let scheme: &'static OaepAlgorithm =
        if algorithm.ends_with("SHA_1") { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
    let oaep = |bytes: &[u8]| {
        let mut out = vec![0; 256];
        public.encrypt(scheme, bytes, &mut out, None).unwrap();
        out
    };
    let wrapped = if algorithm.starts_with("RSA_AES") {
        let mut out = vec![0; material.len() + 16];
        let kek = AesKek::new(&AES_256, &[9; 32]).unwrap();
        let inner = kek.wrap_with_padding(material, &mut out).unwrap().to_vec();
        [oaep(&[9; 32]), inner].concat()
    } else {
        oaep(material)
    };
    Wrapped { token: made.import_token.unwrap(), material: wrapped }
}

pub(super) fn import(key_id: &str, wrapped: Wrapped) -> s::ImportKeyMaterialRequest {
    s::ImportKeyMaterialRequest {
        key_id: key_id.into(),
        import_token: wrapped.token,
        encrypted_key_material: wrapped.material.into(),
        expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
        ..Default::default()
    }
}

pub(super) fn external(spec: &str, usage: &str) -> s::CreateKeyRequest {
    s::CreateKeyRequest {
        origin: Some("EXTERNAL".into()),
        key_spec: Some(spec.into()),
        key_usage: Some(usage.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn symmetric_material_comes_goes_and_comes_back() {
    let cloud = Cloud::new().await;
    let key = cloud.make(external("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")).await;
    assert_eq!(key.key_state.as_deref(), Some("PendingImport"));
    let (id, arn) = (key.key_id, key.arn.unwrap());
    let pending = format!("KMSInvalidStateException: {arn} is pending import.");
    assert_eq!(cloud.err::<op::Encrypt>(&root(OURS), encrypt(&id, "x")).await, pending);
    let wrapped = wrap(&cloud, &id, "RSAES_OAEP_SHA_256", &[1; 32]).await;
    cloud.ok::<op::ImportKeyMaterial>(&root(OURS), import(&id, wrapped)).await;
    let blob = cloud.encrypt(&id, "x").await;
    let delete = s::DeleteImportedKeyMaterialRequest { key_id: id.clone(), key_material_id: None };
    cloud.ok::<op::DeleteImportedKeyMaterial>(&root(OURS), delete).await;
    assert_eq!(cloud.decrypt(&blob).await.err().unwrap().to_string(), pending);
    let other = wrap(&cloud, &id, "RSAES_OAEP_SHA_1", &[2; 32]).await;
    let said = cloud.err::<op::ImportKeyMaterial>(&root(OURS), import(&id, other)).await;
    assert!(said.starts_with("IncorrectKeyMaterialException"), "{said}");
    // The same again, this time for thirty days.
    let wrapped = wrap(&cloud, &id, "RSA_AES_KEY_WRAP_SHA_256", &[1; 32]).await;
    let until = Instant::from_millis(cloud.platform.env.now().millis() + 30 * 86_400_000);
    let again = s::ImportKeyMaterialRequest {
        expiration_model: Some("KEY_MATERIAL_EXPIRES".into()),
        valid_to: Some(until),
        ..import(&id, wrapped)
    };
    cloud.ok::<op::ImportKeyMaterial>(&root(OURS), again).await;
    assert_eq!(cloud.decrypt(&blob).await.unwrap(), "x");
    assert_eq!(cloud.describe(&id).await.valid_to, Some(until));
    let told = async || {
        let mut told = Vec::new();
        for source in cloud.platform.metrics.sources() {
            told.extend(source.read(cloud.platform.env.now()).await);
        }
        told.into_iter()
            .map(|reading| (reading.name, reading.dimensions, reading.summary.sum))
            .collect::<Vec<_>>()
    };
    cloud.advance_days(1);
    let left = ("SecondsUntilKeyMaterialExpiration", vec![("KeyId", id.clone())], 29.0 * 86_400.0);
    assert_eq!(told().await, [left]);
    cloud.advance_days(29);
    assert!(told().await.is_empty());
    assert_eq!(cloud.describe(&id).await.key_state.as_deref(), Some("PendingImport"));
    assert_eq!(cloud.decrypt(&blob).await.err().unwrap().to_string(), pending);
}

#[tokio::test]
async fn new_material_is_rotated_to_on_demand() {
    let cloud = Cloud::new().await;
    let id = cloud.make(external("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")).await.key_id;
    let wrapped = wrap(&cloud, &id, "RSAES_OAEP_SHA_256", &[1; 32]).await;
    cloud.ok::<op::ImportKeyMaterial>(&root(OURS), import(&id, wrapped)).await;
    let old = cloud.encrypt(&id, "old").await;
    let wrapped = wrap(&cloud, &id, "RSAES_OAEP_SHA_256", &[2; 32]).await;
    let new =
        s::ImportKeyMaterialRequest { import_type: Some("NEW_KEY_MATERIAL".into()), ..import(&id, wrapped) };
    cloud.ok::<op::ImportKeyMaterial>(&root(OURS), new).await;
    let rotate = s::RotateKeyOnDemandRequest { key_id: id.clone() };
    cloud.ok::<op::RotateKeyOnDemand>(&root(OURS), rotate.clone()).await;
    let fresh = cloud.encrypt(&id, "new").await;
    assert_eq!(cloud.decrypt(&old).await.unwrap(), "old");
    assert_eq!(cloud.decrypt(&fresh).await.unwrap(), "new");
    let said = cloud.err::<op::RotateKeyOnDemand>(&root(OURS), rotate).await;
    assert!(said.starts_with("KMSInvalidStateException"), "{said}");
}

#[tokio::test]
async fn other_specs_and_bad_tokens() {
    let cloud = Cloud::new().await;
    for (spec, usage) in [
        ("HMAC_512", "GENERATE_VERIFY_MAC"),
        ("ECC_NIST_P384", "SIGN_VERIFY"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
        ("RSA_2048", "ENCRYPT_DECRYPT"),
    ] {
        let id = cloud.make(external(spec, usage)).await.key_id;
        let parsed = Spec::parse(spec).unwrap();
        let material = crate::crypto::material::generate_now(&cloud.platform.env, parsed).unwrap();
        let wrapped = wrap(&cloud, &id, "RSA_AES_KEY_WRAP_SHA_1", &material).await;
        cloud.ok::<op::ImportKeyMaterial>(&root(OURS), import(&id, wrapped)).await;
        assert_eq!(cloud.describe(&id).await.key_state.as_deref(), Some("Enabled"), "{spec}");
    }
    let one = cloud.make(external("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")).await.key_id;
    let two = cloud.make(external("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")).await.key_id;
    let wrapped = wrap(&cloud, &one, "RSAES_OAEP_SHA_256", &[1; 32]).await;
    let said = cloud.err::<op::ImportKeyMaterial>(&root(OURS), import(&two, wrapped)).await;
    assert!(said.starts_with("InvalidImportTokenException"), "{said}");
    let wrapped = wrap(&cloud, &one, "RSAES_OAEP_SHA_256", &[1; 31]).await;
    let said = cloud.err::<op::ImportKeyMaterial>(&root(OURS), import(&one, wrapped)).await;
    assert!(said.starts_with("IncorrectKeyMaterialException"), "{said}");
    let mut wrapped = wrap(&cloud, &one, "RSAES_OAEP_SHA_256", &[1; 32]).await;
    wrapped.material[5] ^= 1;
    let said = cloud.err::<op::ImportKeyMaterial>(&root(OURS), import(&one, wrapped)).await;
    assert!(said.starts_with("InvalidCiphertextException"), "{said}");
    let wrapped = wrap(&cloud, &one, "RSAES_OAEP_SHA_256", &[1; 32]).await;
    cloud.advance_days(1);
    let said = cloud.err::<op::ImportKeyMaterial>(&root(OURS), import(&one, wrapped)).await;
    assert!(said.starts_with("ExpiredImportTokenException"), "{said}");
}
