use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::encrypt::{algorithm, check_algorithm, named_key, without_ciphertext};
use crate::access::Ask;
use crate::error;
use crate::kms::Kms;
use crate::spec::{ENCRYPT_DECRYPT, Spec};

impl Handle<op::ReEncrypt> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ReEncryptRequest) -> Result<Vec<Access>> {
        let source = named_key(cx, input.source_key_id.as_deref(), input.ciphertext_blob.as_deref())?;
        let tokens = &input.grant_tokens;
        let ask = Ask::crypto("kms:ReEncryptFrom", &source, "ReEncryptFrom", tokens);
        let from = self.ask(cx, ask.context(input.source_encryption_context.as_ref())).await?;
        let ask = Ask::crypto("kms:ReEncryptTo", &input.destination_key_id, "ReEncryptTo", tokens);
        let to = self.ask(cx, ask.context(input.destination_encryption_context.as_ref())).await?;
        let same = (from.resource == to.resource).to_string();
        Ok(vec![
            from.key("kms:ReEncryptOnSameKey", same.as_str())
                .key("kms:EncryptionAlgorithm", algorithm(&input.source_encryption_algorithm)),
            to.key("kms:ReEncryptOnSameKey", same.as_str())
                .key("kms:EncryptionAlgorithm", algorithm(&input.destination_encryption_algorithm)),
        ])
    }

    async fn call(&self, cx: &Cx, input: s::ReEncryptRequest) -> Result<s::ReEncryptResponse> {
        let named = named_key(cx, input.source_key_id.as_deref(), input.ciphertext_blob.as_deref())?;
        let source = self.usable(cx, &named, ENCRYPT_DECRYPT, "ReEncrypt").await;
        let source = source.map_err(|refused| match (&input.source_key_id, refused.code()) {
            (None, "NotFoundException") => error::ciphertext_key(),
            _ => refused,
        })?;
        let destination = self.usable(cx, &input.destination_key_id, ENCRYPT_DECRYPT, "ReEncrypt").await?;
        let from = algorithm(&input.source_encryption_algorithm);
        let to = algorithm(&input.destination_encryption_algorithm);
        check_algorithm(&source, from)?;
        check_algorithm(&destination, to)?;
        let Some(ciphertext) = &input.ciphertext_blob else {
            return Err(without_ciphertext(input.dry_run, input.dry_run_modifiers.as_ref()));
        };
        let context = input.source_encryption_context.as_ref();
        let (plaintext, source_material) = self.decrypt(cx, &source, from, context, ciphertext)?;
        let context = input.destination_encryption_context.as_ref();
        let sealed = self.encrypt(cx, &destination, to, context, &plaintext, input.dry_run)?;
        self.last_used.note(cx, &source.name, "ReEncrypt");
        self.last_used.note(cx, &destination.name, "ReEncrypt");
        let symmetric = destination.record.spec() == Spec::Symmetric;
        let current = destination.record.current().filter(|_| symmetric);
        Ok(s::ReEncryptResponse {
            ciphertext_blob: Some(sealed.into()),
            source_key_id: Some(source.name.arn().to_string()),
            key_id: Some(destination.name.arn().to_string()),
            source_encryption_algorithm: Some(from.to_owned()),
            destination_encryption_algorithm: Some(to.to_owned()),
            source_key_material_id: source_material,
            destination_key_material_id: current.map(|material| material.id.clone()),
        })
    }
}
