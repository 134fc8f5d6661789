//! Rows of an object, of the ranges of it that are asked for.

use std::ops::Range;

use super::column::{Column, Filled};
use super::footer::{Footer, place};
use super::schema::{Field, Schema};
use super::{HELD_BYTES_MAX, invalid, too_large};
use crate::ast::{Name, Step};
use crate::csv::RECORD_BYTES_MAX;
use crate::error::Result;
use crate::value::Value;

/// So much of the end is read first, in bytes: many footers are in it, and small files as a whole.
const TAIL_BYTES: u64 = 16 * 1024;

/// So much of a column is read at once, in bytes: less of each where there are many.
const AHEAD_BYTES: u64 = 8 * 1024 * 1024;
const AHEAD_BYTES_MAX: u64 = 1024 * 1024;
const AHEAD_BYTES_MIN: u64 = 16 * 1024;

#[derive(Debug)]
pub struct Reader {
    size: u64,
    /// Only row groups are read that begin in it.
    range: Range<u64>,
    state: State,
    /// The end of the object.
    tail: Vec<u8>,
    schema: Schema,
    footer: Option<Footer>,
    /// Of the schema's columns, those that are read, once that is known.
    wanted: Option<Vec<bool>>,
    fields: Vec<Field>,
    columns: Vec<Column>,
    /// Of the row group that is under way.
    rows: u64,
    /// How many columns have the entries of the next row, and how much more it may have.
    filled: usize,
    room: usize,
    cost: usize,
    record: Value,
    processed: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The end of the object is wanted, or the footer, from there on.
    Tail(Range<u64>),
    Rows,
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Row,
    /// Nothing goes on without these bytes.
    Wants(Range<u64>),
    /// The schema is known, and [`Reader::choose`] is to be called.
    Schema,
    Over,
}

impl Reader {
    pub fn new(size: u64, range: Range<u64>) -> Reader {
        Reader {
            size,
            range,
            state: State::Tail(size.saturating_sub(TAIL_BYTES)..size),
            tail: Vec::new(),
            schema: Schema { fields: Vec::new(), leaves: Vec::new() },
            footer: None,
            wanted: None,
            fields: Vec::new(),
            columns: Vec::new(),
            rows: 0,
            filled: 0,
            room: RECORD_BYTES_MAX,
            cost: 0,
            record: Value::Struct(Vec::new()),
            processed: 0,
        }
    }

    /// The bytes that [`Next::Wants`] named.
    pub fn give(&mut self, bytes: &[u8]) -> Result<()> {
        self.processed += match self.state {
            State::Tail(_) => bytes.len() as u64,
            State::Rows => 0,
        };
        let State::Tail(range) = &self.state else {
            if let Some(column) = self.columns.get_mut(self.filled) {
                column.give(bytes);
            }
            return Ok(());
        };
        if bytes.len() as u64 != range.end - range.start {
            return Err(invalid("it is no Parquet file"));
        }
        // The footer itself ends before the tail.
        let footer = if range.end == self.size {
            self.tail = bytes.to_vec();
            place(bytes, self.size)?
        } else {
            range.clone()
        };
        match footer.start.checked_sub(range.start) {
            Some(from) => {
                let to = (footer.end - range.start) as usize;
                let bytes = bytes.get(from as usize..to).unwrap_or_default().to_vec();
                let (footer, schema) = Footer::new(bytes)?;
                (self.footer, self.schema, self.state) = (Some(footer), schema, State::Rows);
            }
            None => self.state = State::Tail(footer),
        }
        Ok(())
    }

    /// The place and the exact name of a column.
    pub fn find(&self, name: &Name) -> Result<&str> {
        self.schema.find(name).map(|at| self.schema.fields[at].name.as_str())
    }

