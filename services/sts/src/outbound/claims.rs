use haneul_kit::{Caller, Cx, Instant, Membership, Principal};
use serde_json::{Map, Value, json};

/// Under which AWS's own claims are.
const NAMESPACE: &str = "https://sts.amazonaws.com/";

/// What a token is to say beside who the caller is.
pub(crate) struct Wanted<'a> {
    pub issuer: &'a str,
    pub audiences: &'a [String],
    pub token_id: String,
    pub expires_at: Instant,
    /// Those of the request.
    pub tags: &'a [(String, String)],
}

/// The claims of a token for the caller. `membership` is its account's, `tags` are the principal's.
pub(crate) fn of(
    cx: &Cx,
    membership: Option<&Membership>,
    tags: &[(String, String)],
    wanted: &Wanted<'_>,
) -> Value {
    let caller = cx.caller();
    let subject = subject(caller);
    let mut own = Map::new();
    let mut put = |name: &str, value: Value| own.insert(name.to_owned(), value);
    put("aws_account", json!(caller.account.to_string()));
    put("source_region", json!(cx.region().as_str()));
    put("principal_id", json!(subject));
    if let Some(membership) = membership {
        put("org_id", json!(membership.organization_id));
        put("ou_path", json!([membership.path]));
    }
    if !tags.is_empty() {
        put("principal_tags", object(tags));
    }
    if let Some(session) = &caller.session {
        put("original_session_exp", json!(session.expires_at.iso8601()));
        if let Some(federation) = &session.federation {
            put("federated_provider", json!(federation.provider));
        }
        if let Some(identity) = &session.source_identity {
            put("source_identity", json!(identity));
        }
    }
    if !wanted.tags.is_empty() {
        put("request_tags", object(wanted.tags));
    }
    let audience = match wanted.audiences {
        [one] => json!(one),
        many => json!(many),
    };
    json!({
        "aud": audience,
        "sub": subject,
        NAMESPACE: own,
        "iss": wanted.issuer,
        "exp": wanted.expires_at.secs(),
        "iat": cx.now().secs(),
        "jti": wanted.token_id,
    })
}

/// The ARN of the user, the root user or the federated user; of a session of a role, the role's.
fn subject(caller: &Caller) -> String {
    match (&caller.principal, caller.role_arn()) {
        (Principal::Role { .. }, Some(role)) => role.to_string(),
        _ => caller.arn(),
    }
}

fn object(tags: &[(String, String)]) -> Value {
    Value::Object(tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect())
}
