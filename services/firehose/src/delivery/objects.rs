use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_env::Rng;
use haneul_kit::{ApiError, Arn, Result};
use haneul_logs_wire::{operations as logs_op, shapes as g};
use haneul_s3_wire::{operations as s3_op, shapes as o};
use haneul_shape::ByteStream;

use super::process::{Processor, line, read};
use super::{Item, Reject};
use crate::firehose::arn;
use crate::model::{DeliveryRecord, Destination, StreamKey, StreamRecord};
use crate::{Firehose, metrics, prefix};

/// Why records are in an object of errors.
const PROCESSING_FAILED: &str = "processing-failed";

impl Firehose {
    /// Puts everything that becomes of records: what was processed, what could not be, and what they were.
    pub(super) async fn put_all(
        &self,
        key: &StreamKey,
        stream: &StreamRecord,
        delivery: &DeliveryRecord,
        first_ms: i64,
        items: Vec<Item>,
    ) -> Result<()> {
        let destination = &stream.destination;
        let naming = Naming { key, delivery, first_ms };
        if let Some(backup) = destination.backup.as_deref().filter(|_| destination.backup_enabled) {
            let body = joined(&items);
            let bytes = body.len();
            let put = self.put_object(&naming, backup, What::Source, body).await;
            self.sample(metrics::BACKUP_SUCCESS, key, if put.is_ok() { 1.0 } else { 0.0 });
            put?;
            let age_ms = (self.platform.env.now().millis() - first_ms).max(0);
            self.sample(metrics::BACKUP_BYTES, key, bytes as f64);
            self.sample(metrics::BACKUP_RECORDS, key, items.len() as f64);
            self.sample(metrics::BACKUP_FRESHNESS, key, age_ms as f64 / 1000.0);
        }
        let (mut rejects, mut items) = (Vec::new(), items);
        let is_processed = !destination.processors().is_empty();
        for (kind, parameters) in destination.processors() {
            items = match read(kind, parameters)? {
                Processor::Step(step) => step.apply(items, &mut rejects),
                Processor::Function { arn, retries, batch_bytes } => {
                    self.transform(key, stream, (arn, retries, batch_bytes), items, &mut rejects).await?
                }
            };
        }
        if is_processed {
            let bytes = items.iter().map(|item| item.data.len()).sum::<usize>();
            self.sample(metrics::PROCESSED, key, items.len() as f64);
            self.sample(metrics::PROCESSED_BYTES, key, bytes as f64);
        }
        if !rejects.is_empty() {
            self.put_object(
                &naming,
                destination,
                What::Rejects,
                lines(&rejects, self.platform.env.now().millis()),
            )
            .await?;
        }
        if !items.is_empty() {
            let body = joined(&items);
            let bytes = body.len();
            self.put_object(&naming, destination, What::Records, body).await?;
            self.sample(metrics::DELIVERED_BYTES, key, bytes as f64);
            self.sample(metrics::DELIVERED_RECORDS, key, items.len() as f64);
        }
        Ok(())
    }

    async fn put_object(
        &self,
        naming: &Naming<'_>,
        destination: &Destination,
        what: What,
        body: Vec<u8>,
    ) -> Result<()> {
        let bucket = Arn::parse(&destination.bucket).map_err(ApiError::internal)?.resource().to_owned();
        let name = naming.object(destination, what);
        let is_error = what == What::Rejects;
        let body = if is_error {
            body
        } else {
            compressed(&destination.compression, &naming.base(destination, what), body)?
        };
        let caller = self.acting(naming.key, &destination.role).await?;
        let input = o::PutObjectRequest {
            bucket,
            key: name,
            body: ByteStream::from_bytes(body),
            content_type: Some("application/octet-stream".into()),
            content_encoding: (!is_error && destination.compression == "GZIP").then(|| "gzip".into()),
            server_side_encryption: destination.kms_key.as_ref().map(|_| "aws:kms".into()),
            ssekms_key_id: destination.kms_key.clone(),
            ..Default::default()
        };
        let put = self.platform.bus.call::<s3_op::PutObject>(caller, naming.key.1, None, input).await;
        if put.as_ref().is_err_and(|refused| refused.fault() == haneul_kit::Fault::Client) {
            // The role may be another one now.
            self.sessions.forget(naming.key);
        }
        put.map(drop)
    }

