//! Ids and ARNs. Source: the patterns of the model, and the Service Authorization Reference's resource types.

use haneul_env::Rng;
use haneul_kit::{AccountId, Arn};

const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

pub(crate) fn organization(rng: &Rng) -> String {
    format!("o-{}", rng.text(LOWER, 10))
}

pub(crate) fn root(rng: &Rng) -> String {
    format!("r-{}", rng.text(LOWER, 4))
}

/// A unit's id carries its root's.
pub(crate) fn unit(rng: &Rng, root: &str) -> String {
    format!("ou-{}-{}", root.trim_start_matches("r-"), rng.text(LOWER, 8))
}

pub(crate) fn policy(rng: &Rng) -> String {
    format!("p-{}", rng.text(LOWER, 10))
}

pub(crate) fn handshake(rng: &Rng) -> String {
    format!("h-{}", rng.text(LOWER, 32))
}

pub(crate) fn transfer(rng: &Rng) -> String {
    format!("rt-{}", rng.text(LOWER, 8))
}

pub(crate) fn creation(rng: &Rng) -> String {
    format!("car-{}", rng.text(LOWER, 32))
}

pub(crate) fn resource_policy(rng: &Rng) -> String {
    format!("rp-{}", rng.text(LOWER, 8))
}

/// The number of a new account: twelve digits without a leading zero, as AWS's are.
pub(crate) fn account(rng: &Rng) -> u64 {
    100_000_000_000 + rng.below(900_000_000_000)
}

/// Something that a policy attaches to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Root(String),
    Unit(String),
    Account(AccountId),
}

impl Target {
    pub(crate) fn parse(id: &str) -> Option<Target> {
        if id.starts_with("r-") {
            return Some(Target::Root(id.to_owned()));
        }
        if id.starts_with("ou-") {
            return Some(Target::Unit(id.to_owned()));
        }
        id.parse().ok().map(Target::Account)
    }

    pub(crate) fn id(&self) -> String {
        match self {
            Target::Root(id) | Target::Unit(id) => id.clone(),
            Target::Account(account) => account.to_string(),
        }
    }

    /// As `TargetType` says it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Target::Root(_) => "ROOT",
            Target::Unit(_) => "ORGANIZATIONAL_UNIT",
            Target::Account(_) => "ACCOUNT",
        }
    }
}

/// The ARNs of one organization's things.
#[derive(Clone, Copy)]
pub(crate) struct Arns<'a> {
    pub organization: &'a str,
    pub management: AccountId,
}

impl Arns<'_> {
    fn of(self, noun: &str, rest: impl std::fmt::Display) -> Arn {
        let resource = format!("{noun}/{}{rest}", self.organization);
        Arn::global("organizations", self.management, resource)
    }

    pub(crate) fn itself(self) -> Arn {
        self.of("organization", "")
    }

    pub(crate) fn account(self, account: AccountId) -> Arn {
        self.of("account", format_args!("/{account}"))
    }

    pub(crate) fn target(self, target: &Target) -> Arn {
        match target {
            Target::Root(id) => self.of("root", format_args!("/{id}")),
            Target::Unit(id) => self.of("ou", format_args!("/{id}")),
            Target::Account(account) => self.account(*account),
        }
    }

    /// `kind` as on the wire. AWS's own policies belong to no organization.
    pub(crate) fn policy(self, kind: &str, id: &str) -> Arn {
        let kind = kind.to_ascii_lowercase();
        if crate::kinds::is_aws_managed(id) {
            let text = format!("arn:aws:organizations::aws:policy/{kind}/{id}");
            return Arn::parse(&text).expect("it has the form of an ARN");
        }
        self.of("policy", format_args!("/{kind}/{id}"))
    }

    pub(crate) fn handshake(self, action: &str, id: &str) -> Arn {
        self.of("handshake", format_args!("/{}/{id}", action.to_ascii_lowercase()))
    }

    /// As the organization sees it: `inbound` for the one that pays, `outbound` for the other.
    pub(crate) fn transfer(self, direction: &str, id: &str) -> Arn {
        let id = id.trim_start_matches("rt-");
        self.of("transfer", format_args!("/billing/{direction}/rt-{id}"))
    }

    pub(crate) fn resource_policy(self, id: &str) -> Arn {
        self.of("resourcepolicy", format_args!("/{id}"))
    }
}
