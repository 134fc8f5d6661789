use std::sync::Arc;

use haneul_kit::{Access, Arn, Cx, Platform, Policy, Result, Signal};
use haneul_policy::Rules;
use haneul_store::Reads;

use crate::error;
use crate::ids::{Arns, Target};
use crate::model::{ACCOUNTS, Account, ORGANIZATIONS, Organization};
use crate::store::{State, policies, transfers, tree};

/// The state of the service.
pub struct Organizations {
    pub(crate) platform: Platform,
    pub(crate) state: State,
    /// Wakes the reconciler: there are accounts to create or to close.
    pub(crate) work: Signal,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Any account of the organization.
    Member,
    /// The management account.
    Management,
    /// And members that are delegated administrators of a service, or that the organization's resource policy lets.
    Reader,
    /// And members that the organization's resource policy lets.
    Delegate,
}

/// By what right the caller is here.
#[derive(Clone, Debug)]
pub(crate) enum Right {
    /// Its own identity policies decide.
    Own,
    /// The organization's resource policy must allow it too.
    ResourcePolicy(Arc<Policy>),
    None,
}

/// The caller's organization as the caller may see it.
pub(crate) struct Vantage {
    /// `o-…`
    pub id: String,
    pub organization: Organization,
    pub right: Right,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On<'a> {
    /// No resource.
    All,
    /// A root, unit or account, by its id.
    Target(&'a str),
    Policy(&'a str),
    ResourcePolicy,
    /// A transfer of responsibility, by its id.
    Transfer(&'a str),
}

impl Vantage {
    pub(crate) fn arns(&self) -> Arns<'_> {
        Arns { organization: &self.id, management: self.organization.management() }
    }

    fn access(&self, action: &'static str, on: Option<&Arn>) -> Access {
        let access = match on {
            Some(arn) => Access::on(action, arn),
            None => Access::to(action),
        };
        match &self.right {
            Right::ResourcePolicy(policy) => {
                access.owned_by(self.organization.management()).with_policy(Some(policy.clone()))
            }
            // What a delegated administrator may read is as its own.
            _ => Access { resource_account: None, ..access },
        }
    }
}

impl Organizations {
    pub(crate) fn new(platform: &Platform) -> Organizations {
        Organizations {
            platform: platform.clone(),
            state: State { store: platform.store.clone() },
            work: Signal::default(),
        }
    }

    /// `None` when the caller's account is in no organization.
    pub(crate) async fn vantage(&self, cx: &Cx, who: Who) -> Result<Option<Vantage>> {
        let snapshot = self.state.store.snapshot().await?;
        let Some(Account { seat: Some(seat), .. }) = snapshot.get(&ACCOUNTS, &cx.account()).await? else {
            return Ok(None);
        };
        let Some(organization) = snapshot.get(&ORGANIZATIONS, &seat.organization).await? else {
            return Ok(None);
        };
        let own = organization.management() == cx.account()
            || who == Who::Member
            || (who == Who::Reader && !seat.delegations.is_empty());
        let right = match &organization.resource_policy {
            _ if own => Right::Own,
            Some(policy) if matches!(who, Who::Reader | Who::Delegate) => {
                let rules = Rules { size_max: usize::MAX, ..Rules::RESOURCE };
                let policy =
                    Policy::parse(&policy.content, &rules).map_err(haneul_kit::ApiError::internal)?;
                Right::ResourcePolicy(Arc::new(policy))
            }
            _ => Right::None,
        };
        Ok(Some(Vantage { id: seat.organization, organization, right }))
    }

    /// For the operation itself.
    ///
    /// # Errors
    /// That there is no organization, or that the caller's account has no right to this.
    pub(crate) async fn enter(&self, cx: &Cx, who: Who) -> Result<Vantage> {
        match self.vantage(cx, who).await? {
            None => Err(error::not_in_use()),
            Some(Vantage { right: Right::None, .. }) => Err(error::access_denied()),
            Some(vantage) => Ok(vantage),
        }
    }

    /// What the caller must be allowed to do. Without an organization, and for what only the management account can do,
    /// the caller's own policies are asked; the operation then refuses.
    pub(crate) async fn ask(
        &self,
        cx: &Cx,
        who: Who,
        action: &'static str,
        on: &[On<'_>],
        keys: &[(&'static str, &str)],
    ) -> Result<Vec<Access>> {
        let Some(vantage) = self.vantage(cx, who).await? else { return Ok(vec![Access::to(action)]) };
        let mut accesses = Vec::new();
        for on in on {
            let (arn, tags) = self.resource(&vantage, *on).await?;
            let mut access = vantage.access(action, arn.as_ref());
            access = access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            for (key, value) in keys {
                access = access.key(*key, *value);
            }
            accesses.push(access);
        }
        Ok(accesses)
    }

    /// The ARN of what the operation is about, and its tags; the ARN that it would have, when it is not there.
    async fn resource(&self, vantage: &Vantage, on: On<'_>) -> Result<(Option<Arn>, Vec<(String, String)>)> {
        let arns = vantage.arns();
        let store = &self.state.store;
        Ok(match on {
            On::All => (None, Vec::new()),
            On::Target(id) => match Target::parse(id) {
                Some(target) => {
                    let node = tree::node(store, &vantage.id, &vantage.organization, &target).await?;
                    (Some(arns.target(&target)), node.map(|node| node.tags).unwrap_or_default())
                }
                None => (None, Vec::new()),
            },
            On::Policy(id) => match policies::find(store, &vantage.id, id).await? {
                Some(policy) => (Some(arns.policy(&policy.kind, id)), policy.tags),
                None => (Some(arns.policy("policy", id)), Vec::new()),
            },
            On::Transfer(id) => {
                let management = vantage.organization.management();
                let (direction, tags) = match transfers::of(store, &vantage.id, management, id).await? {
                    Some((transfer, direction)) => (direction, transfer.tags_of(&vantage.id)),
                    None => (transfers::INBOUND, Vec::new()),
                };
                (Some(arns.transfer(direction, id)), tags)
            }
            On::ResourcePolicy => {
                let policy = vantage.organization.resource_policy.as_ref();
                let id = policy.map_or("rp-new", |policy| policy.id.as_str());
                let tags = policy.map(|policy| policy.tags.clone()).unwrap_or_default();
                (Some(arns.resource_policy(id)), tags)
            }
        })
    }
}
