//! Wycheproof's vectors: RSA OAEP through the API with imported keys, the rest against the keys themselves, because each
//! case has a key of its own.

use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::cloud::{Cloud, OURS, decrypt, root};
use super::imports::{external, import, wrap};
use crate::crypto::Material;
use crate::spec::Spec;

fn cases(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect())
}

fn unhex(text: &str) -> Vec<u8> {
    if text == "-" {
        return Vec::new();
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn ecdh() {
    for case in cases(include_str!("vectors/ecdh.txt")) {
        let [id, spec, private, public, shared, result] = case[..] else { panic!("{case:?}") };
        let agreed = Material::load(Spec::parse(spec).unwrap(), &unhex(private))
            .and_then(|own| own.agree(&unhex(public)).map(|secret| secret.to_vec()));
        match result {
            "valid" => assert_eq!(agreed.as_deref(), Ok(&unhex(shared)[..]), "{id} {spec}"),
            "invalid" => assert!(agreed.is_err(), "{id} {spec}"),
            _ => assert!(agreed.is_err() || agreed == Ok(unhex(shared)), "{id} {spec}"),
        }
    }
}

#[test]
fn hmac() {
    for case in cases(include_str!("vectors/hmac.txt")) {
        let [id, spec, key, message, tag, result] = case[..] else { panic!("{case:?}") };
        let key = Material::load(Spec::parse(spec).unwrap(), &unhex(key)).ok().unwrap();
        let verified = key.verify_mac(&unhex(message), &unhex(tag));
        assert_eq!(verified.is_ok(), result == "valid", "{id} {spec}");
        assert_eq!(key.mac(&unhex(message)).unwrap() == unhex(tag), result == "valid", "{id} {spec}");
    }
}

#[tokio::test]
async fn oaep() {
    let cloud = Cloud::new().await;
    let mut keys: Vec<String> = Vec::new();
    for case in cases(include_str!("vectors/oaep.txt")) {
        let [id, algorithm, key, ciphertext, message, result] = case[..] else { panic!("{case:?}") };
        let key = match key.parse::<usize>() {
            Ok(at) if key.len() < 3 => keys[at].clone(),
            _ => {
                let made = cloud.make(external("RSA_2048", "ENCRYPT_DECRYPT")).await.key_id;
                let wrapped = wrap(&cloud, &made, "RSA_AES_KEY_WRAP_SHA_256", &unhex(key)).await;
                cloud.ok::<op::ImportKeyMaterial>(&root(OURS), import(&made, wrapped)).await;
                keys.push(made.clone());
                made
            }
        };
        if ciphertext == "-" {
            continue;
        }
        let input = s::DecryptRequest {
            key_id: Some(key),
            encryption_algorithm: Some(algorithm.into()),
            ..decrypt(&unhex(ciphertext).into())
        };
        let opened = cloud.call::<op::Decrypt>(&root(OURS), input).await;
        let opened =
            opened.map(|opened| opened.plaintext.unwrap().to_vec()).map_err(|error| error.to_string());
        match result {
            "valid" => assert_eq!(opened, Ok(unhex(message)), "{id}"),
            _ => assert_eq!(opened, Err("InvalidCiphertextException: ".to_owned()), "{id}"),
        }
    }
    assert_eq!(keys.len(), 2);
}
