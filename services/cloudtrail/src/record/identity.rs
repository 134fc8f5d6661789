//! `userIdentity`. Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use std::borrow::Cow;

use haneul_kit::{AccountId, Caller, Cx, Principal, Session};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// In the order of AWS's records.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<Cow<'a, str>>,
    /// Who acts by a delegation request. Source: IAM User Guide, "CloudTrail" of temporary delegation.
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by_delegate: Option<Value>,
}

/// Who called, as the caller's own account sees it.
pub(crate) fn of<'a>(cx: &'a Cx, operation: &str, response: Option<&[u8]>) -> Identity<'a> {
    let caller = cx.caller();
    let mut identity = match &caller.principal {
        Principal::Root => base(caller, "Root"),
        Principal::User { name, .. } => Identity { user_name: Some(name.into()), ..base(caller, "IAMUser") },
        Principal::Role { .. } => base(caller, "AssumedRole"),
        Principal::FederatedUser { .. } => base(caller, "FederatedUser"),
        Principal::Service { name } => return service(name),
        Principal::Anonymous => return vouched_for(operation, response),
    };
    identity.session_context = caller.session.as_ref().map(|session| session_context(caller, session));
    identity.invoked_by = invoked_by(cx).map(Cow::Owned);
    let delegation = caller.session.as_ref().and_then(|session| session.delegation.as_ref());
    identity.invoked_by_delegate =
        delegation.map(|delegation| json!({ "accountId": delegation.account.to_string() }));
    identity
}

/// The service that made a call within the cloud on somebody's behalf.
pub(crate) fn invoked_by(cx: &Cx) -> Option<String> {
    match &cx.caller().principal {
        Principal::Service { name } => Some(name.clone()),
        _ if cx.http().is_some() => None,
        _ => Some(cx.called_via().last().cloned().unwrap_or_else(|| "AWS Internal".to_owned())),
    }
}

/// Who called, as another account sees it whose resource was used.
pub(crate) fn from_outside(caller: &Caller) -> Identity<'_> {
    match &caller.principal {
        Principal::Service { name } => service(name),
        Principal::Anonymous => anonymous(),
        _ => Identity {
            kind: "AWSAccount",
            principal_id: Some(caller.user_id()),
            account_id: Some(caller.account.to_string()),
            ..Identity::default()
        },
    }
}

/// The `Username` of lookups.
pub(crate) fn user_name(identity: &Value) -> Option<&str> {
    match identity["type"].as_str()? {
        "Root" => Some("root"),
        "AssumedRole" => identity["arn"].as_str()?.rsplit('/').next(),
        "FederatedUser" => identity["principalId"].as_str()?.split(':').nth(1),
        "AWSService" => identity["invokedBy"].as_str(),
        _ => identity["userName"].as_str(),
    }
}

fn base<'a>(caller: &'a Caller, kind: &'static str) -> Identity<'a> {
    Identity {
        kind,
        principal_id: Some(caller.user_id()),
        arn: Some(caller.arn()),
        account_id: Some(caller.account.to_string()),
        access_key_id: caller.access_key_id.as_deref(),
        ..Identity::default()
    }
}

fn service(name: &str) -> Identity<'_> {
    Identity { kind: "AWSService", invoked_by: Some(name.into()), ..Identity::default() }
}

fn session_context(caller: &Caller, session: &Session) -> Value {
    let mut context = Map::new();
    if let Some(issuer) = issuer(caller, session) {
        context.insert("sessionIssuer".into(), issuer);
    }
    if let Some(federation) = &session.federation {
        let attributes: Map<String, Value> =
            federation.keys.iter().map(|(key, values)| (key.clone(), json!(values.join(",")))).collect();
        let data = json!({ "federatedProvider": federation.provider, "attributes": attributes });
        context.insert("webIdFederationData".into(), data);
    }
    let attributes = json!({
        "creationDate": session.issued_at.iso8601(),
        "mfaAuthenticated": session.mfa_at.is_some().to_string(),
    });
    context.insert("attributes".into(), attributes);
    if let Some(source) = &session.source_identity {
        context.insert("sourceIdentity".into(), json!(source));
    }
    if session.assumed_root {
        context.insert("assumedRoot".into(), json!("true"));
    }
    Value::Object(context)
}

/// Whose permissions the session has.
fn issuer(caller: &Caller, session: &Session) -> Option<Value> {
    let account = caller.account.to_string();
    if let Principal::Role { name, id, .. } = &caller.principal {
        let arn = caller.role_arn().map(|arn| arn.to_string());
        return Some(json!({
            "type": "Role", "principalId": id, "arn": arn, "accountId": account, "userName": name,
        }));
    }
    let issuer = Caller {
        account: caller.account,
        principal: session.issuer.as_deref()?.clone(),
        access_key_id: None,
        session: None,
    };
    let mut made = json!({
        "type": if matches!(issuer.principal, Principal::Root) { "Root" } else { "IAMUser" },
        "principalId": issuer.user_id(),
        "arn": issuer.arn(),
        "accountId": account,
    });
    if let Principal::User { name, .. } = &issuer.principal {
        made["userName"] = json!(name);
    }
    Some(made)
}

/// A caller that an identity provider vouches for is known once the call went well.
fn vouched_for(operation: &str, response: Option<&[u8]>) -> Identity<'static> {
    let said: Value = response.and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default();
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    let vouched = |kind, principal_id, subject, provider| Identity {
        kind,
        principal_id: Some(principal_id),
        user_name: Some(Cow::Owned(subject)),
        identity_provider: Some(provider),
        ..Identity::default()
    };
    match operation {
        "AssumeRoleWithWebIdentity" => {
            let (provider, subject) = (text("provider"), text("subjectFromWebIdentityToken"));
            let id = format!("{provider}:{}:{subject}", text("audience"));
            vouched("WebIdentityUser", id, subject, provider)
        }
        "AssumeRoleWithSAML" => {
            let id = format!("{}:{}", text("nameQualifier"), text("subject"));
            vouched("SAMLUser", id, text("subject"), text("issuer"))
        }
        _ => anonymous(),
    }
}

fn anonymous() -> Identity<'static> {
    Identity {
        kind: "AWSAccount",
        principal_id: Some(String::new()),
        account_id: Some("ANONYMOUS_PRINCIPAL".to_owned()),
        ..Identity::default()
    }
}

/// The accounts that get a record: the caller's, unless nobody signed, and those whose resources were used.
pub(crate) fn recipients(caller: &Caller, resources: &[(String, Option<AccountId>)]) -> Vec<AccountId> {
    let mut all = Vec::new();
    if !matches!(caller.principal, Principal::Anonymous) {
        all.push(caller.account);
    }
    for owner in resources.iter().filter_map(|(_, owner)| *owner) {
        if !all.contains(&owner) {
            all.push(owner);
        }
    }
    if all.is_empty() {
        all.push(caller.account);
    }
    all
}
