use haneul_kit::{Access, AccountId, Arn, Caller, Cx, Handle, Principal, Result, Session};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::session::expiry;
use crate::sts::{Sts, credentials, is_global_endpoint};

const SECS_DEFAULT: i32 = 900;
const IAM: &str = "iam.amazonaws.com";

/// AWS's policies for this: each denies all but its task, and whatever is not the root user's own.
const TASK_POLICIES: &str = "arn:aws:iam::aws:policy/root-task/";
/// What the task policy leaves: a root user may do everything, and a session's policies have to allow it too.
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

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
        if is_global_endpoint(cx) {
            return Err(error::not_at_the_global_endpoint("AssumeRoot"));
        }
        let task = self.task_policy(input.task_policy_arn.arn.as_deref().unwrap_or_default()).await?;
        self.check_organization(cx, target, &input.target_principal).await?;
        let source_identity =
            cx.caller().session.as_ref().and_then(|session| session.source_identity.clone());
        let session = Session {
            issued_at: cx.now(),
            expires_at: expiry(cx.now(), input.duration_seconds.unwrap_or(SECS_DEFAULT)),
            policy: Some(EVERYTHING.to_owned()),
            policy_arns: vec![task],
            source_identity: source_identity.clone(),
            assumed_root: true,
            ..Session::default()
        };
        let caller = Caller {
            account: target,
            principal: Principal::Root,
            access_key_id: None,
            session: Some(session.made_by(cx.caller())),
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

    /// The ARN of a task policy, if it is of one.
    async fn task_policy(&self, arn: &str) -> Result<String> {
        let parsed = Arn::parse(arn).ok().filter(|_| arn.starts_with(TASK_POLICIES));
        let parsed = parsed.ok_or_else(error::task_policy)?;
        let found = self.platform.directory().managed_policy(&parsed).await?;
        found.map(|_| arn.to_owned()).ok_or_else(error::task_policy)
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
