//! What the organization leaves to whom: which of its policies have a say in a call. Source: AWS Organizations User
//! Guide, "Service control policies (SCPs)" and "Resource control policies (RCPs)".

use haneul_kit::directory::NamedPolicy;
use haneul_kit::{AccountId, Caller, Principal, Standing};

/// Services whose actions resource control policies speak about, by the prefix of the action.
const RCP_SERVICES: &[&str] = &[
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// Never restricted by resource control policies, though of a service of the list.
const RCP_FREE: &[&str] = &["kms:RetireGrant"];

/// The service control policies that bind `caller`: the root user of a member account too, but no service-linked role
/// and nobody who belongs to no account.
pub fn scps<'a>(caller: &Caller, standing: Option<&'a Standing>) -> &'a [Vec<NamedPolicy>] {
    let bound = match &caller.principal {
        Principal::Service { .. } | Principal::Anonymous => false,
        _ => !is_service_linked(caller),
    };
    match standing.and_then(|standing| standing.membership.as_ref()) {
        Some(membership) if bound => &membership.scp_levels,
        _ => &[],
    }
}

/// The resource control policies that bind what `caller` does to a resource, by the standing of the account that owns
/// it: whoever calls, but for service-linked roles.
pub fn rcps<'a>(caller: &Caller, action: &str, owner: Option<&'a Standing>) -> &'a [Vec<NamedPolicy>] {
    let Some(membership) = owner.and_then(|owner| owner.membership.as_ref()) else { return &[] };
    let service = action.split(':').next().unwrap_or_default();
    let speaks = RCP_SERVICES.contains(&service) && !RCP_FREE.contains(&action);
    if speaks && !is_service_linked(caller) { &membership.rcp_levels } else { &[] }
}

/// Whether both accounts are of one organization.
pub fn are_together(one: Option<&Standing>, other: Option<&Standing>) -> bool {
    let organization =
        |standing: Option<&Standing>| standing?.membership.as_ref().map(|of| of.organization_id.clone());
    organization(one).is_some_and(|id| organization(other) == Some(id))
}

/// Whether the resource is of another account, which was closed.
pub fn is_out_of_reach(caller: AccountId, owner: Option<AccountId>, standing: Option<&Standing>) -> bool {
    owner.is_some_and(|owner| owner != caller) && standing.is_some_and(|standing| standing.suspended)
}

fn is_service_linked(caller: &Caller) -> bool {
    matches!(&caller.principal, Principal::Role { path, .. } if path.starts_with("/aws-service-role/"))
}
