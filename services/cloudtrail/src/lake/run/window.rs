//! Source: Trino, "Window functions".

use super::aggregate::{Aggregate, State};
use super::feed::compare;
use super::{Flow, Flowed, Halt, Run, Sink, Tuple, weight};
use crate::lake::expr::Expr;
use crate::lake::nodes::{Node, Order};
use crate::lake::value::{Value, key};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) function: WindowFunction,
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<Order>,
    pub(crate) frame: Frame,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumulativeDistance,
    Tiles(Expr),
    /// What is so many rows before (or behind, if negative), or else the default.
    Shift {
        value: Expr,
        by: Expr,
        default: Expr,
        ahead: bool,
    },
    /// The first of the frame, the last, or the one at a place from 1.
    First(Expr),
    Last(Expr),
    Nth(Expr, Expr),
    Aggregate(Aggregate),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) start: Bound,
    pub(crate) end: Bound,
}

/// A row by its distance from the current one, or its peers: those that are sorted the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    Unbounded,
    Rows(i64),
    Peers,
}

impl Run<'_> {
    pub(super) async fn windows(&self, input: &Node, windows: &[Window], sink: &mut Sink<'_>) -> Flowed {
        let mut rows: Vec<Tuple> = Vec::new();
        let mut held = self.budget.hold();
        let mut take = |tuple: Tuple| {
            held.add(1, weight(&tuple) + windows.len() * size_of::<Value>())?;
            rows.push(tuple);
            Ok(Flow::More)
        };
        self.feed(input, &mut take).await?;
        let mut made = vec![vec![Value::Null; windows.len()]; rows.len()];
        for (number, window) in windows.iter().enumerate() {
            self.source.pause().await?;
            let mut sorted: Vec<(Vec<u8>, Vec<Value>, usize)> = Vec::with_capacity(rows.len());
            for (at, tuple) in rows.iter().enumerate() {
                let order: Vec<Value> =
                    window.order.iter().map(|order| order.expr.value(self.row(tuple))).collect();
                let partition = key(&self.values(&window.partition, tuple));
                held.add(0, partition.len() + order.iter().map(Value::weight).sum::<usize>())?;
                sorted.push((partition, order, at));
            }
            sorted.sort_by(|one, other| {
                let partitions = one.0.cmp(&other.0);
                partitions.then_with(|| compare(&one.1, &other.1, &window.order))
            });
            let (mut from, mut looked) = (0, 0);
            while from < sorted.len() {
                if from > looked + 2048 {
                    looked = from;
                    self.source.pause().await?;
                }
                let length = sorted[from..].iter().take_while(|row| row.0 == sorted[from].0).count();
                let partition = Partition::of(&sorted[from..from + length], &rows, window);
                let values = self.of_partition(window, &partition)?;
                for (row, value) in sorted[from..from + length].iter().zip(values) {
                    held.add(0, value.weight())?;
                    made[row.2][number] = value;
                }
                from += length;
            }
        }
        let rows = rows.into_iter().zip(made).map(|(mut tuple, values)| {
            tuple.push(std::sync::Arc::new(values));
            tuple
        });
        self.push(rows, sink).await
    }

    fn of_partition(&self, window: &Window, partition: &Partition<'_>) -> Result<Vec<Value>, Halt> {
        let rows = &partition.rows;
        let count = rows.len();
        let value = |expr: &Expr, at: usize| expr.value(self.row(rows[at]));
        let whole = |expr: &Expr, at: usize| value(expr, at).whole();
        let mut out = Vec::with_capacity(count);
        let mut dense = 0;
        let mut running = Running::default();
        for at in 0..count {
            self.budget.step(1)?;
            let (first, last) = partition.peers[at];
            if first == at {
                dense += 1;
            }
            let (start, end) = partition.frame(window.frame, at);
            // Of an empty frame nothing.
            let within = |place: usize| (start <= end && place < end).then_some(place);
            out.push(match &window.function {
                WindowFunction::RowNumber => Value::Int(at as i64 + 1),
                WindowFunction::Rank => Value::Int(first as i64 + 1),
                WindowFunction::DenseRank => Value::Int(dense),
                WindowFunction::PercentRank => {
                    Value::Float(if count == 1 { 0.0 } else { first as f64 / (count - 1) as f64 })
                }
                WindowFunction::CumulativeDistance => Value::Float(last as f64 / count as f64),
                WindowFunction::Tiles(tiles) => match whole(tiles, at).filter(|tiles| *tiles > 0) {
                    Some(tiles) => Value::Int(tile(at as i64, count as i64, tiles)),
                    None => Value::Null,
                },
                WindowFunction::Shift { value: shown, by, default, ahead } => {
                    let by = whole(by, at).unwrap_or(0);
                    let place =
                        if *ahead { (at as i64).checked_add(by) } else { (at as i64).checked_sub(by) };
                    match place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < count) {
                        Some(place) => value(shown, place),
                        None => value(default, at),
                    }
                }
                WindowFunction::First(shown) => within(start).map_or(Value::Null, |at| value(shown, at)),
                WindowFunction::Last(shown) => match end.checked_sub(1) {
                    Some(place) if place >= start => value(shown, place),
                    _ => Value::Null,
                },
                WindowFunction::Nth(shown, place) => {
                    let place = whole(place, at).and_then(|place| usize::try_from(place - 1).ok());
                    let place = place.and_then(|place| within(start.saturating_add(place)));
                    place.map_or(Value::Null, |at| value(shown, at))
                }
                WindowFunction::Aggregate(aggregate) => {
                    let (from, state) = running.until(start, end);
                    self.budget.step(end.saturating_sub(from) as u64)?;
                    for row in rows.iter().take(end).skip(from) {
                        state.take(aggregate, self.row(row));
                    }
                    state.result(aggregate)
                }
            });
        }
        Ok(out)
    }
}

