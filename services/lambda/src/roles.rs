//! Execution roles: Lambda assumes them for the function's code, and acts as them for its logs, queues and destinations.

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{ApiError, Arn, Caller, Cx, Fault, Result, cx};
use haneul_roles::{AssumeRoleRequest, By, Session, request};

use crate::Lambda;
use crate::error;
use crate::lambda::PRINCIPAL;
use crate::names::FunctionName;

/// A session is renewed when less than this is left of it, so that what it is handed to can finish.
const LEFT_MIN: Duration = Duration::from_secs(16 * 60);

impl Lambda {
    /// Checks that Lambda may assume the role.
    pub(crate) async fn check_role(&self, function: &FunctionName, role: &str) -> Result<()> {
        let arn = Arn::parse(role).map_err(|_| error::parameter("The role's ARN is not well formed."))?;
        if arn.account_id() != Some(function.account) {
            return Err(ApiError::new("AccessDeniedException", "Cross-account pass role is not allowed.")
                .with_status(403));
        }
        self.assume(function, role, None).await.map(drop)
    }

    /// A session of a function's role that is good for a while.
    pub(crate) async fn session(&self, function: &FunctionName, role: &str) -> Result<Arc<Session>> {
        let when = (self.platform.env.now(), LEFT_MIN);
        self.sessions.get(function, role, when, self.assume(function, role, None)).await
    }

    /// Forgets sessions of a function: its role may no longer trust Lambda, or be another one.
    pub(crate) fn forget_sessions(&self, function: &FunctionName) {
        self.sessions.forget(function);
    }

    /// A session of its own that is as long as the role allows, for an environment to live with.
    pub(crate) async fn assume_for_long(&self, function: &FunctionName, role: &str) -> Result<Session> {
        let name = role.rsplit('/').next().unwrap_or_default();
        let found = self.platform.directory().role(function.account, name).await?;
        let secs = found.map_or(3600, |role| role.max_session_duration_secs);
        self.assume(function, role, i32::try_from(secs).ok()).await
    }

    async fn assume(&self, function: &FunctionName, role: &str, secs: Option<i32>) -> Result<Session> {
        let (account, region) = (function.account, function.region);
        let by = By { service: PRINCIPAL, account, region, source: Some(function.arn().to_string()) };
        let name = session_name(&function.name);
        let request = AssumeRoleRequest { duration_seconds: secs, ..request(role, &name) };
        let made = haneul_roles::assume(&self.platform, by, request).await;
        made.map_err(|refused| match refused.fault() {
            Fault::Client => {
                error::parameter("The role defined for the function cannot be assumed by Lambda.")
            }
            Fault::Server => refused,
        })
    }

    /// A call's surroundings as they are when the role acts.
    pub(crate) fn cx_of(&self, function: &FunctionName, caller: Caller) -> Cx {
        Cx::new(cx::Parts::within(
            self.platform.env.rng.uuid(),
            caller,
            function.region,
            self.platform.env.now(),
        ))
    }
}

/// The function's name; STS asks for two characters.
fn session_name(function: &str) -> String {
    if function.len() < 2 { format!("{function}-lambda") } else { function.to_owned() }
}
