use haneul_kit::authorization_message::AuthorizationMessage;
use haneul_kit::{Access, ApiError, Cx, Platform, Principal};
use haneul_policy::{Decision, Detail, PolicyType, Reason, Request, denial_message};
use haneul_sigv4::Family;

use crate::decisions::decoded_statements;

/// Who words a denial.
pub struct Speaker<'a> {
    pub service: &'a str,
    pub family: Family,
}

/// Actions without a resource of whose resource AWS says nothing when it denies them. Of others it says `*`.
const OF_NO_RESOURCE: &[&str] = &[
    "cloudtrail:DescribeTrails",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "s3:ListAllMyBuckets",
    "secretsmanager:ListSecrets",
    "sts:GetAccessKeyInfo",
    "tag:GetResources",
];

/// A denial as the service words it. Source: IAM User Guide, "Troubleshoot access denied error messages".
/// `same_organization` says whether the accounts of caller and resource are of one.
pub fn error(
    speaker: &Speaker<'_>,
    platform: &Platform,
    cx: &Cx,
    access: &Access,
    request: &Request<'_>,
    decision: &Decision<'_>,
    same_organization: bool,
) -> ApiError {
    if access.federated.is_some() {
        return refusal(speaker, format!("Not authorized to perform {}", request.action));
    }
    let message = message(speaker, cx, request, decision, same_organization);
    if speaker.family == Family::Ec2 {
        let encoded = encoded(platform, cx, request, decision);
        let message = format!(
            "You are not authorized to perform this operation. {message}. Encoded authorization failure message: \
             {encoded}"
        );
        return ApiError::new("UnauthorizedOperation", message).with_status(403);
    }
    refusal(speaker, message)
}

/// The resource is of an account that was closed. AWS tells S3's clients so, and others nothing.
pub fn of_closed_account(speaker: &Speaker<'_>, request: &Request<'_>) -> ApiError {
    if speaker.family == Family::S3 {
        let message = "All access to this object has been disabled";
        return ApiError::new("AllAccessDisabled", message).with_status(403);
    }
    let (who, action, resource) = (request.principal.arn(), request.action, request.resource);
    refusal(speaker, format!("User: {who} is not authorized to perform: {action} on resource: {resource}"))
}

fn refusal(speaker: &Speaker<'_>, message: String) -> ApiError {
    match speaker.family {
        Family::S3 => ApiError::new("AccessDenied", message).with_status(403),
        Family::Ec2 => ApiError::new("UnauthorizedOperation", message).with_status(403),
        Family::Query if speaker.service == "sns" => {
            ApiError::new("AuthorizationError", message).with_status(403)
        }
        Family::Query => ApiError::new("AccessDenied", message).with_status(403),
        Family::Json => ApiError::new("AccessDeniedException", message).with_status(400),
        Family::RestJson => ApiError::new("AccessDeniedException", message).with_status(403),
    }
}

fn message(
    speaker: &Speaker<'_>,
    cx: &Cx,
    request: &Request<'_>,
    decision: &Decision<'_>,
    same_organization: bool,
) -> String {
    let account = cx.account().to_string();
    // AWS tells the reason, and which policy it was, within an account or an organization.
    let own = same_organization || request.resource_account.is_none_or(|owner| owner == account);
    let detail = match (&cx.caller().principal, decision.reason) {
        (Principal::Anonymous, _) if speaker.family == Family::S3 => return "Access Denied".into(),
        // Another's resource: no more than that it was refused.
        _ if !own && speaker.family == Family::S3 => return "Access Denied".into(),
        // AssumeRole does not tell why a trust policy says nothing.
        (_, Reason::ImplicitDeny(PolicyType::RoleTrust)) => Detail::Bare,
        _ if own => Detail::PolicyArn,
        _ => Detail::Bare,
    };
    // SQS names its actions in lower case, SNS its prefix in upper case.
    let action = match speaker.service {
        "sqs" => Some(request.action.to_ascii_lowercase()),
        "sns" => Some(request.action.replacen("sns:", "SNS:", 1)),
        _ => None,
    };
    let resource = if OF_NO_RESOURCE.contains(&request.action) { "" } else { request.resource };
    let request = Request { action: action.as_deref().unwrap_or(request.action), resource, ..*request };
    let message = denial_message(&request, decision, detail);
    if speaker.family == Family::S3 {
        let (plain, quoted) = (
            format!(" on resource: {}", request.resource),
            format!(" on resource: \"{}\"", request.resource),
        );
        return message.replacen(&plain, &quoted, 1);
    }
    message
}

fn encoded(platform: &Platform, cx: &Cx, request: &Request<'_>, decision: &Decision<'_>) -> String {
    AuthorizationMessage {
        caller: cx.caller(),
        action: request.action,
        resource: request.resource,
        explicit_deny: matches!(decision.reason, Reason::ExplicitDeny(_)),
        matched_statements: decoded_statements(decision),
        conditions: request.context.iter().map(|(key, values)| (key.to_owned(), values.to_vec())).collect(),
    }
    .encode(&platform.seal)
}
