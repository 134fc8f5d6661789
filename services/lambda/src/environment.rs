//! A function's environment variables, encrypted under a data key of KMS whenever they are not in use.
//!
//! With a customer managed key the role gets a grant, as on AWS: who may use the function's code need not be allowed to use
//! the key. Whoever reads the configuration must be.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{ApiError, Cx, DataKey, Result};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_lambda_wire::shapes as s;
use haneul_shape::value::Map;

use crate::Lambda;
use crate::error;
use crate::lambda::PRINCIPAL;
use crate::model::function::{SealedEnvironment, VersionRecord};
use crate::names::FunctionName;

pub(crate) type Variables = BTreeMap<String, String>;

const DEFAULT_KEY: &str = "alias/aws/lambda";
/// All names and values. Source: Developer Guide, "Lambda quotas".
const SIZE_MAX: usize = 4096;

/// Names that the runtime sets. Source: Developer Guide, "Defined runtime environment variables".
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// Checks the variables of a request.
pub(crate) fn check(given: Option<s::Environment>) -> Result<Variables> {
    let mut variables = Variables::new();
    for (name, value) in given.and_then(|given| given.variables).unwrap_or_default() {
        variables.insert(name, value);
    }
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(error::parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    if variables.values().any(|value| value.contains('\0')) {
        return Err(error::parameter("Environment variables cannot hold NUL."));
    }
    let text = serde_json::to_string(&variables).map_err(ApiError::internal)?;
    if variables.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > SIZE_MAX {
        let shown: String = text.chars().take(200).collect();
        return Err(error::parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {shown}"
        )));
    }
    Ok(variables)
}

fn context(function: &FunctionName) -> Option<Map<String>> {
    Some([("aws:lambda:FunctionArn".to_owned(), function.arn().to_string())].into_iter().collect())
}

impl Lambda {
    /// Encrypts variables on behalf of the caller, and lets the role decrypt them.
    pub(crate) async fn seal_environment(
        &self,
        cx: &Cx,
        function: &FunctionName,
        key: Option<&str>,
        role: &str,
        variables: &Variables,
    ) -> Result<Option<SealedEnvironment>> {
        if variables.is_empty() {
            return Ok(None);
        }
        let input = k::GenerateDataKeyRequest {
            key_id: key.unwrap_or(DEFAULT_KEY).to_owned(),
            key_spec: Some("AES_256".into()),
            encryption_context: context(function),
            ..Default::default()
        };
        let made = self.platform.forward::<kms::GenerateDataKey>(cx, PRINCIPAL, input).await;
        let made = made.map_err(error::kms)?;
        let (Some(data_key), Some(plaintext)) = (made.ciphertext_blob, made.plaintext) else {
            return Err(ApiError::internal("KMS gave no data key"));
        };
        if let Some(key) = key {
            let grant = k::CreateGrantRequest {
                key_id: key.to_owned(),
                grantee_principal: Some(role.to_owned()),
                operations: vec!["Encrypt".into(), "Decrypt".into()],
                constraints: Some(k::GrantConstraints {
                    encryption_context_equals: context(function),
                    ..Default::default()
                }),
                name: Some(format!("lambda-{}", function.name)),
                ..Default::default()
            };
            let granted = self.platform.forward::<kms::CreateGrant>(cx, PRINCIPAL, grant).await;
            granted.map_err(error::kms)?;
        }
        let text = serde_json::to_vec(variables).map_err(ApiError::internal)?;
        let key = DataKey::new(&plaintext).ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        Ok(Some(SealedEnvironment {
            data_key: STANDARD.encode(&data_key),
            sealed: STANDARD.encode(key.seal(&self.platform.env.rng, b"", &text)),
        }))
    }

    /// Decrypts on behalf of the caller of `cx`: a user who looks, or the role whose function is to run.
    pub(crate) async fn open_environment(
        &self,
        cx: &Cx,
        function: &FunctionName,
        sealed: &SealedEnvironment,
    ) -> Result<Variables> {
        let damaged = || ApiError::internal("a stored environment is damaged");
        let data_key = STANDARD.decode(&sealed.data_key).map_err(|_| damaged())?;
        let input = k::DecryptRequest {
            ciphertext_blob: Some(data_key.into()),
            encryption_context: context(function),
            ..Default::default()
        };
        let opened = self.platform.forward::<kms::Decrypt>(cx, PRINCIPAL, input).await.map_err(error::kms)?;
        let plaintext = opened.plaintext.ok_or_else(damaged)?;
        let sealed = STANDARD.decode(&sealed.sealed).map_err(|_| damaged())?;
        let key = DataKey::new(&plaintext).ok_or_else(damaged)?;
        let text = key.open(b"", &sealed).ok_or_else(damaged)?;
        serde_json::from_slice(&text).map_err(|_| damaged())
    }

    /// As a configuration shows them: what the caller may not decrypt is an error inside of it.
    pub(crate) async fn show_environment(
        &self,
        cx: &Cx,
        function: &FunctionName,
        version: &VersionRecord,
    ) -> Result<Option<s::EnvironmentResponse>> {
        let Some(sealed) = &version.environment else { return Ok(None) };
        match self.open_environment(cx, function, sealed).await {
            Ok(variables) => {
                let variables = Some(variables.into_iter().collect());
                Ok(Some(s::EnvironmentResponse { variables, error: None }))
            }
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => {
                let error = s::EnvironmentError {
                    error_code: Some(refused.code().to_owned()),
                    message: Some(refused.message().to_owned()),
                };
                Ok(Some(s::EnvironmentResponse { variables: None, error: Some(error) }))
            }
            Err(failed) => Err(failed),
        }
    }
}
