//! What events cost, whoever takes them. Source: CloudTrail User Guide, "Viewing your CloudTrail cost and usage with AWS Cost Explorer",
//! "Costs for Insights events".

use std::collections::HashMap;

use haneul_kit::meter::{At, UsageType};
use haneul_kit::{AccountId, Region};
use serde_json::Value;

use crate::CloudTrail;
use crate::insights::settings::Kind;
use crate::model::Query;
use crate::queue::Pending;
use crate::sinks::{Sink, Target};
use crate::store::TrailKey;

/// The first copy of what manages is free.
const FREE: UsageType = UsageType::new("FreeEventsRecorded", "Events");
const PAID: UsageType = UsageType::new("PaidEventsRecorded", "Events");
const DATA: UsageType = UsageType::new("DataEventsRecorded", "Events");
const ANALYZED: UsageType = UsageType::new("InsightsEvents", "Events");
const INGESTED: UsageType = UsageType::new("Ingestion-Bytes", "Bytes");
const INGESTED_YEAR: UsageType = UsageType::new("Ingestion-Bytes-1yearstore-Live-CloudTrail-Logs", "Bytes");
const SCANNED: UsageType = UsageType::new("QueryScanned-Bytes", "Bytes");

/// What a batch of records is to be metered as, once it is written: by account, Region, operation and kind.
#[derive(Default)]
pub(crate) struct Amounts(HashMap<(AccountId, Region, &'static str, UsageType), u64>);

impl Amounts {
    /// A record that sinks took, in their order.
    pub(crate) fn taken<'a>(
        &mut self,
        record: &Pending,
        event: &Value,
        sinks: impl Iterator<Item = &'a Sink>,
    ) {
        let mut copies: HashMap<AccountId, u32> = HashMap::new();
        for sink in sinks {
            let (account, _) = sink.owner();
            let mut add = |operation, kind, amount: u64| {
                let sum = self.0.entry((account, record.region, operation, kind)).or_default();
                *sum = sum.saturating_add(amount);
            };
            match &sink.target {
                Target::Store { seven_years, .. } => {
                    let kind = if *seven_years { INGESTED } else { INGESTED_YEAR };
                    add("EventDataStore", kind, record.json.len() as u64);
                }
                Target::Trail { .. } if record.data => add("Trail", DATA, 1),
                Target::Trail { .. } => {
                    let copies = copies.entry(account).or_default();
                    *copies += 1;
                    add("Trail", if *copies == 1 { FREE } else { PAID }, 1);
                }
            }
            // Call rates are of what writes (or of any data event), errors of all.
            let writes = event["readOnly"] != true;
            let rate = sink.looks(Some(Kind::CallRate), !record.data) && (writes || record.data);
            let errors = sink.looks(Some(Kind::ErrorRate), !record.data);
            match u64::from(rate) + u64::from(errors) {
                0 => {}
                looks => add("Insights", ANALYZED, looks),
            }
        }
    }
}

impl CloudTrail {
    pub(crate) fn meter(&self, amounts: Amounts) {
        for ((account, region, operation, kind), amount) in amounts.0 {
            self.meter_one((account, region), operation, kind, amount);
        }
    }

    /// A query that is over.
    pub(crate) fn meter_scanned(&self, key: &TrailKey, query: &Query) {
        self.meter_one((key.0, key.1), "StartQuery", SCANNED, query.bytes);
    }

    fn meter_one(&self, owner: (AccountId, Region), operation: &str, kind: UsageType, amount: u64) {
        let at = At { at: self.platform.env.now(), owner, service: "cloudtrail", operation, resource: "" };
        self.platform.meter.used(at, kind, amount);
    }
}
