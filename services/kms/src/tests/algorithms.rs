//! Every key spec in every use.

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::cloud::{Cloud, OURS, decrypt, encrypt, root};

fn make(spec: &str, usage: &str) -> s::CreateKeyRequest {
    s::CreateKeyRequest { key_spec: Some(spec.into()), key_usage: Some(usage.into()), ..Default::default() }
}

#[tokio::test]
async fn signatures() {
    let cloud = Cloud::new().await;
    for (spec, algorithms) in [
        ("RSA_2048", &["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"][..]),
        ("ECC_NIST_P256", &["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", &["ECDSA_SHA_384"]),
        ("ECC_NIST_P521", &["ECDSA_SHA_512"]),
        ("ECC_SECG_P256K1", &["ECDSA_SHA_256"]),
        ("ECC_NIST_EDWARDS25519", &["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
        ("ML_DSA_44", &["ML_DSA_SHAKE_256"]),
        ("ML_DSA_65", &["ML_DSA_SHAKE_256"]),
        ("ML_DSA_87", &["ML_DSA_SHAKE_256"]),
    ] {
        let key = cloud.make(make(spec, "SIGN_VERIFY")).await;
        for algorithm in algorithms {
            let hash = match algorithm {
                a if a.ends_with("256") => digest(&SHA256, b"message"),
                a if a.ends_with("384") => digest(&SHA384, b"message"),
                _ => digest(&SHA512, b"message"),
            };
            let forms = match *algorithm {
                "ED25519_SHA_512" => vec![("RAW", b"message".to_vec())],
                "ED25519_PH_SHA_512" => vec![("DIGEST", hash.as_ref().to_vec())],
                "ML_DSA_SHAKE_256" => vec![("RAW", b"message".to_vec()), ("EXTERNAL_MU", vec![5; 64])],
                _ => vec![("RAW", b"message".to_vec()), ("DIGEST", hash.as_ref().to_vec())],
            };
            let mut signatures = Vec::new();
            for (kind, message) in forms {
                let sign = s::SignRequest {
                    key_id: key.key_id.clone(),
                    message: message.clone().into(),
                    message_type: Some(kind.into()),
                    signing_algorithm: (*algorithm).into(),
                    ..Default::default()
                };
                let signature = cloud.ok::<op::Sign>(&root(OURS), sign).await.signature.unwrap();
                let verify = |message: Vec<u8>, signature: Vec<u8>| s::VerifyRequest {
                    key_id: key.key_id.clone(),
                    message: message.into(),
                    message_type: Some(kind.into()),
                    signing_algorithm: (*algorithm).into(),
                    signature: signature.into(),
                    ..Default::default()
                };
                let verified =
                    cloud.ok::<op::Verify>(&root(OURS), verify(message.clone(), signature.to_vec())).await;
                assert_eq!(verified.signature_valid, Some(true));
                let mut other = message.clone();
                other[0] ^= 1;
                let refused = cloud.err::<op::Verify>(&root(OURS), verify(other, signature.to_vec())).await;
                assert_eq!(refused, "KMSInvalidSignatureException: ", "{spec} {algorithm} {kind}");
                let mut other = signature.to_vec();
                let last = other.len() - 1;
                other[last] ^= 1;
                let refused = cloud.err::<op::Verify>(&root(OURS), verify(message, other)).await;
                assert_eq!(refused, "KMSInvalidSignatureException: ", "{spec} {algorithm} {kind}");
                signatures.push(signature);
            }
            // A digest stands for its message.
            if signatures.len() == 2 && !algorithm.starts_with("ML_DSA") {
                let verify = s::VerifyRequest {
                    key_id: key.key_id.clone(),
                    message: b"message".to_vec().into(),
                    signing_algorithm: (*algorithm).into(),
                    signature: signatures[1].clone(),
                    ..Default::default()
                };
                cloud.ok::<op::Verify>(&root(OURS), verify).await;
            }
        }
        let get = s::GetPublicKeyRequest { key_id: key.key_id.clone(), ..Default::default() };
        let public = cloud.ok::<op::GetPublicKey>(&root(OURS), get).await;
        assert_eq!(public.public_key.unwrap()[0], 0x30);
        assert_eq!(public.signing_algorithms, key.signing_algorithms);
    }
}

#[tokio::test]
async fn mismatches_are_named() {
    let cloud = Cloud::new().await;
    let key = cloud.make(make("ECC_NIST_P256", "SIGN_VERIFY")).await;
    let arn = key.arn.unwrap();
    let sign = |algorithm: &str, kind: &str, length: usize| s::SignRequest {
        key_id: arn.clone(),
        message: vec![1; length].into(),
        message_type: Some(kind.into()),
        signing_algorithm: algorithm.into(),
        ..Default::default()
    };
    for (algorithm, kind, length, said) in [
        (
            "ECDSA_SHA_384",
            "RAW",
            4,
            "InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is not valid for key spec ECC_NIST_P256.",
        ),
        (
            "ECDSA_SHA_256",
            "DIGEST",
            31,
            "ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256.",
        ),
    ] {
        assert_eq!(cloud.err::<op::Sign>(&root(OURS), sign(algorithm, kind, length)).await, said);
    }
    let said = cloud.err::<op::Encrypt>(&root(OURS), encrypt(&arn, "x")).await;
    let wanted =
        format!("InvalidKeyUsageException: {arn} key usage is SIGN_VERIFY which is not valid for Encrypt.");
    assert_eq!(said, wanted);
    for (spec, usage, said) in [
        ("HMAC_256", None, "You must specify a KeyUsage value"),
        ("ECC_NIST_P256", Some("ENCRYPT_DECRYPT"), "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec"),
        ("SM2", Some("SIGN_VERIFY"), "UnsupportedOperationException"),
    ] {
        let input = s::CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: usage.map(str::to_owned),
            ..Default::default()
        };
        let refused = cloud.err::<op::CreateKey>(&root(OURS), input).await;
        assert!(refused.contains(said), "{refused}");
    }
}

#[tokio::test]
async fn macs() {
    let cloud = Cloud::new().await;
    for bits in ["224", "256", "384", "512"] {
        let key = cloud.make(make(&format!("HMAC_{bits}"), "GENERATE_VERIFY_MAC")).await;
        let algorithm = format!("HMAC_SHA_{bits}");
        let generate = s::GenerateMacRequest {
            key_id: key.key_id.clone(),
            message: b"message".to_vec().into(),
            mac_algorithm: algorithm.clone(),
            ..Default::default()
        };
        let mac = cloud.ok::<op::GenerateMac>(&root(OURS), generate).await.mac.unwrap();
        assert_eq!(mac.len() * 8, bits.parse::<usize>().unwrap());
        let verify = |mac: Vec<u8>| s::VerifyMacRequest {
            key_id: key.key_id.clone(),
            message: b"message".to_vec().into(),
            mac_algorithm: algorithm.clone(),
            mac: mac.into(),
            ..Default::default()
        };
        let verified = cloud.ok::<op::VerifyMac>(&root(OURS), verify(mac.to_vec())).await;
        assert_eq!(verified.mac_valid, Some(true));
        let mut other = mac.to_vec();
        other[3] ^= 4;
        assert_eq!(cloud.err::<op::VerifyMac>(&root(OURS), verify(other)).await, "KMSInvalidMacException: ");
    }
}

#[tokio::test]
async fn rsa_encrypts_by_oaep_within_its_limits() {
    let cloud = Cloud::new().await;
    let key = cloud.make(make("RSA_2048", "ENCRYPT_DECRYPT")).await;
    for (algorithm, longest) in [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)] {
        let encrypt = |length: usize| s::EncryptRequest {
            encryption_algorithm: Some(algorithm.into()),
            ..encrypt(&key.key_id, &"x".repeat(length))
        };
        let blob = cloud.ok::<op::Encrypt>(&root(OURS), encrypt(longest)).await.ciphertext_blob.unwrap();
        let open = s::DecryptRequest {
            key_id: Some(key.key_id.clone()),
            encryption_algorithm: Some(algorithm.into()),
            ..decrypt(&blob)
        };
        let opened = cloud.ok::<op::Decrypt>(&root(OURS), open.clone()).await;
        assert_eq!(opened.plaintext.unwrap().len(), longest);
        let mut other = blob.to_vec();
        other[9] ^= 1;
        let open = s::DecryptRequest { ciphertext_blob: Some(other.into()), ..open };
        assert_eq!(cloud.err::<op::Decrypt>(&root(OURS), open).await, "InvalidCiphertextException: ");
        let said = cloud.err::<op::Encrypt>(&root(OURS), encrypt(longest + 1)).await;
        let wanted = format!(
            "ValidationException: Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {longest} \
             bytes."
        );
        assert_eq!(said, wanted);
    }
}

#[tokio::test]
async fn secrets_are_agreed_on() {
    let cloud = Cloud::new().await;
    for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"] {
        let mut sides = Vec::new();
        for _ in 0..2 {
            let key = cloud.make(make(spec, "KEY_AGREEMENT")).await;
            let get = s::GetPublicKeyRequest { key_id: key.key_id.clone(), ..Default::default() };
            let public = cloud.ok::<op::GetPublicKey>(&root(OURS), get).await.public_key.unwrap();
            sides.push((key.key_id, public));
        }
        let mut secrets = Vec::new();
        for (own, peer) in [(0, 1), (1, 0)] {
            let derive = s::DeriveSharedSecretRequest {
                key_id: sides[own].0.clone(),
                key_agreement_algorithm: "ECDH".into(),
                public_key: sides[peer].1.clone(),
                ..Default::default()
            };
            secrets
                .push(cloud.ok::<op::DeriveSharedSecret>(&root(OURS), derive).await.shared_secret.unwrap());
        }
        assert_eq!(secrets[0], secrets[1]);
        let derive = s::DeriveSharedSecretRequest {
            key_id: sides[0].0.clone(),
            key_agreement_algorithm: "ECDH".into(),
            public_key: vec![4; 65].into(),
            ..Default::default()
        };
        assert!(
            cloud.err::<op::DeriveSharedSecret>(&root(OURS), derive).await.starts_with("ValidationException")
        );
    }
    for spec in ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"] {
        let key = cloud.make(make(spec, "ENCAPSULATE_DECAPSULATE")).await;
        let encapsulate = s::EncapsulateRequest {
            key_id: key.key_id.clone(),
            encapsulation_algorithm: "ML_KEM".into(),
            ..Default::default()
        };
        let made = cloud.ok::<op::Encapsulate>(&root(OURS), encapsulate).await;
        let open = |blob: Vec<u8>| s::DecapsulateRequest {
            key_id: key.key_id.clone(),
            encapsulation_algorithm: "ML_KEM".into(),
            shared_secret_ciphertext_blob: blob.into(),
            ..Default::default()
        };
        let blob = made.shared_secret_ciphertext_blob.unwrap().to_vec();
        let opened = cloud.ok::<op::Decapsulate>(&root(OURS), open(blob.clone())).await;
        assert_eq!(opened.shared_secret, made.shared_secret);
        let mut other = blob.clone();
        other[0] ^= 1;
        let rejected = cloud.ok::<op::Decapsulate>(&root(OURS), open(other)).await;
        assert_ne!(rejected.shared_secret, made.shared_secret);
        let said = cloud.err::<op::Decapsulate>(&root(OURS), open(blob[1..].to_vec())).await;
        assert_eq!(said, "InvalidCiphertextException: ");
    }
}

#[tokio::test]
async fn data_key_pairs_belong_together() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    for spec in [
        "RSA_2048",
        "ECC_NIST_P256",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
        "ML_KEM_768",
    ] {
        let input = s::GenerateDataKeyPairRequest {
            key_id: key.key_id.clone(),
            key_pair_spec: spec.into(),
            ..Default::default()
        };
        let made = cloud.ok::<op::GenerateDataKeyPair>(&root(OURS), input).await;
        let blob = made.private_key_ciphertext_blob.unwrap();
        let opened = cloud.ok::<op::Decrypt>(&root(OURS), decrypt(&blob)).await.plaintext.unwrap();
        assert_eq!(opened, made.private_key_plaintext.unwrap());
        if let Some(spec) = crate::spec::Spec::parse(spec).filter(|_| !spec.starts_with("ML_KEM")) {
            let material = crate::crypto::Material::load(spec, &opened).ok().unwrap();
            assert_eq!(material.public_key().unwrap(), &made.public_key.unwrap()[..]);
        }
    }
}
