use bytes::Bytes;
use haneul_kit::Arn;
use haneul_kit::metrics::Owner;
use haneul_otlp::attributes::Resource;

use super::{Update, json, otel};
use crate::model::{OutputFormat, StreamRecord};

/// Of one call. Source: Firehose Developer Guide, "Quota": a stream takes 1 MiB a second in most Regions.
const CALL_MAX: usize = 1_000_000;

/// A record is closed when it has so much. Small, so that some are taken when others put into the same stream. A minute with all
/// of its 30 dimensions has less.
const RECORD_FULL: usize = 100 * 1000;

/// Minutes of a stream's metrics, put together in records.
pub(crate) struct Records<'a> {
    stream: &'a StreamRecord,
    name: &'a str,
    resource: Resource,
    closed: Vec<Bytes>,
    /// Of `closed`.
    length: usize,
    open: Open,
}

/// A record that takes more.
enum Open {
    Lines(Vec<u8>),
    Request(otel::Request),
}

impl Open {
    fn new(format: OutputFormat) -> Open {
        match format {
            OutputFormat::Json => Open::Lines(Vec::new()),
            OutputFormat::OpenTelemetry1 | OutputFormat::OpenTelemetry07 => Open::Request(Default::default()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Open::Lines(lines) => lines.len(),
            Open::Request(request) => request.len(),
        }
    }
}

impl<'a> Records<'a> {
    pub(crate) fn new(owner: Owner, arn: &Arn, name: &'a str, stream: &'a StreamRecord) -> Records<'a> {
        let open = Open::new(stream.format);
        let resource = otel::resource(owner, arn);
        Records { stream, name, resource, closed: Vec::new(), length: 0, open }
    }

    /// Adds one minute; what has to be sent before the next.
    #[must_use]
    pub(crate) fn add(&mut self, update: &Update<'_>) -> Option<Vec<Bytes>> {
        match &mut self.open {
            Open::Lines(lines) => {
                lines.extend_from_slice(json::line(self.stream, self.name, update).as_bytes())
            }
            Open::Request(request) => request.add(self.stream, update),
        }
        let full = self.length + self.open.len() + RECORD_FULL > CALL_MAX;
        if self.open.len() >= RECORD_FULL || full {
            self.close();
        }
        full.then(|| self.take())
    }

    /// All that there is.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        if self.open.len() > 0 {
            self.close();
        }
        self.length = 0;
        std::mem::take(&mut self.closed)
    }

    fn close(&mut self) {
        let record = match std::mem::replace(&mut self.open, Open::new(self.stream.format)) {
            Open::Lines(lines) => lines,
            Open::Request(request) => request.encode(&self.resource),
        };
        self.length += record.len();
        self.closed.push(record.into());
    }
}
