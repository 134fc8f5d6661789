use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::{encoding_type as encoding, status_type as status};
use haneul_kit::{Access, Cx, Handle, Result, access_key_id};
use haneul_shape::Empty;

use crate::iam::{Iam, Subject};
use crate::model::{self, User};
use crate::page::Wanted;
use crate::ssh_key::SshKey;
use crate::{error, quotas};

impl Handle<op::UploadSSHPublicKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UploadSSHPublicKeyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<User>(cx, "iam:UploadSSHPublicKey", &input.user_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UploadSSHPublicKeyRequest,
    ) -> Result<s::UploadSSHPublicKeyResponse> {
        let name = self.user_name(cx, &input.user_name).await?;
        let key = SshKey::read(&input.ssh_public_key_body).ok_or_else(error::bad_ssh_key)?;
        let key = model::SshKey {
            id: access_key_id::new_key_id("APKA", cx.account(), &self.platform.env.rng),
            body: key.to_line(),
            fingerprint: key.fingerprint(),
            active: true,
            uploaded: cx.now().into(),
        };
        let new = &key;
        self.state
            .change_credentials(cx.account(), Some(&name), |credentials| {
                if credentials.ssh_keys.iter().any(|other| other.body == new.body) {
                    return Err(error::duplicate_ssh_key());
                }
                if credentials.ssh_keys.len() >= quotas::SSH_KEYS {
                    return Err(error::quota("SSHPublicKeysPerUser", quotas::SSH_KEYS));
                }
                credentials.ssh_keys.push(new.clone());
                Ok(())
            })
            .await?;
        // As it came, comment and all.
        let shown = shown(name, key, input.ssh_public_key_body);
        Ok(s::UploadSSHPublicKeyResponse { ssh_public_key: Some(shown) })
    }
}

impl Handle<op::GetSSHPublicKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetSSHPublicKeyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<User>(cx, "iam:GetSSHPublicKey", &input.user_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetSSHPublicKeyRequest) -> Result<s::GetSSHPublicKeyResponse> {
        let name = self.user_name(cx, &input.user_name).await?;
        let found = self.state.credentials(cx.account(), Some(&name)).await?;
        let mut keys = found.ssh_keys.into_iter();
        let id = &input.ssh_public_key_id;
        let key = keys.find(|key| key.id == *id).ok_or_else(|| error::no_such_ssh_key(id))?;
        let body = match input.encoding.as_str() {
            encoding::PEM => SshKey::read(&key.body).and_then(|key| key.to_pem()).unwrap_or_default(),
            encoding::SSH => key.body.clone(),
            other => return Err(error::ssh_key_encoding(other)),
        };
        Ok(s::GetSSHPublicKeyResponse { ssh_public_key: Some(shown(name, key, body)) })
    }
}

impl Handle<op::ListSSHPublicKeys> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListSSHPublicKeysRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:ListSSHPublicKeys", input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListSSHPublicKeysRequest,
    ) -> Result<s::ListSSHPublicKeysResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let found = self.state.credentials(cx.account(), subject.holder()).await?;
        let name = self.shown_name(cx, &subject).await?.unwrap_or_default();
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListSSHPublicKeys {:?}", subject.holder()),
        };
        let numbered = found.ssh_keys.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:03}"))?;
        let keys = page.items.into_iter().map(|(_, key)| s::SSHPublicKeyMetadata {
            user_name: name.clone(),
            ssh_public_key_id: key.id,
            status: shown_status(key.active).to_owned(),
            upload_date: key.uploaded.into(),
        });
        Ok(s::ListSSHPublicKeysResponse {
            ssh_public_keys: Some(keys.collect()),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::UpdateSSHPublicKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateSSHPublicKeyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<User>(cx, "iam:UpdateSSHPublicKey", &input.user_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateSSHPublicKeyRequest) -> Result<Empty> {
        let (id, active) = (&input.ssh_public_key_id, read_status(&input.status)?);
        self.state
            .change_credentials(cx.account(), Some(&input.user_name), |credentials| {
                let key = credentials.ssh_keys.iter_mut().find(|key| key.id == *id);
                key.ok_or_else(|| error::no_such_ssh_key(id))?.active = active;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteSSHPublicKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteSSHPublicKeyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on::<User>(cx, "iam:DeleteSSHPublicKey", &input.user_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteSSHPublicKeyRequest) -> Result<Empty> {
        let id = &input.ssh_public_key_id;
        self.state
            .change_credentials(cx.account(), Some(&input.user_name), |credentials| {
                let before = credentials.ssh_keys.len();
                credentials.ssh_keys.retain(|key| key.id != *id);
                if credentials.ssh_keys.len() == before { Err(error::no_such_ssh_key(id)) } else { Ok(()) }
            })
            .await?;
        Ok(Empty)
    }
}

fn shown(user_name: String, key: model::SshKey, body: String) -> s::SSHPublicKey {
    s::SSHPublicKey {
        user_name,
        ssh_public_key_id: key.id,
        fingerprint: key.fingerprint,
        ssh_public_key_body: body,
        status: shown_status(key.active).to_owned(),
        upload_date: Some(key.uploaded.into()),
    }
}

pub(super) fn shown_status(active: bool) -> &'static str {
    if active { status::ACTIVE } else { status::INACTIVE }
}

/// `Expired` is in the model, and for none of what a user may set.
pub(super) fn read_status(text: &str) -> Result<bool> {
    match text {
        status::ACTIVE => Ok(true),
        status::INACTIVE => Ok(false),
        other => Err(error::validation(format!("Status {other} cannot be set."))),
    }
}

impl Iam {
    /// A user's name as it was given when the user was made.
    pub(super) async fn user_name(&self, cx: &Cx, name: &str) -> Result<String> {
        let subject = Subject::User(name.to_owned());
        Ok(self.shown_name(cx, &subject).await?.unwrap_or_default())
    }
}
