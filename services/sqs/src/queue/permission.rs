//! The policy as AddPermission and RemovePermission edit it: one statement for each label.

use haneul_kit::{AccountId, ApiError, Arn, Result};
use serde_json::{Map, Value, json};

use super::policy::STATEMENTS_MAX;
use crate::error;

const LABEL_LENGTH_MAX: usize = 80;
const ACTIONS_MAX: usize = 7;

/// Actions that a permission may name: those that other accounts can have at all. Source: SQS Developer Guide,
/// "Limitations of Amazon SQS custom policies".
const ACTIONS: [&str; 9] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
];

/// Actions of the API that no other account can have. What is in neither list, such as a batch operation, is no action of a
/// policy (cloudtools/awacs issue 34).
const OWNERS_ACTIONS: [&str; 12] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// Whether a queue's policy may name the action; AWS knows no others, and none of another service.
pub(super) fn is_of_policies(action: &str) -> bool {
    if matches!(action, "*" | "*:*") {
        return true;
    }
    let Some((service, name)) = action.split_once(':') else { return false };
    service.eq_ignore_ascii_case("sqs") && is_known(name)
}

fn is_known(name: &str) -> bool {
    name.contains(['*', '?'])
        || ACTIONS.iter().chain(&OWNERS_ACTIONS).any(|known| known.eq_ignore_ascii_case(name))
}

/// An action that no queue's policy may name.
pub(super) fn unknown_action(action: &str) -> ApiError {
    let reason = "Please refer to the appropriate WSDL for a list of valid actions.";
    error::invalid_value(action, "ActionName", reason)
}

/// The statement that AWS writes for a permission.
pub(crate) fn statement(queue: &Arn, label: &str, accounts: &[String], actions: &[String]) -> Result<Value> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if label.is_empty() || label.len() > LABEL_LENGTH_MAX || !label.bytes().all(allowed) {
        return Err(error::invalid_value(
            label,
            "Label",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
        ));
    }
    if accounts.is_empty() {
        return Err(error::missing_parameter("AWSAccountIds"));
    }
    if actions.is_empty() {
        return Err(error::missing_parameter("Actions"));
    }
    if actions.len() > ACTIONS_MAX {
        return Err(error::over_limit(format!(
            "{} Actions were found, maximum allowed is {ACTIONS_MAX}.",
            actions.len()
        )));
    }
    let mut principals = Vec::with_capacity(accounts.len());
    for account in accounts {
        let id: AccountId =
            account.parse().map_err(|_| error::invalid_value(account, "PrincipalId", "Unable to verify."))?;
        principals.push(Value::String(Arn::global("iam", id, "root").to_string()));
    }
    let mut names = Vec::with_capacity(actions.len());
    for action in actions {
        if !ACTIONS.contains(&action.as_str()) {
            let shown = format!("SQS:{action}");
            if !OWNERS_ACTIONS.contains(&action.as_str()) {
                return Err(unknown_action(&shown));
            }
            let reason = "Only the queue owner is allowed to invoke this action.";
            return Err(error::invalid_value(&shown, "ActionName", reason));
        }
        names.push(Value::String(format!("SQS:{action}")));
    }
    Ok(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_many(principals) },
        "Action": one_or_many(names),
        "Resource": queue.as_str(),
    }))
}

/// The policy with one more statement.
pub(crate) fn add(policy: Option<&String>, queue: &Arn, label: &str, statement: Value) -> Result<String> {
    let mut document = match policy {
        Some(text) => parse(text)?,
        None => {
            let id = format!("{}/SQSDefaultPolicy", queue.as_str());
            [("Version".to_owned(), json!("2008-10-17")), ("Id".to_owned(), json!(id))].into_iter().collect()
        }
    };
    let mut statements = statements(&mut document);
    if statements.iter().any(|statement| has_label(statement, label)) {
        return Err(error::invalid_value(label, "Label", "Already exists."));
    }
    statements.push(statement);
    if statements.len() > STATEMENTS_MAX {
        let count = statements.len();
        return Err(error::over_limit(format!(
            "{count} Statements were found, maximum allowed is {STATEMENTS_MAX}."
        )));
    }
    document.insert("Statement".into(), Value::Array(statements));
    Ok(Value::Object(document).to_string())
}

/// The policy without the label's statement; empty when none is left.
pub(crate) fn remove(policy: Option<&String>, label: &str) -> Result<String> {
    let missing = || error::invalid_value(label, "Label", "can't find label on existing policy.");
    let mut document = parse(policy.ok_or_else(missing)?)?;
    let mut statements = statements(&mut document);
    let before = statements.len();
    statements.retain(|statement| !has_label(statement, label));
    if statements.len() == before {
        return Err(missing());
    }
    if statements.is_empty() {
        return Ok(String::new());
    }
    document.insert("Statement".into(), Value::Array(statements));
    Ok(Value::Object(document).to_string())
}

fn parse(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| error::invalid_attribute_value("Policy"))
}

fn statements(document: &mut Map<String, Value>) -> Vec<Value> {
    match document.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn has_label(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

fn one_or_many(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}
