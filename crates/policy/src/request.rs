//! Who asks, for what, and the context keys that come with it.

/// One request to be authorised. All strings are as the caller gave them, not normalised.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub principal: &'a Principal,
    /// `service:Operation`, e.g. `sqs:SendMessage`. Case does not matter for the decision; a denial message
    /// shows it as given.
    pub action: &'a str,
    /// An ARN, or `*` where the action has no resource.
    pub resource: &'a str,
    /// The account that owns the resource, where it is known; without it, the caller's own.
    pub resource_account: Option<&'a str>,
    pub context: &'a Context,
}

/// An authenticated (or anonymous) caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub caller: Caller,
    /// The user's `AIDA…` or the role's `AROA…` id.
    pub unique_id: Option<String>,
    /// The canonical user id of the caller's account (S3).
    pub canonical_user_id: Option<String>,
    /// For a role session that began with `AssumeRoleWithWebIdentity` or `…SAML`: the identity provider.
    pub federation: Option<String>,
}

/// The kinds of callers. Every `arn` is the full ARN of the thing it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The account's root user.
    Root {
        account: String,
        arn: String,
    },
    User {
        account: String,
        arn: String,
    },
    /// A session of an IAM role.
    Role {
        account: String,
        role_arn: String,
        session_arn: String,
    },
    /// A session made by `GetFederationToken`; `issuer_arn` is the user (or root) that made it.
    FederatedUser {
        account: String,
        arn: String,
        issuer_arn: String,
    },
    /// An AWS service acting for itself, e.g. `sns.amazonaws.com`.
    Service {
        name: String,
    },
    /// Who presents an identity provider's token to STS and is nobody yet.
    Federated {
        provider: String,
    },
    Anonymous,
}

impl Principal {
    pub fn new(caller: Caller) -> Self {
        Self { caller, unique_id: None, canonical_user_id: None, federation: None }
    }

    pub fn root(account: &str) -> Self {
        Self::new(Caller::Root { account: account.into(), arn: format!("arn:aws:iam::{account}:root") })
    }

    /// From the user's ARN; the account is the one in it.
    pub fn user(arn: &str) -> Self {
        Self::new(Caller::User { account: account_of(arn).into(), arn: arn.into() })
    }

