use std::collections::VecDeque;

use bytes::Bytes;
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

/// Longest header, in bytes.
const HEADER_BYTES_MAX: usize = 1024 * 1024;

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
        if from > 0 && engine.wants_header() {
            let whole = Span { start: 0, end: body.size.min(HEADER_BYTES_MAX as u64) };
            let reading = self.content.readers.begin();
            let head = self.stream(&body, inline.clone(), whole, reading, key.clone()).await?;
            engine.header(&first_line(head, &asked.input).await?).map_err(refused)?;
        }
        let span = Span { start: from, end: body.size };
        let object = self.stream(&body, inline, span, reading, key).await?;
        self.note_read(cx, &bucket, named.key, &record, &body);
        let mut selecting = Selecting {
            object,
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

async fn first_line(mut object: ByteStream, input: &Input) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    let Input::Csv(csv) = input else { return Ok(line) };
    while let Some(bytes) = object.next().await {
        line.extend_from_slice(&bytes.map_err(body_error)?);
        if let Some((end, _)) = csv.end(&line, &mut Default::default()) {
            line.truncate(end);
            break;
        }
    }
    Ok(line)
}

type Event = s::SelectObjectContentEventStream;

/// An answer on its way.
struct Selecting {
    object: ByteStream,
    engine: Engine,
    ready: VecDeque<Event>,
    tells_progress: bool,
    /// How much of the object had been read when progress was told, and when anything was sent.
    told: u64,
    last_event: u64,
    state: State,
    counts: Selections,
}

#[derive(PartialEq)]
enum State {
    Reading,
    /// All was read; what is ready is the last.
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
                self.last_event = self.engine.stats().scanned;
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

    /// Takes a piece of the object.
    async fn step(&mut self) -> Result<(), Failed> {
        let piece = if self.engine.is_done() { None } else { self.object.next().await };
        match piece {
            Some(piece) => {
                self.engine.feed(&piece.map_err(|failure| Failed::Api(body_error(failure)))?)?;
                if self.engine.ready() >= RECORDS_BYTES {
                    self.records();
                }
                let stats = self.engine.stats();
                if self.tells_progress && stats.scanned - self.told >= PROGRESS_BYTES {
                    self.told = stats.scanned;
                    let details = Some(progress(stats));
                    self.ready.push_back(Event::Progress(s::ProgressEvent { details }));
                } else if self.ready.is_empty() && stats.scanned - self.last_event >= CONTINUATION_BYTES {
                    self.ready.push_back(Event::Cont(s::ContinuationEvent::default()));
                }
                // Pieces may be there at once, for long.
                tokio::task::yield_now().await;
            }
            None => {
                self.engine.finish()?;
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
            }
        }
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
