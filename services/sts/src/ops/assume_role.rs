use haneul_kit::{Access, Cx, Handle, Principal, Result, Session};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::session::{Limits, borrowed, expiry};
use crate::sts::{Sts, credentials, role_arn};

const SECS_DEFAULT: i32 = 3600;
/// When the caller is itself a session of a role, or acts for somebody.
const CHAINED_SECS_MAX: i32 = 3600;

impl Handle<op::AssumeRole> for Sts {
    async fn access(&self, cx: &Cx, input: &s::AssumeRoleRequest) -> Result<Vec<Access>> {
        match cx.caller().principal {
            Principal::Root => return Err(error::root_assumes()),
            Principal::FederatedUser { .. } => return Err(error::federated_assumes()),
            _ => {}
        }
        let arn = role_arn(&input.role_arn)?;
        // A role that does not exist trusts nobody, and that is all that a caller learns of it.
        let role = self.role(&arn).await?;
        let mut access = Access::on("sts:AssumeRole", &arn)
            .with_policy(role.as_ref().map(|role| role.trust_policy.clone()))
            .decided_by_trust_policy()
            .key("sts:RoleSessionName", input.role_session_name.as_str())
            .request_tags(borrowed(input.tags.as_ref()));
        if let Some(external_id) = &input.external_id {
            access = access.key("sts:ExternalId", external_id.as_str());
        }
        let with_mfa =
            self.check_mfa(cx, input.serial_number.as_deref(), input.token_code.as_deref()).await?;
        if with_mfa {
            access = access.key("aws:MultiFactorAuthPresent", "true").key("aws:MultiFactorAuthAge", "0");
        }
        let source_identity = effective_source_identity(cx, input)?;
        if let Some(identity) = &source_identity {
            access = access.key("sts:SourceIdentity", identity.as_str());
        }
        if let Some(keys) = input.transitive_tag_keys.as_ref().filter(|keys| !keys.is_empty()) {
            access = access.keys("sts:TransitiveTagKeys", keys.clone());
        }
        if let Some(role) = &role {
            access =
                access.resource_tags(role.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            for (key, value) in &role.tags {
                access = access.key(format!("iam:ResourceTag/{key}"), value.as_str());
            }
        }
        let mut all = vec![access];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            all.push(Access { action: "sts:TagSession", ..all[0].clone() });
        }
        if input.provided_contexts.as_ref().is_some_and(|contexts| !contexts.is_empty()) {
            all.push(Access { action: "sts:SetContext", ..all[0].clone() });
        }
        if source_identity.is_some() {
            all.push(Access { action: "sts:SetSourceIdentity", ..all[0].clone() });
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::AssumeRoleRequest) -> Result<s::AssumeRoleResponse> {
        // An assertion is signed and encrypted by STS itself, for IAM Identity Center. There is none here that could have
        // asked for one, so that none is genuine.
        if let Some(context) = input.provided_contexts.iter().flatten().next() {
            return Err(error::provided_context(context.provider_arn.as_deref().unwrap_or_default()));
        }
        let source_identity = effective_source_identity(cx, &input)?;
        let arn = role_arn(&input.role_arn)?;
        // It was there when access was decided; gone since, it is refused as one that never was.
        let role = self.role(&arn).await?.ok_or_else(|| error::role_arn(&input.role_arn))?;
        let secs = input.duration_seconds.unwrap_or(SECS_DEFAULT);
        if is_chained(cx) && secs > CHAINED_SECS_MAX {
            return Err(error::longer_than_chain());
        }
        if secs as i64 > i64::from(role.max_session_duration_secs) {
            return Err(error::longer_than_role());
        }
        let limits =
            Limits::of_request(&self.platform, role.account, input.policy, input.policy_arns, input.tags)
                .await?;
        let packed_policy_size = limits.packed_size()?;
        let (tags, transitive_tag_keys) = session_tags(cx, limits.tags, input.transitive_tag_keys)?;
        let session = Session {
            issued_at: cx.now(),
            expires_at: expiry(cx.now(), secs),
            policy: limits.policy,
            policy_arns: limits.policy_arns,
            tags,
            transitive_tag_keys,
            source_identity: source_identity.clone(),
            mfa_at: mfa_at(cx, input.serial_number.is_some()),
            default_regions_only: self.is_version_one(cx, cx.account()).await?,
            ..Session::default()
        };
        let session = session.made_by(cx.caller());
        let (made, user) =
            self.role_session(&role, input.role_session_name, session, input.minimum_session_token_size);
        let size = made.session_token.len() as i32;
        Ok(s::AssumeRoleResponse {
            credentials: Some(credentials(made)),
            assumed_role_user: Some(user),
            packed_policy_size,
            source_identity,
            session_token_utilization: None,
            session_token_size: Some(size),
        })
    }
}

/// When the second factor was shown: now, or when the user's session began. A session of a role hands none on, nor
/// does a delegate.
fn mfa_at(cx: &Cx, shown: bool) -> Option<haneul_kit::Instant> {
    let of_session = cx.caller().session.as_ref().filter(|_| !is_chained(cx)).and_then(|s| s.mfa_at);
    if shown { Some(cx.now()) } else { of_session }
}

fn is_chained(cx: &Cx) -> bool {
    matches!(cx.caller().principal, Principal::Role { .. }) || cx.caller().is_delegate()
}

/// A source identity stays for all sessions that follow; a request may only repeat it.
fn effective_source_identity(cx: &Cx, input: &s::AssumeRoleRequest) -> Result<Option<String>> {
    let inherited = cx.caller().session.as_ref().and_then(|session| session.source_identity.clone());
    match (inherited, &input.source_identity) {
        (Some(inherited), Some(given)) if inherited != *given => Err(error::source_identity()),
        (inherited, given) => Ok(inherited.or_else(|| given.clone())),
    }
}

type Tags = Vec<(String, String)>;

/// The tags of the new session: those given, and the transitive ones of the caller's.
fn session_tags(cx: &Cx, given: Tags, transitive: Option<Vec<String>>) -> Result<(Tags, Vec<String>)> {
    let mut keys = transitive.unwrap_or_default();
    for key in &keys {
        if !given.iter().any(|(tag, _)| tag.eq_ignore_ascii_case(key)) {
            return Err(error::transitive_key(key));
        }
    }
    let mut tags = given;
    if let Some(session) = &cx.caller().session {
        for key in &session.transitive_tag_keys {
            if tags.iter().any(|(tag, _)| tag.eq_ignore_ascii_case(key)) {
                return Err(error::overrides_transitive(key));
            }
            let inherited = session.tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(key));
            tags.extend(inherited.cloned());
            keys.push(key.clone());
        }
    }
    Ok((tags, keys))
}
