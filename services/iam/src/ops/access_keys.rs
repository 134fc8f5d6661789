use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::status_type as status;
use haneul_kit::{Access, Arn, Cx, Handle, Result, access_key_id};
use haneul_shape::Empty;

use crate::error;
use crate::iam::{Iam, Subject};
use crate::model::{AccessKey, User};
use crate::page::Wanted;
use crate::secret::Secret;

const SECRET_BYTES: usize = 30;

impl Handle<op::CreateAccessKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateAccessKeyRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:CreateAccessKey", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::CreateAccessKeyRequest) -> Result<s::CreateAccessKeyResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let rng = &self.platform.env.rng;
        let id = access_key_id::new_key_id(access_key_id::LONG_LIVED, cx.account(), rng);
        let secret = STANDARD.encode(rng.bytes::<SECRET_BYTES>());
        let access_key = AccessKey {
            account: cx.account().number(),
            user: subject.holder().map(str::to_ascii_lowercase),
            secret: Secret::seal(&self.platform.seal, &secret),
            active: true,
            created: cx.now().into(),
        };
        self.state.create_access_key(cx.account(), subject.holder(), &id, &access_key).await?;
        let shown = s::AccessKey {
            user_name: self.shown_name(cx, &subject).await?.unwrap_or_default(),
            access_key_id: id,
            status: status::ACTIVE.to_owned(),
            secret_access_key: secret,
            create_date: Some(access_key.created.into()),
        };
        Ok(s::CreateAccessKeyResponse { access_key: shown })
    }
}

impl Handle<op::ListAccessKeys> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListAccessKeysRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:ListAccessKeys", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::ListAccessKeysRequest) -> Result<s::ListAccessKeysResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let found = self.state.access_keys(cx.account(), subject.holder()).await?;
        let user_name = self.shown_name(cx, &subject).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListAccessKeys {:?}", subject.holder()),
        };
        let numbered = found.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:03}"))?;
        let shown = page.items.into_iter().map(|(_, (id, access_key))| s::AccessKeyMetadata {
            user_name: user_name.clone(),
            access_key_id: Some(id),
            status: Some(shown_status(&access_key).to_owned()),
            create_date: Some(access_key.created.into()),
        });
        Ok(s::ListAccessKeysResponse {
            access_key_metadata: shown.collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::UpdateAccessKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateAccessKeyRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:UpdateAccessKey", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAccessKeyRequest) -> Result<Empty> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let active = match input.status.as_str() {
            status::ACTIVE => true,
            status::INACTIVE => false,
            other => {
                return Err(error::validation(format!("Status {other} is not valid for an access key.")));
            }
        };
        let id = &input.access_key_id;
        self.state.set_access_key_active(cx.account(), subject.holder(), id, active).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteAccessKey> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccessKeyRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:DeleteAccessKey", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessKeyRequest) -> Result<Empty> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        self.state.delete_access_key(cx.account(), subject.holder(), &input.access_key_id).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetAccessKeyLastUsed> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetAccessKeyLastUsedRequest) -> Result<Vec<Access>> {
        let action = "iam:GetAccessKeyLastUsed";
        // Whose it would be, nobody knows.
        let unknown = vec![Iam::on_new(cx, action, "user", None, "")?];
        let found = self.state.access_key(&input.access_key_id).await?;
        let user = found.filter(|found| found.account() == cx.account()).map(|found| found.user);
        Ok(match user {
            Some(Some(user)) => vec![self.on::<User>(cx, action, &user).await?],
            Some(None) => vec![Access::on(action, &Arn::global("iam", cx.account(), "root"))],
            None => unknown,
        })
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessKeyLastUsedRequest,
    ) -> Result<s::GetAccessKeyLastUsedResponse> {
        let found = self.state.access_key(&input.access_key_id).await?;
        // Keys of other accounts are as good as none.
        let found = found.filter(|found| found.account() == cx.account());
        let access_key = found.ok_or_else(|| error::no_such_access_key(&input.access_key_id))?;
        let subject = access_key.user.map_or(Subject::Root, Subject::User);
        let used = self.last_used.get(&input.access_key_id).await?;
        let none = || String::from("N/A");
        let last = s::AccessKeyLastUsed {
            last_used_date: used.as_ref().map(|used| used.at.into()),
            service_name: used.as_ref().map_or_else(none, |used| used.service.clone()),
            region: used.map_or_else(none, |used| used.region),
        };
        Ok(s::GetAccessKeyLastUsedResponse {
            user_name: self.shown_name(cx, &subject).await?,
            access_key_last_used: Some(last),
        })
    }
}

fn shown_status(access_key: &AccessKey) -> &'static str {
    if access_key.active { status::ACTIVE } else { status::INACTIVE }
}

impl Iam {
    /// A user's name as it was given when the user was made.
    pub(super) async fn shown_name(&self, cx: &Cx, subject: &Subject) -> Result<Option<String>> {
        match subject {
            Subject::User(name) => Ok(Some(self.state.entity::<User>(cx.account(), name).await?.entity.name)),
            Subject::Root => Ok(None),
        }
    }
}
