use haneul_base::{AccountId, Arn};
use haneul_bus::{Caller, Principal};
use haneul_policy::{Caller as PolicyCaller, Policy, Principal as PolicyPrincipal, PrincipalKind};

use crate::{Platform, Result};

/// The caller as the policy language sees it.
pub fn policy_principal(caller: &Caller) -> PolicyPrincipal {
    let account = || caller.account.to_string();
    match &caller.principal {
        Principal::Root => PolicyPrincipal::root(&account()),
        Principal::User { id, .. } => {
            PolicyPrincipal { unique_id: Some(id.clone()), ..PolicyPrincipal::user(&caller.arn()) }
        }
        Principal::Role { id, session_name, .. } => {
            let role = caller.role_arn().map(|arn| arn.to_string()).unwrap_or_default();
            let federation = caller.session.as_ref().and_then(|session| session.federation.as_ref());
            PolicyPrincipal {
                unique_id: Some(id.clone()),
                federation: federation.map(|federation| federation.provider.clone()),
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
            let unique_id = match &issuer.principal {
                Principal::User { id, .. } => Some(id.clone()),
                _ => None,
            };
            PolicyPrincipal { unique_id, ..PolicyPrincipal::federated_user(&issuer.arn(), name) }
        }
        Principal::Service { name } => PolicyPrincipal::service(name),
        Principal::Anonymous => PolicyPrincipal::new(PolicyCaller::Anonymous),
    }
}

impl Platform {
    /// Whether the roles and users that a policy names exist, as far as their account is known: it is that of the resource's
    /// owner, or one of an organization.
    pub async fn has_principals(&self, policy: &Policy, owner: AccountId) -> Result<bool> {
        for principal in policy.principals().filter(|principal| principal.kind == PrincipalKind::Aws) {
            let Ok(arn) = Arn::parse(principal.value) else { continue };
            let Some(account) = arn.account_id().filter(|_| arn.service() == "iam") else { continue };
            if account != owner && self.standing(account).await?.is_none() {
                continue;
            }
            let is_there = match arn.resource().split_once('/') {
                // Roles of services' own path may be made later by the service.
                Some(("role", path)) if path.starts_with("aws-service-role/") => true,
                Some(("role" | "user", _)) => self.directory().unique_id(&arn).await?.is_some(),
                _ => true,
            };
            if !is_there {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
