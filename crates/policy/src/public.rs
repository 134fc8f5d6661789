//! Whether a bucket policy is public (S3 User Guide, "Blocking public access", "The meaning of public").
//!
//! A policy is public unless every `Allow` is limited to fixed values: of principals, or of one of the condition
//! keys that S3 trusts. A value with a wildcard or a variable is not fixed; a range of addresses must be narrow.

use crate::condition::{Comparison, Condition, SetOperator};
use crate::document::{Effect, Policy, Statement};

/// Whether the policy lets the public in.
pub fn is_public(policy: &Policy) -> bool {
    policy.statements().iter().any(|s| s.effect() == Effect::Allow && is_public_statement(s))
}

fn is_public_statement(statement: &Statement) -> bool {
    let everyone = match &statement.principal {
        None => true,
        // All but some is everyone else.
        Some(element) => element.star || element.negated || element.names.iter().any(|n| &*n.source == "*"),
    };
    everyone && !statement.conditions().iter().any(restricts)
}

/// Keys of which a fixed value makes a grant private.
const FIXED_KEYS: &[&str] = &[
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "aws:principalorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointaccount",
];

fn restricts(condition: &Condition) -> bool {
    let operator = condition.operator();
    // A key that may be missing limits nothing, and neither does a negation.
    let passes_missing = operator.if_exists || operator.set == Some(SetOperator::ForAllValues);
    if passes_missing || operator.comparison.is_negated() || condition.values().next().is_none() {
        return false;
    }
    let exact = matches!(operator.comparison, Comparison::StringEquals | Comparison::StringEqualsIgnoreCase);
    let textual = exact
        || matches!(
            operator.comparison,
            Comparison::StringLike | Comparison::ArnEquals | Comparison::ArnLike
        );
    match condition.key() {
        "aws:sourceip" => operator.comparison == Comparison::IpAddress && !condition.is_broad_network(),
        "s3:dataaccesspointarn" if textual => condition.values().all(is_access_point_of_one_account),
        key if textual && FIXED_KEYS.contains(&key) => condition.values().all(|v| is_fixed(v, exact)),
        _ => false,
    }
}

fn is_fixed(value: &str, exact: bool) -> bool {
    !value.contains("${") && (exact || !value.contains(['*', '?']))
}

/// The account must be fixed, the access point need not be:
/// `arn:aws:s3:us-west-2:123456789012:accesspoint/*`.
fn is_access_point_of_one_account(value: &str) -> bool {
    value
        .split(':')
        .nth(4)
        .is_some_and(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
}
