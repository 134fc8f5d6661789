use haneul_firehose_wire::operations as op;
use haneul_firehose_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use super::key;
use super::streams::DESTINATION;
use crate::error::{invalid, not_offered};
use crate::firehose::passes_role;
use crate::settings::extended;
use crate::{Firehose, error};

impl Handle<op::UpdateDestination> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::UpdateDestinationInput) -> Result<Vec<Access>> {
        let mut all =
            vec![self.on("firehose:UpdateDestination", &key(cx, &input.delivery_stream_name)).await?];
        let extended = input.extended_s3_destination_update.as_ref();
        let roles = [
            extended.and_then(|given| given.role_arn.as_deref()),
            extended
                .and_then(|given| given.s3_backup_update.as_ref())
                .and_then(|given| given.role_arn.as_deref()),
            input.s3_destination_update.as_ref().and_then(|given| given.role_arn.as_deref()),
        ];
        all.extend(roles.into_iter().flatten().filter_map(passes_role));
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateDestinationInput) -> Result<s::UpdateDestinationOutput> {
        let key = key(cx, &input.delivery_stream_name);
        let before = self.records.there(&key).await?;
        let given = &input.current_delivery_stream_version_id;
        if *given != before.version.to_string() {
            return Err(error::changed_meanwhile(before.version, given));
        }
        if input.destination_id != DESTINATION {
            return Err(invalid(format!("Destination Id {} not found.", input.destination_id)));
        }
        let update = match (input.extended_s3_destination_update, input.s3_destination_update) {
            (Some(given), None) => given,
            (None, Some(given)) => extended(given),
            (Some(_), Some(_)) => return Err(invalid("Only one destination can be specified.")),
            (None, None) => return Err(not_offered("A destination other than Amazon S3")),
        };
        let after = before.destination.updated(update)?;
        for role in after.roles() {
            self.check_role(&key, role).await?;
        }
        let now_ms = cx.now().millis();
        self.records
            .change(&key, |stream| {
                if stream.version != before.version {
                    return Err(error::changed_meanwhile(stream.version, given));
                }
                stream.destination = after.clone();
                stream.version += 1;
                stream.updated_ms = Some(now_ms);
                Ok(())
            })
            .await?;
        self.sessions.forget(&key);
        self.due.wake();
        Ok(s::UpdateDestinationOutput {})
    }
}
