use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Policy, Principal, Result};
use haneul_policy::Rules;
use haneul_shape::Empty;
use std::sync::Arc;

use crate::iam::{Iam, Subject};
use crate::model::{Credentials, Login, PasswordPolicy};
use crate::{error, password};

/// A password policy cannot look further back.
const BEFORE_MAX: usize = 24;

impl Handle<op::CreateLoginProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateLoginProfileRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:CreateLoginProfile", input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateLoginProfileRequest,
    ) -> Result<s::CreateLoginProfileResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let name = self.login_name(cx, &subject).await?;
        // A session of AssumeRoot lets the root user have a password, and does not choose it.
        let by_assumed_root = cx.caller().session.as_ref().is_some_and(|session| session.assumed_root);
        let given = match (input.password, by_assumed_root) {
            (Some(_), true) => return Err(error::password_of_assumed_root()),
            (None, false) => return Err(error::password_missing()),
            (given, _) => given,
        };
        let policy = self.state.account(cx.account()).await?.password_policy;
        if self.state.credentials(cx.account(), subject.holder()).await?.login.is_some() {
            return Err(error::login_profile_exists(&name));
        }
        let hash = match &given {
            Some(given) => {
                password::check(policy.as_ref(), &name, given)?;
                password::hash(&self.platform.env.rng, given)?
            }
            // Of no password.
            None => String::new(),
        };
        let login = Login {
            hash,
            created: cx.now().into(),
            changed: cx.now().into(),
            reset_required: input.password_reset_required.unwrap_or(false),
            before: Vec::new(),
        };
        let (made, shown) = (&login, &name);
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials| {
                if credentials.login.is_some() {
                    return Err(error::login_profile_exists(shown));
                }
                credentials.login = Some(made.clone());
                Ok(())
            })
            .await?;
        Ok(s::CreateLoginProfileResponse { login_profile: shown_login(name, &login) })
    }
}

impl Handle<op::GetLoginProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetLoginProfileRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:GetLoginProfile", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::GetLoginProfileRequest) -> Result<s::GetLoginProfileResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let found = self.state.credentials(cx.account(), subject.holder()).await?;
        let name = self.login_name(cx, &subject).await?;
        let login = found.login.ok_or_else(|| error::no_login_profile(&name))?;
        Ok(s::GetLoginProfileResponse { login_profile: shown_login(name, &login) })
    }
}

