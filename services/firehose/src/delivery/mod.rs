//! From records to objects: [`process`] changes records, [`lambda`] asks a function to, [`objects`] compresses, names and puts;
//! here what is taken, in which order, and what happens when it fails.

mod lambda;
mod objects;
mod process;

use bytes::Bytes;
use haneul_kit::{ApiError, Result};

pub(crate) use process::check as check_processor;

use crate::Firehose;
use crate::firehose::Ended;
use crate::metrics;
use crate::model::{DeliveryRecord, RowKey, StreamKey, StreamRecord, row_kind, unpack};
use crate::source::{self, Origin};

/// How long what cannot be delivered is kept. Source: Developer Guide, "Data delivery failure": 24 hours for direct puts.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// A record on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// As the function sees it, and told of a failure.
    pub(crate) id: String,
    pub(crate) arrived_ms: i64,
    pub(crate) data: Bytes,
    /// What is told of it where it was read.
    pub(crate) origin: Option<Origin>,
}

/// A record that could not be processed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reject {
    pub(crate) item: Item,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) attempts: u32,
    pub(crate) function: Option<String>,
}

impl Firehose {
    /// Delivers the oldest records of a stream, as many as an object holds.
    ///
    /// # Errors
    /// When something could not be reached or refuses; then nothing is forgotten.
    pub(crate) async fn deliver(&self, key: &StreamKey, stream: &StreamRecord) -> Result<Ended> {
        let (id, now_ms) = (stream.id, self.platform.env.now().millis());
        let known = self.records.delivery(id).await?;
        let rows = match &known {
            Some(delivery) => self.records.of_delivery(id, delivery).await?,
            None => self.records.oldest(id, stream.destination.size()).await?,
        };
        let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else {
            self.records.delivered(id, &[]).await?;
            return Ok(Ended::Empty { now_ms });
        };
        let is_new = known.is_none();
        let mut delivery = known.unwrap_or_else(|| DeliveryRecord {
            from: (first.1, first.2),
            to: (last.1, last.2),
            named_ms: now_ms,
            version: stream.version,
            seed: self.platform.env.rng.u64(),
            uuid: None,
        });
        if delivery.uuid.is_some() {
            delivery.version = stream.version;
        }
        let first_ms = first.1;
        let mut keys: Vec<RowKey> = rows.iter().map(|(key, _)| *key).collect();
        let mut bytes = 0;
        // What does not open, as its key of KMS is lost, is no better off than what cannot be put.
        let put = match self.items(key, stream, rows).await {
            Ok(items) => {
                bytes = items.iter().map(|item| item.data.len() as u64).sum();
                if is_new {
                    self.records.begin(id, &delivery).await?;
                }
                self.put_all(key, stream, &delivery, first_ms, items).await
            }
            Err(refused) => Err(refused),
        };
        if let Err(refused) = put {
            self.note(key, stream, &refused).await;
            self.sample(metrics::DELIVERED, key, 0.0);
            // What was read waits for as long as it takes; meanwhile nothing more is read. Source: Developer Guide, "Quota".
            if stream.source.is_some() {
                return Err(refused);
            }
            // Those that are younger are delivered by another object.
            keys.retain(|key| key.1 + KEPT_MS <= now_ms);
            if keys.is_empty() {
                return Err(refused);
            }
            tracing::error!(stream = key.2, error = %refused, "records that could not be delivered for a day are thrown away");
        } else {
            self.sample(metrics::DELIVERED, key, 1.0);
            self.sample(metrics::FRESHNESS, key, (now_ms - first_ms).max(0) as f64 / 1000.0);
        }
        self.records.delivered(id, &keys).await?;
        Ok(match self.records.first(id).await? {
            Some(first_ms) => Ended::Left { first_ms, delivered: bytes },
            None => Ended::Empty { now_ms },
        })
    }

    /// The records of rows.
    async fn items(
        &self,
        key: &StreamKey,
        stream: &StreamRecord,
        rows: Vec<(RowKey, Vec<u8>)>,
    ) -> Result<Vec<Item>> {
        let broken = || ApiError::internal("a row of records does not open");
        let is_sealed = rows.iter().any(|(_, row)| row.first() == Some(&row_kind::SEALED));
        let data_key = if is_sealed { self.data_key(key, stream).await? } else { None };
        let mut items = Vec::new();
        for ((_, arrived_ms, number), row) in rows {
            let row = match row.first() {
                Some(&row_kind::PLAIN) => Bytes::from(row).slice(1..),
                Some(&row_kind::READ) => {
                    let pieces = unpack(Bytes::from(row).slice(1..)).ok_or_else(broken)?;
                    let read = source::read_items(pieces).ok_or_else(broken)?.into_iter().enumerate();
                    items.extend(read.map(|(i, (origin, data))| {
                        let (id, origin) = (record_id(number, i), Some(origin));
                        Item { id, arrived_ms, data, origin }
                    }));
                    continue;
                }
                Some(&row_kind::SEALED) => {
                    let key = data_key.as_ref().ok_or_else(broken)?;
                    key.open(&stream.id.to_be_bytes(), &row[1..]).ok_or_else(broken)?.into()
                }
                _ => return Err(broken()),
            };
            let records = unpack(row).ok_or_else(broken)?.into_iter().enumerate();
            items.extend(records.map(|(i, data)| {
                let id = record_id(number, i);
                Item { id, arrived_ms, data, origin: None }
            }));
        }
        Ok(items)
    }
}

/// The id of the `i`th record of a row, which PutRecord answers.
pub(crate) fn record_id(number: u64, i: usize) -> String {
    format!("{number:020}{i:06}")
}
