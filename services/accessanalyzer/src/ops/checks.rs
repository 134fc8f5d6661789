//! The custom policy checks.

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Policy, Result};
use haneul_policy::Rules;

use crate::compare::checks::{self, Reason};
use crate::compare::statement::{Statement, statements};
use crate::{AccessAnalyzer, error};

/// Longest document that is compared.
const DOCUMENT_MAX: usize = 131_072;
/// Statements that are compared; the time grows with their product.
const STATEMENTS_MAX: usize = 1000;

/// # Errors
/// For what is no policy of the type.
fn read(document: &str, kind: &str) -> Result<Vec<Statement>> {
    let lenient = |rules: Rules| Rules {
        size_max: DOCUMENT_MAX,
        size_counts_space: true,
        strict_arns: false,
        strict_sids: false,
        strict_providers: false,
        only_sts: false,
        ..rules
    };
    let parsed = match kind {
        "IDENTITY_POLICY" => Policy::parse(document, &lenient(Rules::IDENTITY)),
        // A role's trust policy is one too.
        "RESOURCE_POLICY" => Policy::parse(document, &lenient(Rules::RESOURCE))
            .or_else(|refused| Policy::parse(document, &lenient(Rules::TRUST)).map_err(|_| refused)),
        other => return Err(error::invalid(format!("The policy type {other} is not valid."))),
    };
    let policy = parsed
        .map_err(|refused| error::parameter(format!("Invalid policy document: {}", refused.message)))?;
    if policy.statements().len() > STATEMENTS_MAX {
        return Err(error::parameter("The policy document has too many statements."));
    }
    Ok(statements(document))
}

fn reasons(reasons: &[Reason], text: &str) -> Option<Vec<s::ReasonSummary>> {
    let one = |reason: &Reason| {
        let which = match &reason.sid {
            Some(sid) => format!("sid: {sid}"),
            None => format!("index: {}", reason.index),
        };
        s::ReasonSummary {
            description: Some(format!("{text} with {which}.")),
            statement_index: Some(reason.index as i32),
            statement_id: reason.sid.clone(),
        }
    };
    (!reasons.is_empty()).then(|| reasons.iter().map(one).collect())
}

fn result(found: &[Reason]) -> Option<String> {
    Some(if found.is_empty() { "PASS" } else { "FAIL" }.into())
}

impl Handle<op::CheckNoNewAccess> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::CheckNoNewAccessRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:CheckNoNewAccess")])
    }

    async fn call(&self, _: &Cx, input: s::CheckNoNewAccessRequest) -> Result<s::CheckNoNewAccessResponse> {
        let new = read(&input.new_policy_document, &input.policy_type)?;
        let existing = read(&input.existing_policy_document, &input.policy_type)?;
        let found = checks::new_access(&new, &existing);
        let message = match found.is_empty() {
            true => "The modified permissions do not grant new access compared to your existing policy.",
            false => "The modified permissions grant new access compared to your existing policy.",
        };
        Ok(s::CheckNoNewAccessResponse {
            result: result(&found),
            message: Some(message.into()),
            reasons: reasons(&found, "New access in the statement"),
        })
    }
}

impl Handle<op::CheckAccessNotGranted> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::CheckAccessNotGrantedRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:CheckAccessNotGranted")])
    }

    async fn call(
        &self,
        _: &Cx,
        input: s::CheckAccessNotGrantedRequest,
    ) -> Result<s::CheckAccessNotGrantedResponse> {
        let policy = read(&input.policy_document, &input.policy_type)?;
        let mut asked = Vec::new();
        for access in input.access {
            let (actions, resources) =
                (access.actions.unwrap_or_default(), access.resources.unwrap_or_default());
            if actions.is_empty() && resources.is_empty() {
                return Err(error::parameter("At least one action or resource must be specified."));
            }
            if let Some(bad) = actions.iter().find(|action| !action.contains(':') || action.contains('*')) {
                return Err(error::parameter(format!("The action {bad} is not valid.")));
            }
            asked.push(checks::Access { actions, resources });
        }
        if asked.is_empty() {
            return Err(error::parameter("At least one access must be specified."));
        }
        let found = checks::granted(&policy, &asked);
        let message = match found.is_empty() {
            true => "The policy document does not grant access to perform the listed actions or resources.",
            false => {
                "The policy document grants access to perform one or more of the listed actions or resources."
            }
        };
        Ok(s::CheckAccessNotGrantedResponse {
            result: result(&found),
            message: Some(message.into()),
            reasons: reasons(&found, "One or more of the listed actions or resources in the statement"),
        })
    }
}

impl Handle<op::CheckNoPublicAccess> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::CheckNoPublicAccessRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:CheckNoPublicAccess")])
    }

    async fn call(
        &self,
        _: &Cx,
        input: s::CheckNoPublicAccessRequest,
    ) -> Result<s::CheckNoPublicAccessResponse> {
        let policy = read(&input.policy_document, "RESOURCE_POLICY")?;
        let found = checks::public(&policy);
        let message = match found.is_empty() {
            true => "The resource policy does not grant public access for the given resource type.",
            false => "The resource policy grants public access for the given resource type.",
        };
        Ok(s::CheckNoPublicAccessResponse {
            result: result(&found),
            message: Some(message.into()),
            reasons: reasons(&found, "Public access granted in the following statement"),
        })
    }
}
