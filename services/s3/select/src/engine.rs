use std::borrow::Cow;

use crate::aggregate::Running;
use crate::ast::{Expr, FromStep, Query, Step, What};
use crate::columnar::nested;
use crate::csv::{Header, RECORD_BYTES_MAX, Searched, too_long};
use crate::error::{Result, SelectError};
use crate::eval::{Row, Scope, column, member};
use crate::json::{self, JsonType, Scanner};
use crate::output::Output;
use crate::timestamp::Timestamp;
use crate::unpack::Unpacker;
use crate::value::Value;
use crate::{CsvInput, Input, Request, functions, parser};

/// What was read and given so far, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Of the object, as it is stored.
    pub scanned: u64,
    /// Of the object, unpacked.
    pub processed: u64,
    pub returned: u64,
}

/// So much of an answer, in bytes, is made before it has to be taken.
const READY_BYTES: usize = 256 * 1024;

/// So many records are looked at before somebody else has a turn.
pub(crate) const TURN_RECORDS: u32 = 10_000;

/// Carries out one request: [`Engine::feed`] it with the object, take what it gives each time, and [`Engine::finish`].
///
/// What one call does is bounded, whatever the object and the expression are: neither a few bytes that unpack to gigabytes nor
/// a record that is answered with a long one stop a thread or fill the memory.
pub struct Engine {
    unpacker: Unpacker,
    unpacked: bool,
    state: State,
    stats: Stats,
}

pub(crate) struct State {
    pub(crate) query: Query,
    input: Input,
    output: Output,
    now: Timestamp,
    end: Option<u64>,
    skips_first: bool,
    /// Bytes of the record that is not whole yet, and where they begin in what was fed.
    buffer: Vec<u8>,
    offset: u64,
    searched: Searched,
    scanner: Scanner,
    header: Vec<String>,
    wants_header: bool,
    /// What begins before is the header, or a comment before it.
    data_from: u64,
    /// The value whose records are under way, and at which item of each of its lists that is.
    value: Option<Value>,
    places: Vec<usize>,
    /// Records until the turn is over, and whether it was before everything was read.
    pub(crate) turn: u32,
    pub(crate) waits: bool,
    is_bound: bool,
    fields: Vec<Value>,
    pub(crate) aggregates: Vec<Running>,
    left: Option<u64>,
    pub(crate) done: bool,
    pub(crate) out: String,
}

impl Engine {
    pub fn new(request: Request) -> Result<Engine> {
        let unpacker = Unpacker::new(request.compression);
        let state = State::new(request)?;
        Ok(Engine { unpacker, unpacked: false, state, stats: Stats::default() })
    }

    /// For a range that begins later in the object: its header, and where the next record begins, counted from where feeding
    /// begins.
    pub fn header(&mut self, record: &[u8], next: u64) -> Result<()> {
        if self.state.wants_header {
            self.state.record(record)?;
            self.state.data_from = next;
        }
        Ok(())
    }

    /// Whether the expression needs the object's header.
    pub fn wants_header(&self) -> bool {
        self.state.wants_header
    }

    /// Takes some of the next bytes of the object, and says how many; the others are to be given again, once what is ready was
    /// taken.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.state.done {
            return Ok(bytes.len());
        }
        if self.state.waits {
            return self.state.go_on().map(|()| 0);
        }
        let fed = self.unpack(|unpacker, to| unpacker.feed(bytes, to))?;
        self.stats.scanned += fed as u64;
        Ok(fed)
    }

    /// The object is over. Says whether the answer is, too; otherwise this is to be called again, once what is ready was taken.
    pub fn finish(&mut self) -> Result<bool> {
        if !self.state.done {
            if self.state.waits {
                return self.state.go_on().map(|()| false);
            }
            if !self.unpacked {
                self.unpacked = self.unpack(|unpacker, to| unpacker.finish(to))?;
                return Ok(false);
            }
            self.state.last()?;
            if self.state.waits {
                return Ok(false);
            }
        }
        self.state.aggregate()?;
        Ok(true)
    }

    fn unpack<T>(&mut self, work: impl FnOnce(&mut Unpacker, &mut Vec<u8>) -> Result<T>) -> Result<T> {
        let before = self.state.buffer.len();
        let unpacked = work(&mut self.unpacker, &mut self.state.buffer);
        self.stats.processed += (self.state.buffer.len() - before) as u64;
        self.state.go_on()?;
        unpacked
    }

    /// Whether more of the object would change nothing.
    pub fn is_done(&self) -> bool {
        self.state.done
    }

    /// Whether a turn has ended before what was fed was read.
    pub fn is_waiting(&self) -> bool {
        self.state.waits
    }

    /// How much of the answer waits to be taken, in bytes.
    pub fn ready(&self) -> usize {
        self.state.out.len()
    }

    pub fn take(&mut self) -> String {
        self.stats.returned += self.state.out.len() as u64;
        std::mem::take(&mut self.state.out)
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }
}

