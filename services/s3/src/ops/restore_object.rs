use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::RestoreObject;
use haneul_s3_wire::shapes::{RestoreObjectOutput, RestoreObjectRequest, RestoreRequest};
use http::StatusCode;

use crate::archive::{self, State, Tier};
use crate::facts::Named;
use crate::model::{Body, ObjectRecord};
use crate::store::watch::{By, Change};
use crate::{S3, error, names};

impl Handle<RestoreObject> for S3 {
    async fn access(&self, cx: &Cx, input: &RestoreObjectRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        Ok(vec![self.write_access(cx, &bucket, "s3:RestoreObject", named).await?])
    }

    async fn call(&self, cx: &Cx, input: RestoreObjectRequest) -> Result<RestoreObjectOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let asked = Asked::read(input.restore_request.unwrap_or_default())?;
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        let now_ms = cx.now().millis();
        let is_prolonged = matches!(archive::state(&body, cx.now()), State::Restored(_));
        asked.check(cx, &body)?;
        let seq = record.seq;
        let set = |record: &mut ObjectRecord| {
            // Another version may have come in between, or another restore.
            let Some(body) = record.body.as_mut().filter(|_| record.seq == seq) else { return Ok(false) };
            let duration_ms = asked.check(cx, body)?;
            body.restore = Some(match (archive::state(body, cx.now()), body.restore) {
                // Only its days are counted anew.
                (State::Restored(_), Some(before)) => {
                    archive::prolonged(before, now_ms, asked.days.unwrap_or(1))
                }
                _ => match asked.days {
                    Some(days) => archive::restored(now_ms + duration_ms, days),
                    None => archive::moved_back(now_ms + duration_ms),
                },
            });
            Ok(true)
        };
        let watch = self.watch(cx, &bucket, By::Request);
        let watched = (!is_prolonged).then_some((&watch, &Change::RestoreBegun));
        let version = Some(record.version_name());
        let due = |record: &ObjectRecord| archive::due(&bucket.name, named.key, record);
        self.records.change_object_due(bucket.id(), named.key, version, set, watched, due).await?;
        self.tasks.lifecycle.wake();
        if !is_prolonged {
            self.meter_restore(&bucket, &body, asked.tier);
        }
        cx.set_status(if is_prolonged { StatusCode::OK } else { StatusCode::ACCEPTED });
        Ok(RestoreObjectOutput::default())
    }
}

struct Asked {
    /// None for Intelligent-Tiering, whose objects move back for good.
    days: Option<i32>,
    tier: Tier,
}

impl Asked {
    fn read(request: RestoreRequest) -> Result<Asked> {
        if request.r#type.is_some()
            || request.select_parameters.is_some()
            || request.output_location.is_some()
        {
            return Err(error::not_implemented("A restore by SELECT"));
        }
        let days = request.days;
        if let Some(days) = days.filter(|days| *days < 1) {
            let message = "restoration days should be at least 1";
            return Err(error::invalid_argument(message, "Days", days.to_string()));
        }
        let tier = request.glacier_job_parameters.map(|job| job.tier).or(request.tier);
        let tier = match tier.as_deref() {
            None => Tier::Standard,
            Some(tier) => Tier::parse(tier).ok_or_else(error::malformed_xml)?,
        };
        Ok(Asked { days, tier })
    }

    /// How long it will take.
    fn check(&self, cx: &Cx, body: &Body) -> Result<i64> {
        let class = body.storage_class();
        let Some(source) = archive::source(body) else {
            let message = "Restore is not allowed for the object's current storage class";
            return Err(error::invalid_object_state(message, class));
        };
        match (self.days, body.archive_tier()) {
            (None, None) => return Err(error::malformed_xml()),
            (Some(days), Some(_)) => {
                let message =
                    "Days must not be specified for objects in the Intelligent-Tiering archive tiers";
                return Err(error::invalid_argument(message, "Days", days.to_string()));
            }
            _ => {}
        }
        let duration_ms = self.tier.duration_ms(source).ok_or_else(|| {
            error::new("InvalidArgument", 400, "Retrieval option is not supported by this storage class")
        })?;
        // A faster tier may take over from a slower one.
        let overtakes =
            body.restore.is_some_and(|restore| cx.now().millis() + duration_ms < restore.ready_ms);
        let state = archive::state(body, cx.now());
        // Of Intelligent-Tiering it may be done already, and not be noted yet.
        let under_way = state == State::Restoring || (state == State::Active && body.restore.is_some());
        if under_way && !overtakes {
            return Err(error::new("RestoreAlreadyInProgress", 409, "Object restore is already in progress"));
        }
        Ok(duration_ms)
    }
}
