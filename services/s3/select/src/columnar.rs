//! The engine on an object that is read by ranges.

use std::ops::Range;

use crate::ast::{Expr, Name, Step, What};
use crate::engine::{State, Stats, TURN_RECORDS};
use crate::error::Result;
use crate::eval::Row;
use crate::parquet::{Next, Reader};
use crate::{Request, SelectError};

/// So many bytes of rows are looked at before somebody else has a turn.
const TURN_BYTES: usize = 2 * 1024 * 1024;

/// Carries out one request on a Parquet object: [`Columnar::go_on`] until it is over, and in between give it the bytes that
/// it [`Columnar::wanted`] and take what it gives.
///
/// What one call does and holds is bounded, whatever the object and the expression are.
pub struct Columnar {
    reader: Reader,
    state: State,
    wanted: Option<Range<u64>>,
    ended: bool,
    scanned: u64,
    returned: u64,
}

impl Columnar {
    /// `size` is the object's; of its row groups those are read that begin in `range`.
    pub fn new(request: Request, size: u64, range: Range<u64>) -> Result<Columnar> {
        let state = State::new(request)?;
        Ok(Columnar {
            reader: Reader::new(size, range),
            state,
            wanted: None,
            ended: false,
            scanned: 0,
            returned: 0,
        })
    }

    /// Bytes of the object without which it does not go on.
    pub fn wanted(&self) -> Option<Range<u64>> {
        self.wanted.clone()
    }

    pub fn give(&mut self, bytes: &[u8]) -> Result<()> {
        self.wanted = None;
        self.scanned += bytes.len() as u64;
        self.reader.give(bytes)
    }

    /// Works for a turn. Says whether the answer is over.
    pub fn go_on(&mut self) -> Result<bool> {
        (self.state.turn, self.state.waits) = (TURN_RECORDS, false);
        let mut cost = 0;
        while !self.state.done {
            if self.wanted.is_some() || cost >= TURN_BYTES || self.state.is_over() {
                return Ok(false);
            }
            match self.reader.go_on()? {
                Next::Row => {
                    cost += self.reader.cost();
                    self.state.row(Row::Value(self.reader.record()))?;
                }
                Next::Wants(range) => self.wanted = Some(range),
                Next::Schema => self.bind()?,
                Next::Over => self.state.done = true,
            }
        }
        if !std::mem::replace(&mut self.ended, true) {
            self.state.aggregate()?;
        }
        Ok(true)
    }

    /// Names the columns as the file does, and says which are read.
    fn bind(&mut self) -> Result<()> {
        let (reader, mut paths, mut failure) = (&self.reader, Vec::new(), None);
        let mut whole = matches!(self.state.query.what, What::All) && self.state.aggregates.is_empty();
        self.state.query.walk(&mut |expr| {
            let Expr::Path(steps) = expr else { return };
            let Some((first, rest)) = steps.split_first_mut() else {
                whole = true;
                return;
            };
            match (&first, rest.len()) {
                (Step::Name(name), _) => match reader.find(name) {
                    Ok(text) => *first = Step::Name(Name { text: text.to_owned(), exact: true }),
                    Err(error) => failure = Some(error),
                },
                // A record is no list: there is nothing there.
                (Step::Index(_), _) => return,
            }
            paths.push(steps.clone());
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.reader.choose(if whole { None } else { Some(&paths) })?;
        if paths.is_empty() && !whole {
            self.count()?;
        }
        Ok(())
    }

    /// What only counts rows needs none of them.
    fn count(&mut self) -> Result<()> {
        let query = &self.state.query;
        let counts = !query.aggregates.is_empty() && query.filter.is_none() && query.limit.is_none();
        if !counts || query.aggregates.iter().any(|(_, argument)| argument.is_some()) {
            return Ok(());
        }
        while let Some(rows) = self.reader.count_rows()? {
            self.state.aggregates.iter_mut().try_for_each(|running| running.count(rows))?;
        }
        Ok(())
    }

    /// How much of the answer waits to be taken, in bytes.
    pub fn ready(&self) -> usize {
        self.state.out.len()
    }

    pub fn take(&mut self) -> String {
        self.returned += self.state.out.len() as u64;
        std::mem::take(&mut self.state.out)
    }

    pub fn stats(&self) -> Stats {
        Stats { scanned: self.scanned, processed: self.reader.processed(), returned: self.returned }
    }

    /// Bytes of the object that are in memory.
    pub fn held(&self) -> usize {
        self.reader.held()
    }
}

/// Of a value that CSV has no form for (S3 User Guide, "Filtering and retrieving data using Amazon S3 Select": nested data only
/// as JSON).
pub(crate) fn nested() -> SelectError {
    let message = "The specified Parquet type is not supported: nested data can only be returned as JSON.";
    SelectError::new("UnsupportedParquetType", message)
}
