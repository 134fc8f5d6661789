use std::sync::Arc;

use haneul_base::{AccountId, Arn, Instant};
use haneul_bus::Caller;
use haneul_policy::Policy;

use crate::{BoxFuture, Result};

/// Who exists and what they may do: IAM's data as the front door and STS see it. The IAM service implements it.
///
/// It is on the path of every request: answers come from memory that is dropped when IAM's tables change.
pub trait Directory: Send + Sync + 'static {
    /// The access key with this id, active or not. Not for temporary keys (`ASIA…`): those live in their session token.
    fn access_key<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Arc<AccessKey>>>>;

    /// Every policy that bounds what `caller` may do, compiled. Empty for root, services and the anonymous.
    fn policies<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<Arc<PrincipalPolicies>>>;

    fn role<'a>(&'a self, account: AccountId, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Role>>>>;

    /// The unique id (`AIDA…`, `AROA…`) of the user or role that has this ARN now.
    fn unique_id<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<String>>> {
        let _ = arn;
        Box::pin(async { Ok(None) })
    }

    /// The ARN that the user or role with this unique id has now; `None` when there is none any more.
    fn bearer<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Arn>>> {
        let _ = id;
        Box::pin(async { Ok(None) })
    }

    /// A managed policy by its ARN, in its default version; AWS's own too.
    fn managed_policy<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<Policy>>>>;

    /// Notes that a key or role was used, for GetAccessKeyLastUsed and RoleLastUsed. Must not block.
    fn note_use(&self, caller: &Caller, service: &'static str, region: &'static str, at: Instant);

    /// Notes that `caller` tried `action` (`s3:GetObject`), allowed or not, for the reports of what was last accessed.
    /// Must not block.
    fn note_access(&self, caller: &Caller, action: &'static str, region: &'static str, at: Instant) {
        let _ = (caller, action, region, at);
    }

    /// Every service that the policies of a user or role give access to, and when it was last tried there.
    fn service_uses<'a>(&'a self, principal: &'a Caller) -> BoxFuture<'a, Result<Vec<ServiceUse>>> {
        let _ = principal;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Whether `code` is what the MFA device `serial` (an ARN for a virtual one) of `caller`, a user or the root user,
    /// shows now. A code is good once: the same one is refused when it comes again.
    fn verify_mfa<'a>(
        &'a self,
        caller: &'a Caller,
        serial: &'a str,
        code: &'a str,
    ) -> BoxFuture<'a, Result<bool>> {
        let _ = (caller, serial, code);
        Box::pin(async { Ok(false) })
    }

    /// Whom an API key for `service` (`logs.amazonaws.com`) stands for, active or not, expired or not; `None` for a key that
    /// was not made for that service, or has another secret.
    fn api_key<'a>(&'a self, service: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<ApiKey>>> {
        let _ = (service, key);
        Box::pin(async { Ok(None) })
    }

    /// The SAML provider of that ARN, in whatever account.
    fn saml_provider<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<SamlProvider>>>> {
        let _ = arn;
        Box::pin(async { Ok(None) })
    }

    /// The OpenID Connect provider of that ARN, in whatever account.
    fn oidc_provider<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<OidcProvider>>>> {
        let _ = arn;
        Box::pin(async { Ok(None) })
    }

    /// The issuer for which GetWebIdentityToken signs in this account; `None` while outbound federation is off.
    fn outbound_issuer(&self, account: AccountId) -> BoxFuture<'_, Result<Option<String>>> {
        let _ = account;
        Box::pin(async { Ok(None) })
    }

    /// Whether the sessions that STS's global endpoint makes for this account are good in every Region.
    fn global_tokens_v2(&self, account: AccountId) -> BoxFuture<'_, Result<bool>> {
        let _ = account;
        Box::pin(async { Ok(false) })
    }

    /// The issuer with this id, the last part of its URL's path or the first label of its host, of whatever account;
    /// also while outbound federation is off there, because its tokens are still to be verified.
    fn outbound_issuer_of<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        let _ = id;
        Box::pin(async { Ok(None) })
    }

    /// What the organization that `management` manages may do to the root users of its members.
    fn root_access(&self, management: AccountId) -> BoxFuture<'_, Result<RootAccess>> {
        let _ = management;
        Box::pin(async { Ok(RootAccess::default()) })
    }
}

/// A SAML 2.0 identity provider, as AssumeRoleWithSAML needs it.
#[derive(Clone, Debug)]
pub struct SamlProvider {
    pub arn: Arn,
    /// The issuer of its assertions.
    pub entity_id: String,
    /// X.509 in DER, in the order of the metadata; an assertion signed by any of them is genuine.
    pub signing_certificates: Vec<Vec<u8>>,
    pub valid_until: Instant,
    /// Assertions that are not encrypted are refused.
    pub encryption_required: bool,
    /// PEM, newest first; they decrypt assertions.
    pub private_keys: Vec<String>,
}

/// An OpenID Connect identity provider, as AssumeRoleWithWebIdentity needs it.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    pub arn: Arn,
    /// The issuer, with its `https://` (or `http://`, where a local issuer was registered so).
    pub url: String,
    /// Audiences.
    pub client_ids: Vec<String>,
    /// SHA-1 of certificates of the issuer's chain, in hexadecimal.
    pub thumbprints: Vec<String>,
}

/// Centralised root access: which of its features an organization has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RootAccess {
    pub credentials_management: bool,
    /// AssumeRoot works.
    pub sessions: bool,
}

/// A long-lived access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    pub active: bool,
    /// A user or the root user of an account.
    pub caller: Caller,
}

/// A long-lived API key of a user, for one service.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub active: bool,
    pub expires_at: Option<Instant>,
    pub caller: Caller,
}

/// A service that a principal may use.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceUse {
    /// Its prefix in policies.
    pub service: String,
    /// When it was last tried; `None` for never.
    pub last: Option<Instant>,
    /// The actions that were tried, without the prefix, and when last.
    pub actions: Vec<(String, Instant)>,
}

/// What bounds a principal, ready for the evaluator.
#[derive(Clone, Debug, Default)]
pub struct PrincipalPolicies {
    /// Inline and attached policies of the user, its groups or the role, each with its ARN or name for the explanation.
    pub identity: Vec<NamedPolicy>,
    pub boundary: Option<NamedPolicy>,
    /// Session policies; `None` when the session was made without any, which is not the same as with none that allow.
    pub session: Option<Vec<NamedPolicy>>,
    /// What was delegated to whoever holds the session; nothing goes beyond it.
    pub delegation: Option<NamedPolicy>,
    /// `aws:PrincipalTag/…`: the tags of the user or role, overlaid by the session's.
    pub tags: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct NamedPolicy {
    /// The ARN of a managed policy, or the name of an inline one.
    pub name: String,
    pub policy: Arc<Policy>,
}

/// A role, as AssumeRole needs it.
#[derive(Clone, Debug)]
pub struct Role {
    pub account: AccountId,
    pub path: String,
    pub name: String,
    /// `AROA…`
    pub id: String,
    pub trust_policy: Arc<Policy>,
    pub max_session_duration_secs: u32,
    pub tags: Vec<(String, String)>,
}

impl Role {
    pub fn arn(&self) -> Arn {
        Arn::global("iam", self.account, format_args!("role{}{}", self.path, self.name))
    }
}