    /// Tells the stream's log what went wrong, if it has one. That it cannot be told is no fault of the delivery.
    pub(super) async fn note(&self, key: &StreamKey, stream: &StreamRecord, refused: &ApiError) {
        let Some(logging) = stream.destination.logging.as_ref().filter(|logging| logging.enabled) else {
            return;
        };
        let (Some(group), Some(into)) = (&logging.group, &logging.stream) else { return };
        let message = serde_json::json!({
            "deliveryStreamARN": arn(key).to_string(),
            "destination": stream.destination.bucket,
            "deliveryStreamVersionId": stream.version,
            "message": refused.message(),
            "errorCode": format!("S3.{}", refused.code()),
        });
        let input = g::PutLogEventsRequest {
            log_group_name: group.clone(),
            log_stream_name: into.clone(),
            log_events: vec![g::InputLogEvent {
                timestamp: self.platform.env.now().millis(),
                message: message.to_string(),
            }],
            ..Default::default()
        };
        let told = match self.acting(key, &stream.destination.role).await {
            Ok(caller) => {
                self.platform.bus.call::<logs_op::PutLogEvents>(caller, key.1, None, input).await.map(drop)
            }
            Err(refused) => Err(refused),
        };
        if let Err(error) = told {
            tracing::debug!(%error, stream = key.2, "a failed delivery could not be logged");
        }
    }
}

/// What an object holds.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Records,
    /// Records as they came.
    Source,
    /// Those that could not be processed.
    Rejects,
}

/// What an object's name is made of.
struct Naming<'d> {
    key: &'d StreamKey,
    delivery: &'d DeliveryRecord,
    first_ms: i64,
}

impl Naming<'_> {
    fn object(&self, destination: &Destination, what: What) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let rng = self.rng(what);
        let error = (what == What::Rejects).then_some(PROCESSING_FAILED);
        let zone = prefix::zone(destination.time_zone.as_deref());
        let given = match error {
            Some(_) => destination.error_prefix.as_deref().or(destination.prefix.as_deref()),
            None => destination.prefix.as_deref(),
        };
        let random = || rng.text(LETTERS, 11);
        let before = prefix::render(given.unwrap_or_default(), self.first_ms, &zone, random, error);
        let extension = match (&destination.file_extension, destination.compression.as_str()) {
            (Some(extension), _) if error.is_none() && !extension.is_empty() => extension.as_str(),
            (_, "GZIP") if error.is_none() => ".gz",
            (_, "ZIP") if error.is_none() => ".zip",
            _ => "",
        };
        format!("{before}{}{extension}", self.base(destination, what))
    }

    /// `name-1-2026-11-26-07-05-09-UUID`
    fn base(&self, destination: &Destination, what: What) -> String {
        let zone = prefix::zone(destination.time_zone.as_deref());
        let stamp = prefix::stamp(self.delivery.named_ms, &zone);
        let version = self.delivery.version;
        let kept = self.delivery.uuid.clone().filter(|_| what == What::Records);
        let uuid = kept.unwrap_or_else(|| self.rng(what).uuid());
        format!("{}-{version}-{stamp}-{uuid}", self.key.2)
    }

    /// The same each time, and another one for each object.
    fn rng(&self, what: What) -> Rng {
        Rng::seeded(self.delivery.seed.wrapping_add(what as u64))
    }
}

fn joined(items: &[Item]) -> Vec<u8> {
    let size = items.iter().map(|item| item.data.len()).sum();
    let mut body = Vec::with_capacity(size);
    items.iter().for_each(|item| body.extend_from_slice(&item.data));
    body
}

fn lines(rejects: &[Reject], ended_ms: i64) -> Vec<u8> {
    let lines: Vec<String> = rejects.iter().map(|reject| line(reject, ended_ms) + "\n").collect();
    lines.concat().into_bytes()
}

fn compressed(format: &str, name: &str, body: Vec<u8>) -> Result<Vec<u8>> {
    match format {
        "GZIP" => {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            packed.write_all(&body).and_then(|()| packed.finish()).map_err(ApiError::internal)
        }
        "ZIP" => {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            archive.start_file(name, zip::write::SimpleFileOptions::default()).map_err(ApiError::internal)?;
            archive.write_all(&body).map_err(ApiError::internal)?;
            Ok(archive.finish().map_err(ApiError::internal)?.into_inner())
        }
        _ => Ok(body),
    }
}
