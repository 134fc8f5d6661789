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
    /// Which log groups `SOURCE` names.
    pub(crate) source: Option<Source>,
    /// Which earlier time `diff` compares with.
    pub(crate) earlier: Option<Earlier>,
}

/// `SOURCE logGroups(…)`: groups by what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// Empty for all.
    pub(crate) prefixes: Vec<String>,
    pub(crate) accounts: Vec<String>,
    /// `STANDARD` when it does not say.
    pub(crate) class: Option<String>,
}

/// A time of equal length before that of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    Preceding,
    Day,
    Week,
    Month,
}

impl Earlier {
    /// By how much it lies before a query from `from_ms` to `to_ms`, both in it.
    pub(crate) fn before_ms(self, from_ms: i64, to_ms: i64) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        match self {
            Earlier::Preceding => to_ms.saturating_sub(from_ms).saturating_add(1),
            Earlier::Day => DAY_MS,
            Earlier::Week => 7 * DAY_MS,
            // As AWS counts a month in its lengths of time.
            Earlier::Month => 30 * DAY_MS,
        }
    }
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
    /// A record for each element of a list, which is in the new field.
    Unnest {
        list: Expr,
        field: String,
    },
    /// The patterns of a text, with how many records have them.
    Pattern(Expr),
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
