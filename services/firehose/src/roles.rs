//! Streams act as their roles.

use std::time::Duration;

use haneul_kit::{ApiError, Arn, Caller, Fault, Result};
use haneul_roles::{By, Session, assume, request};

use crate::Firehose;
use crate::error;
use crate::firehose::{PRINCIPAL, arn};
use crate::model::StreamKey;

/// A session is renewed when less than this is left of it.
const LEFT_MIN: Duration = Duration::from_secs(5 * 60);

impl Firehose {
    /// Who acts when a stream's role does.
    pub(crate) async fn acting(&self, key: &StreamKey, role: &str) -> Result<Caller> {
        let when = (self.platform.env.now(), LEFT_MIN);
        Ok(self.sessions.get(key, role, when, self.assume(key, role)).await?.caller.clone())
    }

    /// Checks that Firehose may assume a role.
    pub(crate) async fn check_role(&self, key: &StreamKey, role: &str) -> Result<()> {
        let arn = Arn::parse(role).map_err(|_| error::invalid(format!("Role ARN {role} is not valid.")))?;
        if arn.account_id() != Some(key.0) {
            return Err(ApiError::new("AccessDeniedException", "Cross-account pass role is not allowed."));
        }
        self.assume(key, role).await.map(drop)
    }

    async fn assume(&self, key: &StreamKey, role: &str) -> Result<Session> {
        let mut request = request(role, "FirehoseDeliverySession");
        request.external_id = Some(key.0.to_string());
        let by = By { service: PRINCIPAL, account: key.0, region: key.1, source: Some(arn(key).to_string()) };
        assume(&self.platform, by, request).await.map_err(|refused| match refused.fault() {
            Fault::Client => error::invalid(format!(
                "Firehose is unable to assume role {role}. Please check the role provided."
            )),
            Fault::Server => refused,
        })
    }
}
