//! Who asks, and for what.

use crate::context::Context;

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
    pub context: &'a Context<'a>,
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

    /// A session of a role that a service made for itself, under `/aws-service-role/`.
    pub(crate) fn is_service_linked(&self) -> bool {
        match &self.caller {
            Caller::Role { role_arn, .. } => role_arn
                .splitn(6, ':')
                .nth(5)
                .is_some_and(|resource| resource.starts_with("role/aws-service-role/")),
            _ => false,
        }
    }

    pub(crate) fn federation_provider(&self) -> Option<&str> {
        match &self.caller {
            Caller::Federated { provider } => Some(provider),
            _ => self.federation.as_deref(),
        }
    }

    /// The global keys that follow from the caller alone (IAM User Guide, "AWS global condition context keys",
    /// properties of the principal), in lower case. Tags, organisations and sessions are for whoever knows them.
    pub const KEYS: [&'static str; 9] = [
        "aws:federatedprovider",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
    ];

    /// What the caller has for one of [`Principal::KEYS`].
    pub fn key(&self, key: &str) -> Option<String> {
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        match key {
            "aws:principaltype" => {
                let kind = match &self.caller {
                    Caller::Root { .. } => "Account",
                    Caller::User { .. } => "User",
                    Caller::Role { .. } => "AssumedRole",
                    Caller::FederatedUser { .. } => "FederatedUser",
                    Caller::Service { .. } => "Service",
                    Caller::Federated { .. } | Caller::Anonymous => "Anonymous",
                };
                Some(kind.to_owned())
            }
            "aws:principalarn" => match &self.caller {
                Caller::Root { arn, .. } | Caller::User { arn, .. } | Caller::FederatedUser { arn, .. } => {
                    Some(arn.clone())
                }
                Caller::Role { role_arn, .. } => Some(role_arn.clone()),
                Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => None,
            },
            "aws:principalaccount" => match &self.caller {
                Caller::Anonymous => Some("anonymous".to_owned()),
                _ => self.account().map(str::to_owned),
            },
            "aws:principalisawsservice" => match &self.caller {
                Caller::Service { .. } => Some("true".to_owned()),
                _ => self.account().map(|_| "false".to_owned()),
            },
            "aws:federatedprovider" => match &self.caller {
                Caller::Role { .. } => self.federation.clone(),
                // For trust policies, but not of who comes by SAML.
                Caller::Federated { provider } if !provider.contains(":saml-provider/") => {
                    Some(provider.clone())
                }
                _ => None,
            },
            "aws:principalservicename" | "aws:principalservicenameslist" => match &self.caller {
                Caller::Service { name } => Some(name.clone()),
                _ => None,
            },
            "aws:userid" => match &self.caller {
                Caller::Root { account, .. } => Some(account.clone()),
                Caller::User { .. } => self.unique_id.clone(),
                Caller::Role { session_arn, .. } => {
                    self.unique_id.as_ref().map(|id| format!("{id}:{}", last(session_arn)))
                }
                Caller::FederatedUser { account, arn, .. } => Some(format!("{account}:{}", last(arn))),
                Caller::Anonymous => Some("anonymous".to_owned()),
                Caller::Service { .. } | Caller::Federated { .. } => None,
            },
            "aws:username" => match &self.caller {
                Caller::User { arn, .. } => Some(last(arn)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Sets all of [`Principal::KEYS`] that the caller has.
    pub fn describe(&self, context: &mut Context<'_>) {
        for key in Principal::KEYS {
            if let Some(value) = self.key(key) {
                context.set(key, value);
            }
        }
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
