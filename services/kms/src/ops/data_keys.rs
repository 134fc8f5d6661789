use std::sync::Arc;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use zeroize::Zeroizing;

use super::encrypt::SYMMETRIC_DEFAULT;
use crate::access::Ask;
use crate::crypto::blob::Context;
use crate::crypto::material::{self, Secret};
use crate::error;
use crate::kms::Kms;
use crate::live::LiveKey;
use crate::spec::{ENCRYPT_DECRYPT, Spec};

/// A data key in both forms.
struct DataKey {
    key: Arc<LiveKey>,
    plaintext: Secret,
    sealed: Vec<u8>,
}

impl DataKey {
    fn arn(&self) -> Option<String> {
        Some(self.key.name.arn().to_string())
    }

    fn material_id(&self) -> Option<String> {
        self.key.record.current().map(|material| material.id.clone())
    }
}

impl Handle<op::GenerateDataKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GenerateDataKeyRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:GenerateDataKey", &input.key_id, "GenerateDataKey", &input.grant_tokens);
        self.ask_data_key(cx, ask, input.encryption_context.as_ref()).await
    }

    async fn call(&self, cx: &Cx, input: s::GenerateDataKeyRequest) -> Result<s::GenerateDataKeyResponse> {
        if input.recipient.is_some() {
            return Err(error::recipient());
        }
        let length = data_key_length(input.key_spec.as_deref(), input.number_of_bytes)?;
        let context = input.encryption_context.as_ref();
        let made = self
            .data_key(cx, &input.key_id, "GenerateDataKey", context, input.dry_run, random(self, length))
            .await?;
        Ok(s::GenerateDataKeyResponse {
            key_id: made.arn(),
            key_material_id: made.material_id(),
            ciphertext_for_recipient: None,
            plaintext: Some(made.plaintext.to_vec().into()),
            ciphertext_blob: Some(made.sealed.into()),
        })
    }
}

impl Handle<op::GenerateDataKeyWithoutPlaintext> for Kms {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GenerateDataKeyWithoutPlaintextRequest,
    ) -> Result<Vec<Access>> {
        let action = "kms:GenerateDataKeyWithoutPlaintext";
        let ask = Ask::crypto(action, &input.key_id, "GenerateDataKeyWithoutPlaintext", &input.grant_tokens);
        self.ask_data_key(cx, ask, input.encryption_context.as_ref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GenerateDataKeyWithoutPlaintextRequest,
    ) -> Result<s::GenerateDataKeyWithoutPlaintextResponse> {
        let length = data_key_length(input.key_spec.as_deref(), input.number_of_bytes)?;
        let operation = "GenerateDataKeyWithoutPlaintext";
        let context = input.encryption_context.as_ref();
        let made =
            self.data_key(cx, &input.key_id, operation, context, input.dry_run, random(self, length)).await?;
        Ok(s::GenerateDataKeyWithoutPlaintextResponse {
            key_id: made.arn(),
            key_material_id: made.material_id(),
            ciphertext_blob: Some(made.sealed.into()),
        })
    }
}

impl Handle<op::GenerateDataKeyPair> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GenerateDataKeyPairRequest) -> Result<Vec<Access>> {
        let action = "kms:GenerateDataKeyPair";
        let ask = Ask::crypto(action, &input.key_id, "GenerateDataKeyPair", &input.grant_tokens);
        let mut all = self.ask_data_key(cx, ask, input.encryption_context.as_ref()).await?;
        all[0].keys.push(("kms:DataKeyPairSpec".into(), vec![input.key_pair_spec.clone()]));
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GenerateDataKeyPairRequest,
    ) -> Result<s::GenerateDataKeyPairResponse> {
        if input.recipient.is_some() {
            return Err(error::recipient());
        }
        let (private, public) = self.pair(cx, &input.key_id, &input.key_pair_spec, input.dry_run).await?;
        let context = input.encryption_context.as_ref();
        let made = self.data_key(cx, &input.key_id, "GenerateDataKeyPair", context, None, private).await?;
        Ok(s::GenerateDataKeyPairResponse {
            key_id: made.arn(),
            key_material_id: made.material_id(),
            private_key_plaintext: Some(made.plaintext.to_vec().into()),
            private_key_ciphertext_blob: Some(made.sealed.into()),
            public_key: Some(public.into()),
            key_pair_spec: Some(input.key_pair_spec),
            ciphertext_for_recipient: None,
        })
    }
}

