use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use haneul_env::clock::monotonic;
use haneul_env::{Clock, Env};
use haneul_sandbox::process::Reader;
use tokio::io::AsyncReadExt;
use tokio::sync::{mpsc, oneshot};

use crate::LogEvent;
use crate::lines::Notice;
use crate::telemetry::{Event, Telemetry};

/// What `LogType=Tail` shows (Invoke, `LogResult`).
const TAIL_BYTES: usize = 4096;
/// A line that is longer is cut into several events (CloudWatch Logs' largest event is 1 MB, Lambda cuts at 256 KB).
const LINE_BYTES_MAX: usize = 256 * 1024;
/// A function that runs for long is read along with, and one that never stops writing is not kept in memory.
const FLUSH_AFTER: Duration = Duration::from_millis(200);
const FLUSH_BYTES: usize = 1 << 20;
const READ_BYTES: usize = 64 * 1024;
/// Of our own bootstraps: one event of any number of lines follows.
const FRAME: [u8; 4] = [0xa5, 0x5a, 0x00, 0x03];
const FRAME_HEAD: usize = 16;

/// Takes what one environment writes, and our own lines about it, to the log.
pub(crate) struct Collector {
    commands: mpsc::UnboundedSender<Command>,
}

enum Command {
    /// An invocation begins: the tail begins anew, with these lines. Said before the program has the event, so that all
    /// that is read from here on is of it.
    Begin(Notice),
    Write(Notice),
    /// One of several invocations that write at the same time begins: its tail are the events that name its request.
    Follow(String),
    /// It does not.
    Leave(String),
    /// Takes what was written until now, then these lines; answers with the tail, that of one request where one is named.
    End(Notice, Option<String>, oneshot::Sender<Bytes>),
}

impl Collector {
    /// `reader` is what the runtime writes, `extensions` what they write, if there are any.
    pub(crate) fn start(
        env: &Env,
        sink: impl Fn(Vec<LogEvent>) + Send + 'static,
        telemetry: Arc<Telemetry>,
        reader: Reader,
        extensions: Option<Reader>,
    ) -> Collector {
        let (commands, taken) = mpsc::unbounded_channel();
        let work = Work {
            env: env.clone(),
            sink: Box::new(sink),
            telemetry,
            function: Source { kind: "function", reader: Some(reader), parser: Parser::default() },
            extensions: Source { kind: "extension", reader: extensions, parser: Parser::default() },
            events: Vec::new(),
            bytes: 0,
            since: None,
            tail: String::new(),
            followed: HashMap::new(),
        };
        env.spawn("function log", work.run(taken));
        Collector { commands }
    }

    pub(crate) fn begin(&self, notice: Notice) {
        let _ = self.commands.send(Command::Begin(notice));
    }

    pub(crate) fn write(&self, notice: Notice) {
        let _ = self.commands.send(Command::Write(notice));
    }

    pub(crate) fn follow(&self, request_id: &str) {
        let _ = self.commands.send(Command::Follow(request_id.to_owned()));
    }

    pub(crate) fn leave(&self, request_id: &str) {
        let _ = self.commands.send(Command::Leave(request_id.to_owned()));
    }

    pub(crate) async fn end(&self, notice: Notice, of: Option<String>) -> Bytes {
        let (answer, tail) = oneshot::channel();
        let _ = self.commands.send(Command::End(notice, of, answer));
        tail.await.unwrap_or_default()
    }
}

struct Work {
    env: Env,
    sink: Box<dyn Fn(Vec<LogEvent>) + Send>,
    telemetry: Arc<Telemetry>,
    function: Source,
    extensions: Source,
    events: Vec<LogEvent>,
    /// That the events take.
    bytes: usize,
    /// When the oldest event came.
    since: Option<std::time::Instant>,
    tail: String,
    /// Tails by request id.
    followed: HashMap<String, String>,
}

/// One pipe that programs of the environment write into.
struct Source {
    kind: &'static str,
    reader: Option<Reader>,
    parser: Parser,
}

impl Source {
    fn took(&mut self, read: usize, buffer: &[u8]) -> Vec<String> {
        if read == 0 {
            self.reader = None;
        }
        self.parser.take(&buffer[..read])
    }

