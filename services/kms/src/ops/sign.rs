use std::sync::Arc;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use crate::access::Ask;
use crate::crypto::Message;
use crate::error;
use crate::kms::Kms;
use crate::live::LiveKey;
use crate::spec::{SIGN_VERIFY, Spec};

const RAW: &str = "RAW";

impl Handle<op::Sign> for Kms {
    async fn access(&self, cx: &Cx, input: &s::SignRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:Sign", &input.key_id, "Sign", &input.grant_tokens);
        Ok(vec![with_keys(self.ask(cx, ask).await?, &input.signing_algorithm, &input.message_type)])
    }

    async fn call(&self, cx: &Cx, input: s::SignRequest) -> Result<s::SignResponse> {
        let key = self.signing_key(cx, &input.key_id, "Sign", &input.signing_algorithm).await?;
        let message = message(&key, &input.signing_algorithm, &input.message_type, &input.message)?;
        Kms::end_of_dry_run(input.dry_run)?;
        let (_, material) = self.current(cx, &key)?;
        let signature = material.sign(&input.signing_algorithm, message).map_err(error::broken)?;
        self.last_used.note(cx, &key.name, "Sign");
        Ok(s::SignResponse {
            key_id: Some(key.name.arn().to_string()),
            signature: Some(signature.into()),
            signing_algorithm: Some(input.signing_algorithm),
        })
    }
}

impl Handle<op::Verify> for Kms {
    async fn access(&self, cx: &Cx, input: &s::VerifyRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:Verify", &input.key_id, "Verify", &input.grant_tokens);
        Ok(vec![with_keys(self.ask(cx, ask).await?, &input.signing_algorithm, &input.message_type)])
    }

    async fn call(&self, cx: &Cx, input: s::VerifyRequest) -> Result<s::VerifyResponse> {
        let key = self.signing_key(cx, &input.key_id, "Verify", &input.signing_algorithm).await?;
        let message = message(&key, &input.signing_algorithm, &input.message_type, &input.message)?;
        let (_, material) = self.current(cx, &key)?;
        let verified = material.verify(&input.signing_algorithm, message, &input.signature);
        verified.map_err(|_| error::invalid_signature())?;
        Kms::end_of_dry_run(input.dry_run)?;
        self.last_used.note(cx, &key.name, "Verify");
        Ok(s::VerifyResponse {
            key_id: Some(key.name.arn().to_string()),
            signature_valid: Some(true),
            signing_algorithm: Some(input.signing_algorithm),
        })
    }
}

impl Kms {
    async fn signing_key(
        &self,
        cx: &Cx,
        key_id: &str,
        operation: &str,
        algorithm: &str,
    ) -> Result<Arc<LiveKey>> {
        let key = self.usable(cx, key_id, SIGN_VERIFY, operation).await?;
        match key.record.spec().signing_algorithms().contains(&algorithm) {
            true => Ok(key),
            false => Err(error::algorithm(algorithm, &key.record.spec)),
        }
    }
}

fn with_keys(access: Access, algorithm: &str, message_type: &Option<String>) -> Access {
    access
        .key("kms:SigningAlgorithm", algorithm)
        .key("kms:MessageType", message_type.as_deref().unwrap_or(RAW))
}

fn message<'a>(
    key: &LiveKey,
    algorithm: &str,
    message_type: &Option<String>,
    bytes: &'a [u8],
) -> Result<Message<'a>> {
    let given = message_type.as_deref().unwrap_or(RAW);
    let unfit =
        || error::validation(format!("MessageType {given} is not valid for signing algorithm {algorithm}."));
    match (key.record.spec(), given) {
        (Spec::Ed25519, "RAW") if algorithm == "ED25519_PH_SHA_512" => Err(unfit()),
        (_, "RAW") => Ok(Message::Raw(bytes)),
        (Spec::MlDsa(_), "EXTERNAL_MU") if bytes.len() == 64 => Ok(Message::ExternalMu(bytes)),
        (Spec::MlDsa(_), "EXTERNAL_MU") => Err(error::validation(format!(
            "Message is invalid length for message type EXTERNAL_MU and algorithm {algorithm}."
        ))),
        (Spec::MlDsa(_), _) | (_, "EXTERNAL_MU") => Err(unfit()),
        (Spec::Ed25519, _) if algorithm == "ED25519_SHA_512" => Err(unfit()),
        _ if bytes.len() == digest_length(algorithm) => Ok(Message::Digest(bytes)),
        _ => Err(error::validation(format!("Digest is invalid length for algorithm {algorithm}."))),
    }
}

fn digest_length(algorithm: &str) -> usize {
    match algorithm.rsplit('_').next() {
        Some("256") => 32,
        Some("384") => 48,
        _ => 64,
    }
}
