use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_kit::{AccountId, ApiError, BoxFuture, Fault, Instant, Reconciler, Region, Result, Signal};

use crate::Logs;
use crate::events::{Direction, Reader, Scope};
use crate::model::{Export, ExportState, Stream};
use crate::ops::retention::cutoff_ms;

/// Writes the events of export tasks to their buckets, stream by stream. After a crash the work goes on with the stream in which
/// it was; its files are written again over themselves.
pub(crate) struct Exporting {
    logs: Arc<Logs>,
    signal: Signal,
}

type Key = (AccountId, Region, String);

/// Bytes of events in one file, before compression.
const FILE_BYTES: usize = 64 * 1024 * 1024;

/// A bucket that does not answer is asked again after this.
const AGAIN_MS: i64 = 30_000;

enum End {
    Completed,
    Cancelled,
}

impl Exporting {
    pub(crate) fn new(logs: Arc<Logs>) -> Exporting {
        let signal = logs.exporting.clone();
        Exporting { logs, signal }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let mut again = None;
        for (key, export) in self.logs.records.active_exports().await? {
            let ended = self.export(&key, &export).await;
            let now_ms = self.logs.platform.env.now().millis();
            let (state, message) = match ended {
                Ok(End::Completed) => (ExportState::Completed, "Completed successfully".to_owned()),
                Ok(End::Cancelled) => (ExportState::Cancelled, "Cancelled by the user".to_owned()),
                Err(error) if error.fault() == Fault::Server => {
                    tracing::warn!(%error, "an export is tried again");
                    again = Some(Instant::from_millis(now_ms + AGAIN_MS));
                    continue;
                }
                Err(error) => (ExportState::Failed, error.message().to_owned()),
            };
            let message = &message;
            let end = |export: &mut Export| {
                export.state = state;
                export.message = message.clone();
                export.ended_ms = Some(now_ms);
                Ok(())
            };
            self.logs.records.change_export((key.0, key.1), &key.2, end).await?;
        }
        Ok(again)
    }

    async fn export(&self, key: &Key, export: &Export) -> Result<End> {
        let (logs, owner) = (&self.logs, (key.0, key.1));
        let name = export.group.name()?;
        let begin = |export: &mut Export| {
            if export.state == ExportState::Pending {
                export.state = ExportState::Running;
            }
            Ok(())
        };
        if logs.records.change_export(owner, &key.2, begin).await?.state == ExportState::PendingCancel {
            return Ok(End::Cancelled);
        }
        let group = logs.records.group(&name).await?;
        if group.id != export.group_id {
            return Err(crate::error::group_not_found());
        }
        let from_ms = export.from_ms.max(cutoff_ms(&group, logs.platform.env.now()).unwrap_or(0));
        let prefix = export.stream_prefix.as_deref().unwrap_or_default();
        let streams = logs.records.streams(group.id, prefix).await?;
        let mut folders = folders(&streams);
        for (stream_name, stream) in streams {
            if export.done.as_ref().is_some_and(|done| stream_name <= *done) {
                continue;
            }
            let scope = Scope { id: stream.id, from_ms, to_ms: export.to_ms.saturating_add(1) };
            let mut reader = Reader::new(logs, (&name, group.id), scope, Direction::Forward, None);
            let folder = folders.remove(&stream.id).unwrap_or_default();
            let folder = format!("{}/{}/{folder}", export.prefix, key.2);
            let (mut file, mut bytes, mut number) = (packer(), 0, 0);
            while let Some(event) = reader.next().await? {
                let time = Instant::from_millis(event.place.time_ms).iso8601_millis();
                let line = format!("{time} {}\n", event.message);
                bytes += line.len();
                file.write_all(line.as_bytes()).map_err(ApiError::internal)?;
                if bytes >= FILE_BYTES {
                    let full = std::mem::replace(&mut file, packer());
                    let key = format!("{folder}/{number:06}.gz");
                    let body = full.finish().map_err(ApiError::internal)?;
                    logs.put_file(&name, &export.bucket, &key, body).await?;
                    (bytes, number) = (0, number + 1);
                }
            }
            if bytes > 0 {
                let key = format!("{folder}/{number:06}.gz");
                let body = file.finish().map_err(ApiError::internal)?;
                logs.put_file(&name, &export.bucket, &key, body).await?;
            }
            let through = |export: &mut Export| {
                export.done = Some(stream_name.clone());
                Ok(())
            };
            let now = logs.records.change_export(owner, &key.2, through).await?;
            if now.state == ExportState::PendingCancel {
                return Ok(End::Cancelled);
            }
        }
        Ok(End::Completed)
    }
}

/// The folder of each stream, by its id: its name with dashes for slashes. Where several would have the same one the oldest has
/// it and the others are told apart, so that no file is written over another, nor by a stream that is made while we are at it.
fn folders(streams: &[(String, Stream)]) -> HashMap<u64, String> {
    let mut oldest: Vec<&(String, Stream)> = streams.iter().collect();
    oldest.sort_by_key(|(name, stream)| (stream.created_ms, name));
    let mut taken = HashSet::new();
    let folder = |(name, stream): &(String, Stream)| {
        let plain = name.replace('/', "-");
        let folder = match taken.insert(plain.clone()) {
            true => plain,
            false => format!("{plain}-{:016x}", stream.id),
        };
        (stream.id, folder)
    };
    oldest.into_iter().map(folder).collect()
}

fn packer() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::default())
}

impl Reconciler for Exporting {
    fn name(&self) -> &'static str {
        "logs.exporting"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
