//! `userIdentity`. Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use haneul_kit::{AccountId, Caller, Cx, Principal, Session};
use serde_json::{Map, Value, json};

/// Who called, as the caller's own account sees it.
pub(crate) fn of(cx: &Cx, operation: &str, response: Option<&[u8]>) -> Value {
    let caller = cx.caller();
    let mut identity = match &caller.principal {
        Principal::Root => base(caller, "Root"),
        Principal::User { name, .. } => {
            let mut identity = base(caller, "IAMUser");
            identity["userName"] = json!(name);
            identity
        }
        Principal::Role { .. } => base(caller, "AssumedRole"),
        Principal::FederatedUser { .. } => base(caller, "FederatedUser"),
        Principal::Service { name } => return json!({ "type": "AWSService", "invokedBy": name }),
        Principal::Anonymous => return vouched_for(operation, response),
    };
    if let Some(session) = &caller.session {
        identity["sessionContext"] = session_context(caller, session);
    }
    if let Some(service) = invoked_by(cx) {
        identity["invokedBy"] = json!(service);
    }
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
pub(crate) fn from_outside(caller: &Caller) -> Value {
    match &caller.principal {
        Principal::Service { name } => json!({ "type": "AWSService", "invokedBy": name }),
        Principal::Anonymous => anonymous(),
        _ => json!({
            "type": "AWSAccount",
            "principalId": caller.user_id(),
            "accountId": caller.account.to_string(),
        }),
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

fn base(caller: &Caller, kind: &str) -> Value {
    let mut identity = json!({
        "type": kind,
        "principalId": caller.user_id(),
        "arn": caller.arn(),
        "accountId": caller.account.to_string(),
    });
    if let Some(id) = &caller.access_key_id {
        identity["accessKeyId"] = json!(id);
    }
    identity
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
fn vouched_for(operation: &str, response: Option<&[u8]>) -> Value {
    let said: Value = response.and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default();
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    match operation {
        "AssumeRoleWithWebIdentity" => {
            let (provider, subject) = (text("provider"), text("subjectFromWebIdentityToken"));
            json!({
                "type": "WebIdentityUser",
                "principalId": format!("{provider}:{}:{subject}", text("audience")),
                "userName": subject,
                "identityProvider": provider,
            })
        }
        "AssumeRoleWithSAML" => json!({
            "type": "SAMLUser",
            "principalId": format!("{}:{}", text("nameQualifier"), text("subject")),
            "userName": text("subject"),
            "identityProvider": text("issuer"),
        }),
        _ => anonymous(),
    }
}

fn anonymous() -> Value {
    json!({ "type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL" })
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
