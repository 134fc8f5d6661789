use crate::value::Value;

/// `SELECT what FROM from WHERE filter LIMIT limit`
#[derive(Clone, Debug)]
pub struct Query {
    pub what: What,
    /// The path after `S3Object[*]`.
    pub from: Vec<FromStep>,
    pub filter: Option<Expr>,
    pub limit: Option<u64>,
    /// Those in the list, in order; [`Expr::Aggregate`] names them by place.
    pub aggregates: Vec<(Aggregate, Option<Expr>)>,
}

#[derive(Clone, Debug)]
pub enum What {
    All,
    List(Vec<Item>),
}

#[derive(Clone, Debug)]
pub struct Item {
    pub expr: Expr,
    /// What its value is called in JSON.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromStep {
    Name(Name),
    Index(usize),
    Each,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    /// It was quoted: case counts.
    pub exact: bool,
}

impl Name {
    pub fn is(&self, other: &str) -> bool {
        if self.exact { self.text == other } else { self.text.eq_ignore_ascii_case(other) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Name(Name),
    Index(usize),
}

#[derive(Clone, Debug)]
pub enum Expr {
    Literal(Value),
    /// A path in the record; no step at all is the record itself.
    Path(Vec<Step>),
    /// A column of a CSV record, by its place: what the path becomes once the header is known.
    Column(usize),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// AND and OR of any number: a long chain is not a deep tree.
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Like {
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        not: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        not: bool,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        not: bool,
    },
    Is {
        value: Box<Expr>,
        missing_only: bool,
        not: bool,
    },
    /// With an operand its value is compared with the conditions.
    Case {
        operand: Option<Box<Expr>>,
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast(Box<Expr>, Type),
    Call(Function, Vec<Expr>),
    Aggregate(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Concat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int,
    Float,
    /// Digits after the point, where they were said.
    Decimal(Option<u32>),
    /// Characters that are kept, where that was said.
    Text(Option<usize>),
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Without an argument: of records.
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Coalesce,
    NullIf,
    CharLength,
    Lower,
    Upper,
    Substring,
    /// Its arguments: the text, and the characters.
    Trim(Side),
    DateAdd(DatePart),
    DateDiff(DatePart),
    Extract(DatePart),
    ToString,
    ToTimestamp,
    UtcNow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Leading,
    Trailing,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    TimezoneHour,
    TimezoneMinute,
}

impl Expr {
    /// Visits it and all that is in it. Recursion is as deep as the parser let it be.
    pub fn walk(&mut self, visit: &mut impl FnMut(&mut Expr)) {
        visit(self);
        match self {
            Expr::Literal(_) | Expr::Path(_) | Expr::Column(_) | Expr::Aggregate(_) => {}
            Expr::Not(inner) | Expr::Negate(inner) | Expr::Cast(inner, _) => inner.walk(visit),
            Expr::All(all) | Expr::Any(all) => all.iter_mut().for_each(|one| one.walk(visit)),
            Expr::Is { value, .. } => value.walk(visit),
            Expr::Binary(_, left, right) => {
                left.walk(visit);
                right.walk(visit);
            }
            Expr::Like { value, pattern, escape, .. } => {
                value.walk(visit);
                pattern.walk(visit);
                if let Some(escape) = escape {
                    escape.walk(visit);
                }
            }
            Expr::Between { value, low, high, .. } => {
                value.walk(visit);
                low.walk(visit);
                high.walk(visit);
            }
            Expr::In { value, list, .. } => {
                value.walk(visit);
                list.iter_mut().for_each(|one| one.walk(visit));
            }
            Expr::Case { operand, arms, otherwise } => {
                for one in operand.iter_mut().chain(otherwise) {
                    one.walk(visit);
                }
                for (when, then) in arms {
                    when.walk(visit);
                    then.walk(visit);
                }
            }
            Expr::Call(_, arguments) => arguments.iter_mut().for_each(|one| one.walk(visit)),
        }
    }
}

impl Query {
    /// Visits every expression in it.
    pub fn walk(&mut self, visit: &mut impl FnMut(&mut Expr)) {
        if let What::List(items) = &mut self.what {
            items.iter_mut().for_each(|item| item.expr.walk(visit));
        }
        if let Some(filter) = &mut self.filter {
            filter.walk(visit);
        }
        for (_, argument) in &mut self.aggregates {
            if let Some(argument) = argument {
                argument.walk(visit);
            }
        }
    }
}
