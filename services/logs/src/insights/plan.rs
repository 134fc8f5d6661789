use std::sync::Arc;

use regex::Regex;

use super::cidr::CidrLookup;
use super::functions::Function;
use super::lookup::Lookup;
use super::rows::{AddTotals, Autoregress, FillMissing, Outlier, Sessionize};
use super::subquery::{AppendCols, Found, Join, Subquery};
use super::value::Value;

/// A compiled query: its commands in order.
pub(crate) struct Plan {
    pub(super) commands: Vec<Command>,
    /// The fields that a result shows, by `fields`, `display` or `stats`; empty for the default ones.
    pub(super) shown: Vec<String>,
    /// Whether a result is still one log event, and so has a `@ptr`.
    pub(crate) events: bool,
    /// Fields that commands add, which results show beside those.
    pub(super) looked_up: Vec<String>,
    pub(super) limit: Option<usize>,
    /// Fields that `filterIndex` names: what is not indexed by them is passed over.
    pub(crate) indexed: Vec<String>,
    /// Whether it shows what data protection policies hide.
    pub(crate) unmasks: bool,
    /// Which log groups `SOURCE` names.
    pub(crate) source: Option<Source>,
    /// The queries within it, in the order in which they stand.
    pub(super) subqueries: Vec<Subquery>,
    /// It ends when it has so many events: `limit any`.
    pub(super) any: bool,
    /// Whether events need their `@ptr`.
    pub(crate) pointers: bool,
    /// Which earlier time `diff` compares with.
    pub(crate) earlier: Option<Earlier>,
}

/// `SOURCE logGroups(…)` and `dataSource(…)`, groups by what they have in common, or `SOURCE 'a', 'b'`, groups by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// Names or ARNs; empty when it is `logGroups(…)`.
    pub(crate) names: Vec<String>,
    /// Data sources, as `name.type`; empty for all.
    pub(crate) data_sources: Vec<String>,
    /// Empty for all.
    pub(crate) prefixes: Vec<String>,
    pub(crate) accounts: Vec<String>,
    /// `STANDARD` when it does not say.
    pub(crate) class: Option<String>,
    /// `START=` and `END=`, instead of the time of the request.
    pub(crate) start: Option<When>,
    pub(crate) end: Option<When>,
}

/// A time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    At(i64),
    /// So long before now.
    Ago(i64),
}

impl When {
    pub(crate) fn ms(self, now_ms: i64) -> i64 {
        match self {
            When::At(ms) => ms,
            When::Ago(ms) => now_ms.saturating_sub(ms),
        }
    }
}

/// A time of equal length before that of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    Preceding,
    Day,
    Week,
    Month,
    /// So many milliseconds earlier, as `logcompare` says.
    By(i64),
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
            Earlier::By(ms) => ms,
        }
    }
}

impl Plan {
    pub(super) fn new() -> Plan {
        Plan {
            commands: Vec::new(),
            shown: Vec::new(),
            events: true,
            looked_up: Vec::new(),
            limit: None,
            indexed: Vec::new(),
            unmasks: false,
            source: None,
            subqueries: Vec::new(),
            any: false,
            pointers: false,
            earlier: None,
        }
    }

    /// The queries within it.
    pub(crate) fn subqueries(&self) -> &[Subquery] {
        &self.subqueries
    }

    /// Whether it, or one within it, shows what data protection policies hide.
    pub(crate) fn unmasks(&self) -> bool {
        self.unmasks || self.subqueries.iter().any(|one| one.plan.unmasks)
    }

    /// Results show this field beside the others.
    pub(super) fn adds(&mut self, name: &str) {
        let is_new = |names: &[String]| !names.iter().any(|one| one == name);
        if is_new(&self.looked_up) && is_new(&self.shown) {
            self.looked_up.push(name.to_owned());
        }
    }

    /// Says whose pointers are wanted: those of the events that a result shows, and others where the text names them.
    pub(super) fn point(&mut self, text: &str) {
        let is_named = text.contains("@ptr");
        self.pointers = self.events || is_named;
        self.subqueries.iter_mut().for_each(|one| one.plan.pointers = is_named);
    }

