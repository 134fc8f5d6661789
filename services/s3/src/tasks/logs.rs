use std::sync::Arc;

use haneul_kit::{BoxFuture, ByteStream, Caller, Instant, Reconciler, Result, Signal};
use haneul_s3_wire::{operations as op, shapes as s};

use crate::S3;
use crate::access_log::{self, Lines};

/// Who delivers access logs: the target bucket's policy lets it in.
const PRINCIPAL: &str = "logging.s3.amazonaws.com";

/// Writes the lines of access logs to their target buckets, some minutes after they were made.
pub(super) struct Logs {
    s3: Arc<S3>,
}

impl Logs {
    pub(super) fn new(s3: Arc<S3>) -> Logs {
        Logs { s3 }
    }

    /// Through all layers: a target that does not let us in gets nothing.
    async fn deliver(&self, name: &str, lines: Lines, now: Instant) -> Result<()> {
        let bucket = self.s3.bucket_anywhere(name, &None).await?;
        let Some(logging) = &bucket.record.features.logging else { return Ok(()) };
        let platform = &self.s3.platform;
        let unique = platform.env.rng.text(b"0123456789ABCDEF", 16);
        let key = access_log::object_key(&bucket, &logging.prefix, logging.format, lines.since, now, &unique);
        let input = s::PutObjectRequest {
            bucket: logging.bucket.clone(),
            key,
            content_type: Some("text/plain".to_owned()),
            body: ByteStream::from_bytes(lines.text),
            ..Default::default()
        };
        let caller = Caller::service(PRINCIPAL, bucket.owner);
        platform.bus.call::<op::PutObject>(caller, bucket.region, Some(bucket.arn()), input).await?;
        Ok(())
    }
}

impl Reconciler for Logs {
    fn name(&self) -> &'static str {
        "s3 access logs"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.s3.platform.env.now();
            for (name, lines) in self.s3.access_log.take(now) {
                if let Err(error) = self.deliver(&name, lines, now).await {
                    tracing::warn!(%error, bucket = name, "an access log could not be delivered");
                }
            }
            Ok(self.s3.access_log.next())
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.access_log.wakes
    }
}
