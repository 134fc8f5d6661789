use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::{SamlKey, SamlProvider};
use crate::secret::Secret;
use crate::store::tags;
use crate::{certificate, error, quotas, render, saml_metadata};

/// Where metadata does not say how long it is good: a hundred years, as AWS has it.
const VALID_DAYS: u64 = 36_525;

impl Handle<op::CreateSAMLProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateSAMLProviderRequest) -> Result<Vec<Access>> {
        let access = Iam::on_new(cx, "iam:CreateSAMLProvider", "saml-provider", None, &input.name)?;
        Ok(super::tags::with_request_tags("iam:TagSAMLProvider", access, input.tags.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateSAMLProviderRequest,
    ) -> Result<s::CreateSAMLProviderResponse> {
        let metadata = saml_metadata::read(&input.saml_metadata_document)?;
        let key = input.add_private_key.map(|pem| self.saml_key(cx, &pem)).transpose()?;
        let provider = SamlProvider {
            name: input.name,
            uuid: self.platform.env.rng.text(UUID_ALPHABET, UUID_LENGTH),
            created: cx.now().into(),
            metadata: input.saml_metadata_document,
            entity_id: metadata.entity_id,
            certificates: metadata.certificates,
            valid_until: valid_until(metadata.valid_until, cx.now()).into(),
            encryption: input.assertion_encryption_mode,
            private_keys: key.into_iter().collect(),
            tags: tags::check(render::pairs(input.tags))?,
        };
        check_encryption(&provider)?;
        self.state.create_saml_provider(cx.account(), &provider).await?;
        Ok(s::CreateSAMLProviderResponse {
            saml_provider_arn: Some(provider.arn(cx.account()).to_string()),
            tags: render::tags(&provider.tags),
        })
    }
}

impl Handle<op::GetSAMLProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetSAMLProviderRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_saml_provider(cx, "iam:GetSAMLProvider", &input.saml_provider_arn).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetSAMLProviderRequest) -> Result<s::GetSAMLProviderResponse> {
        let provider = self.state.saml_provider(cx.account(), &input.saml_provider_arn).await?;
        let keys = provider.private_keys.iter();
        let keys: Vec<s::SAMLPrivateKey> = keys
            .map(|key| s::SAMLPrivateKey { key_id: Some(key.id.clone()), timestamp: Some(key.added.into()) })
            .collect();
        Ok(s::GetSAMLProviderResponse {
            saml_provider_uuid: Some(provider.uuid),
            saml_metadata_document: Some(provider.metadata),
            create_date: Some(provider.created.into()),
            valid_until: Some(provider.valid_until.into()),
            tags: render::tags(&provider.tags),
            assertion_encryption_mode: provider.encryption,
            private_key_list: (!keys.is_empty()).then_some(keys),
        })
    }
}

impl Handle<op::UpdateSAMLProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateSAMLProviderRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_saml_provider(cx, "iam:UpdateSAMLProvider", &input.saml_provider_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateSAMLProviderRequest,
    ) -> Result<s::UpdateSAMLProviderResponse> {
        let given = input.saml_metadata_document;
        let metadata = given.as_deref().map(saml_metadata::read).transpose()?;
        let key = input.add_private_key.map(|pem| self.saml_key(cx, &pem)).transpose()?;
        let (mode, removed, now) = (input.assertion_encryption_mode, input.remove_private_key, cx.now());
        let arn = &input.saml_provider_arn;
        self.state
            .change_saml_provider(cx.account(), arn, |provider| {
                if let (Some(document), Some(metadata)) = (&given, &metadata) {
                    provider.metadata.clone_from(document);
                    provider.entity_id.clone_from(&metadata.entity_id);
                    provider.certificates.clone_from(&metadata.certificates);
                    provider.valid_until = valid_until(metadata.valid_until, now).into();
                }
                if let Some(id) = &removed {
                    let before = provider.private_keys.len();
                    provider.private_keys.retain(|key| key.id != *id);
                    if provider.private_keys.len() == before {
                        return Err(error::no_such_saml_key(id));
                    }
                }
                if let Some(key) = &key {
                    if provider.private_keys.len() >= quotas::SAML_KEYS {
                        return Err(error::quota("PrivateKeysPerSAMLProvider", quotas::SAML_KEYS));
                    }
                    provider.private_keys.push(key.clone());
                }
                if mode.is_some() {
                    provider.encryption.clone_from(&mode);
                }
                check_encryption(provider)
            })
            .await?;
        Ok(s::UpdateSAMLProviderResponse { saml_provider_arn: Some(input.saml_provider_arn) })
    }
}

impl Handle<op::DeleteSAMLProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteSAMLProviderRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_saml_provider(cx, "iam:DeleteSAMLProvider", &input.saml_provider_arn).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteSAMLProviderRequest) -> Result<Empty> {
        self.state.delete_saml_provider(cx.account(), &input.saml_provider_arn).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListSAMLProviders> for Iam {
    async fn access(&self, cx: &Cx, _: &s::ListSAMLProvidersRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:ListSAMLProviders")
    }

    async fn call(&self, cx: &Cx, _: s::ListSAMLProvidersRequest) -> Result<s::ListSAMLProvidersResponse> {
        let providers = self.state.saml_providers(cx.account()).await?;
        let shown = providers.iter().map(|provider| s::SAMLProviderListEntry {
            arn: Some(provider.arn(cx.account()).to_string()),
            valid_until: Some(provider.valid_until.into()),
            create_date: Some(provider.created.into()),
        });
        Ok(s::ListSAMLProvidersResponse { saml_provider_list: Some(shown.collect()) })
    }
}

const UUID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const UUID_LENGTH: usize = 24;

fn valid_until(said: Option<Instant>, now: Instant) -> Instant {
    said.unwrap_or_else(|| now + Duration::from_secs(VALID_DAYS * 24 * 3600))
}

/// Encrypted assertions can be asked for only where there is a key that decrypts them.
fn check_encryption(provider: &SamlProvider) -> Result<()> {
    if provider.encryption.is_some() && provider.private_keys.is_empty() {
        return Err(error::saml_encryption_without_key());
    }
    Ok(())
}

impl Iam {
    fn saml_key(&self, cx: &Cx, pem: &str) -> Result<SamlKey> {
        if !certificate::is_rsa_private_key(pem) {
            return Err(error::saml_key());
        }
        Ok(SamlKey {
            id: self.platform.env.rng.text(UUID_ALPHABET, UUID_LENGTH),
            added: cx.now().into(),
            key: Secret::seal(&self.platform.seal, pem),
        })
    }
}
