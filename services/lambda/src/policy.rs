//! Resource policies of functions and layers: statements that AddPermission makes, and documents that PutResourcePolicy takes.

use haneul_kit::{ApiError, Policy, Result};
use haneul_lambda_wire::shapes as s;
use haneul_policy::Rules;
use serde_json::{Map, Value, json};

use crate::error;
use crate::model::function::PolicyRecord;

/// Source: Developer Guide, "Lambda quotas": 20 KB.
pub(crate) const SIZE_MAX: usize = 20_480;

pub(crate) const RULES: Rules = Rules { size_max: SIZE_MAX, ..Rules::RESOURCE };

/// The statement that a request to AddPermission asks for, on the resource `arn`.
pub(crate) fn statement(input: &s::AddPermissionRequest, arn: &str) -> Result<Value> {
    let principal = principal(&input.principal)?;
    let mut conditions = Conditions::default();
    if let Some(source) = &input.source_arn {
        conditions.add("ArnLike", "AWS:SourceArn", source);
    }
    if let Some(account) = &input.source_account {
        conditions.add("StringEquals", "AWS:SourceAccount", account);
    }
    if let Some(token) = &input.event_source_token {
        conditions.add("StringEquals", "lambda:EventSourceToken", token);
    }
    if let Some(auth) = &input.function_url_auth_type {
        if input.action != "lambda:InvokeFunctionUrl" {
            return Err(error::parameter(
                "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
            ));
        }
        conditions.add("StringEquals", "lambda:FunctionUrlAuthType", auth);
    }
    if let Some(via) = input.invoked_via_function_url {
        if input.action != "lambda:InvokeFunction" {
            return Err(error::parameter(
                "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action",
            ));
        }
        conditions.add("Bool", "lambda:InvokedViaFunctionUrl", if via { "true" } else { "false" });
    }
    if let Some(organization) = &input.principal_org_id {
        conditions.add("StringEquals", "aws:PrincipalOrgID", organization);
    }
    let mut statement = Map::new();
    statement.insert("Sid".into(), input.statement_id.clone().into());
    statement.insert("Effect".into(), "Allow".into());
    statement.insert("Principal".into(), principal);
    statement.insert("Action".into(), input.action.clone().into());
    statement.insert("Resource".into(), arn.into());
    if !conditions.0.is_empty() {
        statement.insert("Condition".into(), Value::Object(conditions.0));
    }
    Ok(Value::Object(statement))
}

#[derive(Default)]
struct Conditions(Map<String, Value>);

impl Conditions {
    fn add(&mut self, operator: &str, key: &str, value: &str) {
        let of = self.0.entry(operator).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(of) = of {
            of.insert(key.to_owned(), value.into());
        }
    }
}

/// An account, an ARN of IAM, everybody, or a service.
fn principal(given: &str) -> Result<Value> {
    if given == "*" {
        return Ok("*".into());
    }
    if given.len() == 12 && given.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(json!({ "AWS": format!("arn:aws:iam::{given}:root") }));
    }
    if given.starts_with("arn:") {
        return Ok(json!({ "AWS": given }));
    }
    let is_service = given.ends_with(".amazonaws.com")
        || given.ends_with(".amazon.com")
        || given.ends_with(".amazonaws.com.cn")
        || given.ends_with(".alexa.com");
    if is_service {
        return Ok(json!({ "Service": given }));
    }
    Err(error::parameter("The provided principal was invalid. Please check the principal and try again."))
}

/// Adds a statement to a policy, or makes the policy.
pub(crate) fn add(policy: &mut Option<PolicyRecord>, statement: Value, revision: String) -> Result<()> {
    let mut statements = match policy {
        Some(policy) => statements(&policy.document)?,
        None => Vec::new(),
    };
    let sid = statement["Sid"].as_str().unwrap_or_default();
    if statements.iter().any(|other| other["Sid"] == sid) {
        return Err(error::conflict(format!(
            "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing \
             statement."
        )));
    }
    statements.push(statement);
    let document = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements }).to_string();
    if document.len() > SIZE_MAX {
        return Err(error::policy_length(format!(
            "The final policy size ({}) is bigger than the limit ({SIZE_MAX}).",
            document.len()
        )));
    }
    Policy::parse(&document, &RULES)
        .map_err(|refused| error::parameter(format!("The provided principal was invalid. {refused}")))?;
    *policy = Some(PolicyRecord { document, revision });
    Ok(())
}

/// Takes a statement out; without any left there is no policy.
pub(crate) fn remove(policy: &mut Option<PolicyRecord>, sid: &str, revision: String) -> Result<()> {
    let missing = || error::not_found(format!("Statement {sid} is not found in resource policy."));
    let mut statements = statements(&policy.as_ref().ok_or_else(missing)?.document)?;
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != sid);
    if statements.len() == before {
        return Err(missing());
    }
    *policy = match statements.is_empty() {
        true => None,
        false => {
            let document = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
            Some(PolicyRecord { document: document.to_string(), revision })
        }
    };
    Ok(())
}

fn statements(document: &str) -> Result<Vec<Value>> {
    let mut document: Value = serde_json::from_str(document).map_err(ApiError::internal)?;
    Ok(match document["Statement"].take() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    })
}
