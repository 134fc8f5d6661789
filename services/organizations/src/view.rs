//! [`Organization`](haneul_kit::Organization) over our tables, from memory.
//!
//! An entry remembers the versions of the tables that it was made from: as long as none of them moved, every change that
//! was acknowledged is in it. So an account that is moved or closed, and a policy that is attached or changed, decides
//! from the next request on.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::directory::NamedPolicy;
use haneul_kit::{
    AccountId, ApiError, BoxFuture, Instant, Membership, Organization, Platform, Policy, Result, Standing,
};
use haneul_policy::Rules;
use haneul_store::{Range, Reads, Snapshot, TableVersion};
use parking_lot::RwLock;

use crate::ids::Arns;
use crate::kinds::{self, RCP, SCP};
use crate::model::{self, ACCOUNTS, Node, ORGANIZATIONS, POLICIES, Seat, Status, UNITS};
use crate::store::{State, policies, tree};

/// Entries; when there are more, all are dropped: simple, and rare.
const ENTRIES_MAX: usize = 20_000;

pub(crate) struct View {
    state: State,
    /// Whether there were accounts when we opened.
    found: bool,
    versions: [TableVersion; 4],
    entries: RwLock<HashMap<AccountId, Entry>>,
}

type Stamp = [u64; 4];

struct Entry {
    stamp: Stamp,
    standing: Option<Arc<Standing>>,
}

impl View {
    pub(crate) async fn open(platform: &Platform, state: State) -> Result<View> {
        let store = &platform.store;
        let versions = [
            store.table_version(&ORGANIZATIONS),
            store.table_version(&ACCOUNTS),
            store.table_version(&UNITS),
            store.table_version(&POLICIES),
        ];
        let found = !store.scan(&ACCOUNTS, Range::all(), 1).await?.is_empty();
        Ok(View { state, found, versions, entries: RwLock::default() })
    }

    fn stamp(&self) -> Stamp {
        [0, 1, 2, 3].map(|table| self.versions[table].get())
    }

    async fn read(&self, account: AccountId) -> Result<Option<Arc<Standing>>> {
        let stamp = self.stamp();
        if let Some(entry) = self.entries.read().get(&account).filter(|entry| entry.stamp == stamp) {
            return Ok(entry.standing.clone());
        }
        let standing = self.compile(account).await?.map(Arc::new);
        let mut entries = self.entries.write();
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(&account) {
            entries.clear();
        }
        entries.insert(account, Entry { stamp, standing: standing.clone() });
        Ok(standing)
    }

    async fn compile(&self, account: AccountId) -> Result<Option<Standing>> {
        let snapshot = self.state.store.snapshot().await?;
        let Some(record) = snapshot.get(&ACCOUNTS, &account).await? else { return Ok(None) };
        let suspended = matches!(record.status, Status::Suspended | Status::Closed);
        let membership = match record.seat {
            Some(seat) => membership(&snapshot, account, seat).await?,
            None => None,
        };
        let known = suspended || membership.is_some();
        Ok(known.then_some(Standing { suspended, membership }))
    }
}

async fn membership(snapshot: &Snapshot, account: AccountId, seat: Seat) -> Result<Option<Membership>> {
    let id = seat.organization;
    let Some(organization) = snapshot.get(&ORGANIZATIONS, &id).await? else { return Ok(None) };
    let above = tree::above(snapshot, &id, &organization, &seat.parent).await?;
    let mut path = format!("{id}/");
    for (at, _) in &above {
        path.push_str(at);
        path.push('/');
    }
    let management_account = organization.management();
    let mut nodes: Vec<Node> = above.into_iter().map(|(_, node)| node).collect();
    nodes.push(seat.node);
    let bound = account != management_account;
    let mut levels = [Vec::new(), Vec::new()];
    for (kind, levels) in [SCP, RCP].into_iter().zip(&mut levels) {
        if bound && organization.enabled_types.contains(kind) {
            for node in &nodes {
                let arns = Arns { organization: &id, management: management_account };
                levels.push(level(snapshot, arns, kind, node).await?);
            }
        }
    }
    let [scp_levels, rcp_levels] = levels;
    Ok(Some(Membership {
        organization_id: id,
        management_account,
        path,
        scp_levels,
        rcp_levels,
        trusted_services: organization.services.into_keys().collect(),
        delegated_services: seat.delegations.into_keys().collect(),
    }))
}

async fn level(snapshot: &Snapshot, arns: Arns<'_>, kind: &str, node: &Node) -> Result<Vec<NamedPolicy>> {
    let mut level = Vec::new();
    for id in &node.attached {
        let found: Option<model::Policy> = policies::find(snapshot, arns.organization, id).await?;
        let Some(policy) = found.filter(|policy| policy.kind == kind) else { continue };
        let rules = match (kind, kinds::is_aws_managed(id)) {
            (RCP, true) => Rules::RESOURCE,
            (RCP, false) => Rules::RCP,
            _ => Rules::SCP,
        };
        // What was accepted once has to go on working.
        let rules = Rules { strict_arns: false, strict_sids: false, ..rules };
        let compiled = Policy::parse(&policy.content, &rules).map_err(ApiError::internal)?;
        level.push(NamedPolicy { name: arns.policy(kind, id).to_string(), policy: Arc::new(compiled) });
    }
    Ok(level)
}

impl Organization for View {
    fn in_use(&self) -> bool {
        self.found || self.versions[1].get() != 0
    }

    fn standing(&self, account: AccountId) -> BoxFuture<'_, Result<Option<Arc<Standing>>>> {
        Box::pin(self.read(account))
    }

    fn payers<'a>(&'a self, uses: &'a [(AccountId, Instant)]) -> BoxFuture<'a, Result<Vec<AccountId>>> {
        Box::pin(self.state.payers(uses))
    }
}