impl Handle<op::GenerateDataKeyPairWithoutPlaintext> for Kms {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GenerateDataKeyPairWithoutPlaintextRequest,
    ) -> Result<Vec<Access>> {
        let action = "kms:GenerateDataKeyPairWithoutPlaintext";
        let grant = "GenerateDataKeyPairWithoutPlaintext";
        let ask = Ask::crypto(action, &input.key_id, grant, &input.grant_tokens);
        let mut all = self.ask_data_key(cx, ask, input.encryption_context.as_ref()).await?;
        all[0].keys.push(("kms:DataKeyPairSpec".into(), vec![input.key_pair_spec.clone()]));
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GenerateDataKeyPairWithoutPlaintextRequest,
    ) -> Result<s::GenerateDataKeyPairWithoutPlaintextResponse> {
        let (private, public) = self.pair(cx, &input.key_id, &input.key_pair_spec, input.dry_run).await?;
        let operation = "GenerateDataKeyPairWithoutPlaintext";
        let context = input.encryption_context.as_ref();
        let made = self.data_key(cx, &input.key_id, operation, context, None, private).await?;
        Ok(s::GenerateDataKeyPairWithoutPlaintextResponse {
            key_id: made.arn(),
            key_material_id: made.material_id(),
            private_key_ciphertext_blob: Some(made.sealed.into()),
            public_key: Some(public.into()),
            key_pair_spec: Some(input.key_pair_spec),
        })
    }
}

impl Kms {
    async fn ask_data_key(&self, cx: &Cx, ask: Ask<'_>, context: Option<&Context>) -> Result<Vec<Access>> {
        let access = self.ask(cx, ask.context(context)).await?;
        Ok(vec![access.key("kms:EncryptionAlgorithm", SYMMETRIC_DEFAULT)])
    }

    /// Encrypts a new key under a symmetric one.
    async fn data_key(
        &self,
        cx: &Cx,
        key_id: &str,
        operation: &str,
        context: Option<&Context>,
        dry_run: Option<bool>,
        plaintext: Secret,
    ) -> Result<DataKey> {
        let key = self.usable(cx, key_id, ENCRYPT_DECRYPT, operation).await?;
        if key.record.spec() != Spec::Symmetric {
            return Err(error::key_spec(&key.name.arn(), &key.record.spec, operation));
        }
        let sealed = self.encrypt(cx, &key, SYMMETRIC_DEFAULT, context, &plaintext, dry_run)?;
        self.last_used.note(cx, &key.name, operation);
        Ok(DataKey { key, plaintext, sealed })
    }

    /// A new key pair; the key that is to seal it is looked at first, since an RSA pair takes a moment.
    async fn pair(
        &self,
        cx: &Cx,
        key_id: &str,
        spec: &str,
        dry_run: Option<bool>,
    ) -> Result<(Secret, Vec<u8>)> {
        self.usable(cx, key_id, ENCRYPT_DECRYPT, "GenerateDataKeyPair").await?;
        let Some(spec) = Spec::parse(spec).filter(|spec| spec.is_asymmetric()) else {
            return Err(error::unsupported(format!("KeyPairSpec {spec} is not supported in this Region.")));
        };
        Kms::end_of_dry_run(dry_run)?;
        let secret = material::generate(self.env(), spec).await.map_err(error::broken)?;
        material::pair(spec, &secret).map_err(error::broken)
    }
}

fn random(kms: &Kms, length: usize) -> Secret {
    let mut bytes = Zeroizing::new(vec![0; length]);
    kms.env().rng.fill(&mut bytes);
    bytes
}

fn data_key_length(spec: Option<&str>, bytes: Option<i32>) -> Result<usize> {
    match (spec, bytes) {
        (Some("AES_128"), None) => Ok(16),
        (Some(_), None) => Ok(32),
        (None, Some(bytes)) => Ok(bytes as usize),
        _ => Err(error::validation("Please specify either number of bytes or key spec.")),
    }
}