    /// The columns that are read: all of them, or those that paths need. Each path begins with the name of one.
    pub fn choose(&mut self, paths: Option<&[Vec<Step>]>) -> Result<()> {
        let mut needed = vec![paths.is_none(); self.schema.leaves.len()];
        for path in paths.unwrap_or_default() {
            if let Some((Step::Name(name), rest)) = path.split_first() {
                let at = self.schema.find(name)?;
                self.schema.fields[at].node.mark(rest, &mut needed);
            }
        }
        let (mut places, mut count) = (vec![None; needed.len()], 0);
        for (place, _) in places.iter_mut().zip(&needed).filter(|(_, needed)| **needed) {
            *place = Some(count);
            count += 1;
        }
        self.fields = self.schema.fields.iter().filter_map(|field| field.pruned(&places)).collect();
        let leaves = self.schema.leaves.iter().zip(&needed).filter(|(_, needed)| **needed);
        self.columns = leaves.map(|(leaf, _)| Column::new(leaf.clone())).collect();
        self.record =
            Value::Struct(self.fields.iter().map(|field| (field.name.clone(), Value::Missing)).collect());
        self.wanted = Some(needed);
        Ok(())
    }

    /// Goes on to the next row, or until bytes are wanted.
    pub fn go_on(&mut self) -> Result<Next> {
        if let State::Tail(range) = &self.state {
            if range.is_empty() {
                return Err(invalid("it is no Parquet file"));
            }
            return Ok(Next::Wants(range.clone()));
        }
        if self.wanted.is_none() {
            return Ok(Next::Schema);
        }
        while self.rows == 0 {
            if !self.next_group()? {
                return Ok(Next::Over);
            }
        }
        let ahead = AHEAD_BYTES / (self.columns.len() as u64).max(1);
        let ahead = ahead.clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX);
        while let Some(column) = self.columns.get_mut(self.filled) {
            let filled = column.fill(&mut self.room, ahead)?;
            let unpacked = column.take_unpacked();
            if unpacked > 0 {
                self.processed += unpacked;
                self.check_held()?;
            }
            match filled {
                Filled::Whole => self.filled += 1,
                Filled::Wants(range) => {
                    let there = within(&self.tail, self.size, &range).zip(self.columns.get_mut(self.filled));
                    let Some((bytes, column)) = there else { return Ok(Next::Wants(range)) };
                    column.give(bytes);
                }
            }
        }
        self.cost = RECORD_BYTES_MAX - self.room;
        (self.filled, self.room) = (0, RECORD_BYTES_MAX);
        self.rows -= 1;
        let Value::Struct(members) = &mut self.record else { return Ok(Next::Over) };
        for ((_, value), field) in members.iter_mut().zip(&self.fields) {
            *value = field.node.read(&mut self.columns)?;
        }
        for column in &mut self.columns {
            if !column.clear() {
                return Err(invalid("the columns of a group do not agree"));
            }
        }
        Ok(Next::Row)
    }

    /// Goes to the next row group that begins in the range. False after the last.
    fn next_group(&mut self) -> Result<bool> {
        let (Some(footer), Some(wanted)) = (&mut self.footer, &self.wanted) else { return Ok(false) };
        let Some(group) = footer.next(wanted, self.size)? else { return Ok(false) };
        if !self.range.contains(&group.start) {
            return Ok(true);
        }
        for (column, chunk) in self.columns.iter_mut().zip(&group.chunks) {
            column.begin(chunk)?;
        }
        self.rows = group.rows;
        Ok(true)
    }

    /// Where no column is read: the rows of the next row group, without reading them.
    pub fn count_rows(&mut self) -> Result<Option<u64>> {
        let more = self.rows > 0 || self.next_group()?;
        Ok(more.then(|| std::mem::take(&mut self.rows)))
    }

    fn check_held(&self) -> Result<()> {
        if self.held() > HELD_BYTES_MAX { Err(too_large()) } else { Ok(()) }
    }

    /// Bytes of the object that are in memory, as they are stored or unpacked.
    pub fn held(&self) -> usize {
        let footer = self.footer.as_ref().map_or(0, Footer::held);
        footer + self.columns.iter().map(Column::held).sum::<usize>()
    }

    /// Bytes of the object that were read, unpacked.
    pub fn processed(&self) -> u64 {
        self.processed
    }

    /// About how many bytes the row has that [`Next::Row`] told of: no entry of a column is less than two.
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// The row that [`Next::Row`] told of.
    pub fn record(&self) -> &Value {
        &self.record
    }
}

/// A range of the object, where its end is known.
fn within<'t>(tail: &'t [u8], size: u64, range: &Range<u64>) -> Option<&'t [u8]> {
    let from = usize::try_from(range.start.checked_sub(size - tail.len() as u64)?).ok()?;
    tail.get(from..from.checked_add((range.end - range.start) as usize)?)
}
