//! From a text to a plan.
//!
//! Reading order: [`query`] (WITH, UNION, ORDER BY, LIMIT), [`select`], [`from`] (tables, joins), [`place`] (where a condition is looked at),
//! [`scope`] (what a name means), [`exprs`], [`forms`], [`calls`] (functions, aggregates, windows), [`subquery`], [`terms`], [`shape`].

mod calls;
mod exprs;
mod forms;
mod from;
mod place;
mod query;
mod scope;
mod select;
mod shape;
mod subquery;
mod terms;

use haneul_kit::Instant;
use sqlparser::ast::{self, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use self::scope::Scope;
use self::shape::quoted;
use super::nodes::{Gather, Plan, Scan};

/// How deep parentheses, subqueries and the like may nest.
const DEPTH_MAX: usize = 40;
/// Bytes of stack to read a query with: without optimisation, one level of the parser takes some 100 KiB.
const STACK_BYTES: usize = 32 * 1024 * 1024;
/// How deep an expression may be once it is read.
const EXPR_DEPTH_MAX: usize = 120;
/// Operators of a query. Chains of them are as deep as they are long in what the parser makes.
const OPERATORS_MAX: usize = 1500;
/// SELECTs of a query, once WITH is put in where it is named.
const SELECTS_MAX: usize = 200;

/// The columns of an event. Source: CloudTrail User Guide, "Supported SQL schemas for event data stores".
pub(super) const COLUMNS: &[&str] = &[
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "recipientAccountId",
    "sharedEventID",
    "annotation",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "serviceEventDetails",
    "addendum",
    "edgeDeviceDetails",
    "insightDetails",
    "eventCategory",
    "tlsDetails",
    "sessionCredentialFromConsole",
    // Of Insights events alone.
    "insightSource",
    "insightState",
    "insightEventSource",
    "insightEventName",
    "insightErrorCode",
    "insightType",
    "insightContext",
    // The whole event, and the SHA-256 of that.
    "eventJson",
    "eventJsonChecksum",
];

type Result<T> = std::result::Result<T, String>;

/// What the whole query gathers while it is read.
struct Planner<'q> {
    now: Instant,
    scans: Vec<Scan>,
    subqueries: Vec<Gather>,
    /// Those of WITH that can be named.
    named: Vec<Named<'q>>,
    /// The SELECTs that we are in, the innermost last.
    scopes: Vec<Scope>,
    selects: usize,
    depth: usize,
}

/// A query of WITH.
#[derive(Clone)]
struct Named<'q> {
    name: String,
    columns: Vec<String>,
    query: &'q ast::Query,
    /// How many of the others it can name.
    before: usize,
}

/// Reads a query that is started `now`, on a stack of its own.
pub(crate) fn parse(text: &str, now: Instant) -> Result<Plan> {
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new().stack_size(STACK_BYTES);
        let reading = reading.spawn_scoped(scope, || read(text, now));
        let read = reading.map_err(|error| error.to_string())?.join();
        read.unwrap_or_else(|_| Err("The query cannot be read".to_owned()))
    })
}

fn read(text: &str, now: Instant) -> Result<Plan> {
    let text = quoted(text);
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, &text).tokenize().map_err(|error| error.to_string())?;
    if tokens.iter().filter(|token| is_operator(token)).count() > OPERATORS_MAX {
        return Err(format!("The query has more than {OPERATORS_MAX} operators"));
    }
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(&text)
        .map_err(|error| error.to_string())?;
    let statements = parser.parse_statements().map_err(|error| error.to_string())?;
    let [Statement::Query(query)] = &statements[..] else {
        return Err("Only one SELECT statement is supported".to_owned());
    };
    let mut planner = Planner {
        now,
        scans: Vec::new(),
        subqueries: Vec::new(),
        named: Vec::new(),
        scopes: Vec::new(),
        selects: 0,
        depth: 0,
    };
    let planned = planner.query(query)?;
    if planner.scans.is_empty() {
        return Err("FROM must name an event data store".to_owned());
    }
    let Planner { scans, subqueries, .. } = planner;
    Ok(Plan { scans, subqueries, node: planned.node, columns: planned.columns })
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => true,
        Token::Eq | Token::DoubleEq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => true,
        Token::LBracket | Token::Period | Token::DoubleColon | Token::Arrow => true,
        Token::Word(word) => {
            let chained = ["AND", "OR", "UNION", "EXCEPT", "INTERSECT", "IS", "COLLATE", "JOIN", "AT"];
            chained.iter().any(|name| word.value.eq_ignore_ascii_case(name))
        }
        _ => false,
    }
}
