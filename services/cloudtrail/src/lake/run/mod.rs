//! Runs a plan: rows are pushed from the leaves up, event by event.
//!
//! Reading order: [`budget`] (what a query may keep and do), [`aggregate`], [`window`], [`answers`] (subqueries), [`feed`] (the nodes),
//! [`join`], [`group`].

pub(crate) mod aggregate;
pub(crate) mod answers;
pub(crate) mod budget;
mod feed;
mod group;
mod join;
pub(crate) mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use haneul_kit::{ApiError, BoxFuture};
use serde_json::Value as Json;

use self::answers::Answers;
use self::budget::Budget;
use super::expr::{Expr, Row, Segment};
use super::nodes::Plan;
use super::value::Value;

/// Whether more rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Enough,
}

/// Why a query ended before its end.
#[derive(Debug)]
pub(crate) enum Halt {
    Failed(String),
    TimedOut,
    /// It was cancelled, or is not there any more.
    Gone,
    Store(ApiError),
}

impl From<String> for Halt {
    fn from(message: String) -> Halt {
        Halt::Failed(message)
    }
}

impl From<ApiError> for Halt {
    fn from(error: ApiError) -> Halt {
        Halt::Store(error)
    }
}

pub(crate) type Flowed = Result<Flow, Halt>;

/// Where events come from.
pub(crate) trait Source: Send + Sync {
    /// Tells of the events of a store until they end, or enough were told.
    fn events<'a>(
        &'a self,
        store: &'a str,
        each: &'a mut (dyn FnMut(&Json) -> Flowed + Send),
    ) -> BoxFuture<'a, Result<(), Halt>>;

    /// Lets others have their turn, and looks whether the query may go on.
    fn pause(&self) -> BoxFuture<'_, Result<(), Halt>>;
}

type Tuple = Vec<Segment>;

/// What takes rows.
type Sink<'s> = dyn FnMut(Tuple) -> Flowed + Send + 's;

/// The answer: its columns, and their texts for each row.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
    pub(crate) scanned: u64,
    pub(crate) matched: u64,
}

/// A query while it runs.
pub(crate) struct Run<'a> {
    plan: &'a Plan,
    source: &'a dyn Source,
    budget: Budget,
    answers: Answers,
    scanned: AtomicU64,
    matched: AtomicU64,
}

impl<'a> Run<'a> {
    pub(crate) fn new(plan: &'a Plan, source: &'a dyn Source) -> Run<'a> {
        Run {
            plan,
            source,
            budget: Budget::default(),
            answers: Answers::default(),
            scanned: AtomicU64::new(0),
            matched: AtomicU64::new(0),
        }
    }

    pub(crate) async fn run(&self) -> Result<Outcome, Halt> {
        for gather in &self.plan.subqueries {
            let answer = self.gather(gather).await?;
            self.answers.add(answer);
        }
        let mut rows = Vec::new();
        let mut held = self.budget.hold();
        let width = self.plan.columns.len();
        let mut take = |tuple: Tuple| {
            let segment = tuple.first().map_or(&[][..], |segment| segment);
            let row: Vec<Option<String>> =
                (0..width).map(|at| segment.get(at).and_then(Value::shown)).collect();
            let size = row.iter().map(|text| 32 + text.as_ref().map_or(0, String::len)).sum();
            held.add(1, size)?;
            rows.push(row);
            Ok(Flow::More)
        };
        self.feed(&self.plan.node, &mut take).await?;
        Ok(Outcome {
            columns: self.plan.columns.clone(),
            rows,
            scanned: self.scanned.load(Ordering::Relaxed),
            matched: self.matched.load(Ordering::Relaxed),
        })
    }

    fn row<'r>(&'r self, tuple: &'r [Segment]) -> Row<'r> {
        Row::of(tuple, &self.answers, &self.budget.fuel)
    }

    fn values(&self, exprs: &[Expr], tuple: &[Segment]) -> Vec<Value> {
        exprs.iter().map(|expr| expr.value(self.row(tuple))).collect()
    }

    fn holds(&self, all: &[Expr], tuple: &[Segment]) -> bool {
        all.iter().all(|one| one.holds(self.row(tuple)))
    }
}

/// Bytes of a row, about.
fn weight(tuple: &[Segment]) -> usize {
    let segment = |segment: &Segment| segment.iter().map(Value::weight).sum::<usize>();
    tuple.iter().map(|one| size_of::<Segment>() + segment(one)).sum()
}

fn one(values: Vec<Value>) -> Tuple {
    vec![Arc::new(values)]
}
