//! What partners ask accounts for, beside the records: the policy that comes of a template, whether somebody has the
//! permissions that are asked for ([`check`]), and all of it in words ([`summary`]).

pub(crate) mod check;
pub(crate) mod summary;

use data_encoding::BASE32_NOPAD;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Instant, Policy, Result};
use haneul_policy::{Effect, Rules};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::catalog::{Template, Value, Values, fill_document};
use crate::model::{DelegationParameter, DelegationRequest};
use crate::{error, quotas};

/// What a request asks for.
pub(crate) struct Rendered {
    pub parameters: Vec<DelegationParameter>,
    pub policy: String,
    pub boundaries: Vec<String>,
}

/// Puts the parameters of a request into the template.
pub(crate) fn render(template: &Template, given: Vec<s::PolicyParameter>) -> Result<Rendered> {
    let mut parameters: Vec<DelegationParameter> = Vec::new();
    let mut values = Values::new();
    for parameter in given {
        let name = parameter.name.unwrap_or_default();
        let known = template.parameters.iter().find(|known| known.name == name);
        let known = known.ok_or_else(|| error::parameter(&name, "is not one of the template"))?;
        if values.contains_key(&name) {
            return Err(error::parameter(&name, "is given twice"));
        }
        if parameter.r#type.as_ref().is_some_and(|kind| *kind != known.kind) {
            return Err(error::parameter(&name, &format!("is of the type {}", known.kind)));
        }
        let given = parameter.values.unwrap_or_default();
        let value = match known.kind.as_str() {
            "stringList" if given.is_empty() => return Err(error::parameter(&name, "has no value")),
            "stringList" => Value::Many(given.clone()),
            _ => match given.as_slice() {
                [one] => Value::One(one.clone()),
                _ => return Err(error::parameter(&name, "has to have one value")),
            },
        };
        values.insert(name.clone(), value);
        parameters.push(DelegationParameter { name, values: given, kind: known.kind.clone() });
    }
    let policy = fill_document(&template.policy, &values).map_err(error::filling)?;
    let rules = Rules { size_max: quotas::DELEGATION_POLICY_SIZE, ..Rules::SESSION };
    let parsed = Policy::parse(&policy, &rules).map_err(|refused| match refused.kind {
        haneul_policy::ErrorKind::TooLong { length_max, .. } => {
            error::rendered_policy(&format!("it is longer than {length_max} characters"))
        }
        _ => error::rendered_policy(&refused.message),
    })?;
    Ok(Rendered { parameters, boundaries: boundaries(&parsed), policy })
}

/// The boundaries that a policy demands of the roles that it lets somebody make.
fn boundaries(policy: &Policy) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for statement in policy.statements().iter().filter(|statement| statement.effect() == Effect::Allow) {
        let conditions = statement
            .conditions()
            .iter()
            .filter(|of| of.key().eq_ignore_ascii_case("iam:PermissionsBoundary"));
        for value in conditions.flat_map(|condition| condition.values()) {
            if !found.iter().any(|known| known == value) {
                found.push(value.to_owned());
            }
        }
    }
    found
}

/// A notice as the partner reads it.
pub(crate) fn notice(request: &DelegationRequest, token: Option<&str>, now: Instant) -> String {
    let mut notice = json!({
        "delegationRequestId": request.id,
        "requestorWorkflowId": request.workflow_id,
        "state": request.state.as_str(),
        "changes": request.changes,
        "ownerAccountId": request.owner_account().map(|account| account.to_string()),
        "timestamp": now.iso8601(),
    });
    if let Some(reason) = &request.rejection {
        notice["rejectionReason"] = json!(reason);
    }
    if let Some(token) = token {
        notice["exchangeToken"] = json!(token);
    }
    notice.to_string()
}

/// The id of a partner's policy: made up from its ARN, because it is in no account.
pub(crate) fn policy_id(arn: &str) -> String {
    let text = BASE32_NOPAD.encode(&Sha256::digest(arn.as_bytes())[..10]);
    format!("ANPA{}", &text[..16])
}
