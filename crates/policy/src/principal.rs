//! The `Principal` and `NotPrincipal` elements (IAM User Guide, "AWS JSON policy elements: Principal").
//!
//! It matters not only *whether* an element names the caller but *how*: naming a session or a user grants
//! to it directly, naming a role grants within the role's limits, naming an account only delegates.

use crate::error::PolicyError;
use crate::request::{Caller, Principal};

/// The four maps of a principal element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

impl PrincipalKind {
    pub const ALL: [Self; 4] = [Self::Aws, Self::Service, Self::Federated, Self::CanonicalUser];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

/// One principal that a policy names, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrincipalRef<'a> {
    pub kind: PrincipalKind,
    pub value: &'a str,
}

/// How a principal element names a caller, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    /// Through its account: whoever runs the account decides (delegation).
    Account,
    /// Through the role or user behind the session: within that entity's boundary and session policies.
    Entity,
    /// Itself: implicit denies elsewhere in the same account do not matter.
    Direct,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrincipalElement {
    pub negated: bool,
    /// Written as the bare `"*"`.
    pub star: bool,
    pub names: Box<[Name]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub kind: PrincipalKind,
    pub source: Box<str>,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// `*` of the kind.
    Everyone,
    Account(Box<str>),
    /// A user, role, role session or federated user.
    Arn,
    /// `AIDA…`, `AROA…`: what IAM turns an ARN into, and shows once its owner is gone.
    UniqueId,
    Other,
}

impl Name {
    pub(crate) fn parse(kind: PrincipalKind, value: &str, path: &str) -> Result<Self, PolicyError> {
        let form = form(kind, value).ok_or_else(|| PolicyError::principal(path, kind.as_str(), value))?;
        Ok(Self { kind, source: value.into(), form })
    }

    /// `{"AWS": "*"}`, which means the same as the bare `"*"`.
    fn is_everyone(&self) -> bool {
        self.form == Form::Everyone && self.kind == PrincipalKind::Aws
    }

    fn grant(&self, caller: &Principal) -> Option<Grant> {
        let is = |value: Option<&str>| value == Some(&*self.source);
        match (&self.form, self.kind) {
            (Form::Everyone, PrincipalKind::Aws) => Some(Grant::Direct),
            (Form::Everyone, PrincipalKind::Service) => {
                matches!(caller.caller, Caller::Service { .. }).then_some(Grant::Direct)
            }
            (Form::Everyone, _) | (Form::Other, PrincipalKind::Federated) => {
                let provider = caller.federation_provider()?;
                if self.form == Form::Other && provider != &*self.source {
                    return None;
                }
                let itself = matches!(caller.caller, Caller::Federated { .. });
                Some(if itself { Grant::Direct } else { Grant::Entity })
            }
            (Form::Account(account), _) => {
                (caller.account() == Some(account)).then_some(match caller.caller {
                    Caller::Root { .. } => Grant::Direct,
                    _ => Grant::Account,
                })
            }
            (Form::Arn, _) if is(Some(caller.arn())) => Some(Grant::Direct),
            (Form::Arn, _) if is(caller.entity_arn()) => Some(Grant::Entity),
            (Form::UniqueId, _) if is(caller.unique_id.as_deref()) => Some(match caller.caller {
                Caller::User { .. } => Grant::Direct,
                _ => Grant::Entity,
            }),
            (Form::Other, PrincipalKind::Service) => match &caller.caller {
                Caller::Service { name } => is(Some(name)).then_some(Grant::Direct),
                _ => None,
            },
            (Form::Other, PrincipalKind::CanonicalUser) if is(caller.canonical_user_id.as_deref()) => {
                Some(match caller.caller {
                    Caller::Root { .. } => Grant::Direct,
                    _ => Grant::Account,
                })
            }
            _ => None,
        }
    }
}

