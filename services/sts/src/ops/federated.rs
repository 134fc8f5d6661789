//! What both kinds of assertions come to: accesses, tags and the session of a role.

use std::sync::Arc;

use haneul_kit::session_token::Credentials;
use haneul_kit::{Access, AccountId, Arn, Cx, Federation, Result, Role, Session};
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::session::{Limits, expiry};
use crate::sts::Sts;

/// Who holds an assertion that was found good.
pub(super) struct Holder {
    /// The provider's ARN.
    pub provider: String,
    pub session_name: String,
    pub source_identity: Option<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    /// Condition keys for the trust policy.
    pub keys: Vec<(String, Vec<String>)>,
    /// Those that stay with the session.
    pub kept: Vec<(String, Vec<String>)>,
}

/// What the request adds.
pub(super) struct Wanted {
    pub policy: Option<String>,
    pub policy_arns: Option<Vec<s::PolicyDescriptorType>>,
    pub secs: i32,
    pub secs_max: Option<u64>,
    pub size_min: Option<i32>,
}

pub(super) struct Assumed {
    pub credentials: Credentials,
    pub user: s::AssumedRoleUser,
    pub packed_policy_size: Option<i32>,
}

impl Holder {
    /// `action` on the role, and whatever tags and a source identity need beside it. A role that does not exist trusts
    /// nobody.
    pub(super) fn accesses(
        &self,
        action: &'static str,
        role_arn: &Arn,
        role: Option<&Arc<Role>>,
    ) -> Vec<Access> {
        let tags = self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut access = Access::on(action, role_arn)
            .with_policy(role.map(|role| role.trust_policy.clone()))
            .decided_by_trust_policy()
            .vouched_for_by(&self.provider)
            .key("sts:RoleSessionName", self.session_name.as_str())
            .request_tags(tags);
        if let Some(identity) = &self.source_identity {
            access = access.key("sts:SourceIdentity", identity.as_str());
        }
        if !self.transitive_tag_keys.is_empty() {
            access = access.keys("sts:TransitiveTagKeys", self.transitive_tag_keys.clone());
        }
        for (key, values) in &self.keys {
            access = access.keys(key.clone(), values.clone());
        }
        for (key, value) in role.iter().flat_map(|role| &role.tags) {
            access = access.key(format!("aws:ResourceTag/{key}"), value.as_str());
            access = access.key(format!("iam:ResourceTag/{key}"), value.as_str());
        }
        let mut all = vec![access];
        if !self.tags.is_empty() {
            all.push(Access { action: "sts:TagSession", ..all[0].clone() });
        }
        if self.source_identity.is_some() {
            all.push(Access { action: "sts:SetSourceIdentity", ..all[0].clone() });
        }
        all
    }
}

impl Sts {
    /// The session of a role for a holder to whom it was granted.
    pub(super) async fn assume_federated(
        &self,
        cx: &Cx,
        role: &Role,
        holder: Holder,
        wanted: Wanted,
    ) -> Result<Assumed> {
        if i64::from(wanted.secs) > i64::from(role.max_session_duration_secs) {
            return Err(error::longer_than_role());
        }
        for key in &holder.transitive_tag_keys {
            if !holder.tags.iter().any(|(tag, _)| tag.eq_ignore_ascii_case(key)) {
                return Err(error::transitive_key(key));
            }
        }
        let account: AccountId = role.account;
        let limits =
            Limits::new(&self.platform, account, wanted.policy, wanted.policy_arns, holder.tags).await?;
        let packed_policy_size = limits.packed_size()?;
        let secs_max = i32::try_from(wanted.secs_max.unwrap_or(u64::MAX)).unwrap_or(i32::MAX);
        let session = Session {
            issued_at: cx.now(),
            expires_at: expiry(cx.now(), wanted.secs.min(secs_max)),
            policy: limits.policy,
            policy_arns: limits.policy_arns,
            tags: limits.tags,
            transitive_tag_keys: holder.transitive_tag_keys,
            source_identity: holder.source_identity,
            federation: Some(Federation { provider: holder.provider, keys: holder.kept }),
            default_regions_only: self.is_version_one(cx, role.account).await?,
            ..Session::default()
        };
        let (credentials, user) = self.role_session(role, holder.session_name, session, wanted.size_min);
        Ok(Assumed { credentials, user, packed_policy_size })
    }
}