impl State {
    pub(crate) fn new(request: Request) -> Result<State> {
        let query = parser::parse(&request.expression)?;
        let is_csv = matches!(request.input, Input::Csv(_));
        let is_json = matches!(request.input, Input::Json(_));
        if !is_json && !query.from.is_empty() {
            let message = "The SQL expression contains an invalid path component: only JSON has any in FROM.";
            return Err(SelectError::new("ParseInvalidPathComponent", message));
        }
        let wants_header =
            matches!(&request.input, Input::Csv(CsvInput { header: Header::Use | Header::Ignore, .. }));
        let aggregates = query.aggregates.iter().map(|(kind, _)| Running::new(*kind)).collect();
        let left = query.limit;
        Ok(State {
            left,
            done: left == Some(0) && query.aggregates.is_empty(),
            query,
            input: request.input,
            output: request.output,
            now: functions::now(request.now.0, request.now.1),
            end: request.end,
            skips_first: request.begins_inside,
            buffer: Vec::new(),
            offset: 0,
            searched: Searched::default(),
            scanner: Scanner::default(),
            header: Vec::new(),
            wants_header,
            data_from: 0,
            value: None,
            places: Vec::new(),
            turn: TURN_RECORDS,
            waits: false,
            is_bound: !is_csv,
            fields: Vec::new(),
            aggregates,
            out: String::new(),
        })
    }

    /// Reads what is there, until the turn is over.
    fn go_on(&mut self) -> Result<()> {
        (self.turn, self.waits) = (TURN_RECORDS, false);
        if let Some(value) = self.value.take() {
            self.each_of(value)?;
        }
        let mut at = 0;
        // The buffer is moved out, so that records in it can be read while the rest of us changes.
        let buffer = std::mem::take(&mut self.buffer);
        let read = self.records(&buffer, &mut at);
        self.buffer = buffer;
        self.buffer.drain(..at.min(self.buffer.len()));
        self.offset += at as u64;
        read?;
        let longest = match &self.input {
            Input::Csv(_) | Input::Parquet => RECORD_BYTES_MAX,
            Input::Json(kind) => kind.bytes_max(),
        };
        if !self.done && !self.waits && self.buffer.len() > longest { Err(too_long()) } else { Ok(()) }
    }

    /// Whether the turn is over.
    pub(crate) fn is_over(&mut self) -> bool {
        self.waits |= self.turn == 0 || self.out.len() >= READY_BYTES;
        self.waits
    }