    /// Reads what is there, to the last line without an end.
    fn drain(&mut self, buffer: &mut [u8]) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(read) = read_now(&mut self.reader, buffer) {
            texts.extend(self.took(read, buffer));
            if read == 0 {
                break;
            }
        }
        texts.extend(self.parser.finish());
        texts
    }
}

impl Work {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let clock = Clock::real();
        let (mut buffer, mut second) = (vec![0; READ_BYTES], Vec::new());
        if self.extensions.reader.is_some() {
            second.resize(READ_BYTES, 0);
        }
        loop {
            // Seen to here, as a timer has no turn while there is always something to read.
            let rest = self.since.map(|since| FLUSH_AFTER.saturating_sub(monotonic().duration_since(since)));
            if rest == Some(Duration::ZERO) {
                self.flush();
                continue;
            }
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.obey(command, &mut buffer),
                    // The environment is gone; what it still wrote is read to the end, which its death has set.
                    None => {
                        self.drain(&mut buffer);
                        return self.flush();
                    }
                },
                read = read(&mut self.function.reader, &mut buffer) => {
                    let texts = self.function.took(read, &buffer);
                    self.said("function", texts);
                    // Extensions have their turn however much the function writes.
                    if let Some(read) = read_now(&mut self.extensions.reader, &mut second) {
                        let texts = self.extensions.took(read, &second);
                        self.said("extension", texts);
                    }
                }
                read = read(&mut self.extensions.reader, &mut second) => {
                    let texts = self.extensions.took(read, &second);
                    self.said("extension", texts);
                }
                () = clock.sleep(rest.unwrap_or_default()), if rest.is_some() => self.flush(),
            }
        }
    }

    fn obey(&mut self, command: Command, buffer: &mut [u8]) {
        match command {
            Command::Begin(notice) => {
                // What is there now may be the invocation's already: this task may be late.
                self.tail.clear();
                self.note(notice);
            }
            Command::Write(notice) => self.note(notice),
            Command::Follow(id) => drop(self.followed.insert(id, String::new())),
            Command::Leave(id) => drop(self.followed.remove(&id)),
            Command::End(notice, of, answer) => {
                self.drain(buffer);
                self.note(notice);
                self.flush();
                self.telemetry.flush();
                let own = of.map(|id| self.followed.remove(&id).unwrap_or_default());
                let tail = tail_of(own.as_ref().unwrap_or(&self.tail)).to_owned();
                let _ = answer.send(tail.into());
            }
        }
    }

    /// Reads what is there. A program wrote its lines before it told us that it is done, so they are.
    fn drain(&mut self, buffer: &mut [u8]) {
        let texts = self.extensions.drain(buffer);
        self.said(self.extensions.kind, texts);
        let texts = self.function.drain(buffer);
        self.said(self.function.kind, texts);
    }

    fn said(&mut self, kind: &'static str, texts: Vec<String>) {
        let wanted = self.telemetry.is_wanted();
        for text in texts {
            if wanted {
                let record = serde_json::Value::from(text.as_str());
                self.telemetry.say(Event { time: self.env.now(), kind, record });
            }
            self.push(text);
        }
    }

    fn note(&mut self, notice: Notice) {
        notice.events.into_iter().for_each(|event| self.telemetry.say(event));
        notice.lines.into_iter().for_each(|line| self.push(line));
    }

    fn push(&mut self, message: String) {
        add_to(&mut self.tail, &message);
        if !self.followed.is_empty() {
            let mut named: Vec<&str> = ids_in(&message).collect();
            named.sort_unstable();
            named.dedup();
            for id in named {
                if let Some(tail) = self.followed.get_mut(id) {
                    add_to(tail, &message);
                }
            }
        }
        self.bytes += message.len() + size_of::<LogEvent>();
        self.since.get_or_insert_with(monotonic);
        self.events.push(LogEvent { timestamp: self.env.now(), message });
        if self.bytes >= FLUSH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        (self.bytes, self.since) = (0, None);
        if !self.events.is_empty() {
            (self.sink)(std::mem::take(&mut self.events));
        }
    }
}

