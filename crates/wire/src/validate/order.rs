//! The order of what DynamoDB's messages list. It is that of the hash tables in which AWS keeps members and enumerations,
//! so that it follows from nothing and is written down here. Everywhere else the model's order counts.

use super::family::Family;
use super::walk::{Rule, Step, Violation};

/// Enumerations whose values stand in another order than in the model.
const ENUMERATIONS: [&[&str]; 7] = [
    &["B", "N", "S"],
    &["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"],
    &["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"],
    &["OR", "AND"],
    &["ALL", "INCLUDE", "KEYS_ONLY"],
    &["OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY", "NEW_IMAGE"],
    &[
        "IN",
        "NULL",
        "BETWEEN",
        "LT",
        "NOT_CONTAINS",
        "EQ",
        "GT",
        "NOT_NULL",
        "NE",
        "LE",
        "BEGINS_WITH",
        "GE",
        "CONTAINS",
    ],
];

/// Members in an order that fits all requests in which several of them stand together.
const MEMBERS: [&str; 30] = [
    "AttributeDefinitions",
    "Limit",
    "Segment",
    "ReturnConsumedCapacity",
    "AttributesToGet",
    "QueryFilter",
    "Select",
    "ScanFilter",
    "TableName",
    "Item",
    "ReturnValues",
    "ReturnItemCollectionMetrics",
    "RequestItems",
    "Keys",
    "Key",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "TotalSegments",
    "AttributeUpdates",
    "BillingMode",
    "Projection",
    "IndexName",
    "ProvisionedThroughput",
    "WriteCapacityUnits",
    "ReadCapacityUnits",
    "KeySchema",
    "LocalSecondaryIndexes",
    "GlobalSecondaryIndexes",
    "StreamSpecification",
];

/// STS names the pattern that a text does not have before the length that it does not have
/// (mmmorris1975/aws-runas issue 80 quotes it).
pub(super) fn pattern_is_first(service: &str) -> bool {
    service == "sts"
}

/// The values of an enumeration in the order in which a message lists them.
pub(super) fn of_values<'a>(family: Family, values: &'a [&'static str]) -> &'a [&'static str] {
    let same =
        |other: &&&[&str]| other.len() == values.len() && values.iter().all(|value| other.contains(value));
    match family {
        Family::DynamoDb => ENUMERATIONS.iter().find(same).copied().unwrap_or(values),
        _ => values,
    }
}

/// Puts violations into the order in which a message lists them.
pub(super) fn sort(family: Family, violations: &mut [Violation<'_>]) {
    if family == Family::DynamoDb && violations.len() > 1 {
        // Stable: what has no place stays where the model has it, after what has one.
        violations.sort_by_cached_key(|violation| (ranks(&violation.path), rank_of_rule(&violation.rule)));
    }
}

fn ranks(path: &[Step<'_>]) -> Vec<usize> {
    let rank = |step: &Step<'_>| match step {
        Step::Member(member) => MEMBERS.iter().position(|name| *name == member.name).unwrap_or(MEMBERS.len()),
        Step::Index(index) => *index,
        Step::Key(_) => 0,
    };
    path.iter().map(rank).collect()
}

fn rank_of_rule(rule: &Rule<'_>) -> usize {
    match rule {
        Rule::Pattern(_) => 0,
        Rule::LengthMin(_) => 1,
        _ => 2,
    }
}
