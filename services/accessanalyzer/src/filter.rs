//! Criteria of lists and archive rules. Source: IAM User Guide, "IAM Access Analyzer filter keys".

use std::collections::BTreeMap;

use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{AccountId, Result};
use haneul_shape::value::Map;

use crate::error;
use crate::model::{Criterion, Finding};

/// Values that one criterion may have; the model says the same.
const KEYS: &[&str] = &[
    "resource",
    "resourceType",
    "resourceOwnerAccount",
    "isPublic",
    "id",
    "status",
    "error",
    "findingType",
    "principal.AWS",
    "principal.Federated",
    "principal.CanonicalUser",
    "condition.aws:PrincipalArn",
    "condition.aws:PrincipalOrgID",
    "condition.aws:PrincipalOrgPaths",
    "condition.aws:SourceIp",
    "condition.aws:SourceVpc",
    "condition.aws:SourceVpce",
    "condition.aws:SourceAccount",
    "condition.aws:SourceArn",
    "condition.aws:UserId",
    "condition.cognito-identity.amazonaws.com:aud",
    "condition.graph.facebook.com:app_id",
    "condition.accounts.google.com:aud",
    "condition.www.amazon.com:app_id",
    "condition.kms:CallerAccount",
    "changeType",
    "existingFindingId",
    "existingFindingStatus",
    "resourceControlPolicyRestriction",
];

/// # Errors
/// For a key that findings do not have, and a criterion that says nothing.
pub(crate) fn parse(given: Map<s::Criterion>) -> Result<BTreeMap<String, Criterion>> {
    let mut filter = BTreeMap::new();
    for (key, given) in given {
        if !KEYS.contains(&key.as_str()) {
            return Err(error::invalid(format!("The filter key {key} is not valid.")));
        }
        let criterion =
            Criterion { eq: given.eq, neq: given.neq, contains: given.contains, exists: given.exists };
        if criterion == Criterion::default() {
            return Err(error::invalid(format!("The criterion for {key} must have an operator.")));
        }
        filter.insert(key, criterion);
    }
    Ok(filter)
}

pub(crate) fn render(filter: &BTreeMap<String, Criterion>) -> Map<s::Criterion> {
    let one = |criterion: &Criterion| s::Criterion {
        eq: criterion.eq.clone(),
        neq: criterion.neq.clone(),
        contains: criterion.contains.clone(),
        exists: criterion.exists,
    };
    filter.iter().map(|(key, criterion)| (key.clone(), one(criterion))).collect()
}

/// Whether a finding meets all criteria.
pub(crate) fn passes(filter: &BTreeMap<String, Criterion>, id: &str, finding: &Finding) -> bool {
    filter.iter().all(|(key, criterion)| {
        let value = value(key, id, finding);
        let is = |wanted: &Option<Vec<String>>, test: &dyn Fn(&str, &str) -> bool| {
            wanted.as_ref().is_none_or(|wanted| {
                value.as_deref().is_some_and(|value| wanted.iter().any(|wanted| test(value, wanted)))
            })
        };
        is(&criterion.eq, &|value, wanted| value == wanted)
            && is(&criterion.contains, &|value, wanted| value.contains(wanted))
            && criterion
                .neq
                .as_ref()
                .is_none_or(|unwanted| value.as_ref().is_none_or(|value| !unwanted.contains(value)))
            && criterion.exists.is_none_or(|exists| exists == value.is_some())
    })
}

fn value(key: &str, id: &str, finding: &Finding) -> Option<String> {
    if let Some(kind) = key.strip_prefix("principal.") {
        let (of, value) = &finding.access.principal;
        return (of == kind).then(|| value.clone());
    }
    if let Some(name) = key.strip_prefix("condition.") {
        let found = finding.access.condition.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        return found.map(|(_, value)| value.clone());
    }
    Some(match key {
        "resource" => finding.resource.clone(),
        "resourceType" => finding.kind.clone(),
        "resourceOwnerAccount" => AccountId::new(finding.owner).unwrap_or_default().to_string(),
        "isPublic" if finding.access.unused.is_some() => return None,
        "isPublic" => finding.access.public.to_string(),
        "id" => id.to_owned(),
        "status" => finding.status.as_str().to_owned(),
        "findingType" => finding.access.kind().to_owned(),
        _ => return None,
    })
}
