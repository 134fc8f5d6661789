use haneul_kit::{Access, AccountId, Arn, Caller, Cx, Handle, Principal, Result, Session};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::session::expiry;
use crate::sts::{Sts, credentials};

const SECS_DEFAULT: i32 = 900;
const IAM: &str = "iam.amazonaws.com";

/// The task policies and what each lets the root user do. Source: IAM User Guide, "Perform a privileged task on an AWS
/// Organizations member account".
const TASKS: &[(&str, &[&str], &str)] = &[
    ("IAMAuditRootUserCredentials", AUDIT, ROOT),
    ("IAMCreateRootUserPassword", &["iam:CreateLoginProfile", "iam:GetLoginProfile"], ROOT),
    (
        "IAMDeleteRootUserCredentials",
        &[
            "iam:DeleteLoginProfile",
            "iam:DeleteAccessKey",
            "iam:DeleteSigningCertificate",
            "iam:DeactivateMFADevice",
            "iam:ListAccessKeys",
            "iam:ListSigningCertificates",
            "iam:ListMFADevices",
            "iam:GetLoginProfile",
            "iam:GetUser",
            "iam:GetAccessKeyLastUsed",
        ],
        ROOT,
    ),
    (
        "S3UnlockBucketPolicy",
        &["s3:DeleteBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:ListAllMyBuckets"],
        "*",
    ),
    (
        "SQSUnlockQueuePolicy",
        &["sqs:SetQueueAttributes", "sqs:GetQueueAttributes", "sqs:ListQueues", "sqs:GetQueueUrl"],
        "*",
    ),
];
const AUDIT: &[&str] = &[
    "iam:ListAccessKeys",
    "iam:ListSigningCertificates",
    "iam:ListMFADevices",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:GetAccessKeyLastUsed",
];
/// Only the root user's own, and never another user's.
const ROOT: &str = "arn:aws:iam::*:root";
const TASK_POLICIES: &str = "arn:aws:iam::aws:policy/root-task/";

impl Handle<op::AssumeRoot> for Sts {
    async fn access(&self, cx: &Cx, input: &s::AssumeRootRequest) -> Result<Vec<Access>> {
        if cx.caller().principal == Principal::Root {
            return Err(error::root_assumes());
        }
        let task = input.task_policy_arn.arn.as_deref().unwrap_or_default();
        let target = target(&input.target_principal)?;
        // The permission is the caller's account's to give: the member has no say.
        let access = Access::on("sts:AssumeRoot", &Arn::global("iam", target, "root")).owned_by(cx.account());
        Ok(vec![access.key("sts:TaskPolicyArn", task)])
    }

    async fn call(&self, cx: &Cx, input: s::AssumeRootRequest) -> Result<s::AssumeRootResponse> {
        let target = target(&input.target_principal)?;
        let policy = task_policy(input.task_policy_arn.arn.as_deref().unwrap_or_default())?;
        self.check_organization(cx, target, &input.target_principal).await?;
        let source_identity =
            cx.caller().session.as_ref().and_then(|session| session.source_identity.clone());
        let session = Session {
            issued_at: cx.now(),
            expires_at: expiry(cx.now(), input.duration_seconds.unwrap_or(SECS_DEFAULT)),
            policy: Some(policy),
            source_identity: source_identity.clone(),
            assumed_root: true,
            ..Session::default()
        };
        let caller = Caller {
            account: target,
            principal: Principal::Root,
            access_key_id: None,
            session: Some(session),
        };
        let made = self.issue(caller, input.minimum_session_token_size);
        let size = made.session_token.len() as i32;
        Ok(s::AssumeRootResponse {
            credentials: Some(credentials(made)),
            source_identity,
            session_token_utilization: None,
            session_token_size: Some(size),
        })
    }
}

impl Sts {
    /// The caller must be of the management account, or of one that administers IAM for it, and the target a member.
    async fn check_organization(&self, cx: &Cx, target: AccountId, given: &str) -> Result<()> {
        let own = self.platform.standing(cx.account()).await?;
        let own = own.as_ref().and_then(|standing| standing.membership.as_ref());
        let own = own.ok_or_else(error::assume_root_caller)?;
        let may = own.is_management_account(cx.account()) || own.delegated_services.iter().any(|s| s == IAM);
        if !may {
            return Err(error::assume_root_caller());
        }
        if !self.platform.directory().root_access(own.management_account).await?.sessions {
            return Err(error::root_sessions());
        }
        let member = self.platform.standing(target).await?;
        let member = member.as_ref().and_then(|standing| standing.membership.as_ref());
        let is_member = member.is_some_and(|member| {
            member.organization_id == own.organization_id && !member.is_management_account(target)
        });
        if is_member { Ok(()) } else { Err(error::target_principal(given)) }
    }
}

/// An account's number, or the ARN of its root user.
fn target(text: &str) -> Result<AccountId> {
    let of_arn = || {
        let arn = Arn::parse(text).ok()?;
        arn.account_id().filter(|_| arn.service() == "iam" && arn.resource() == "root")
    };
    let account = text.parse().ok().or_else(of_arn);
    account.ok_or_else(|| error::target_principal(text))
}

/// The session policy of a task.
fn task_policy(arn: &str) -> Result<String> {
    let name = arn.strip_prefix(TASK_POLICIES).unwrap_or_default();
    let task = TASKS.iter().find(|(task, ..)| *task == name);
    let (_, actions, resource) = task.ok_or_else(error::task_policy)?;
    let statement = serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    Ok(serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string())
}
