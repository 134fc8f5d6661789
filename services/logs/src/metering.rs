//! What is counted for the meter when it is used. Source: CloudWatch User Guide, "Analyzing, optimizing, and reducing CloudWatch
//! costs"; Amazon CloudWatch pricing, "Logs", "Contributor Insights".

use haneul_kit::meter::{At, UsageType};
use haneul_kit::{AccountId, Region};

use crate::Logs;
use crate::names::GroupName;

const MATCHED: UsageType = UsageType::new("CW:ContributorInsightEvents", "Events");
const PROTECTED: UsageType = UsageType::new("DataProtection-Bytes", "Bytes");
const TAILED: UsageType = UsageType::new("Logs-LiveTail", "Minutes");

impl Logs {
    /// Events that rules of Contributor Insights counted, once for each rule.
    pub(crate) fn meter_matched(&self, group: &GroupName, events: u64) {
        let owner = (group.account, group.region);
        let at = At {
            at: self.platform.env.now(),
            owner,
            service: "cloudwatch",
            operation: "PutInsightRule",
            resource: "",
        };
        self.platform.meter.used(at, MATCHED, events);
    }

    /// Bytes of events that were looked through for sensitive data.
    pub(crate) fn meter_protected(&self, group: &GroupName, bytes: u64) {
        let (at, owner) = (self.platform.env.now(), (group.account, group.region));
        let resource = group.arn().to_string();
        let at = At { at, owner, service: "logs", operation: "PutLogEvents", resource: &resource };
        self.platform.meter.used(at, PROTECTED, bytes);
    }

    /// A minute of a live tail that began.
    pub(crate) fn meter_tailed(&self, owner: (AccountId, Region)) {
        let at = At {
            at: self.platform.env.now(),
            owner,
            service: "logs",
            operation: "StartLiveTail",
            resource: "",
        };
        self.platform.meter.used(at, TAILED, 1);
    }
}
