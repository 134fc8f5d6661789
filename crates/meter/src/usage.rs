use haneul_base::{AccountId, Instant, Region};

/// One call, as the meter sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub account: AccountId,
    pub region: Region,
    pub service: &'a str,
    pub operation: &'a str,
    /// The ARN that permission was asked for; empty for none.
    pub resource: &'a str,
    pub at: Instant,
    pub failed: bool,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// What counts are kept apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The hour's beginning, in milliseconds since the epoch.
    pub hour_ms: i64,
    pub account: AccountId,
    pub region: Region,
    pub service: Box<str>,
    pub operation: Box<str>,
    /// An ARN, or empty.
    pub resource: Box<str>,
}

pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A kind of usage, as AWS's usage reports call it, and what its amounts are whole numbers of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageType {
    pub name: &'static str,
    pub unit: &'static str,
}

impl UsageType {
    pub const fn new(name: &'static str, unit: &'static str) -> UsageType {
        UsageType { name, unit }
    }
}

/// An amount that was used at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub place: Place,
    pub kind: UsageType,
    pub amount: u64,
}

/// What is there and is paid for by the hour: stored bytes, keys, provisioned capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub account: AccountId,
    pub region: Region,
    pub service: &'static str,
    /// What usage reports name as the operation: `StandardStorage`.
    pub operation: &'static str,
    /// An ARN.
    pub resource: String,
    /// Its unit is one hour of something: `Byte-Hours`.
    pub kind: UsageType,
    pub amount: u64,
}

/// What was used beside a call: when, whose it is, by which operation of which service, of which resource (an ARN, or empty).
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    pub at: Instant,
    pub owner: (AccountId, Region),
    pub service: &'a str,
    pub operation: &'a str,
    pub resource: &'a str,
}

/// The hour's beginning, in milliseconds since the epoch.
pub(crate) fn hour_of(at: Instant) -> i64 {
    at.millis().div_euclid(HOUR_MS) * HOUR_MS
}

/// The resource that usage is charged to: a bucket and not each object in it, a table and not its indexes. Services whose
/// use is not told apart by resource have none, so that the number of rows stays small.
pub fn resource_of<'a>(service: &str, arn: &'a str) -> &'a str {
    let resource_at = || arn.match_indices(':').nth(4).map(|(at, _)| at + 1);
    let cut = |separator: char, parts: usize| {
        let from = resource_at()?;
        let found = arn[from..].match_indices(separator).nth(parts - 1);
        Some(found.map_or(arn, |(at, _)| &arn[..from + at]))
    };
    match service {
        "s3" | "s3control" => cut('/', 1),
        "s3tables" => cut('/', 2),
        "dynamodb" | "dynamodbstreams" => cut('/', 2),
        "logs" => cut(':', 2),
        "cloudwatch" | "kinesis" | "kms" | "lambda" | "secretsmanager" | "sns" | "sqs" => Some(arn),
        _ => None,
    }
    .unwrap_or_default()
}

/// Operations of S3's first tier. Source: Amazon S3 pricing, "Requests": PUT, COPY, POST and LIST; DELETE and CANCEL are free.
fn s3_tier(operation: &str) -> &'static str {
    let starts = |all: &[&str]| all.iter().any(|start| operation.starts_with(start));
    if starts(&["Delete", "Abort"]) {
        "Requests-Free"
    } else if starts(&["Put", "Copy", "Create", "Upload", "Complete", "List", "Restore", "Post"]) {
        "Requests-Tier1"
    } else {
        "Requests-Tier2"
    }
}

/// How usage reports call a request of this kind.
pub fn request_type(service: &str, operation: &str, resource: &str) -> &'static str {
    match service {
        "s3" => s3_tier(operation),
        "sqs" if resource.ends_with(".fifo") => "Requests-FIFO",
        "kms" if operation.ends_with("Pair") || operation.ends_with("PairWithoutPlaintext") => {
            "Requests-GenerateDatakeyPair"
        }
        _ => "Requests",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_charged_to_the_container() {
        for (service, arn, expected) in [
            ("s3", "arn:aws:s3:::bucket/a/b:c", "arn:aws:s3:::bucket"),
            ("s3", "arn:aws:s3:::bucket", "arn:aws:s3:::bucket"),
            ("dynamodb", "arn:aws:dynamodb:r:1:table/t/index/i", "arn:aws:dynamodb:r:1:table/t"),
            ("logs", "arn:aws:logs:r:1:log-group:g:log-stream:s", "arn:aws:logs:r:1:log-group:g"),
            ("sqs", "arn:aws:sqs:r:1:q", "arn:aws:sqs:r:1:q"),
            ("iam", "arn:aws:iam::1:user/ann", ""),
            ("s3", "", ""),
            ("logs", "é::", ""),
        ] {
            assert_eq!(resource_of(service, arn), expected, "{service} {arn}");
        }
    }

    #[test]
    fn tiers() {
        assert_eq!(request_type("s3", "PutObject", ""), "Requests-Tier1");
        assert_eq!(request_type("s3", "ListObjectsV2", ""), "Requests-Tier1");
        assert_eq!(request_type("s3", "GetObject", ""), "Requests-Tier2");
        assert_eq!(request_type("s3", "DeleteObject", ""), "Requests-Free");
        assert_eq!(request_type("sqs", "SendMessage", "arn:aws:sqs:r:1:q.fifo"), "Requests-FIFO");
        assert_eq!(request_type("kms", "Encrypt", ""), "Requests");
    }
}