/// An aggregate over a frame that begins where the last one did goes on from it.
#[derive(Default)]
struct Running {
    state: State,
    taken: Option<(usize, usize)>,
}

impl Running {
    /// Where what is still to take begins.
    fn until(&mut self, start: usize, end: usize) -> (usize, &mut State) {
        let from = match self.taken {
            Some((begun, taken)) if begun == start && taken <= end => taken,
            _ => {
                self.state = State::default();
                start
            }
        };
        self.taken = Some((start, end.max(start)));
        (from, &mut self.state)
    }
}

struct Partition<'a> {
    rows: Vec<&'a Tuple>,
    /// The first of those that are sorted the same, and the one after the last.
    peers: Vec<(usize, usize)>,
}

impl<'a> Partition<'a> {
    fn of(sorted: &[(Vec<u8>, Vec<Value>, usize)], all: &'a [Tuple], window: &Window) -> Partition<'a> {
        let rows = sorted.iter().map(|row| &all[row.2]).collect();
        let mut peers = Vec::with_capacity(sorted.len());
        let mut first = 0;
        for at in 1..=sorted.len() {
            let same =
                sorted.get(at).is_some_and(|row| compare(&row.1, &sorted[first].1, &window.order).is_eq());
            if !same {
                peers.resize(at, (first, at));
                first = at;
            }
        }
        Partition { rows, peers }
    }

    /// From the first to before the second.
    fn frame(&self, frame: Frame, at: usize) -> (usize, usize) {
        let count = self.rows.len();
        let moved = |by: i64| usize::try_from((at as i64).saturating_add(by)).unwrap_or(0).min(count);
        let start = match frame.start {
            Bound::Unbounded => 0,
            Bound::Rows(by) => moved(by),
            Bound::Peers => self.peers[at].0,
        };
        let end = match frame.end {
            Bound::Unbounded => count,
            Bound::Rows(by) => moved(by.saturating_add(1)),
            Bound::Peers => self.peers[at].1,
        };
        (start, end)
    }
}

/// Tiles differ by one row at most, the larger ones first.
fn tile(at: i64, count: i64, tiles: i64) -> i64 {
    let (size, larger) = (count / tiles, count % tiles);
    let in_larger = larger * (size + 1);
    if at < in_larger { at / (size + 1) + 1 } else { larger + (at - in_larger) / size.max(1) + 1 }
}
