//! Who takes events: every trail that logs and every event data store that ingests, ready for evaluation.

use std::sync::Arc;

use haneul_kit::{AccountId, Region};
use parking_lot::RwLock;
use serde_json::{Value, json};

use crate::calls::PRINCIPAL;
use crate::insights::settings::{Insights, Kind};
use crate::model::{EXTENDABLE, EventStore, Trail};
use crate::selectors::Advanced;

/// Where what was taken goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// The trail's id.
    Trail { id: String, logs: bool },
    /// The event data store's id, and whether it is paid for seven years.
    Store { id: String, seven_years: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) target: Target,
    account: AccountId,
    home: Region,
    organization: Option<String>,
    /// `None` for all.
    region: Option<Region>,
    global: bool,
    recursive: bool,
    selectors: Vec<Advanced>,
    pub(crate) insights: Option<Insights>,
}

/// Event sources that `IncludeGlobalServiceEvents` is about.
const GLOBAL_SOURCES: &[&str] = &["iam.amazonaws.com", "organizations.amazonaws.com", "sts.amazonaws.com"];

#[derive(Default)]
pub(crate) struct Sinks(RwLock<Arc<Vec<Sink>>>);

impl Sinks {
    pub(crate) fn set(&self, all: Vec<Sink>) {
        *self.0.write() = Arc::new(all);
    }

    pub(crate) fn all(&self) -> Arc<Vec<Sink>> {
        self.0.read().clone()
    }

    /// Whether anybody may want data events of this account's calls.
    pub(crate) fn may_want_data(&self, account: AccountId, kind: &str) -> bool {
        let all = self.0.read();
        all.iter().any(|sink| {
            (sink.account == account || sink.organization.is_some())
                && sink.selectors.iter().any(|selector| selector.may_take_data(kind))
        })
    }
}

impl Sink {
    pub(crate) fn of_trail(account: AccountId, region: Region, trail: &Trail) -> Sink {
        Sink {
            target: Target::Trail { id: trail.id.clone(), logs: trail.log_group.is_some() },
            account,
            home: region,
            organization: trail.organization.clone(),
            region: (!trail.multi_region).then_some(region),
            global: trail.global,
            recursive: trail.recursive,
            selectors: trail.selectors.compiled(),
            insights: trail.insights.clone(),
        }
    }

    pub(crate) fn of_store(account: AccountId, region: Region, id: &str, store: &EventStore) -> Sink {
        Sink {
            target: Target::Store { id: id.to_owned(), seven_years: store.billing != EXTENDABLE },
            account,
            home: region,
            organization: store.organization.clone(),
            region: (!store.multi_region).then_some(region),
            global: true,
            recursive: true,
            selectors: store.selectors.clone(),
            insights: store.insights.clone(),
        }
    }

    /// Whether events of the account are within its scope; `organization` is the account's.
    pub(crate) fn covers(&self, account: AccountId, region: Region, organization: Option<&str>) -> bool {
        let own = self.account == account
            || self.organization.is_some() && self.organization.as_deref() == organization;
        own && self.region.is_none_or(|own| own == region)
    }

    /// Whether it looks for Insights of this kind (or of any) in management events, or else in data events.
    pub(crate) fn looks(&self, kind: Option<Kind>, management: bool) -> bool {
        self.insights.as_ref().is_some_and(|insights| insights.looks(kind, management))
    }

    /// Whether it takes what is found in calls like this.
    pub(crate) fn takes_finding(&self, source: &str, name: &str, management: bool) -> bool {
        if !management {
            return true;
        }
        // Call rates are of what writes; errors are of what reads too, and either may be selected.
        [false, true].into_iter().any(|read_only| {
            self.takes(&json!({
                "eventCategory": "Management", "eventType": "AwsApiCall", "eventSource": source, "eventName": name,
                "readOnly": read_only,
            }))
        })
    }

    pub(crate) fn trail_id(&self) -> Option<String> {
        match &self.target {
            Target::Trail { id, .. } => Some(id.clone()),
            Target::Store { .. } => None,
        }
    }

    /// The account that it is of; for a store also its Region.
    pub(crate) fn owner(&self) -> (AccountId, Region) {
        (self.account, self.home)
    }

    pub(crate) fn is_of_organization(&self) -> bool {
        self.organization.is_some()
    }

    pub(crate) fn takes(&self, event: &Value) -> bool {
        let global = GLOBAL_SOURCES.contains(&event["eventSource"].as_str().unwrap_or_default());
        let ours = event["userIdentity"]["invokedBy"] == PRINCIPAL;
        (self.global || !global)
            && (self.recursive || !ours)
            && self.selectors.iter().any(|selector| selector.takes(event))
    }
}
