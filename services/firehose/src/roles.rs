//! Streams act as their roles.

use haneul_kinesis_wire::operations::DescribeStream;
use haneul_kinesis_wire::shapes::DescribeStreamInput;
use haneul_kit::{ApiError, Arn, Caller, Fault, Result};
use haneul_roles::{By, LEFT, Session, assume, request};

use crate::Firehose;
use crate::error;
use crate::firehose::{PRINCIPAL, arn};
use crate::model::{Source, StreamKey};

impl Firehose {
    /// Who acts when a stream's role does.
    pub(crate) async fn acting(&self, key: &StreamKey, role: &str) -> Result<Caller> {
        let when = (self.platform.env.now(), LEFT);
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

    /// Checks that the role of a source may see it.
    pub(crate) async fn check_source(&self, key: &StreamKey, source: &Source) -> Result<()> {
        let Source { stream, role } = source;
        let of_region = Arn::parse(stream).is_ok_and(|arn| arn.region() == key.1.as_str());
        if !of_region {
            return Err(error::invalid(format!(
                "Kinesis stream ARN {stream} is not in the Region of the Firehose stream."
            )));
        }
        self.check_role(key, role).await?;
        // Not who is kept: the role may have been made anew.
        self.sessions.forget(key);
        let input = DescribeStreamInput { stream_arn: Some(stream.clone()), ..Default::default() };
        let caller = self.acting(key, role).await?;
        match self.platform.bus.call::<DescribeStream>(caller, key.1, None, input).await {
            Ok(_) => Ok(()),
            Err(refused) if refused.fault() == Fault::Server => Err(refused),
            Err(refused) if refused.code().starts_with("AccessDenied") => Err(error::invalid(format!(
                "Role {role} is not authorized to perform: kinesis:DescribeStream on resource {stream}."
            ))),
            Err(refused) => Err(error::invalid(refused.message())),
        }
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
