//! The quotas that Haneul holds accounts to, by the metrics that show how much of them is used. Source: Service Quotas, the `UsageMetric` of
//! each.

use crate::series::Identity;

struct Quota {
    namespace: &'static str,
    metric: &'static str,
    /// The dimensions that tell it from others.
    dimensions: &'static [(&'static str, &'static str)],
    value: f64,
}

const fn resources(
    namespace: &'static str,
    dimensions: &'static [(&'static str, &'static str)],
    value: f64,
) -> Quota {
    Quota { namespace, metric: "ResourceCount", dimensions, value }
}

const QUOTAS: [Quota; 5] = [
    resources("AWS/Usage", &[("Service", "DynamoDB"), ("Resource", "TableCount")], 2_500.0),
    resources(
        "AWS/Usage",
        &[("Service", "DynamoDB"), ("Resource", "AccountProvisionedReadCapacityUnits")],
        80_000.0,
    ),
    resources(
        "AWS/Usage",
        &[("Service", "DynamoDB"), ("Resource", "AccountProvisionedWriteCapacityUnits")],
        80_000.0,
    ),
    resources(
        "AWS/SecretsManager",
        &[("Service", "Secrets Manager"), ("Resource", "SecretCount")],
        500_000.0,
    ),
    Quota { namespace: "AWS/Lambda", metric: "ConcurrentExecutions", dimensions: &[], value: 1_000.0 },
];

/// What the account may use of what the metric counts.
pub(super) fn quota(metric: &Identity) -> Option<f64> {
    let has = |wanted: &(&str, &str)| {
        metric.dimensions.iter().any(|(name, value)| (name.as_str(), value.as_str()) == *wanted)
    };
    let is = |quota: &&Quota| {
        (quota.namespace, quota.metric) == (metric.namespace.as_str(), metric.name.as_str())
            && quota.dimensions.iter().all(has)
            && (metric.dimensions.is_empty() || !quota.dimensions.is_empty())
    };
    QUOTAS.iter().find(is).map(|quota| quota.value)
}