impl Handle<op::UpdateLoginProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateLoginProfileRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:UpdateLoginProfile", Some(&input.user_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateLoginProfileRequest) -> Result<Empty> {
        let subject = Subject::User(input.user_name);
        let given = input.password.as_deref();
        self.change_login(cx, &subject, given, input.password_reset_required, |_| Ok(())).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteLoginProfile> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteLoginProfileRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:DeleteLoginProfile", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLoginProfileRequest) -> Result<Empty> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        // The user must exist before its profile can be missed.
        self.state.credentials(cx.account(), subject.holder()).await?;
        let name = &self.login_name(cx, &subject).await?;
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials: &mut Credentials| {
                credentials.login.take().map(drop).ok_or_else(|| error::no_login_profile(name))
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::ChangePassword> for Iam {
    async fn access(&self, cx: &Cx, _: &s::ChangePasswordRequest) -> Result<Vec<Access>> {
        if !matches!(cx.caller().principal, Principal::User { .. }) {
            return Err(error::not_a_user());
        }
        let access = self.on_subject(cx, "iam:ChangePassword", None).await?;
        let policy = self.users_may_change(cx, "iam:ChangePassword").await?;
        Ok(access.into_iter().map(|access| access.with_policy(policy.clone())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::ChangePasswordRequest) -> Result<Empty> {
        let subject = self.subject(cx, None)?;
        let old = &input.old_password;
        let check = |login: &Login| {
            if password::is(old, &login.hash) { Ok(()) } else { Err(error::old_password()) }
        };
        self.change_login(cx, &subject, Some(&input.new_password), Some(false), check).await?;
        Ok(Empty)
    }
}

impl Handle<op::UpdateAccountPasswordPolicy> for Iam {
    async fn access(&self, cx: &Cx, _: &s::UpdateAccountPasswordPolicyRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:UpdateAccountPasswordPolicy")
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAccountPasswordPolicyRequest) -> Result<Empty> {
        let number = |given: Option<i32>| given.and_then(|given| u32::try_from(given).ok());
        // What is not given goes back to its default.
        let policy = PasswordPolicy {
            length_min: number(input.minimum_password_length).unwrap_or(LENGTH_MIN_DEFAULT),
            symbols: input.require_symbols.unwrap_or(false),
            numbers: input.require_numbers.unwrap_or(false),
            uppercase: input.require_uppercase_characters.unwrap_or(false),
            lowercase: input.require_lowercase_characters.unwrap_or(false),
            users_may_change: input.allow_users_to_change_password.unwrap_or(false),
            age_max_days: number(input.max_password_age),
            reuse_prevention: number(input.password_reuse_prevention),
            hard_expiry: input.hard_expiry,
        };
        let policy = &policy;
        self.state
            .change_account(cx.account(), |account| {
                account.password_policy = Some(policy.clone());
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::GetAccountPasswordPolicy> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        let access = Iam::to(cx, "iam:GetAccountPasswordPolicy")?;
        let policy = self.users_may_change(cx, "iam:GetAccountPasswordPolicy").await?;
        Ok(access.into_iter().map(|access| access.with_policy(policy.clone())).collect())
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::GetAccountPasswordPolicyResponse> {
        let policy = self.state.account(cx.account()).await?.password_policy;
        let policy = policy.ok_or_else(|| error::no_password_policy(cx.account()))?;
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        Ok(s::GetAccountPasswordPolicyResponse {
            password_policy: s::PasswordPolicy {
                minimum_password_length: Some(number(policy.length_min)),
                require_symbols: Some(policy.symbols),
                require_numbers: Some(policy.numbers),
                require_uppercase_characters: Some(policy.uppercase),
                require_lowercase_characters: Some(policy.lowercase),
                allow_users_to_change_password: Some(policy.users_may_change),
                expire_passwords: Some(policy.age_max_days.is_some()),
                max_password_age: policy.age_max_days.map(number),
                password_reuse_prevention: policy.reuse_prevention.map(number),
                hard_expiry: Some(policy.hard_expiry.unwrap_or(false)),
            },
        })
    }
}

impl Handle<op::DeleteAccountPasswordPolicy> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:DeleteAccountPasswordPolicy")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<Empty> {
        self.state
            .change_account(cx.account(), |account| {
                let before = account.password_policy.take();
                before.map(drop).ok_or_else(|| error::no_password_policy(cx.account()))
            })
            .await?;
        Ok(Empty)
    }
}

const LENGTH_MIN_DEFAULT: u32 = 6;

fn shown_login(user_name: String, login: &Login) -> s::LoginProfile {
    s::LoginProfile {
        user_name,
        create_date: login.created.into(),
        password_reset_required: Some(login.reset_required),
    }
}

impl Iam {
    async fn login_name(&self, cx: &Cx, subject: &Subject) -> Result<String> {
        Ok(self.shown_name(cx, subject).await?.unwrap_or_else(|| String::from("root")))
    }

    /// Sets a password (or only whether it must be changed), once `may` agrees with what was there.
    async fn change_login(
        &self,
        cx: &Cx,
        subject: &Subject,
        given: Option<&str>,
        reset_required: Option<bool>,
        may: impl Fn(&Login) -> Result<()>,
    ) -> Result<()> {
        let found = self.state.credentials(cx.account(), subject.holder()).await?;
        let name = self.login_name(cx, subject).await?;
        let before = found.login.ok_or_else(|| error::no_login_profile(&name))?;
        may(&before)?;
        let mut login = before.clone();
        if let Some(given) = given {
            let policy = self.state.account(cx.account()).await?.password_policy;
            password::check(policy.as_ref(), &name, given)?;
            let forbidden = policy.and_then(|policy| policy.reuse_prevention).unwrap_or(0) as usize;
            let mut last = std::iter::once(&before.hash).chain(&before.before).take(forbidden);
            if last.any(|hash| password::is(given, hash)) {
                return Err(error::password_reused());
            }
            login.hash = password::hash(&self.platform.env.rng, given)?;
            login.changed = cx.now().into();
            login.before.insert(0, before.hash.clone());
            login.before.truncate(BEFORE_MAX);
        }
        if let Some(reset_required) = reset_required {
            login.reset_required = reset_required;
        }
        let (before, login) = (&before, &login);
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials| {
                // Hashing takes a while: somebody else may have been quicker.
                if credentials.login.as_ref() != Some(before) {
                    return Err(error::login_profile_busy(&name));
                }
                credentials.login = Some(login.clone());
                Ok(())
            })
            .await
    }

    /// Where the account lets its users change their passwords, each has the permission for itself without any policy
    /// of its own; a denial still counts.
    async fn users_may_change(&self, cx: &Cx, action: &'static str) -> Result<Option<Arc<Policy>>> {
        if !matches!(cx.caller().principal, Principal::User { .. }) {
            return Ok(None);
        }
        let policy = self.state.account(cx.account()).await?.password_policy;
        if !policy.is_some_and(|policy| policy.users_may_change) {
            return Ok(None);
        }
        let user = Arn::parse(&cx.caller().arn()).map_err(haneul_kit::ApiError::internal)?;
        let document = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow", "Principal": { "AWS": user.as_str() }, "Action": action, "Resource": "*",
            },
        });
        let policy = Policy::parse(&document.to_string(), &Rules::RESOURCE);
        Ok(Some(Arc::new(policy.map_err(haneul_kit::ApiError::internal)?)))
    }
}
