use haneul_kit::{Access, Cx, Handle, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use crate::access::Ask;
use crate::crypto::blob::{self, Blob, Context};
use crate::crypto::material::Secret;
use crate::error;
use crate::kms::Kms;
use crate::live::LiveKey;
use crate::model::KeyName;
use crate::spec::{ENCRYPT_DECRYPT, Spec};

pub(super) const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// Names and values of an encryption context together. Source: KMS Developer Guide, "Resource quotas".
const CONTEXT_BYTES_MAX: usize = 8192;

impl Handle<op::Encrypt> for Kms {
    async fn access(&self, cx: &Cx, input: &s::EncryptRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:Encrypt", &input.key_id, "Encrypt", &input.grant_tokens);
        let access = self.ask(cx, ask.context(input.encryption_context.as_ref())).await?;
        Ok(vec![access.key("kms:EncryptionAlgorithm", algorithm(&input.encryption_algorithm))])
    }

    async fn call(&self, cx: &Cx, input: s::EncryptRequest) -> Result<s::EncryptResponse> {
        let key = self.usable(cx, &input.key_id, ENCRYPT_DECRYPT, "Encrypt").await?;
        let algorithm = algorithm(&input.encryption_algorithm);
        check_algorithm(&key, algorithm)?;
        let sealed = self.encrypt(
            cx,
            &key,
            algorithm,
            input.encryption_context.as_ref(),
            &input.plaintext,
            input.dry_run,
        )?;
        self.last_used.note(cx, &key.name, "Encrypt");
        Ok(s::EncryptResponse {
            ciphertext_blob: Some(sealed.into()),
            key_id: Some(key.name.arn().to_string()),
            encryption_algorithm: Some(algorithm.to_owned()),
        })
    }
}

impl Handle<op::Decrypt> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DecryptRequest) -> Result<Vec<Access>> {
        let named = named_key(cx, input.key_id.as_deref(), input.ciphertext_blob.as_deref())?;
        let ask = Ask::crypto("kms:Decrypt", &named, "Decrypt", &input.grant_tokens);
        let access = self.ask(cx, ask.context(input.encryption_context.as_ref())).await?;
        Ok(vec![access.key("kms:EncryptionAlgorithm", algorithm(&input.encryption_algorithm))])
    }

    async fn call(&self, cx: &Cx, input: s::DecryptRequest) -> Result<s::DecryptResponse> {
        if input.recipient.is_some() {
            return Err(error::recipient());
        }
        let named = named_key(cx, input.key_id.as_deref(), input.ciphertext_blob.as_deref())?;
        let key = self.usable(cx, &named, ENCRYPT_DECRYPT, "Decrypt").await;
        let key = key.map_err(|refused| match (&input.key_id, refused.code()) {
            (None, "NotFoundException") => error::ciphertext_key(),
            _ => refused,
        })?;
        let algorithm = algorithm(&input.encryption_algorithm);
        check_algorithm(&key, algorithm)?;
        let Some(ciphertext) = &input.ciphertext_blob else {
            return Err(without_ciphertext(input.dry_run, input.dry_run_modifiers.as_ref()));
        };
        let context = input.encryption_context.as_ref();
        let (plaintext, material_id) = self.decrypt(cx, &key, algorithm, context, ciphertext)?;
        Kms::end_of_dry_run(input.dry_run)?;
        self.last_used.note(cx, &key.name, "Decrypt");
        Ok(s::DecryptResponse {
            key_id: Some(key.name.arn().to_string()),
            plaintext: Some(plaintext.to_vec().into()),
            encryption_algorithm: Some(algorithm.to_owned()),
            ciphertext_for_recipient: None,
            key_material_id: material_id,
        })
    }
}

