//! Streams act as their roles: sessions of them.

use std::collections::HashMap;
use std::time::Duration;

use haneul_kit::{ApiError, Arn, Caller, Fault, Instant, Result, session_token};
use haneul_sts_wire::{operations as sts, shapes as t};
use parking_lot::Mutex;

use crate::Firehose;
use crate::error;
use crate::firehose::{PRINCIPAL, arn};
use crate::model::StreamKey;

/// A session is renewed when less than this is left of it.
const LEFT_MIN: Duration = Duration::from_secs(5 * 60);
const SESSIONS_MAX: usize = 4096;

/// Sessions by stream and role, with when they end.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<(StreamKey, String), (Caller, Instant)>>);

impl Firehose {
    /// Who acts when a stream's role does.
    pub(crate) async fn acting(&self, key: &StreamKey, role: &str) -> Result<Caller> {
        let place = (key.clone(), role.to_owned());
        let now = self.platform.env.now();
        let kept = self.sessions.0.lock().get(&place).filter(|(_, ends)| now + LEFT_MIN < *ends).cloned();
        if let Some((caller, _)) = kept {
            return Ok(caller);
        }
        let (caller, ends) = self.assume(key, role).await?;
        let mut sessions = self.sessions.0.lock();
        if sessions.len() >= SESSIONS_MAX {
            sessions.clear();
        }
        sessions.insert(place, (caller.clone(), ends));
        Ok(caller)
    }

    /// Checks that Firehose may assume a role.
    pub(crate) async fn check_role(&self, key: &StreamKey, role: &str) -> Result<()> {
        let arn = Arn::parse(role).map_err(|_| error::invalid(format!("Role ARN {role} is not valid.")))?;
        if arn.account_id() != Some(key.0) {
            return Err(ApiError::new("AccessDeniedException", "Cross-account pass role is not allowed."));
        }
        self.assume(key, role).await.map(drop)
    }

    pub(crate) fn forget_sessions(&self, key: &StreamKey) {
        self.sessions.0.lock().retain(|(of, _), _| of != key);
    }

    async fn assume(&self, key: &StreamKey, role: &str) -> Result<(Caller, Instant)> {
        let input = t::AssumeRoleRequest {
            role_arn: role.to_owned(),
            role_session_name: "FirehoseDeliverySession".into(),
            external_id: Some(key.0.to_string()),
            ..Default::default()
        };
        let caller = Caller::service(PRINCIPAL, key.0);
        let made =
            self.platform.bus.call::<sts::AssumeRole>(caller, key.1, Some(arn(key).to_string()), input).await;
        let made = made.map_err(|refused| match refused.fault() {
            Fault::Client => error::invalid(format!(
                "Firehose is unable to assume role {role}. Please check the role provided."
            )),
            Fault::Server => refused,
        })?;
        let made =
            made.credentials.ok_or_else(|| ApiError::internal("a role was assumed without credentials"))?;
        let now = self.platform.env.now();
        let opened = session_token::open(&self.platform.seal, &made.session_token, &made.access_key_id, now);
        let opened = opened.map_err(|_| ApiError::internal("a session's token does not open"))?;
        Ok((opened.caller, made.expiration))
    }
}