/// 0 at the end; waits for ever after it.
async fn read(reader: &mut Option<Reader>, buffer: &mut [u8]) -> usize {
    match reader {
        Some(reader) => reader.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

fn read_now(reader: &mut Option<Reader>, buffer: &mut [u8]) -> Option<usize> {
    read(reader, buffer).now_or_never()
}

fn add_to(tail: &mut String, message: &str) {
    tail.push_str(tail_of(message));
    if tail.len() > 4 * TAIL_BYTES {
        *tail = tail_of(tail).to_owned();
    }
}

/// What could be the ids of requests, which are UUIDs.
fn ids_in(text: &str) -> impl Iterator<Item = &str> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let first_dashes = text.bytes().enumerate().filter(|(_, byte)| *byte == b'-');
    first_dashes.filter_map(move |(at, _)| {
        let begin = at.checked_sub(DASHES[0])?;
        let id = text.get(begin..begin + 36)?;
        DASHES.iter().all(|dash| id.as_bytes()[*dash] == b'-').then_some(id)
    })
}

fn tail_of(text: &str) -> &str {
    let mut at = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    &text[at..]
}

/// Cuts what was written into events: lines, and frames of our bootstraps.
#[derive(Default)]
struct Parser {
    rest: Vec<u8>,
}

impl Parser {
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let (mut events, mut at) = (Vec::new(), 0);
        while let Some(used) = self.next(at, &mut events) {
            at += used;
        }
        self.rest.drain(..at);
        events
    }

    fn next(&self, at: usize, events: &mut Vec<String>) -> Option<usize> {
        let rest = &self.rest[at..];
        let framed = rest.len().min(4);
        if framed > 0 && rest[..framed] == FRAME[..framed] {
            let head = rest.get(..FRAME_HEAD)?;
            let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
            if length <= 8 * LINE_BYTES_MAX {
                let text = rest.get(FRAME_HEAD..FRAME_HEAD + length)?;
                events.push(String::from_utf8_lossy(text).into_owned());
                return Some(FRAME_HEAD + length);
            }
        }
        let end = rest.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n').map(|end| end + 1);
        let end = end.or((rest.len() >= LINE_BYTES_MAX).then_some(LINE_BYTES_MAX))?;
        events.push(String::from_utf8_lossy(&rest[..end]).into_owned());
        Some(end)
    }

    /// What is there without an end.
    fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned() + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_frames_are_told_apart_wherever_they_are_cut() {
        let mut bytes = b"one\ntwo\n".to_vec();
        bytes.extend_from_slice(&FRAME);
        bytes.extend_from_slice(&8u32.to_be_bytes());
        bytes.extend_from_slice(&7u64.to_be_bytes());
        bytes.extend_from_slice(b"a\nb\nc\nd\nthree\n\xa5x\nrest");
        for step in 1..bytes.len() {
            let mut parser = Parser::default();
            let mut events: Vec<String> = bytes.chunks(step).flat_map(|chunk| parser.take(chunk)).collect();
            events.extend(parser.finish());
            assert_eq!(
                events,
                ["one\n", "two\n", "a\nb\nc\nd\n", "three\n", "\u{fffd}x\n", "rest\n"],
                "{step}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_written_as_soon_as_an_invocation_begins_is_of_it() {
        use tokio::io::AsyncWriteExt;

        let (mut program, reader) = tokio::io::duplex(1024);
        let (sent, taken) = std::sync::mpsc::channel();
        let sink = move |events: Vec<LogEvent>| sent.send(events).unwrap();
        let telemetry = Arc::new(Telemetry::new());
        let collector = Collector::start(&Env::real(), sink, telemetry, Box::new(reader), None);
        let line = |text: &str| Notice { lines: vec![text.to_owned()], events: Vec::new() };
        program.write_all(b"of the init\n").await.unwrap();
        collector.end(Notice::default(), None).await;
        for turn in ["one\n", "two\n"] {
            // The collector has no turn in between.
            collector.begin(line("START\n"));
            program.write_all(turn.as_bytes()).await.unwrap();
            let tail = collector.end(line("END\n"), None).await;
            assert_eq!(tail, format!("START\n{turn}END\n"));
        }
        let all: Vec<String> = taken.try_iter().flatten().map(|event| event.message).collect();
        assert_eq!(all.concat(), "of the init\nSTART\none\nEND\nSTART\ntwo\nEND\n");
    }

    #[tokio::test]
    async fn the_tail_of_one_of_several_invocations_has_all_of_its_own() {
        use tokio::io::AsyncWriteExt;

        let (mut program, reader) = tokio::io::duplex(1 << 20);
        let telemetry = Arc::new(Telemetry::new());
        let collector = Collector::start(&Env::real(), drop, telemetry, Box::new(reader), None);
        let [one, other] = ["0c1d9b5e-0000-4000-8000-00000000000", "ffffffff-1111-4111-8111-11111111111"];
        let ids = [format!("{one}1"), format!("{one}2"), format!("{other}1")];
        ids.iter().for_each(|id| collector.follow(id));
        program.write_all(format!("{{\"id\":\"{}\"}}\n", ids[0]).as_bytes()).await.unwrap();
        for number in 0..2000 {
            let line = format!("{{\"requestId\":\"{}\",\"n-n\":{number:050}}}\n", ids[1]);
            program.write_all(line.as_bytes()).await.unwrap();
        }
        program
            .write_all(format!("é {0} and {0}\nof nobody - or --- any\n", ids[0]).as_bytes())
            .await
            .unwrap();
        let end = |id: &str| Notice { lines: vec![format!("END {id}\n")], events: Vec::new() };
        let tail = collector.end(end(&ids[0]), Some(ids[0].clone())).await;
        assert_eq!(tail, format!("{{\"id\":\"{0}\"}}\né {0} and {0}\nEND {0}\n", ids[0]));
        let tail = collector.end(end(&ids[1]), Some(ids[1].clone())).await;
        assert_eq!(tail.len(), TAIL_BYTES);
        collector.leave(&ids[2]);
        assert_eq!(collector.end(end(&ids[2]), Some(ids[2].clone())).await, "");
    }

    #[tokio::test]
    async fn who_never_stops_writing_is_sent_on_and_keeps_nobody_from_its_turn() {
        /// As a pipe whose writer is always ahead of us, so that no timer has a turn.
        struct Endless;
        impl tokio::io::AsyncRead for Endless {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffer: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                // As tokio's own: others of the runtime have their turns.
                let budget = std::task::ready!(tokio::task::coop::poll_proceed(cx));
                budget.made_progress();
                buffer.put_slice(b"on and on\n");
                std::task::Poll::Ready(Ok(()))
            }
        }
        let (mut extension, extensions) = tokio::io::duplex(1024);
        let (sent, mut taken) = mpsc::unbounded_channel();
        let sink = move |events: Vec<LogEvent>| drop(sent.send(events));
        let telemetry = Arc::new(Telemetry::new());
        let (function, extensions): (Reader, Reader) = (Box::new(Endless), Box::new(extensions));
        let collector = Collector::start(&Env::real(), sink, telemetry, function, Some(extensions));
        tokio::io::AsyncWriteExt::write_all(&mut extension, b"mine\n").await.unwrap();
        loop {
            let events = taken.recv().await.unwrap();
            let bytes: usize = events.iter().map(|event| event.message.len()).sum();
            assert!(bytes <= FLUSH_BYTES, "{bytes}");
            if events.iter().any(|event| event.message == "mine\n") {
                break;
            }
        }
        drop(collector);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut parser = Parser::default();
        let events = parser.take(&vec![b'x'; LINE_BYTES_MAX + 10]);
        assert_eq!(events.len(), 1);
        assert_eq!(parser.rest.len(), 10);
        // A frame that promises more than there may be is a line.
        let mut parser = Parser::default();
        let mut bytes = FRAME.to_vec();
        bytes.extend_from_slice(&[0xff; 12]);
        bytes.push(b'\n');
        assert_eq!(parser.take(&bytes).len(), 1);
    }

    #[test]
    fn the_tail_is_cut_between_letters() {
        let text = "é".repeat(TAIL_BYTES);
        assert_eq!(tail_of(&text).len(), TAIL_BYTES);
        assert_eq!(tail_of(&format!("{text}x")).len(), TAIL_BYTES - 1);
    }
}
