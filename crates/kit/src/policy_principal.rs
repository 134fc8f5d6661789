use haneul_bus::{Caller, Principal};
use haneul_policy::{Caller as PolicyCaller, Principal as PolicyPrincipal};

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
