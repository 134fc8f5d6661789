use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use futures_util::stream;
use haneul_kit::{Access, ApiError, ByteStream, Cx, Handle, Principal, Result};
use haneul_s3_select::{Compression, CsvInput, Engine, Input, Request, SelectError, Stats};
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
        let object = self.stream(&body, inline, span, reading, key).await?;
        self.note_read(cx, &bucket, named.key, &record, &body);
        self.meter_read(cx.now(), &bucket, &body, body.size);
        let mut selecting = Selecting {
            object,
            piece: Bytes::new(),
            engine,
            ready: VecDeque::new(),
            tells_progress: input.request_progress.and_then(|progress| progress.enabled) == Some(true),
            told: 0,
            last_event: 0,
            state: State::Reading,
            counts: self.selections(&bucket, named.key, &body.tags, now),
        };
        // What is wrong with the expression or the first records is answered as any error is.
        match selecting.step().await {
            Ok(()) => {}
            Err(Failed::Select(failure)) => return Err(refused(failure)),
            Err(Failed::Api(failure)) => return Err(failure),
        }
        let events = stream::unfold(selecting, |mut selecting| async move {
            let event = selecting.next().await?;
            Some((event, selecting))
        });
        Ok(s::SelectObjectContentOutput { payload: EventStream::new(events) })
    }
}

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
    object: ByteStream,
    /// What of the object has not been taken yet.
    piece: Bytes,
    engine: Engine,
    ready: VecDeque<Event>,
    tells_progress: bool,
    /// How much of the object, unpacked, had been read when progress was told, and when anything was sent.
    told: u64,
    last_event: u64,
    state: State,
    counts: Selections,
}

#[derive(PartialEq)]
enum State {
    Reading,
    /// All was read, and not everything answered.
    Ending,
    /// What is ready is the last.
    Over,
    Failed,
}

enum Failed {
    Select(SelectError),
    Api(ApiError),
}

impl From<SelectError> for Failed {
    fn from(failure: SelectError) -> Failed {
        Failed::Select(failure)
    }
}

impl Selecting {
    async fn next(&mut self) -> Option<Result<Event, BoxError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.last_event = self.engine.stats().processed;
                return Some(Ok(event));
            }
            match self.state {
                State::Reading | State::Ending => {}
                State::Over | State::Failed => return None,
            }
            if let Err(failure) = self.step().await {
                self.state = State::Failed;
                let failure = match failure {
                    Failed::Select(failure) => WireError::sender(failure.code, failure.message),
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
        let began = self.engine.stats().processed;
        let mut turn = began;
        while self.ready.is_empty() && self.state != State::Over {
            if self.state == State::Ending {
                self.end()?;
            } else if self.engine.is_done() {
                self.state = State::Ending;
            } else if self.piece.is_empty() {
                match self.object.next().await {
                    Some(piece) => self.piece = piece.map_err(|failure| Failed::Api(body_error(failure)))?,
                    None => self.state = State::Ending,
                }
                continue;
            } else {
                let fed = self.engine.feed(&self.piece)?;
                self.piece.advance(fed);
            }
            if self.engine.ready() >= RECORDS_BYTES {
                self.records();
            }
            let processed = self.engine.stats().processed;
            if processed - began >= STEP_BYTES {
                break;
            }
            if processed - turn >= TURN_BYTES || self.engine.is_waiting() {
                turn = processed;
                tokio::task::yield_now().await;
            }
        }
        let stats = self.engine.stats();
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

    /// Goes on with what is left when all was read.
    fn end(&mut self) -> Result<(), Failed> {
        if !self.engine.finish()? {
            return Ok(());
        }
        self.records();
        let stats = self.engine.stats();
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
        Ok(())
    }

    fn records(&mut self) {
        let mut rest = Bytes::from(self.engine.take());
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