impl Kms {
    pub(super) fn encrypt(
        &self,
        cx: &Cx,
        key: &LiveKey,
        algorithm: &str,
        context: Option<&Context>,
        plaintext: &[u8],
        dry_run: Option<bool>,
    ) -> Result<Vec<u8>> {
        check_context(key, context)?;
        let (id, material) = self.current(cx, key)?;
        let spec = key.record.spec();
        if let Spec::Rsa(size) = spec {
            let hash = if algorithm.ends_with("_1") { 20 } else { 32 };
            let longest = size.bytes() - 2 * hash - 2;
            if plaintext.len() > longest {
                return Err(error::validation(format!(
                    "Algorithm {algorithm} and key spec {} cannot encrypt data larger than {longest} bytes.",
                    spec.name()
                )));
            }
            Kms::end_of_dry_run(dry_run)?;
            return material.encrypt(algorithm, plaintext).map_err(error::broken);
        }
        Kms::end_of_dry_run(dry_run)?;
        let material = material.symmetric().map_err(error::broken)?;
        blob::seal(self.env(), &key.name, (&id, material), context, plaintext).map_err(error::broken)
    }

    /// The plaintext, and for a symmetric key the id of the material that it was encrypted with.
    pub(super) fn decrypt(
        &self,
        cx: &Cx,
        key: &LiveKey,
        algorithm: &str,
        context: Option<&Context>,
        ciphertext: &[u8],
    ) -> Result<(Secret, Option<String>)> {
        check_context(key, context)?;
        if key.record.spec() != Spec::Symmetric {
            let (_, material) = self.current(cx, key)?;
            let opened = material.decrypt(algorithm, ciphertext);
            return Ok((opened.map_err(|_| error::invalid_ciphertext())?, None));
        }
        let blob = Blob::parse(ciphertext).ok_or_else(error::invalid_ciphertext)?;
        if (blob.key.account, &blob.key.id) != (key.name.account, &key.name.id)
            || (blob.key.region != key.name.region && key.record.multi_region.is_none())
        {
            return Err(error::incorrect_key());
        }
        let material = key.material(&blob.material_id, cx.now())?.ok_or_else(error::invalid_ciphertext)?;
        let opened = blob.open(material.symmetric().map_err(error::broken)?, context);
        Ok((opened.map_err(|_| error::invalid_ciphertext())?, Some(blob.material_id)))
    }
}

pub(super) fn algorithm(given: &Option<String>) -> &str {
    given.as_deref().unwrap_or(SYMMETRIC_DEFAULT)
}

pub(super) fn check_algorithm(key: &LiveKey, algorithm: &str) -> Result<()> {
    match key.record.spec().encryption_algorithms().contains(&algorithm) {
        true => Ok(()),
        false => Err(error::algorithm(algorithm, &key.record.spec)),
    }
}

/// The key to decrypt with: the one that is named, else the one that the ciphertext names.
pub(super) fn named_key(cx: &Cx, given: Option<&str>, ciphertext: Option<&[u8]>) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let Some(ciphertext) = ciphertext else {
        return Err(error::validation("You must specify a KeyId when there is no CiphertextBlob."));
    };
    let KeyName { account, region, id } = Blob::parse(ciphertext).ok_or_else(error::invalid_ciphertext)?.key;
    // Related multi-Region keys open each other's ciphertexts.
    let region = if id.starts_with("mrk-") { cx.region() } else { region };
    if region != cx.region() {
        return Err(error::ciphertext_key());
    }
    Ok(KeyName { account, region, id }.arn().to_string())
}

/// Without a ciphertext there is only the dry run that ignores it.
pub(super) fn without_ciphertext(
    dry_run: Option<bool>,
    modifiers: Option<&Vec<String>>,
) -> haneul_kit::ApiError {
    let ignored = modifiers.is_some_and(|modifiers| modifiers.iter().any(|one| one == "IGNORE_CIPHERTEXT"));
    match (dry_run, ignored) {
        (Some(true), true) => error::dry_run(),
        _ => error::validation(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not \
             be null",
        ),
    }
}

fn check_context(key: &LiveKey, context: Option<&Context>) -> Result<()> {
    let Some(context) = context.filter(|context| !context.is_empty()) else { return Ok(()) };
    if key.record.spec() != Spec::Symmetric {
        return Err(error::validation("Encryption context is not supported for asymmetric KMS keys."));
    }
    let bytes: usize = context.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > CONTEXT_BYTES_MAX {
        return Err(error::validation(format!(
            "The encryption context is larger than the maximum of {CONTEXT_BYTES_MAX} bytes."
        )));
    }
    Ok(())
}
