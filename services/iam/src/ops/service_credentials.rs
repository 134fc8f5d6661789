use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_shape::Empty;

use super::ssh_keys::{read_status, shown_status};
use crate::iam::{Iam, Subject};
use crate::model::{Credentials, Millis, ServiceCredential, User};
use crate::page::Wanted;
use crate::secret::Secret;
use crate::{error, quotas};

/// A user name and a password: Git over HTTPS, Apache Cassandra's protocol.
const WITH_PASSWORD: [&str; 2] = ["codecommit.amazonaws.com", "cassandra.amazonaws.com"];

/// An API key, which may expire, and how its secret begins.
const API_KEYS: [(&str, &str, &str); 2] = [
    ("bedrock.amazonaws.com", "BedrockAPIKey", "ABSK"),
    ("logs.amazonaws.com", "CloudWatchLogsAPIKey", "ACWL"),
];

const PASSWORD_BYTES: usize = 33;
const DAY_SECS: u64 = 24 * 3600;

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
        let user = self.user_name(cx, &input.user_name).await?;
        let service = input.service_name.as_str();
        let is_key = api_key(service).is_some();
        if !is_key && !WITH_PASSWORD.contains(&service) {
            return Err(error::service_not_supported(service));
        }
        if input.credential_age_days.is_some() && !is_key {
            return Err(error::credential_age(service));
        }
        let days = input.credential_age_days.map(|days| u64::from(days.unsigned_abs()));
        let id = self.unique_id("ACCA", cx.account());
        let made = ServiceCredential {
            secret: Secret::Plain(String::new()),
            id,
            service: service.to_owned(),
            name: String::new(),
            active: true,
            created: cx.now().into(),
            expires: days.map(|days| Millis::from(cx.now() + Duration::from_secs(days * DAY_SECS))),
        };
        let bytes = self.platform.env.rng.bytes::<PASSWORD_BYTES>();
        let (new, owner) = (&made, &user);
        let made = self
            .state
            .change_credentials(cx.account(), Some(&user), |credentials| {
                let others = credentials.service.iter().filter(|other| other.service == new.service);
                let names: Vec<&str> = others.map(|other| other.name.as_str()).collect();
                if names.len() >= quotas::SERVICE_CREDENTIALS {
                    return Err(error::quota(
                        "ServiceSpecificCredentialsPerUser",
                        quotas::SERVICE_CREDENTIALS,
                    ));
                }
                let mut made = new.clone();
                made.name = free_name(owner, cx.account(), &names);
                made.secret = Secret::seal(&self.platform.seal, &secret_text(&made, &bytes));
                credentials.service.push(made.clone());
                Ok(made)
            })
            .await?;
        let shown = self.shown_with_secret(user, made)?;
        Ok(s::CreateServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
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
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let user = self.shown_name(cx, &subject).await?.unwrap_or_default();
        let bytes = self.platform.env.rng.bytes::<PASSWORD_BYTES>();
        let id = &input.service_specific_credential_id;
        let change = |found: &mut ServiceCredential| {
            found.secret = Secret::seal(&self.platform.seal, &secret_text(found, &bytes));
            Ok(found.clone())
        };
        let found = self.change_service_credential(cx, &subject, id, change).await?;
        let shown = self.shown_with_secret(user, found)?;
        Ok(s::ResetServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
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
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let active = read_status(&input.status)?;
        let id = &input.service_specific_credential_id;
        let change = |found: &mut ServiceCredential| {
            found.active = active;
            Ok(())
        };
        self.change_service_credential(cx, &subject, id, change).await?;
        Ok(Empty)
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
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let id = &input.service_specific_credential_id;
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials: &mut Credentials| {
                let before = credentials.service.len();
                credentials.service.retain(|found| found.id != *id);
                match credentials.service.len() == before {
                    true => Err(error::no_such_service_credential(id)),
                    false => Ok(()),
                }
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::ListServiceSpecificCredentials> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListServiceSpecificCredentialsRequest) -> Result<Vec<Access>> {
        let action = "iam:ListServiceSpecificCredentials";
        if input.all_users == Some(true) {
            return Ok(vec![Iam::on_new(cx, action, "user", None, "")?]);
        }
        self.on_subject(cx, action, input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListServiceSpecificCredentialsRequest,
    ) -> Result<s::ListServiceSpecificCredentialsResponse> {
        let mut found = Vec::new();
        let listing = if input.all_users == Some(true) {
            if input.user_name.is_some() {
                return Err(error::user_and_all_users());
            }
            let users: Vec<User> = self.state.entities(cx.account(), None).await?;
            for user in users {
                let name = user.entity.name;
                let its = self.state.credentials(cx.account(), Some(&name)).await?.service;
                found.extend(its.into_iter().map(|of| (name.clone(), of)));
            }
            String::from("all")
        } else {
            let subject = self.subject(cx, input.user_name.as_deref())?;
            let its = self.state.credentials(cx.account(), subject.holder()).await?.service;
            let name = self.shown_name(cx, &subject).await?.unwrap_or_default();
            found.extend(its.into_iter().map(|of| (name.clone(), of)));
            format!("{:?}", subject.holder())
        };
        let service = input.service_name.as_deref();
        found.retain(|(_, of)| service.is_none_or(|service| of.service == service));
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListServiceSpecificCredentials {listing} {service:?}"),
        };
        let numbered = found.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:06}"))?;
        let shown = page.items.into_iter().map(|(_, (user_name, of))| {
            let is_key = api_key(&of.service).is_some();
            s::ServiceSpecificCredentialMetadata {
                user_name,
                status: shown_status(of.active).to_owned(),
                service_user_name: (!is_key).then(|| of.name.clone()),
                service_credential_alias: is_key.then_some(of.name),
                create_date: of.created.into(),
                expiration_date: of.expires.map(Into::into),
                service_specific_credential_id: of.id,
                service_name: of.service,
            }
        });
        Ok(s::ListServiceSpecificCredentialsResponse {
            service_specific_credentials: Some(shown.collect()),
            marker: page.marker,
            is_truncated: page.is_truncated,
        })
    }
}

