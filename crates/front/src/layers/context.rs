use haneul_kit::directory::PrincipalPolicies;
use haneul_kit::{Access, Caller, Cx, Principal};
use haneul_policy::{Caller as PolicyCaller, Context, Principal as PolicyPrincipal};

/// The caller as the policy language sees it.
pub fn principal(caller: &Caller) -> PolicyPrincipal {
    let account = || caller.account.to_string();
    match &caller.principal {
        Principal::Root => PolicyPrincipal::root(&account()),
        Principal::User { id, .. } => {
            PolicyPrincipal { unique_id: Some(id.clone()), ..PolicyPrincipal::user(&caller.arn()) }
        }
        Principal::Role { id, session_name, .. } => {
            let role = caller.role_arn().map(|arn| arn.to_string()).unwrap_or_default();
            PolicyPrincipal {
                unique_id: Some(id.clone()),
                ..PolicyPrincipal::role_session(&role, session_name)
            }
        }
        Principal::FederatedUser { name } => {
            let issuer = caller.session.as_ref().and_then(|session| session.issuer.as_deref());
            let issuer = Caller {
                account: caller.account,
                principal: issuer.cloned().unwrap_or(Principal::Root),
                access_key_id: None,
                session: None,
            };
            PolicyPrincipal::federated_user(&issuer.arn(), name)
        }
        Principal::Service { name } => PolicyPrincipal::service(name),
        Principal::Anonymous => PolicyPrincipal::new(PolicyCaller::Anonymous),
    }
}

/// The global condition keys of a call: of its caller, its session and its request. Source: IAM User Guide, "AWS global
/// condition context keys". Keys of networks and organisations are for the services that will have them.
pub fn global(cx: &Cx, principal: &PolicyPrincipal, policies: &PrincipalPolicies) -> Context {
    let mut context = Context::new();
    principal.describe(&mut context);
    for (key, value) in &policies.tags {
        context.set(&format!("aws:PrincipalTag/{key}"), value);
    }
    of_session(cx, &mut context);
    context.set("aws:CurrentTime", cx.now().iso8601());
    context.set("aws:EpochTime", cx.now().secs().to_string());
    context.set("aws:RequestedRegion", cx.region().as_str());
    of_transport(cx, &mut context);
    let via = cx.called_via();
    context.set("aws:ViaAWSService", if via.is_empty() { "false" } else { "true" });
    if let (Some(first), Some(last)) = (via.first(), via.last()) {
        context.set_many("aws:CalledVia", via.iter());
        context.set("aws:CalledViaFirst", first);
        context.set("aws:CalledViaLast", last);
    }
    // Confused-deputy keys: only a service's own calls have them.
    if let (Principal::Service { .. }, Some(source)) = (&cx.caller().principal, cx.source_arn()) {
        context.set("aws:SourceArn", source);
        context.set("aws:SourceAccount", cx.account().to_string());
    }
    context
}

/// The keys of one access beside the global ones.
pub fn of_access(context: &mut Context, cx: &Cx, access: &Access) {
    for (key, values) in &access.keys {
        context.set_many(key, values.iter());
    }
    context.set("aws:ResourceAccount", access.resource_account.unwrap_or(cx.account()).to_string());
}

fn of_session(cx: &Cx, context: &mut Context) {
    let Some(session) = &cx.caller().session else { return };
    context.set("aws:TokenIssueTime", session.issued_at.iso8601());
    context.set("aws:MultiFactorAuthPresent", if session.mfa_at.is_some() { "true" } else { "false" });
    if let Some(at) = session.mfa_at {
        context.set("aws:MultiFactorAuthAge", cx.now().since(at).as_secs().to_string());
    }
    if let Some(identity) = &session.source_identity {
        context.set("aws:SourceIdentity", identity);
    }
}

fn of_transport(cx: &Cx, context: &mut Context) {
    context.set("aws:SecureTransport", if cx.secure() { "true" } else { "false" });
    if let Some(ip) = cx.source_ip() {
        context.set("aws:SourceIp", ip.to_canonical().to_string());
    }
    let Some(head) = cx.http() else { return };
    for (key, name) in [("aws:UserAgent", "user-agent"), ("aws:Referer", "referer")] {
        if let Some(value) = head.header(name) {
            context.set(key, value);
        }
    }
}
