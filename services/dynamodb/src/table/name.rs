//! Names and ARNs of tables. A parameter named TableName takes either.

use haneul_kit::{AccountId, ApiError, Arn, Cx, Policy, Region, Result};
use haneul_policy::{PolicyError, Rules};

use crate::error::{self, validation};

pub(crate) type TableId = (AccountId, Region, String);

/// Source: DynamoDB Developer Guide, "Resource-based policy considerations": 20 KB.
const POLICY_BYTES_MAX: usize = 20_480;

/// Characters of a name. Source: "Naming rules".
const LENGTH_MIN: usize = 3;
const LENGTH_MAX: usize = 255;

/// The table that the parameter names, in the caller's account unless it is an ARN.
pub(crate) fn of(cx: &Cx, given: &str) -> Result<TableId> {
    if given.starts_with("arn:") {
        return of_arn(given);
    }
    check_new(given)?;
    Ok((cx.account(), cx.region(), given.to_owned()))
}

/// The same for operations on tables, which word the length of a name as the model would.
pub(crate) fn of_table(cx: &Cx, given: &str) -> Result<TableId> {
    if !given.starts_with("arn:") {
        check(given)?;
    }
    of(cx, given)
}

/// The name of a table that is to be made or whose items are used, whose length is worded otherwise.
pub(crate) fn check_new(name: &str) -> Result<()> {
    match (LENGTH_MIN..=LENGTH_MAX).contains(&name.len()) {
        true => check(name),
        false => {
            Err(validation("TableName must be at least 3 characters long and at most 255 characters long"))
        }
    }
}

/// For operations that take a name and nothing else.
pub(crate) fn check(name: &str) -> Result<()> {
    let named = |violation: &str| {
        format!("Value '{name}' at 'tableName' failed to satisfy constraint: Member must {violation}")
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let broken = [
        (!name.bytes().all(allowed)).then_some("satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        (name.len() < LENGTH_MIN).then_some("have length greater than or equal to 3"),
        (name.len() > LENGTH_MAX).then_some("have length less than or equal to 255"),
    ];
    let broken: Vec<String> = broken.into_iter().flatten().map(named).collect();
    match broken.len() {
        0 => Ok(()),
        1 => Err(validation(format!("1 validation error detected: {}", broken.concat()))),
        count => Err(validation(format!("{count} validation errors detected: {}", broken.join("; ")))),
    }
}

/// `arn:aws:dynamodb:Region:account:table/name` and nothing behind it: an index's or a backup's is none of a table.
pub(crate) fn of_arn(arn: &str) -> Result<TableId> {
    match split(arn)? {
        (id, true) => Ok(id),
        (_, false) => Err(invalid_arn(arn)),
    }
}

/// The table of a stream, a backup, an export or an import.
pub(crate) fn of_part(arn: &str) -> Result<TableId> {
    split(arn).map(|(id, _)| id)
}

/// The table that an ARN names, and whether it names nothing within it.
fn split(arn: &str) -> Result<(TableId, bool)> {
    let wrong = || invalid_arn(arn);
    let parsed = Arn::parse(arn).map_err(|_| wrong())?;
    let account = parsed.account_id().ok_or_else(wrong)?;
    let region: Region = parsed.region().parse().map_err(|_| wrong())?;
    let table = parsed.resource().strip_prefix("table/").ok_or_else(wrong)?;
    if parsed.service() != "dynamodb" || parsed.partition() != region.partition().as_str() {
        return Err(wrong());
    }
    let (name, whole) = table.split_once('/').map_or((table, true), |(name, _)| (name, false));
    check(name)?;
    Ok(((account, region, name.to_owned()), whole))
}

fn invalid_arn(arn: &str) -> ApiError {
    validation(format!("Invalid table ARN: {arn}"))
}

/// The table that an operation on any resource names: it takes nothing but ARNs.
pub(crate) fn of_resource(cx: &Cx, given: &str) -> Result<TableId> {
    if !given.starts_with("arn:") {
        return Err(error::invalid(format!("ARNs must start with 'arn:': {given}")));
    }
    let parsed = Arn::parse(given).ok().filter(|arn| arn.service() == "dynamodb");
    let Some(parsed) = parsed else {
        return Err(error::invalid(format!("Provided Arn is not a DynamoDB resource arn: {given}")));
    };
    let parts: Vec<&str> = parsed.resource().split('/').collect();
    if !matches!(parts.as_slice(), ["table", _] | ["table", _, "stream", _]) {
        return Err(error::invalid(format!(
            "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {given}"
        )));
    }
    let id = of_part(given).ok().filter(|(_, region, _)| *region == cx.region());
    id.ok_or_else(|| validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {given}")))
}

pub(crate) fn arn((account, region, name): &TableId) -> Arn {
    Arn::new("dynamodb", *region, *account, format_args!("table/{name}"))
}

pub(crate) fn parse_policy(document: &str) -> std::result::Result<Policy, PolicyError> {
    Policy::parse(document, &Rules { size_max: POLICY_BYTES_MAX, ..Rules::RESOURCE })
}

/// A policy as PutResourcePolicy takes it.
pub(crate) fn check_policy(document: &str) -> Result<()> {
    if document.len() > POLICY_BYTES_MAX {
        return Err(error::invalid(format!("Maximum policy size of {POLICY_BYTES_MAX} bytes exceeded")));
    }
    let refused = |error: PolicyError| error::invalid(format!("Invalid policy document: {}", error.message));
    parse_policy(document).map(drop).map_err(refused)
}
