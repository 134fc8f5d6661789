use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream;
use haneul_kit::{Access, ApiError, ByteStream, Cx, Fault, Handle, Principal, Result};
use haneul_s3_select::{Columnar, Compression, CsvInput, Engine, Input, Request, SelectError, Stats};
use haneul_s3_wire::operations::SelectObjectContent;
use haneul_s3_wire::shapes as s;
use haneul_shape::{BoxError, EventStream};
use haneul_wire::WireError;

use crate::content::receive::body_error;
use crate::encryption::customer_key;
use crate::facts::Named;
use crate::range::Span;
use crate::request_metrics::Selections;
use crate::selection;
use crate::{S3, archive, error, names};

use super::select_source::{Failed, Source};

/// Largest payload of one event, in bytes.
const RECORDS_BYTES: usize = 128 * 1024;

/// After so many bytes of the object the client is told how far it is, if it asked to be, and that we are alive, in any case.
const PROGRESS_BYTES: u64 = 4 * 1024 * 1024;
const CONTINUATION_BYTES: u64 = 16 * 1024 * 1024;

/// The header, with the comments before it, ends within so many bytes where a later range is asked for.
const HEAD_BYTES_MAX: u64 = 1024 * 1024;

/// So many bytes of an object, unpacked, are gone through before something is sent or somebody else has a turn.
const STEP_BYTES: u64 = 1024 * 1024;
const TURN_BYTES: u64 = 256 * 1024;

/// So many turns of columns, each of thousands of rows, without anything to send: the client is told that we are alive.
const TURNS: u32 = 100;

impl Handle<SelectObjectContent> for S3 {
    async fn access(&self, cx: &Cx, input: &s::SelectObjectContentRequest) -> Result<Vec<Access>> {
        if cx.caller().principal == Principal::Anonymous {
            return Err(error::new(
                "UnauthorizedAccess",
                401,
                "You are not authorized to perform this operation",
            ));
        }
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: None };
        self.object_access(cx, &bucket, "s3:GetObject", named).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SelectObjectContentRequest,
    ) -> Result<s::SelectObjectContentOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let asked = selection::read(&input)?;
        let named = Named { key: &input.key, version: None };
        let reading = self.content.readers.begin();
        let (found, inline) = self.records.read(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        archive::check_readable(&body, cx.now())?;
        if body.storage_class() == "REDUCED_REDUNDANCY" {
            let message = "We encountered an unsupported storage class. Only STANDARD, STANDARD_IA, and ONEZONE_IA storage \
                           classes are supported.";
            return Err(error::new("UnsupportedStorageClass", 400, message));
        }
        let key = self.open_key(cx, body.sealed.as_ref(), &customer_key!(input)).await?;
        let range = asked.range.map_or(Ok(None), |range| range.of(body.size).map(Some))?;
        let now = cx.now();
        // A record that begins in the range is found from the end of the one before it.
        let overlap = asked.delimiter_bytes();
        let from = range.map_or(0, |range| range.start.saturating_sub(overlap));
        let request = Request {
            expression: input.expression,
            input: asked.input.clone(),
            compression: asked.compression,
            output: asked.output,
            now: (now.secs(), (now.millis().rem_euclid(1000) * 1_000_000) as u32),
            end: range.map(|range| range.end - from),
            begins_inside: range.is_some_and(|range| range.start > 0),
        };
        let source = if let Input::Parquet = &asked.input {
            let groups = range.map_or(0..body.size, |range| range.start..range.end);
            let engine = Columnar::new(request, body.size, groups).map_err(refused)?;
            Source::columns(self.ranges(&body, inline, reading, key).await?, engine)
        } else {
            let mut engine = Engine::new(request).map_err(refused)?;
            if let Input::Csv(csv) = &asked.input
                && engine.wants_header()
                && range.is_some_and(|range| range.start > 0)
            {
                let whole = Span { start: 0, end: body.size.min(HEAD_BYTES_MAX) };
                let reading = self.content.readers.begin();
                let head = self.stream(&body, inline.clone(), whole, reading, key.clone()).await?;
                if let Some((header, next)) = header(head, csv, whole.end == body.size).await? {
                    engine.header(&header, next.saturating_sub(from)).map_err(refused)?;
                }
            }
            let span = Span { start: from, end: body.size };
            Source::stream(self.stream(&body, inline, span, reading, key).await?, engine)
        };
        self.note_read(cx, &bucket, named.key, &record, &body);
        let mut selecting = Selecting {
            source,
            ready: VecDeque::new(),
            tells_progress: input.request_progress.and_then(|progress| progress.enabled) == Some(true),
            told: 0,
            last_event: 0,
            turns: 0,
            state: State::Reading,
            counts: self.selections(&bucket, named.key, &body, now),
        };
        // What is wrong with the expression or the first records is answered as any error is.
        match selecting.step().await {
            Ok(()) => {}
            Err(Failed::Select(failure)) => return Err(refused(failure)),
            Err(Failed::Api(failure)) => return Err(failure),
            Err(Failed::Busy) => return Err(error::new("Busy", 503, BUSY).with_fault(Fault::Server)),
        }
        let events = stream::unfold(selecting, |mut selecting| async move {
            let event = selecting.next().await?;
            Some((event, selecting))
        });
        Ok(s::SelectObjectContentOutput { payload: EventStream::new(events) })
    }
}