impl PrincipalElement {
    /// How strongly a statement with this element speaks to the caller; `denies` is the statement's effect.
    pub(crate) fn grant(&self, caller: &Principal, denies: bool) -> Option<Grant> {
        if self.star {
            return (!self.negated).then_some(Grant::Direct);
        }
        if !self.negated {
            return self.names.iter().filter_map(|name| name.grant(caller)).max();
        }
        self.speaks_to_all_but(caller, denies).then_some(Grant::Direct)
    }

    /// `NotPrincipal`. The guide warns that AWS checks the account, then the role or user, then the session,
    /// and that a `Deny` must therefore list all of them to spare a caller. We take it at its word, and in the
    /// cautious direction both ways: a `Deny` spares only who is listed at every level, an `Allow` leaves out
    /// who is listed at any.
    fn speaks_to_all_but(&self, caller: &Principal, denies: bool) -> bool {
        let account = caller.account();
        let mut levels: [Option<bool>; 3] = [None; 3];
        if let Some(account) = account {
            let listed = |n: &Name| {
                matches!(&n.form, Form::Account(a) if **a == *account)
                    || (n.kind == PrincipalKind::CanonicalUser
                        && caller.canonical_user_id.as_deref() == Some(&*n.source))
            };
            levels[0] = Some(self.names.iter().any(listed));
        }
        if let Some(entity) = caller.entity_arn() {
            let listed = |n: &Name| match n.form {
                Form::Arn => *n.source == *entity,
                Form::UniqueId => caller.unique_id.as_deref() == Some(&*n.source),
                _ => false,
            };
            levels[1] = Some(self.names.iter().any(listed));
        }
        if !matches!(caller.caller, Caller::Root { .. }) {
            let itself = |n: &Name| n.grant(caller) == Some(Grant::Direct);
            levels[2] = Some(self.names.iter().any(itself));
        }
        if self.names.iter().any(Name::is_everyone) {
            return false;
        }
        let mut listed = levels.into_iter().flatten();
        if denies { !listed.all(|l| l) } else { !listed.any(|l| l) }
    }
}

fn form(kind: PrincipalKind, value: &str) -> Option<Form> {
    if value == "*" {
        return (kind != PrincipalKind::CanonicalUser).then_some(Form::Everyone);
    }
    if value.is_empty() || value.contains(['*', '?']) || value.len() > 2048 {
        return None;
    }
    match kind {
        PrincipalKind::Aws => aws_form(value),
        PrincipalKind::Service => {
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            (value.contains('.') && value.bytes().all(ok)).then_some(Form::Other)
        }
        PrincipalKind::Federated => (!value.contains(char::is_whitespace)).then_some(Form::Other),
        PrincipalKind::CanonicalUser => {
            value.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(Form::Other)
        }
    }
}

fn aws_form(value: &str) -> Option<Form> {
    if is_account(value) {
        return Some(Form::Account(value.into()));
    }
    let unique = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    if (16..=128).contains(&value.len()) && value.starts_with('A') && value.bytes().all(unique) {
        return Some(Form::UniqueId);
    }
    let mut segments = value.splitn(6, ':');
    let (arn, partition, service, region) =
        (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
    let (account, resource) = (segments.next()?, segments.next()?);
    // CloudFront's origin access identities live in an account of that name.
    let account_ok = is_account(account) || account == "cloudfront";
    if arn != "arn" || !partition.starts_with("aws") || !region.is_empty() || !account_ok {
        return None;
    }
    let named = |prefix: &str, names: usize| {
        resource.strip_prefix(prefix).is_some_and(|rest| {
            rest.split('/').filter(|n| !n.is_empty()).count() >= names && !rest.ends_with('/')
        })
    };
    match service {
        "iam" if resource == "root" => Some(Form::Account(account.into())),
        "iam" if named("user/", 1) || named("role/", 1) => Some(Form::Arn),
        "sts" if named("assumed-role/", 2) || named("federated-user/", 1) => Some(Form::Arn),
        _ => None,
    }
}

pub(crate) fn is_account(value: &str) -> bool {
    value.len() == 12 && value.bytes().all(|b| b.is_ascii_digit())
}
