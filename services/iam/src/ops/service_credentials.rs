use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::status_type as status;
use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_shape::Empty;

use super::ssh_keys::{read_status, shown_status};
use crate::error;
use crate::iam::Iam;
use crate::model::{ServiceCredential, User};
use crate::page::Wanted;
use crate::service_credential::{Kind, Password};

const DAY_MS: i64 = 86_400_000;

impl Handle<op::CreateServiceSpecificCredential> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::CreateServiceSpecificCredentialRequest,
    ) -> Result<Vec<Access>> {
        let access = self.on::<User>(cx, "iam:CreateServiceSpecificCredential", &input.user_name).await?;
        let access = access.key("iam:ServiceSpecificCredentialServiceName", input.service_name.as_str());
        Ok(vec![match input.credential_age_days {
            Some(days) => access.key("iam:ServiceSpecificCredentialAgeDays", days.to_string()),
            None => access,
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateServiceSpecificCredentialRequest,
    ) -> Result<s::CreateServiceSpecificCredentialResponse> {
        let kind = Kind::of(&input.service_name)
            .ok_or_else(|| error::service_without_credentials(&input.service_name))?;
        if !kind.is_taken() {
            return Err(error::service_not_here(&input.service_name));
        }
        let password = Password::new(&self.platform.env.rng);
        let lives_ms = input.credential_age_days.map(|days| i64::from(days) * DAY_MS);
        let new = ServiceCredential {
            id: self.unique_id("ACCA", cx.account()),
            service: input.service_name,
            // Chosen where it is known which are free.
            name: String::new(),
            hash: password.hash(),
            active: true,
            created: cx.now().into(),
            expires: lives_ms.map(|ms| Instant::from_millis(cx.now().millis() + ms).into()),
        };
        let (user, made) = self.state.create_service_credential(cx.account(), &input.user_name, &new).await?;
        let shown = with_password(cx, &user, made, kind, &password);
        Ok(s::CreateServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
    }
}

impl Handle<op::ListServiceSpecificCredentials> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListServiceSpecificCredentialsRequest) -> Result<Vec<Access>> {
        let action = "iam:ListServiceSpecificCredentials";
        if input.all_users == Some(true) {
            return Ok(vec![Iam::on_new(cx, action, "user", None, "*")?]);
        }
        self.on_subject(cx, action, input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListServiceSpecificCredentialsRequest,
    ) -> Result<s::ListServiceSpecificCredentialsResponse> {
        if let Some(service) = input.service_name.as_deref().filter(|service| Kind::of(service).is_none()) {
            return Err(error::service_without_credentials(service));
        }
        let all = input.all_users == Some(true);
        let mut found = match (all, &input.user_name) {
            (true, Some(_)) => return Err(error::one_or_all_users()),
            (true, None) if input.service_name.is_none() => return Err(error::all_users_of_what()),
            (true, None) => self.state.service_credentials(cx.account(), None).await?,
            (false, name) => match self.subject(cx, name.as_deref())?.holder() {
                Some(user) => self.state.service_credentials(cx.account(), Some(user)).await?,
                // The root user has none.
                None => Vec::new(),
            },
        };
        found.retain(|(_, one)| input.service_name.as_ref().is_none_or(|service| one.service == *service));
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!(
                "ListServiceSpecificCredentials {:?} {:?} {all}",
                input.user_name, input.service_name
            ),
        };
        let numbered = found.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:06}"))?;
        let shown = page.items.into_iter().map(|(_, (user, one))| metadata(cx, &user, one));
        Ok(s::ListServiceSpecificCredentialsResponse {
            service_specific_credentials: Some(shown.collect()),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::UpdateServiceSpecificCredential> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateServiceSpecificCredentialRequest,
    ) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:UpdateServiceSpecificCredential", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateServiceSpecificCredentialRequest) -> Result<Empty> {
        let active = read_status(&input.status)?;
        let id = &input.service_specific_credential_id;
        let user = self.credential_user(cx, input.user_name.as_deref(), id)?;
        self.state.change_service_credential(cx.account(), &user, id, |found| found.active = active).await?;
        Ok(Empty)
    }
}

impl Handle<op::ResetServiceSpecificCredential> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ResetServiceSpecificCredentialRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:ResetServiceSpecificCredential", input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ResetServiceSpecificCredentialRequest,
    ) -> Result<s::ResetServiceSpecificCredentialResponse> {
        let id = &input.service_specific_credential_id;
        let user = self.credential_user(cx, input.user_name.as_deref(), id)?;
        let password = Password::new(&self.platform.env.rng);
        let hash = password.hash();
        let (user, changed) = self
            .state
            .change_service_credential(cx.account(), &user, id, |found| found.hash.clone_from(&hash))
            .await?;
        let kind =
            Kind::of(&changed.service).ok_or_else(|| error::service_without_credentials(&changed.service))?;
        let shown = with_password(cx, &user, changed, kind, &password);
        Ok(s::ResetServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
    }
}

impl Handle<op::DeleteServiceSpecificCredential> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteServiceSpecificCredentialRequest,
    ) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:DeleteServiceSpecificCredential", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteServiceSpecificCredentialRequest) -> Result<Empty> {
        let id = &input.service_specific_credential_id;
        let user = self.credential_user(cx, input.user_name.as_deref(), id)?;
        self.state.delete_service_credential(cx.account(), &user, id).await?;
        Ok(Empty)
    }
}

impl Iam {
    /// The user that is named, or else the caller; the root user has no such credential.
    fn credential_user(&self, cx: &Cx, name: Option<&str>, id: &str) -> Result<String> {
        let subject = self.subject(cx, name)?;
        subject.holder().map(str::to_owned).ok_or_else(|| error::no_such_service_credential(id))
    }
}

fn metadata(cx: &Cx, user: &str, one: ServiceCredential) -> s::ServiceSpecificCredentialMetadata {
    let api_key = Kind::of(&one.service).is_some_and(Kind::is_api_key);
    s::ServiceSpecificCredentialMetadata {
        user_name: user.to_owned(),
        status: status_of(cx, &one).to_owned(),
        service_user_name: (!api_key).then(|| one.name.clone()),
        service_credential_alias: api_key.then_some(one.name),
        create_date: one.created.into(),
        expiration_date: one.expires.map(Into::into),
        service_specific_credential_id: one.id,
        service_name: one.service,
    }
}

/// The only time that the password is to be seen.
fn with_password(
    cx: &Cx,
    user: &User,
    one: ServiceCredential,
    kind: Kind,
    password: &Password,
) -> s::ServiceSpecificCredential {
    let api_key = kind.is_api_key();
    let text = kind.text(&one.name, password);
    s::ServiceSpecificCredential {
        user_name: user.entity.name.clone(),
        status: status_of(cx, &one).to_owned(),
        service_password: (!api_key).then(|| text.clone()),
        service_credential_secret: api_key.then_some(text),
        service_user_name: (!api_key).then(|| one.name.clone()),
        service_credential_alias: api_key.then_some(one.name),
        create_date: one.created.into(),
        expiration_date: one.expires.map(Into::into),
        service_specific_credential_id: one.id,
        service_name: one.service,
    }
}

fn status_of(cx: &Cx, one: &ServiceCredential) -> &'static str {
    match one.expires {
        Some(expires) if Instant::from(expires) <= cx.now() => status::EXPIRED,
        _ => shown_status(one.active),
    }
}
