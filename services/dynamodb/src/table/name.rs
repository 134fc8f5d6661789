//! Names and ARNs of tables. A parameter named TableName takes either.

use haneul_kit::{AccountId, Arn, Cx, Policy, Region, Result};
use haneul_policy::{PolicyError, Rules};

use crate::error::{self, validation};

pub(crate) type TableId = (AccountId, Region, String);

/// Source: DynamoDB Developer Guide, "Resource-based policy considerations": 20 KB.
const POLICY_BYTES_MAX: usize = 20_480;

/// The table that the parameter names, in the caller's account unless it is an ARN.
pub(crate) fn of(cx: &Cx, given: &str) -> Result<TableId> {
    if given.starts_with("arn:") {
        return of_arn(given);
    }
    check(given)?;
    Ok((cx.account(), cx.region(), given.to_owned()))
}

/// For operations that take a name and nothing else.
pub(crate) fn check(name: &str) -> Result<()> {
    let named = |violation: &str| {
        validation(format!(
            "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must \
             {violation}"
        ))
    };
    if name.len() < 3 || name.len() > 255 {
        return Err(validation(
            "TableName must be at least 3 characters long and at most 255 characters long",
        ));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    match name.bytes().all(allowed) {
        true => Ok(()),
        false => Err(named("satisfy regular expression pattern: [a-zA-Z0-9_.-]+")),
    }
}

/// `arn:aws:dynamodb:Region:account:table/name`, with or without what is of the table.
pub(crate) fn of_arn(arn: &str) -> Result<TableId> {
    let wrong = || validation(format!("Invalid table ARN: {arn}"));
    let parsed = Arn::parse(arn).map_err(|_| wrong())?;
    let account = parsed.account_id().ok_or_else(wrong)?;
    let region = parsed.region().parse().map_err(|_| wrong())?;
    let mut parts = parsed.resource().split('/');
    match (parsed.service(), parts.next(), parts.next()) {
        ("dynamodb", Some("table"), Some(name)) => {
            check(name)?;
            Ok((account, region, name.to_owned()))
        }
        _ => Err(wrong()),
    }
}

pub(crate) fn arn((account, region, name): &TableId) -> Arn {
    Arn::new("dynamodb", *region, *account, format_args!("table/{name}"))
}

pub(crate) fn parse_policy(document: &str) -> std::result::Result<Policy, PolicyError> {
    Policy::parse(document, &Rules { size_max: POLICY_BYTES_MAX, ..Rules::RESOURCE })
}

/// A policy as PutResourcePolicy takes it.
pub(crate) fn check_policy(document: &str) -> Result<()> {
    let refused =
        |error: PolicyError| error::validation(format!("Invalid policy document: {}", error.message));
    parse_policy(document).map(drop).map_err(refused)
}
