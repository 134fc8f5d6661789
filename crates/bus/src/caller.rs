use haneul_base::{AccountId, Arn, Instant};

/// Who makes a call, as established by a verified signature (or by us, for a service).
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// The account whose call it is; for a service, the account on whose behalf it acts.
    pub account: AccountId,
    pub principal: Principal,
    pub access_key_id: Option<String>,
    /// Present when the credentials are temporary.
    pub session: Option<Session>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Principal {
    /// The account's root user.
    Root,
    /// `path` begins and ends with a slash; `id` is `AIDA…`.
    User { path: String, name: String, id: String },
    /// An assumed role; `id` is `AROA…`.
    Role { path: String, name: String, id: String, session_name: String },
    /// GetFederationToken's user.
    FederatedUser { name: String },
    /// A service acting by itself: `sns.amazonaws.com`.
    Service { name: String },
    /// Nobody signed the request.
    Anonymous,
}

/// Facts about temporary credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    pub issued_at: Instant,
    pub expires_at: Instant,
    /// The inline session policy, as JSON.
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    pub mfa_at: Option<Instant>,
    /// The permissions of the user who called GetSessionToken or GetFederationToken.
    pub issuer: Option<Box<Principal>>,
    /// For a role that was assumed with an identity provider's assertion.
    pub federation: Option<Federation>,
    /// The root user's, by AssumeRoot (`aws:AssumedRoot`).
    pub assumed_root: bool,
    /// A version 1 token of STS's global endpoint: good only in Regions that need no opting in.
    pub default_regions_only: bool,
    /// The ARN of the S3 Access Grants instance that gave the credentials out (`s3:AccessGrantsInstanceArn`).
    pub access_grants_instance: Option<String>,
    /// The principal of the service that uses the credentials on their holder's behalf (`aws:CalledVia`), as
    /// `s3-object-lambda.amazonaws.com` in the URLs that it gives to functions.
    pub via: Option<String>,
    /// Whoever holds the credentials acts by a delegation of the caller's (IAM's delegation requests).
    pub delegation: Option<Delegation>,
}

impl Session {
    /// The session as `maker` can have it: one that a delegate makes is as limited as the delegate is, and ends with it.
    pub fn made_by(mut self, maker: &Caller) -> Session {
        if let Some(own) = maker.session.as_ref().filter(|own| own.delegation.is_some()) {
            self.expires_at = self.expires_at.min(own.expires_at);
            self.delegation.clone_from(&own.delegation);
        }
        self
    }
}

/// What a principal handed to somebody else for a while: its own permissions, as far as the policy goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Delegation {
    /// The account that acts: the partner's (`invokedByDelegate` of CloudTrail).
    pub account: AccountId,
    /// The delegated permissions, as JSON. They limit beside whatever else limits the session.
    pub policy: String,
}

/// Who vouched for the holder of a session, and what of it stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Federation {
    /// The provider as trust policies name it: its ARN (`aws:FederatedProvider`).
    pub provider: String,
    /// Condition keys that the session keeps: `saml:sub`, `<issuer>:aud`, …
    pub keys: Vec<(String, Vec<String>)>,
}

impl Caller {
    pub fn anonymous(account: AccountId) -> Caller {
        Caller { account, principal: Principal::Anonymous, access_key_id: None, session: None }
    }

    /// A service principal such as `sns.amazonaws.com`, acting on behalf of `account`.
    pub fn service(name: impl Into<String>, account: AccountId) -> Caller {
        Caller {
            account,
            principal: Principal::Service { name: name.into() },
            access_key_id: None,
            session: None,
        }
    }

    pub fn root(account: AccountId) -> Caller {
        Caller { account, principal: Principal::Root, access_key_id: None, session: None }
    }

    /// Whether somebody else acts in the caller's place.
    pub fn is_delegate(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.delegation.is_some())
    }

    /// Whether it is the root user of an account, and nobody in its place.
    pub fn is_root(&self) -> bool {
        self.principal == Principal::Root && !self.is_delegate()
    }

    /// What GetCallerIdentity and `aws:PrincipalArn` (but for roles) say; the service's name for a service.
    pub fn arn(&self) -> String {
        let arn = |service: &str, resource: std::fmt::Arguments<'_>| {
            Arn::global(service, self.account, resource).into()
        };
        match &self.principal {
            Principal::Root => arn("iam", format_args!("root")),
            Principal::User { path, name, .. } => arn("iam", format_args!("user{path}{name}")),
            Principal::Role { name, session_name, .. } => {
                arn("sts", format_args!("assumed-role/{name}/{session_name}"))
            }
            Principal::FederatedUser { name } => arn("sts", format_args!("federated-user/{name}")),
            Principal::Service { name } => name.clone(),
            Principal::Anonymous => "anonymous".into(),
        }
    }

    /// The ARN of the role behind an assumed-role session.
    pub fn role_arn(&self) -> Option<Arn> {
        match &self.principal {
            Principal::Role { path, name, .. } => {
                Some(Arn::global("iam", self.account, format!("role{path}{name}")))
            }
            _ => None,
        }
    }

    /// `aws:userid`: `AIDA…`, `AROA…:session`, `account:name` for a federated user, the account for root.
    pub fn user_id(&self) -> String {
        match &self.principal {
            Principal::Root => self.account.to_string(),
            Principal::User { id, .. } => id.clone(),
            Principal::Role { id, session_name, .. } => format!("{id}:{session_name}"),
            Principal::FederatedUser { name } => format!("{}:{name}", self.account),
            Principal::Service { name } => name.clone(),
            Principal::Anonymous => "anonymous".into(),
        }
    }
}
