//! What target tracking makes of use: the alarms of a policy, and the units that a use needs.
//!
//! Source: DynamoDB Developer Guide, "Managing throughput capacity automatically with DynamoDB auto scaling": scaled out after
//! two minutes above the target utilization, in after fifteen minutes 20 percent below it.

use haneul_kit::{AccountId, Region};

use crate::model::{NamedKey, PolicyRecord};
use crate::target::Target;

/// The alarms of a policy: above and below the target, and the two that watch what is provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    High,
    Low,
    ProvisionedHigh,
    ProvisionedLow,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::High, Kind::Low, Kind::ProvisionedHigh, Kind::ProvisionedLow];

/// Percent that use must be below the target before capacity is taken back.
const BELOW: f64 = 20.0;

/// The target utilization that DynamoDB takes, in percent.
pub(crate) const TARGET_MIN: f64 = 20.0;
pub(crate) const TARGET_MAX: f64 = 90.0;

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Kind::High => "AlarmHigh",
            Kind::Low => "AlarmLow",
            Kind::ProvisionedHigh => "ProvisionedCapacityHigh",
            Kind::ProvisionedLow => "ProvisionedCapacityLow",
        }
    }

    /// The name of an alarm.
    pub(crate) fn name(self, key: &NamedKey, id: &str) -> String {
        format!("TargetTracking-{}-{}-{id}", key.2, self.label())
    }

    pub(crate) fn watches_use(self) -> bool {
        matches!(self, Kind::High | Kind::Low)
    }

    pub(crate) fn is_high(self) -> bool {
        matches!(self, Kind::High | Kind::ProvisionedHigh)
    }

    /// Seconds of a period, and how many of them.
    pub(crate) fn window(self) -> (i32, i32) {
        match self {
            Kind::High => (60, 2),
            Kind::Low => (60, 15),
            Kind::ProvisionedHigh | Kind::ProvisionedLow => (300, 3),
        }
    }

    /// The threshold when so many units are provisioned: units in a minute, or units.
    pub(crate) fn threshold(self, target: f64, units: i64) -> f64 {
        let units = units as f64;
        match self {
            Kind::High => units * target / 100.0 * 60.0,
            Kind::Low => units * below(target) / 100.0 * 60.0,
            Kind::ProvisionedHigh | Kind::ProvisionedLow => units,
        }
    }
}

/// A target of 20 percent leaves nothing to be 20 percent below it.
fn below(target: f64) -> f64 {
    (target - BELOW).max(target / 4.0)
}

/// The units at which so many units a second are the target utilization.
pub(crate) fn units_for(used_per_second: f64, target: f64) -> i64 {
    // The largest table has fewer units than an i32 holds.
    let units = (used_per_second * 100.0 / target).ceil().clamp(1.0, f64::from(i32::MAX));
    units as i64
}

/// The ARN of a policy, which is also what its alarms do.
pub(crate) fn arn(key: &NamedKey, policy: &PolicyRecord) -> String {
    scaling_arn(key.0, key.1, "scalingPolicy", &policy.id, &key.2, format_args!("policyName/{}", key.4))
}

pub(crate) fn action_arn(key: &NamedKey, id: &str) -> String {
    let name = format_args!("scheduledActionName/{}", key.4);
    scaling_arn(key.0, key.1, "scheduledAction", id, &key.2, name)
}

fn scaling_arn(
    account: AccountId,
    region: Region,
    kind: &str,
    id: &str,
    resource: &str,
    name: std::fmt::Arguments<'_>,
) -> String {
    let resource = format_args!("{kind}:{id}:resource/dynamodb/{resource}:{name}");
    haneul_kit::Arn::new("autoscaling", region, account, resource).to_string()
}

/// The dimensions of the target's metrics.
pub(crate) fn dimensions(target: &Target) -> Vec<(&'static str, String)> {
    let mut dimensions = vec![("TableName", target.table.clone())];
    dimensions.extend(target.index.clone().map(|index| ("GlobalSecondaryIndexName", index)));
    dimensions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_as_awss_own() {
        // The example of the guide: 100 units at 70 percent are scaled out above 70 units a second, in below 50.
        assert_eq!(Kind::High.threshold(70.0, 100), 4200.0);
        assert_eq!(Kind::Low.threshold(70.0, 100), 3000.0);
        assert_eq!(Kind::Low.threshold(20.0, 100), 300.0);
        assert_eq!(Kind::ProvisionedLow.threshold(70.0, 100), 100.0);
        for (used, target, expected) in
            [(70.0, 70.0, 100), (70.1, 70.0, 101), (0.0, 50.0, 1), (1e12, 20.0, i64::from(i32::MAX))]
        {
            assert_eq!(units_for(used, target), expected, "{used} at {target}");
        }
    }
}
