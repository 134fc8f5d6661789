//! Execution roles: Lambda assumes them for the function's code, and acts as them for its logs, queues and destinations.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::session_token::Credentials;
use haneul_kit::{ApiError, Arn, Caller, Cx, Result, cx, session_token};
use haneul_sts_wire::{operations as sts, shapes as t};
use parking_lot::Mutex;

use crate::Lambda;
use crate::error;
use crate::lambda::PRINCIPAL;
use crate::names::FunctionName;

/// A session is renewed when less than this is left of it, so that what it is handed to can finish.
const LEFT_MIN: Duration = Duration::from_secs(16 * 60);
const SESSIONS_MAX: usize = 4096;

/// A session of a role.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    pub(crate) credentials: Credentials,
}

/// Sessions by role and function.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<(String, FunctionName), Arc<Session>>>);

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
        let key = (role.to_owned(), function.clone());
        let now = self.platform.env.now();
        if let Some(kept) =
            self.sessions.0.lock().get(&key).filter(|kept| now + LEFT_MIN < kept.credentials.expiration)
        {
            return Ok(kept.clone());
        }
        let made = Arc::new(self.assume(function, role, None).await?);
        let mut sessions = self.sessions.0.lock();
        if sessions.len() >= SESSIONS_MAX {
            sessions.clear();
        }
        sessions.insert(key, made.clone());
        Ok(made)
    }

    /// Forgets sessions of a function: its role may no longer trust Lambda, or be another one.
    pub(crate) fn forget_sessions(&self, function: &FunctionName) {
        self.sessions.0.lock().retain(|(_, of), _| of != function);
    }

    /// A session of its own that is as long as the role allows, for an environment to live with.
    pub(crate) async fn assume_for_long(&self, function: &FunctionName, role: &str) -> Result<Session> {
        let name = role.rsplit('/').next().unwrap_or_default();
        let found = self.platform.directory().role(function.account, name).await?;
        let secs = found.map_or(3600, |role| role.max_session_duration_secs);
        self.assume(function, role, i32::try_from(secs).ok()).await
    }

    async fn assume(&self, function: &FunctionName, role: &str, secs: Option<i32>) -> Result<Session> {
        let input = t::AssumeRoleRequest {
            role_arn: role.to_owned(),
            role_session_name: session_name(&function.name),
            duration_seconds: secs,
            ..Default::default()
        };
        let caller = Caller::service(PRINCIPAL, function.account);
        let source = Some(function.arn().to_string());
        let made = self.platform.bus.call::<sts::AssumeRole>(caller, function.region, source, input).await;
        let made = made.map_err(|refused| match refused.fault() {
            haneul_kit::Fault::Client => {
                error::parameter("The role defined for the function cannot be assumed by Lambda.")
            }
            haneul_kit::Fault::Server => refused,
        })?;
        let made =
            made.credentials.ok_or_else(|| ApiError::internal("a role was assumed without credentials"))?;
        let now = self.platform.env.now();
        let opened = session_token::open(&self.platform.seal, &made.session_token, &made.access_key_id, now);
        let opened = opened.map_err(|_| ApiError::internal("a session's token does not open"))?;
        Ok(Session {
            caller: opened.caller,
            credentials: Credentials {
                access_key_id: made.access_key_id,
                secret_access_key: made.secret_access_key,
                session_token: made.session_token,
                expiration: made.expiration,
            },
        })
    }

    /// A call's surroundings as they are when the role acts.
    pub(crate) fn cx_of(&self, function: &FunctionName, caller: Caller) -> Cx {
        Cx::new(cx::Parts {
            request_id: self.platform.env.rng.uuid(),
            caller,
            region: function.region,
            now: self.platform.env.now(),
            source_ip: None,
            secure: true,
            http: None,
            called_via: Vec::new(),
            source_arn: None,
            answer: Default::default(),
        })
    }
}

/// The function's name; STS asks for two characters.
fn session_name(function: &str) -> String {
    if function.len() < 2 { format!("{function}-lambda") } else { function.to_owned() }
}