    fn records(&mut self, buffer: &[u8], at: &mut usize) -> Result<()> {
        while !self.done && *at < buffer.len() && !self.is_over() {
            match &self.input {
                Input::Csv(csv) => {
                    let Some((end, next)) = csv.end(&buffer[*at..], &mut self.searched) else {
                        return Ok(());
                    };
                    self.searched = Searched::default();
                    let (record, begin) = (&buffer[*at..*at + end], self.offset + *at as u64);
                    *at += next;
                    self.at(begin, record)?;
                }
                Input::Json(kind) => {
                    let kind = *kind;
                    if self.skips_first {
                        // Lines, in the middle of one: it ends at a line feed.
                        let Some(end) = memchr::memchr(b'\n', &buffer[*at..]) else {
                            *at = buffer.len();
                            return Ok(());
                        };
                        *at += end;
                        self.skips_first = false;
                        continue;
                    }
                    let blank = buffer[*at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    if blank > 0 {
                        *at += blank;
                        continue;
                    }
                    let Some(end) = self.scanner.end(&buffer[*at..]) else { return Ok(()) };
                    if end == 0 {
                        return Err(SelectError::new(
                            "JSONParsingError",
                            "Error parsing JSON file. Please check the file and try again.",
                        ));
                    }
                    if kind == JsonType::Lines && end > RECORD_BYTES_MAX {
                        return Err(too_long());
                    }
                    let (record, begin) = (&buffer[*at..*at + end], self.offset + *at as u64);
                    *at += end;
                    self.at(begin, record)?;
                }
                Input::Parquet => return Err(by_ranges()),
            }
        }
        Ok(())
    }

    /// What is left at the end is a record, too.
    fn last(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let begin = self.offset;
        let is_blank = match &self.input {
            Input::Csv(_) | Input::Parquet => buffer.is_empty(),
            Input::Json(_) => buffer.iter().all(u8::is_ascii_whitespace),
        };
        if is_blank || self.done {
            return Ok(());
        }
        self.at(begin, &buffer)
    }

    /// A record that begins at `begin`, counted from where feeding began.
    fn at(&mut self, begin: u64, record: &[u8]) -> Result<()> {
        if std::mem::take(&mut self.skips_first) {
            return Ok(());
        }
        if self.end.is_some_and(|end| begin >= end) {
            self.done = true;
            return Ok(());
        }
        if begin < self.data_from {
            return Ok(());
        }
        self.record(record)
    }

    fn record(&mut self, record: &[u8]) -> Result<()> {
        match &self.input {
            Input::Csv(csv) => {
                if csv.is_left_out(record) {
                    return Ok(());
                }
                if record.len() > RECORD_BYTES_MAX {
                    return Err(too_long());
                }
                let mut fields = std::mem::take(&mut self.fields);
                csv.fields(record, &mut fields)?;
                let used = csv.header == Header::Use;
                if std::mem::take(&mut self.wants_header) {
                    if used {
                        self.header = fields.iter().map(Value::to_text).collect();
                    }
                    self.fields = fields;
                    return self.bind();
                }
                if !self.is_bound {
                    self.bind()?;
                }
                let header = std::mem::take(&mut self.header);
                let done = self.row(Row::Columns(&fields, &header));
                (self.fields, self.header) = (fields, header);
                done
            }
            Input::Json(_) => {
                let value = json::parse(record)?;
                self.each_of(value)
            }
            Input::Parquet => Err(by_ranges()),
        }
    }

    /// Turns names of columns into places, once they are known.
    fn bind(&mut self) -> Result<()> {
        self.is_bound = true;
        let header = &self.header;
        let mut unknown = None;
        self.query.walk(&mut |expr| {
            let Expr::Path(steps) = expr else { return };
            if let [Step::Name(name)] = &steps[..] {
                match column(name, header) {
                    Some(at) => *expr = Expr::Column(at),
                    None => unknown = Some(name.text.clone()),
                }
            }
        });
        let Some(name) = unknown else { return Ok(()) };
        if name.starts_with('_') && name[1..].bytes().all(|byte| byte.is_ascii_digit()) {
            let message = "The column index in the SQL expression is not valid.";
            return Err(SelectError::new("InvalidColumnIndex", message));
        }
        let message = "Some headers in the query are missing from the file. Check the file and try again.";
        Err(SelectError::new("MissingHeaders", message))
    }

    /// The records of a value, from where they were left.
    fn each_of(&mut self, value: Value) -> Result<()> {
        let from = std::mem::take(&mut self.query.from);
        let mut places = std::mem::take(&mut self.places);
        let done = self.each(&value, &from, 0, &mut places);
        self.query.from = from;
        if self.waits {
            (self.value, self.places) = (Some(value), places);
        }
        done
    }

    /// Follows the path of FROM to the records that it stands for.
    fn each(
        &mut self,
        value: &Value,
        steps: &[FromStep],
        depth: usize,
        places: &mut Vec<usize>,
    ) -> Result<()> {
        if self.done {
            return Ok(());
        }
        let Some((step, rest)) = steps.split_first() else {
            return if self.is_over() { Ok(()) } else { self.row(Row::Value(value)) };
        };
        match (step, value) {
            (FromStep::Name(name), Value::Struct(members)) => {
                self.each(member(members, name), rest, depth, places)
            }
            (FromStep::Index(at), Value::List(items)) => match items.get(*at) {
                Some(item) => self.each(item, rest, depth, places),
                None => Ok(()),
            },
            (FromStep::Each, Value::List(items)) => {
                if places.len() == depth {
                    places.push(0);
                }
                while let Some(item) = items.get(places[depth]) {
                    self.each(item, rest, depth + 1, places)?;
                    if self.waits || self.done {
                        return Ok(());
                    }
                    places.truncate(depth + 1);
                    places[depth] += 1;
                }
                places.truncate(depth);
                Ok(())
            }
            (FromStep::Each, Value::Missing) => Ok(()),
            // What is no list stands for itself.
            (FromStep::Each, other) => self.each(other, rest, depth, places),
            _ => Ok(()),
        }
    }

    pub(crate) fn row(&mut self, row: Row<'_>) -> Result<()> {
        if self.done || matches!(row, Row::Value(Value::Missing)) {
            return Ok(());
        }
        self.turn = self.turn.saturating_sub(1);
        let scope = Scope { row, aggregates: &[], now: self.now };
        if let Some(filter) = &self.query.filter
            && scope.truth(filter)? != Some(true)
        {
            return Ok(());
        }
        if !self.aggregates.is_empty() {
            for (running, (_, argument)) in self.aggregates.iter_mut().zip(&self.query.aggregates) {
                match argument {
                    Some(argument) => running.add(&*scope.eval(argument)?)?,
                    None => running.add(&Value::Bool(true))?,
                }
            }
            return Ok(());
        }
        let (longest, to) = (self.longest(), &mut self.out);
        let is_flat = matches!((&self.input, &self.output), (Input::Parquet, Output::Csv(_)));
        let check = |value: &Value| match value {
            Value::List(_) | Value::Struct(_) if is_flat => Err(nested()),
            _ => Ok(()),
        };
        match (&self.query.what, row) {
            (What::All, Row::Columns(fields, names)) => {
                let numbers: Vec<String>;
                let names = if names.is_empty() {
                    numbers = (1..=fields.len()).map(|n| format!("_{n}")).collect();
                    &numbers
                } else {
                    names
                };
                let all = fields
                    .iter()
                    .enumerate()
                    .map(|(at, field)| (names.get(at).map_or("_", String::as_str), Cow::Borrowed(field)));
                self.output.write(all.map(Ok), to, longest)?;
            }
            (What::All, Row::Value(Value::Struct(members))) => {
                let all = members.iter().map(|(name, value)| {
                    check(value)?;
                    Ok((name.as_str(), Cow::Borrowed(value)))
                });
                self.output.write(all, to, longest)?;
            }
            (What::All, Row::Value(value)) => {
                self.output.write([Ok(("_1", Cow::Borrowed(value)))].into_iter(), to, longest)?;
            }
            (What::List(items), _) => {
                let values = items.iter().map(|item| {
                    let value = scope.eval(&item.expr)?;
                    check(&value)?;
                    Ok((item.name.as_str(), value))
                });
                self.output.write(values, to, longest)?;
            }
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            self.done = *left == 0;
        }
        Ok(())
    }

    /// A document is given back whole, if that is what is asked.
    fn longest(&self) -> usize {
        match &self.input {
            Input::Csv(_) | Input::Parquet => RECORD_BYTES_MAX,
            Input::Json(kind) => 2 * kind.bytes_max(),
        }
    }

    /// The one record of a query with aggregates.
    pub(crate) fn aggregate(&mut self) -> Result<()> {
        if self.aggregates.is_empty() || self.query.limit == Some(0) {
            return Ok(());
        }
        let results = self.aggregates.iter().map(Running::finish).collect::<Result<Vec<_>>>()?;
        let scope = Scope { row: Row::Value(&Value::Missing), aggregates: &results, now: self.now };
        let What::List(items) = &self.query.what else { return Ok(()) };
        let values = items.iter().map(|item| Ok((item.name.as_str(), scope.eval(&item.expr)?)));
        let longest = self.longest();
        self.output.write(values, &mut self.out, longest)
    }
}

/// What is no stream of records was fed as one.
fn by_ranges() -> SelectError {
    SelectError::new("InvalidDataSource", "The data source type is not valid: Parquet is read by ranges.")
}