    /// From the role's ARN (with its path) and the session's name.
    pub fn role_session(role_arn: &str, session_name: &str) -> Self {
        let mut segments = role_arn.splitn(6, ':');
        let partition = segments.nth(1).unwrap_or("aws");
        let name = role_arn.rsplit('/').next().unwrap_or_default();
        let account = account_of(role_arn);
        Self::new(Caller::Role {
            account: account.into(),
            role_arn: role_arn.into(),
            session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}"),
        })
    }

    /// From the ARN of who called `GetFederationToken` (a user or root) and the name given.
    pub fn federated_user(issuer_arn: &str, name: &str) -> Self {
        let partition = issuer_arn.split(':').nth(1).unwrap_or("aws");
        let account = account_of(issuer_arn);
        Self::new(Caller::FederatedUser {
            account: account.into(),
            arn: format!("arn:{partition}:sts::{account}:federated-user/{name}"),
            issuer_arn: issuer_arn.into(),
        })
    }

    pub fn service(name: &str) -> Self {
        Self::new(Caller::Service { name: name.into() })
    }

    pub fn federated(provider: &str) -> Self {
        Self::new(Caller::Federated { provider: provider.into() })
    }

    pub fn anonymous() -> Self {
        Self::new(Caller::Anonymous)
    }

    /// The account that the caller belongs to; services and anonymous callers have none.
    pub fn account(&self) -> Option<&str> {
        match &self.caller {
            Caller::Root { account, .. }
            | Caller::User { account, .. }
            | Caller::Role { account, .. }
            | Caller::FederatedUser { account, .. } => Some(account),
            Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => None,
        }
    }

    /// The ARN (or name) that `GetCallerIdentity` and denial messages show.
    pub fn arn(&self) -> &str {
        match &self.caller {
            Caller::Root { arn, .. } | Caller::User { arn, .. } | Caller::FederatedUser { arn, .. } => arn,
            Caller::Role { session_arn, .. } => session_arn,
            Caller::Service { name } => name,
            Caller::Federated { provider } => provider,
            Caller::Anonymous => "anonymous",
        }
    }

    /// The role or user behind a session.
    pub(crate) fn entity_arn(&self) -> Option<&str> {
        match &self.caller {
            Caller::Role { role_arn, .. } => Some(role_arn),
            // Root as an issuer is the account, which is matched as such.
            Caller::FederatedUser { issuer_arn, .. } if !issuer_arn.ends_with(":root") => Some(issuer_arn),
            _ => None,
        }
    }

    pub(crate) fn federation_provider(&self) -> Option<&str> {
        match &self.caller {
            Caller::Federated { provider } => Some(provider),
            _ => self.federation.as_deref(),
        }
    }

    /// Sets the global keys that follow from the caller alone (IAM User Guide, "AWS global condition context
    /// keys", properties of the principal): `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`,
    /// `aws:username`, `aws:userid` and those about service principals. Tags, organisations and sessions are
    /// for whoever knows them.
    pub fn describe(&self, context: &mut Context) {
        let (kind, arn) = match &self.caller {
            Caller::Root { arn, .. } => ("Account", Some(arn)),
            Caller::User { arn, .. } => ("User", Some(arn)),
            Caller::Role { role_arn, .. } => ("AssumedRole", Some(role_arn)),
            Caller::FederatedUser { arn, .. } => ("FederatedUser", Some(arn)),
            Caller::Service { .. } => ("Service", None),
            Caller::Federated { .. } | Caller::Anonymous => ("Anonymous", None),
        };
        context.set("aws:PrincipalType", kind);
        if let Some(arn) = arn {
            context.set("aws:PrincipalArn", arn);
        }
        if let Some(account) = self.account() {
            context.set("aws:PrincipalAccount", account);
            context.set("aws:PrincipalIsAWSService", "false");
        }
        match &self.caller {
            Caller::Root { account, .. } => {
                context.set("aws:userid", account);
            }
            Caller::User { arn, .. } => {
                context.set("aws:username", arn.rsplit('/').next().unwrap_or_default());
                if let Some(id) = &self.unique_id {
                    context.set("aws:userid", id);
                }
            }
            Caller::Role { session_arn, .. } => {
                if let Some(id) = &self.unique_id {
                    let session = session_arn.rsplit('/').next().unwrap_or_default();
                    context.set("aws:userid", format!("{id}:{session}"));
                }
            }
            Caller::FederatedUser { account, arn, .. } => {
                let name = arn.rsplit('/').next().unwrap_or_default();
                context.set("aws:userid", format!("{account}:{name}"));
            }
            Caller::Service { name } => {
                context.set("aws:PrincipalIsAWSService", "true");
                context.set("aws:PrincipalServiceName", name);
            }
            Caller::Federated { .. } | Caller::Anonymous => {}
        }
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// Context keys and their values. Keys are compared without regard to case; a key without values is the same
/// as a key that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Sorted by the lowercased key.
    entries: Vec<(Box<str>, Vec<String>)>,
}

impl Context {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to one value, replacing what it had.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.put(key, vec![value.into()])
    }

    /// Sets a key to several values, replacing what it had.
    pub fn set_many<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) -> &mut Self {
        self.put(key, values.into_iter().map(Into::into).collect())
    }

    fn put(&mut self, key: &str, values: Vec<String>) -> &mut Self {
        let key: Box<str> = key.to_lowercase().into();
        match self.entries.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(at) => self.entries[at].1 = values,
            Err(at) => self.entries.insert(at, (key, values)),
        }
        self
    }

    /// The values of a key given in any case.
    pub fn get(&self, key: &str) -> &[String] {
        self.values(&key.to_lowercase())
    }

    /// All keys, lowercased and sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(k, v)| (&**k, v.as_slice()))
    }

    /// `key` is in lower case.
    #[inline]
    pub(crate) fn values(&self, key: &str) -> &[String] {
        match self.entries.binary_search_by(|(k, _)| (**k).cmp(key)) {
            Ok(at) => &self.entries[at].1,
            Err(_) => &[],
        }
    }
}