fn api_key(service: &str) -> Option<(&'static str, &'static str)> {
    API_KEYS.iter().find(|(of, ..)| *of == service).map(|(_, name, start)| (*name, *start))
}

/// `ann-at-123456789012`, and `ann+1-at-123456789012` beside it.
fn free_name(user: &str, account: AccountId, taken: &[&str]) -> String {
    let names = (0..).map(|at| match at {
        0 => format!("{user}-at-{account}"),
        at => format!("{user}+{at}-at-{account}"),
    });
    names.into_iter().find(|name| !taken.contains(&name.as_str())).unwrap_or_default()
}

/// A password; for an API key all that a client sends, its name within.
fn secret_text(of: &ServiceCredential, random: &[u8]) -> String {
    let password = STANDARD.encode(random);
    match api_key(&of.service) {
        Some((name, start)) => {
            format!("{start}{}", STANDARD.encode(format!("{name}-{}:{password}", of.name)))
        }
        None => password,
    }
}

impl Iam {
    async fn change_service_credential<R: Send>(
        &self,
        cx: &Cx,
        subject: &Subject,
        id: &str,
        change: impl Fn(&mut ServiceCredential) -> Result<R> + Send + Sync,
    ) -> Result<R> {
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials: &mut Credentials| {
                let found = credentials.service.iter_mut().find(|found| found.id == id);
                change(found.ok_or_else(|| error::no_such_service_credential(id))?)
            })
            .await
    }

    fn shown_with_secret(
        &self,
        user_name: String,
        of: ServiceCredential,
    ) -> Result<s::ServiceSpecificCredential> {
        let is_key = api_key(&of.service).is_some();
        let secret = of.secret.open(&self.platform.seal)?;
        let (name, secret) = (Some(of.name), Some(secret));
        let (named, keyed) = if is_key { (None, name) } else { (name, None) };
        let (password, key) = if is_key { (None, secret) } else { (secret, None) };
        Ok(s::ServiceSpecificCredential {
            create_date: of.created.into(),
            expiration_date: of.expires.map(Into::into),
            service_name: of.service,
            service_user_name: named,
            service_password: password,
            service_credential_alias: keyed,
            service_credential_secret: key,
            service_specific_credential_id: of.id,
            user_name,
            status: shown_status(of.active).to_owned(),
        })
    }
}
