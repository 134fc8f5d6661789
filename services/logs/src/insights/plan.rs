use regex::Regex;

use super::lookup::Lookup;
use super::value::Value;

/// A compiled query: its commands in order.
pub(crate) struct Plan {
    pub(super) commands: Vec<Command>,
    /// The fields that a result shows, by `fields`, `display` or `stats`; empty for the default ones.
    pub(super) shown: Vec<String>,
    /// Whether a result is still one log event, and so has a `@ptr`.
    pub(crate) events: bool,
    /// Fields of lookup tables, which results show beside those.
    pub(super) looked_up: Vec<String>,
    pub(super) limit: Option<usize>,
    /// Fields that `filterIndex` names: what is not indexed by them is passed over.
    pub(crate) indexed: Vec<String>,
    /// Whether it shows what data protection policies hide.
    pub(crate) unmasks: bool,
}

impl Plan {
    /// Its `lookup` commands, whose tables are to be brought before it runs.
    pub(crate) fn lookups(&mut self) -> impl Iterator<Item = &mut Lookup> {
        self.commands.iter_mut().filter_map(|command| match command {
            Command::Lookup(lookup) => Some(&mut **lookup),
            _ => None,
        })
    }

    /// Whether an event with this message comes past no filter, as the message alone shows: then there is no need to look
    /// for its fields.
    pub(crate) fn passes_over(&self, message: &str) -> bool {
        for command in &self.commands {
            match command {
                Command::Filter(expr) if is_false(expr, message) => return true,
                Command::Filter(_) => {}
                Command::Compute(list)
                    if list.iter().all(|(name, expr)| name != MESSAGE || is_message(expr)) => {}
                Command::Parse { fields, .. } if fields.iter().all(|name| name != MESSAGE) => {}
                _ => return false,
            }
        }
        false
    }
}

pub(super) enum Command {
    /// New fields beside the ones that are there.
    Compute(Vec<(String, Expr)>),
    Filter(Expr),
    Parse {
        from: Expr,
        regex: Regex,
        fields: Vec<String>,
    },
    Stats {
        aggregates: Vec<Aggregate>,
        by: Vec<(String, Expr)>,
    },
    Lookup(Box<Lookup>),
    Sort(Vec<(Expr, bool)>),
    Dedup(Vec<Expr>),
    Limit(usize),
}

pub(super) struct Aggregate {
    pub(super) name: String,
    pub(super) function: Statistic,
    /// Absent for `count(*)`.
    pub(super) of: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Statistic {
    Count,
    CountDistinct,
    Sum,
    Average,
    Min,
    Max,
    StandardDeviation,
    /// With which percentile, 0 to 100.
    Percentile(f64),
    Earliest,
    Latest,
    SortsFirst,
    SortsLast,
}

pub(super) enum Expr {
    Field(String),
    Literal(Value),
    /// A length of time, in milliseconds.
    Span(i64),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Like(Box<Expr>, Regex),
    In(Box<Expr>, Vec<Expr>),
    Call(super::functions::Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

const MESSAGE: &str = "@message";

fn is_message(expr: &Expr) -> bool {
    matches!(expr, Expr::Field(name) if name == MESSAGE)
}

/// Whether an expression is false whatever else the event has.
fn is_false(expr: &Expr, message: &str) -> bool {
    match expr {
        Expr::Like(left, regex) => is_message(left) && !regex.is_match(message),
        Expr::Binary(Operator::And, left, right) => is_false(left, message) || is_false(right, message),
        Expr::Binary(Operator::Or, left, right) => is_false(left, message) && is_false(right, message),
        _ => false,
    }
}
