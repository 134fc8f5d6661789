//! The decision (IAM User Guide, "How AWS enforcement code logic evaluates requests", "Policy evaluation for
//! requests within a single account", "Cross-account policy evaluation logic").
//!
//! An explicit deny in any policy ends it. After that each type of policy is asked whether it allows:
//!
//! 1. resource control policies of the resource's account, every level of the hierarchy;
//! 2. service control policies of the caller's account, every level;
//! 3. the VPC endpoint's policy, if the request came through one;
//! 4. the resource's policy, and how it names the caller ([`Grant`]);
//! 5. the caller's identity policies, boundary and session policies, and what was delegated to who acts in its place.
//!
//! Within one account 4 *or* 5 is enough (a grant to a role still needs the boundary and session to allow it, a
//! grant to the account needs all of 5); across accounts both must allow.

use crate::decision::{Decision, Matched, PolicyType, Reason};
use crate::document::{Effect, Policy};
use crate::principal::Grant;
use crate::request::{Caller, Request};
use crate::sieve::{self, Pairs};

/// A policy and what to call it.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// The name of an inline policy, or whatever tells it apart.
    pub name: &'a str,
    /// Of a managed policy.
    pub arn: Option<&'a str>,
    pub policy: &'a Policy,
}

/// The policies of one level of an organisation: its root, one unit, or the account. One of them must allow.
pub type Level<'a> = &'a [Attached<'a>];

/// The policies that apply to a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// Of the user and its groups, of the role, or of the user who made a federated session.
    pub identity: &'a [Attached<'a>],
    /// Of the resource (a bucket and its access point have one each; any may allow).
    pub resource: &'a [Attached<'a>],
    pub resource_mode: ResourceMode,
    pub boundary: Option<Attached<'a>>,
    /// Given when the session was made, as a document and by ARN; any may allow. `None`: the session is not
    /// limited (for a federated user: has no permissions of its own).
    pub session: Option<&'a [Attached<'a>]>,
    /// What the caller handed to whoever acts in its place. Unlike a session policy, it limits all that comes from
    /// anywhere, a resource's policy that names the session included.
    pub delegation: Option<Attached<'a>>,
    /// From the organisation's root down to the caller's account; empty where there is no organisation, or the
    /// account is its management account.
    pub scps: &'a [Level<'a>],
    /// From the organisation's root down to the resource's account.
    pub rcps: &'a [Level<'a>],
    pub vpc_endpoint: Option<Attached<'a>>,
}

/// What a resource's policy means within its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResourceMode {
    /// It adds to what the identity policies allow.
    #[default]
    Union,
    /// Nothing is allowed that it does not allow, at least by delegating to the account: KMS keys.
    Required,
    /// As `Required`, for the trust policy of a role.
    RoleTrust,
    /// The resource's owner has allowed it in another way than by policy, also across accounts: a grant on a KMS key.
    /// The caller's boundary and session policies still limit it, and any policy may deny.
    Granted,
}

/// Decides. Looks at no more statements than it needs to.
pub fn decide<'a>(request: &Request<'_>, inputs: &Inputs<'a>) -> Decision<'a> {
    run(request, inputs, false)
}

/// Decides, and lists every statement that matched.
pub fn explain<'a>(request: &Request<'_>, inputs: &Inputs<'a>) -> Decision<'a> {
    run(request, inputs, true)
}

fn run<'a>(request: &Request<'_>, inputs: &Inputs<'a>, all: bool) -> Decision<'a> {
    let action = request.action.to_ascii_lowercase();
    let service = action.split(':').next().unwrap_or_default();
    let mut scan = Scan {
        request,
        action: &action,
        service,
        all,
        bounded: inputs.boundary.is_some(),
        pairs: None,
        deny: None,
        matched: Vec::new(),
    };
    let verdict = scan.run(inputs);
    let reason = match (scan.deny, verdict) {
        (Some(deny), _) => Reason::ExplicitDeny(deny),
        (None, Err(policy_type)) => Reason::ImplicitDeny(policy_type),
        (None, Ok(())) => Reason::Allowed,
    };
    let effect = if matches!(reason, Reason::Allowed) { Effect::Allow } else { Effect::Deny };
    Decision { effect, reason, matched: scan.matched }
}

struct Scan<'s, 'a> {
    request: &'s Request<'s>,
    /// In lower case.
    action: &'s str,
    service: &'s str,
    all: bool,
    /// Whether the caller has a permissions boundary.
    bounded: bool,
    /// Of the resource, once they are needed.
    pairs: Option<Pairs>,
    deny: Option<Matched<'a>>,
    matched: Vec<Matched<'a>>,
}

/// What the caller's own policies say.
struct OwnPolicies {
    identity: bool,
    boundary: bool,
    session: bool,
}

