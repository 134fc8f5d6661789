//! All that we ask of other services: data keys of KMS, on the caller's behalf, and rotation functions of Lambda.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{AccountId, ApiError, Caller, Cx, DataKey, Region, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_lambda_wire::operations as lambda;
use haneul_lambda_wire::shapes as l;
use haneul_shape::value::Map;
use serde_json::json;

use crate::error;
use crate::model::ValueRecord;
use crate::secrets::Secrets;

const PRINCIPAL: &str = "secretsmanager.amazonaws.com";
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

/// The value of a version.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) binary: bool,
    pub(crate) bytes: Vec<u8>,
}

/// What a ciphertext is bound to. Source: Secrets Manager User Guide, "Secret encryption and decryption".
fn context(arn: &str, version_id: &str) -> Option<Map<String>> {
    let pairs = [("SecretARN", arn), ("SecretVersionId", version_id)];
    Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl Secrets {
    /// Encrypts a value under a data key of the secret's key, in the key's Region.
    pub(crate) async fn encrypt(
        &self,
        cx: &Cx,
        region: Region,
        key: Option<&str>,
        (arn, version_id): (&str, &str),
        value: &Value,
    ) -> Result<ValueRecord> {
        let input = k::GenerateDataKeyRequest {
            key_id: key.unwrap_or(DEFAULT_KEY).to_owned(),
            key_spec: Some("AES_256".into()),
            encryption_context: context(arn, version_id),
            ..Default::default()
        };
        let made = self.forward_in::<kms::GenerateDataKey>(cx, region, input).await;
        let made = made.map_err(|refused| error::kms(refused, error::ENCRYPTION))?;
        let (Some(data_key), Some(plaintext)) = (made.ciphertext_blob, made.plaintext) else {
            return Err(ApiError::internal("KMS gave no data key"));
        };
        let key = DataKey::new(&plaintext).ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        Ok(ValueRecord {
            binary: value.binary,
            data_key: STANDARD.encode(&data_key),
            sealed: STANDARD.encode(key.seal(&self.platform.env.rng, b"", &value.bytes)),
        })
    }

    pub(crate) async fn decrypt(
        &self,
        cx: &Cx,
        region: Region,
        (arn, version_id): (&str, &str),
        record: &ValueRecord,
    ) -> Result<Value> {
        let damaged = || ApiError::internal("a stored secret is damaged");
        let data_key = STANDARD.decode(&record.data_key).map_err(|_| damaged())?;
        let input = k::DecryptRequest {
            ciphertext_blob: Some(data_key.into()),
            encryption_context: context(arn, version_id),
            ..Default::default()
        };
        let opened = self.forward_in::<kms::Decrypt>(cx, region, input).await;
        let opened = opened.map_err(|refused| error::kms(refused, error::DECRYPTION))?;
        let plaintext = opened.plaintext.ok_or_else(damaged)?;
        let sealed = STANDARD.decode(&record.sealed).map_err(|_| damaged())?;
        let key = DataKey::new(&plaintext).ok_or_else(damaged)?;
        let bytes = key.open(b"", &sealed).ok_or_else(damaged)?;
        Ok(Value { binary: record.binary, bytes })
    }

    /// The full name of a key, checked to be there and to be a symmetric one.
    pub(crate) async fn check_key(&self, cx: &Cx, region: Region, key: &str) -> Result<()> {
        let input = k::DescribeKeyRequest { key_id: key.to_owned(), ..Default::default() };
        match self.forward_in::<kms::DescribeKey>(cx, region, input).await {
            // Who may use a key need not be allowed to look at it.
            Err(refused) if refused.code() == "AccessDeniedException" => Ok(()),
            Err(refused) => Err(error::kms(refused, error::ENCRYPTION)),
            Ok(_) => Ok(()),
        }
    }

    async fn forward_in<O: haneul_kit::Operation>(
        &self,
        cx: &Cx,
        region: Region,
        input: O::Input,
    ) -> Result<O::Output> {
        let mut called_via = cx.called_via().to_vec();
        called_via.push(PRINCIPAL.to_owned());
        let source = cx.source_arn().map(str::to_owned);
        self.platform.bus.call_via::<O>(cx.caller().clone(), region, source, called_via, input).await
    }

    /// Calls a rotation function for one step; `None` only asks whether it could be called.
    pub(crate) async fn call_rotation_function(
        &self,
        (account, region): (AccountId, Region),
        function: &str,
        (arn, version_id): (&str, &str),
        step: Option<&str>,
    ) -> Result<()> {
        let payload = json!({
            "Step": step.unwrap_or_default(),
            "SecretId": arn,
            "ClientRequestToken": version_id,
        });
        let input = l::InvocationRequest {
            function_name: function.to_owned(),
            invocation_type: Some(if step.is_some() { "RequestResponse" } else { "DryRun" }.into()),
            payload: Some(payload.to_string().into_bytes().into()),
            ..Default::default()
        };
        let caller = Caller::service(PRINCIPAL, account);
        let called =
            self.platform.bus.call::<lambda::Invoke>(caller, region, Some(arn.to_owned()), input).await;
        let answer = called.map_err(|refused| match refused.code() {
            "NotImplemented" => error::request(
                "Haneul has no Lambda yet that a rotation function could run in: the secret cannot be rotated.",
            ),
            "ResourceNotFoundException" | "AccessDeniedException" => ApiError::new(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants \
                 access to the principal secretsmanager.amazonaws.com.",
            ),
            _ => refused,
        })?;
        match answer.function_error {
            None => Ok(()),
            Some(kind) => Err(error::request(format!("The rotation function failed: {kind}."))),
        }
    }
}