const BUSY: &str = "The service is unavailable. Try again later.";

/// The engine's errors are the client's; it names them as S3 does.
fn refused(failure: SelectError) -> ApiError {
    error::new(failure.code, 400, failure.message)
}

/// The first record of an object, and where the next one begins.
async fn header(mut head: ByteStream, csv: &CsvInput, is_all: bool) -> Result<Option<(Vec<u8>, u64)>> {
    let mut bytes = Vec::new();
    loop {
        let piece = head.next().await.transpose().map_err(body_error)?;
        let is_over = piece.is_none();
        bytes.extend_from_slice(&piece.unwrap_or_default());
        if let Some((header, next)) = csv.first_record(&bytes, is_over && is_all) {
            return Ok(Some((bytes[header].to_vec(), next as u64)));
        }
        if is_over {
            return if is_all { Ok(None) } else { Err(refused(haneul_s3_select::csv::too_long())) };
        }
    }
}

type Event = s::SelectObjectContentEventStream;

/// An answer on its way.
struct Selecting {
    source: Source,
    ready: VecDeque<Event>,
    tells_progress: bool,
    /// How much of the object, unpacked, had been read when progress was told, and when anything was sent.
    told: u64,
    last_event: u64,
    turns: u32,
    state: State,
    counts: Selections,
}

#[derive(PartialEq)]
enum State {
    Reading,
    /// What is ready is the last.
    Over,
    Failed,
}

impl Selecting {
    async fn next(&mut self) -> Option<Result<Event, BoxError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                (self.last_event, self.turns) = (self.source.stats().processed, 0);
                return Some(Ok(event));
            }
            match self.state {
                State::Reading => {}
                State::Over | State::Failed => return None,
            }
            if let Err(failure) = self.step().await {
                self.state = State::Failed;
                let failure = match failure {
                    Failed::Select(failure) => WireError::sender(failure.code, failure.message),
                    Failed::Busy => WireError::receiver("Busy", BUSY),
                    Failed::Api(failure) => {
                        tracing::warn!(%failure, "an object could not be read for a selection");
                        WireError::receiver(
                            "InternalError",
                            "We encountered an internal error. Please try again.",
                        )
                    }
                };
                return Some(Err(failure.into()));
            }
        }
    }

    /// Goes on until there is something to send, or for a while.
    async fn step(&mut self) -> Result<(), Failed> {
        let began = self.source.stats().processed;
        let mut turn = began;
        while self.ready.is_empty() && self.state != State::Over {
            let over = self.source.go_on().await?;
            if self.source.ready() >= RECORDS_BYTES {
                self.records();
            }
            if over {
                self.end();
                break;
            }
            let processed = self.source.stats().processed;
            if processed - began >= STEP_BYTES {
                break;
            }
            if processed - turn >= TURN_BYTES || self.source.is_waiting() {
                turn = processed;
                tokio::task::yield_now().await;
            }
            self.turns += u32::from(self.source.is_columns());
            if self.turns >= TURNS {
                self.ready.push_back(Event::Cont(s::ContinuationEvent::default()));
            }
        }
        let stats = self.source.stats();
        let goes_on = self.state != State::Over;
        if goes_on && self.tells_progress && stats.processed - self.told >= PROGRESS_BYTES {
            self.told = stats.processed;
            let details = Some(progress(stats));
            self.ready.push_back(Event::Progress(s::ProgressEvent { details }));
        } else if goes_on && self.ready.is_empty() && stats.processed - self.last_event >= CONTINUATION_BYTES
        {
            self.ready.push_back(Event::Cont(s::ContinuationEvent::default()));
        }
        // Pieces may be there at once, for long.
        tokio::task::yield_now().await;
        Ok(())
    }

    fn end(&mut self) {
        self.records();
        let stats = self.source.stats();
        if self.tells_progress {
            let details = Some(progress(stats));
            self.ready.push_back(Event::Progress(s::ProgressEvent { details }));
        }
        let details = s::Stats {
            bytes_scanned: Some(stats.scanned as i64),
            bytes_processed: Some(stats.processed as i64),
            bytes_returned: Some(stats.returned as i64),
        };
        self.ready.push_back(Event::Stats(s::StatsEvent { details: Some(details) }));
        self.ready.push_back(Event::End(s::EndEvent::default()));
        self.counts.record(stats.scanned, stats.returned);
        self.state = State::Over;
    }

    fn records(&mut self) {
        let mut rest = Bytes::from(self.source.take());
        while !rest.is_empty() {
            let payload = Some(rest.split_to(rest.len().min(RECORDS_BYTES)));
            self.ready.push_back(Event::Records(s::RecordsEvent { payload }));
        }
    }
}

fn progress(stats: Stats) -> s::Progress {
    s::Progress {
        bytes_scanned: Some(stats.scanned as i64),
        bytes_processed: Some(stats.processed as i64),
        bytes_returned: Some(stats.returned as i64),
    }
}

impl selection::Asked {
    /// How many bytes before a range have to be seen to know whether a record begins at it.
    fn delimiter_bytes(&self) -> u64 {
        match (&self.input, self.compression) {
            (Input::Csv(CsvInput { record_delimiter: Some(delimiter), .. }), Compression::None) => {
                delimiter.len() as u64
            }
            _ => 1,
        }
    }
}
