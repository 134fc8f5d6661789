use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use crate::access::{Ask, origin};
use crate::error;
use crate::kms::Kms;
use crate::spec::{ENCAPSULATE_DECAPSULATE, KEY_AGREEMENT};

impl Handle<op::DeriveSharedSecret> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DeriveSharedSecretRequest) -> Result<Vec<Access>> {
        let action = "kms:DeriveSharedSecret";
        let ask = Ask::crypto(action, &input.key_id, "DeriveSharedSecret", &input.grant_tokens);
        let access = self.ask(cx, ask).await?;
        Ok(vec![access.key("kms:KeyAgreementAlgorithm", input.key_agreement_algorithm.as_str())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeriveSharedSecretRequest,
    ) -> Result<s::DeriveSharedSecretResponse> {
        if input.recipient.is_some() {
            return Err(error::recipient());
        }
        let key = self.usable(cx, &input.key_id, KEY_AGREEMENT, "DeriveSharedSecret").await?;
        let (_, material) = self.current(cx, &key)?;
        let secret = material
            .agree(&input.public_key)
            .map_err(|_| error::validation("PublicKey is not a valid public key of the KMS key's curve."))?;
        Kms::end_of_dry_run(input.dry_run)?;
        self.last_used.note(cx, &key.name, "DeriveSharedSecret");
        Ok(s::DeriveSharedSecretResponse {
            key_id: Some(key.name.arn().to_string()),
            shared_secret: Some(secret.to_vec().into()),
            ciphertext_for_recipient: None,
            key_agreement_algorithm: Some(input.key_agreement_algorithm),
            key_origin: Some(origin(key.record.imported).into()),
        })
    }
}

impl Handle<op::Encapsulate> for Kms {
    async fn access(&self, cx: &Cx, input: &s::EncapsulateRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:Encapsulate", &input.key_id, "Encapsulate", &input.grant_tokens);
        Ok(vec![self.ask(cx, ask).await?])
    }

    async fn call(&self, cx: &Cx, input: s::EncapsulateRequest) -> Result<s::EncapsulateResponse> {
        let key = self.usable(cx, &input.key_id, ENCAPSULATE_DECAPSULATE, "Encapsulate").await?;
        Kms::end_of_dry_run(input.dry_run)?;
        let (_, material) = self.current(cx, &key)?;
        let made = material.encapsulate().map_err(error::broken)?;
        self.last_used.note(cx, &key.name, "Encapsulate");
        Ok(s::EncapsulateResponse {
            key_id: Some(key.name.arn().to_string()),
            shared_secret: Some(made.secret.to_vec().into()),
            shared_secret_ciphertext_blob: Some(made.ciphertext.into()),
            encapsulation_algorithm: Some(input.encapsulation_algorithm),
        })
    }
}

impl Handle<op::Decapsulate> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DecapsulateRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:Decapsulate", &input.key_id, "Decapsulate", &input.grant_tokens);
        Ok(vec![self.ask(cx, ask).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DecapsulateRequest) -> Result<s::DecapsulateResponse> {
        let key = self.usable(cx, &input.key_id, ENCAPSULATE_DECAPSULATE, "Decapsulate").await?;
        let (_, material) = self.current(cx, &key)?;
        let secret = material.decapsulate(&input.shared_secret_ciphertext_blob);
        let secret = secret.map_err(|_| error::invalid_ciphertext())?;
        Kms::end_of_dry_run(input.dry_run)?;
        self.last_used.note(cx, &key.name, "Decapsulate");
        Ok(s::DecapsulateResponse {
            key_id: Some(key.name.arn().to_string()),
            shared_secret: Some(secret.to_vec().into()),
            encapsulation_algorithm: Some(input.encapsulation_algorithm),
        })
    }
}