impl<'a> Scan<'_, 'a> {
    /// The type of policy that should have allowed and did not. Meaningless once there is an explicit deny.
    fn run(&mut self, inputs: &Inputs<'a>) -> Result<(), PolicyType> {
        let caller = &self.request.principal.caller;
        let is_account_principal = self.request.principal.account().is_some();
        // Organizations User Guide: neither kind of policy affects service-linked roles.
        let is_exempt = self.request.principal.is_service_linked();
        let rcps = is_exempt || self.levels(PolicyType::ResourceControl, inputs.rcps);
        // Service control policies bind the principals of an account, and services are nobody's.
        let scps = !is_account_principal || is_exempt || self.levels(PolicyType::ServiceControl, inputs.scps);
        let endpoint = inputs
            .vpc_endpoint
            .is_none_or(|p| self.scan(PolicyType::VpcEndpoint, std::slice::from_ref(&p)).is_some());
        let resource_type = match inputs.resource_mode {
            ResourceMode::RoleTrust => PolicyType::RoleTrust,
            _ => PolicyType::Resource,
        };
        let grant = self.scan(resource_type, inputs.resource);
        let own = self.own_policies(inputs);
        let delegation = inputs
            .delegation
            .is_none_or(|p| self.scan(PolicyType::Session, std::slice::from_ref(&p)).is_some());
        if !rcps {
            return Err(PolicyType::ResourceControl);
        }
        if !scps {
            return Err(PolicyType::ServiceControl);
        }
        if !endpoint {
            return Err(PolicyType::VpcEndpoint);
        }
        if !delegation {
            return Err(PolicyType::Session);
        }
        if inputs.resource_mode == ResourceMode::Granted {
            return if is_account_principal { own.check_limits() } else { Ok(()) };
        }
        if !is_account_principal {
            debug_assert!(matches!(
                caller,
                Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous
            ));
            return grant.map(drop).ok_or(resource_type);
        }
        let crosses =
            self.request.resource_account.is_some_and(|a| Some(a) != self.request.principal.account());
        if crosses {
            own.check()?;
            return grant.map(drop).ok_or(resource_type);
        }
        match (grant, inputs.resource_mode) {
            (Some(Grant::Direct), _) => Ok(()),
            (Some(Grant::Entity), _) => own.check_limits(),
            (Some(Grant::Account), _) | (None, ResourceMode::Union) => own.check(),
            (None, _) => Err(resource_type),
        }
    }

    fn own_policies(&mut self, inputs: &Inputs<'a>) -> OwnPolicies {
        let (root, federated) = match &self.request.principal.caller {
            Caller::Root { .. } => (true, false),
            Caller::FederatedUser { issuer_arn, .. } => (issuer_arn.ends_with(":root"), true),
            _ => (false, false),
        };
        let identity = self.scan(PolicyType::Identity, inputs.identity).is_some() || root;
        let boundary = inputs
            .boundary
            .is_none_or(|p| self.scan(PolicyType::PermissionsBoundary, std::slice::from_ref(&p)).is_some());
        let session = match inputs.session {
            Some(policies) => self.scan(PolicyType::Session, policies).is_some(),
            None => !federated,
        };
        OwnPolicies { identity, boundary, session }
    }

    fn levels(&mut self, policy_type: PolicyType, levels: &'a [Level<'a>]) -> bool {
        // Not `all`: a later level may hold an explicit deny.
        levels.iter().fold(true, |allowed, level| self.scan(policy_type, level).is_some() & allowed)
    }

    /// Looks through policies of one type; the strongest grant that they give.
    fn scan(&mut self, policy_type: PolicyType, policies: &[Attached<'a>]) -> Option<Grant> {
        let mut grant = None;
        for attached in policies {
            if self.deny.is_some() && !self.all {
                return None;
            }
            let first = self.matched.len();
            self.scan_policy(policy_type, attached, &mut grant);
            if self.matched.len() > first + 1 {
                // The index gives candidates by list, and some twice.
                self.matched[first..].sort_by_key(|m| m.index);
                self.matched.dedup();
            }
        }
        grant
    }

    #[inline]
    fn scan_policy(&mut self, policy_type: PolicyType, attached: &Attached<'a>, grant: &mut Option<Grant>) {
        let Request { principal, resource, context, .. } = *self.request;
        for (index, statement) in attached.policy.about(self.service, self.action) {
            let pairs = *self.pairs.get_or_insert_with(|| sieve::pairs(resource));
            if !attached.policy.sieve.lets_through(index, pairs) {
                continue;
            }
            let denies = statement.effect == Effect::Deny;
            if !denies && !self.all && *grant == Some(Grant::Direct) {
                continue;
            }
            let given = match &statement.principal {
                None => Some(Grant::Direct),
                // IAM User Guide, "Permissions boundaries for IAM entities": such a `Deny` spares nobody who has a
                // boundary, whomever it names.
                Some(element) if denies && element.negated && self.bounded => Some(Grant::Direct),
                Some(element) => element.grant(principal, denies),
            };
            let Some(given) = given else { continue };
            if !statement.covers_resource(resource, context) || !statement.conditions_hold(context) {
                continue;
            }
            let matched = Matched { policy_type, name: attached.name, arn: attached.arn, index, statement };
            self.matched.push(matched);
            if denies {
                self.deny.get_or_insert(matched);
                if !self.all {
                    return;
                }
            } else {
                *grant = (*grant).max(Some(given));
            }
        }
    }
}

impl OwnPolicies {
    fn check(&self) -> Result<(), PolicyType> {
        if !self.identity {
            return Err(PolicyType::Identity);
        }
        self.check_limits()
    }

    fn check_limits(&self) -> Result<(), PolicyType> {
        if !self.boundary {
            return Err(PolicyType::PermissionsBoundary);
        }
        if !self.session {
            return Err(PolicyType::Session);
        }
        Ok(())
    }
}