    /// Its commands, and those of the queries within it.
    fn all_commands(&mut self) -> impl Iterator<Item = &mut Command> {
        let nested = self.subqueries.iter_mut().flat_map(|one| &mut one.plan.commands);
        self.commands.iter_mut().chain(nested)
    }

    /// Its `cidrlookup` commands, whose tables are to be brought before it runs.
    pub(crate) fn cidr_lookups(&mut self) -> impl Iterator<Item = &mut CidrLookup> {
        self.all_commands().filter_map(|command| match command {
            Command::CidrLookup(lookup) => Some(&mut **lookup),
            _ => None,
        })
    }

    /// Its `lookup` commands, whose tables are to be brought before it runs.
    pub(crate) fn lookups(&mut self) -> impl Iterator<Item = &mut Lookup> {
        self.all_commands().filter_map(|command| match command {
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
    /// A record for each match.
    ParseAll {
        from: Expr,
        regex: Regex,
        fields: Vec<String>,
    },
    /// `key=value key=value`, as a structure.
    ParseLogfmt {
        from: Expr,
        into: String,
    },
    ParseCsv {
        from: Expr,
        fields: Vec<String>,
    },
    /// What lies at the end of a path in a JSON text or structure.
    Json {
        from: Expr,
        path: String,
        into: String,
    },
    Stats {
        aggregates: Vec<Aggregate>,
        by: Vec<(String, Expr)>,
    },
    CidrLookup(Box<CidrLookup>),
    Join(Box<Join>),
    AppendCols(AppendCols),
    AddTotals(AddTotals),
    /// A running total of a field, in another or in itself.
    Accum {
        field: String,
        into: String,
    },
    Autoregress(Autoregress),
    /// Which fields; none for all.
    FillDown(Vec<String>),
    FillMissing(FillMissing),
    Outlier(Outlier),
    Sessionize(Sessionize),
    CountFrequent(Vec<(String, Expr)>),
    RelevantFields {
        /// None for all.
        fields: Vec<String>,
        condition: Expr,
    },
    /// A record for each element of the JSON array that a field is.
    Expand(String),
    Lookup(Box<Lookup>),
    /// A record for each element of a list, which is in the new field.
    Unnest {
        list: Expr,
        field: String,
    },
    /// The patterns of a text, with how many records have them, and whether these are unusual where `anomaly` asks.
    Pattern {
        of: Expr,
        is_watched: bool,
    },
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
    /// The change for each so many milliseconds.
    Rate(f64),
    /// How many values lie in each of so many ranges of equal width.
    Histogram(usize),
}

pub(super) enum Expr {
    Field(String),
    Literal(Value),
    /// A length of time, in milliseconds.
    Span(i64),
    /// Bins are told so many milliseconds later than they are: `offset`.
    Later(Box<Expr>, i64),
    /// In what a subquery found.
    Among(Box<Expr>, Arc<Found>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Like(Box<Expr>, Regex),
    In(Box<Expr>, Vec<Expr>),
    Call(Function, Vec<Expr>),
}

impl Expr {
    /// How wide the bins are that it makes.
    pub(super) fn bin_ms(&self) -> Option<i64> {
        match self {
            Expr::Later(inner, _) => inner.bin_ms(),
            Expr::Call(Function::Bin, arguments) => match arguments.last() {
                Some(Expr::Span(ms)) => Some(*ms),
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds the names of the fields in it.
    pub(super) fn fields<'e>(&'e self, names: &mut Vec<&'e str>) {
        match self {
            Expr::Field(name) => names.push(name),
            Expr::Literal(_) | Expr::Span(_) => {}
            Expr::Not(inner)
            | Expr::Negate(inner)
            | Expr::Like(inner, _)
            | Expr::Later(inner, _)
            | Expr::Among(inner, _) => inner.fields(names),
            Expr::Binary(_, left, right) => {
                left.fields(names);
                right.fields(names);
            }
            Expr::In(left, list) => {
                left.fields(names);
                list.iter().for_each(|one| one.fields(names));
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|one| one.fields(names)),
        }
    }
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
