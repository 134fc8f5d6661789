//! What we ask of KMS, on the caller's behalf: SecureStrings. Standard parameters are encrypted by the key itself, advanced
//! ones, which may be longer than KMS takes, under a data key. Source: Systems Manager User Guide, "KMS encryption for
//! Parameter Store SecureString parameters".

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use haneul_kit::{ApiError, Cx, DataKey, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_shape::value::Map;

use crate::error;
use crate::model::{ADVANCED, FullName, VersionRecord};
use crate::parameters::Parameters;

const PRINCIPAL: &str = "ssm.amazonaws.com";
pub(crate) const DEFAULT_KEY: &str = "alias/aws/ssm";

fn context(name: &FullName) -> Option<Map<String>> {
    Some([("PARAMETER_ARN".to_owned(), name.arn().to_string())].into_iter().collect())
}

impl Parameters {
    pub(crate) async fn encrypt(
        &self,
        cx: &Cx,
        name: &FullName,
        key: &str,
        tier: &str,
        value: &str,
    ) -> Result<String> {
        if tier != ADVANCED {
            let input = k::EncryptRequest {
                key_id: key.to_owned(),
                plaintext: value.as_bytes().to_vec().into(),
                encryption_context: context(name),
                ..Default::default()
            };
            let made =
                self.platform.forward::<kms::Encrypt>(cx, PRINCIPAL, input).await.map_err(error::kms)?;
            return Ok(BASE64.encode(made.ciphertext_blob.unwrap_or_default()));
        }
        let input = k::GenerateDataKeyRequest {
            key_id: key.to_owned(),
            key_spec: Some("AES_256".into()),
            encryption_context: context(name),
            ..Default::default()
        };
        let made =
            self.platform.forward::<kms::GenerateDataKey>(cx, PRINCIPAL, input).await.map_err(error::kms)?;
        let (Some(sealed_key), Some(plain_key)) = (made.ciphertext_blob, made.plaintext) else {
            return Err(ApiError::internal("KMS gave no data key"));
        };
        let key = DataKey::new(&plain_key).ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        let sealed = key.seal(&self.platform.env.rng, b"", value.as_bytes());
        let length = u16::try_from(sealed_key.len()).map_err(ApiError::internal)?.to_be_bytes();
        Ok(BASE64.encode([&length[..], &sealed_key, &sealed].concat()))
    }

    pub(crate) async fn decrypt(&self, cx: &Cx, name: &FullName, version: &VersionRecord) -> Result<String> {
        let damaged = || ApiError::internal("a stored SecureString is damaged");
        let bytes = BASE64.decode(&version.value).map_err(|_| damaged())?;
        let (blob, rest) = match version.tier == ADVANCED {
            true => {
                let (length, rest) = bytes.split_at_checked(2).ok_or_else(damaged)?;
                let length = u16::from_be_bytes(length.try_into().map_err(|_| damaged())?);
                rest.split_at_checked(usize::from(length)).ok_or_else(damaged)?
            }
            false => (&bytes[..], &[][..]),
        };
        let input = k::DecryptRequest {
            ciphertext_blob: Some(blob.to_vec().into()),
            encryption_context: context(name),
            ..Default::default()
        };
        let opened = self.platform.forward::<kms::Decrypt>(cx, PRINCIPAL, input).await.map_err(error::kms)?;
        let plaintext = opened.plaintext.ok_or_else(damaged)?;
        let plaintext = match version.tier == ADVANCED {
            true => DataKey::new(&plaintext).and_then(|key| key.open(b"", rest)).ok_or_else(damaged)?,
            false => plaintext.to_vec(),
        };
        String::from_utf8(plaintext).map_err(|_| damaged())
    }
}
