mod shape;
mod terms;

use haneul_kit::Instant;
use sqlparser::ast::{self, SelectItem, SetExpr, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use self::shape::{aggregates_in, count, has_aggregate, name_of, ordinal, quoted, table};
use self::terms::{binary, literal, negate, shifted, type_of};
use super::expr::{Comparison, Expr};
use super::functions::Function;
use super::run::{Aggregate, AggregateKind};
use super::value::{Value, parse_time};

/// A query, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The id of the event data store.
    pub(crate) store: String,
    pub(crate) columns: Vec<(String, Expr)>,
    pub(crate) filter: Option<Expr>,
    /// `None` when rows are not grouped.
    pub(crate) group: Option<Vec<Expr>>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) having: Option<Expr>,
    /// Expressions and whether each is from the greatest down.
    pub(crate) order: Vec<(Expr, bool)>,
    pub(crate) distinct: bool,
    /// Rows that are left out before the first.
    pub(crate) offset: usize,
    pub(crate) limit: Option<usize>,
}

/// Longest text, and how deep expressions may nest.
const DEPTH_MAX: usize = 40;

/// The columns of an event. Source: CloudTrail User Guide, "Supported schema for CloudTrail Lake".
const COLUMNS: &[&str] = &[
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
];

type Result<T> = std::result::Result<T, String>;

/// What the whole query gathers while its expressions are read.
struct Reader {
    /// The name before a dot that means the store.
    table: Vec<String>,
    group: Option<Vec<Expr>>,
    aggregates: Vec<Aggregate>,
    /// Aliases of the columns, for ORDER BY and GROUP BY.
    aliases: Vec<(String, Expr)>,
    now: Instant,
}

/// Reads a query that is started `now`.
pub(crate) fn parse(text: &str, now: Instant) -> Result<Plan> {
    let text = quoted(text);
    let dialect = GenericDialect {};
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(&text)
        .map_err(|error| error.to_string())?;
    let statements = parser.parse_statements().map_err(|error| error.to_string())?;
    let [Statement::Query(query)] = &statements[..] else {
        return Err("Only one SELECT statement is supported".to_owned());
    };
    if query.with.is_some()
        || query.fetch.is_some()
        || !query.locks.is_empty()
        || !query.pipe_operators.is_empty()
    {
        return Err("WITH, FETCH and locks are not supported".to_owned());
    }
    let SetExpr::Select(select) = &*query.body else {
        return Err("UNION, INTERSECT, EXCEPT and VALUES are not supported".to_owned());
    };
    if select.having.is_some()
        && matches!(&select.group_by, ast::GroupByExpr::Expressions(all, _) if all.is_empty())
    {
        return Err("HAVING needs GROUP BY".to_owned());
    }
    if select.into.is_some()
        || select.top.is_some()
        || select.qualify.is_some()
        || !select.lateral_views.is_empty()
        || !select.named_window.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
    {
        return Err("INTO, TOP, QUALIFY, LATERAL VIEW and windows are not supported".to_owned());
    }
    let (store, table) = table(&select.from)?;
    let mut reader = Reader { table, group: None, aggregates: Vec::new(), aliases: Vec::new(), now };
    let filter = select.selection.as_ref().map(|filter| reader.plain(filter)).transpose()?;
    for item in &select.projection {
        if let SelectItem::ExprWithAlias { expr, alias } = item
            && let Ok(plain) = reader.plain(expr)
        {
            reader.aliases.push((alias.value.clone(), plain));
        }
    }
    let grouped = match &select.group_by {
        ast::GroupByExpr::Expressions(all, modifiers) if modifiers.is_empty() => {
            let mut keys = Vec::new();
            for expr in all {
                keys.push(reader.key(expr, &select.projection)?);
            }
            keys
        }
        _ => return Err("GROUP BY ALL, ROLLUP and CUBE are not supported".to_owned()),
    };
    let aggregated = !grouped.is_empty() || select.projection.iter().any(has_aggregate);
    reader.group = aggregated.then_some(grouped);
    reader.aliases.clear();
    let mut columns = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => columns.push((name_of(expr, columns.len()), reader.expr(expr)?)),
            SelectItem::ExprWithAlias { expr, alias } => {
                let found = reader.expr(expr)?;
                reader.aliases.push((alias.value.clone(), found.clone()));
                columns.push((alias.value.clone(), found));
            }
            SelectItem::Wildcard(_) if reader.group.is_none() => {
                let all =
                    COLUMNS.iter().map(|name| ((*name).to_owned(), Expr::Field(vec![(*name).to_owned()])));
                columns.extend(all);
            }
            _ => return Err("* is not supported here".to_owned()),
        }
    }
    let having = select.having.as_ref().map(|having| reader.expr(having)).transpose()?;
    let order = match &query.order_by {
        None => Vec::new(),
        Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(all), interpolate: None }) => {
            let mut order = Vec::new();
            for one in all {
                let expr = match &one.expr {
                    ast::Expr::Value(value) => {
                        ordinal(&value.value, columns.len()).map(|at| columns[at].1.clone())?
                    }
                    expr => reader.expr(expr)?,
                };
                order.push((expr, one.options.asc == Some(false)));
            }
            order
        }
        Some(_) => return Err("ORDER BY ALL is not supported".to_owned()),
    };
    let (offset, limit) = match &query.limit_clause {
        None => (0, None),
        Some(ast::LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => (
            offset.as_ref().map_or(Ok(0), |offset| count(&offset.value))?,
            limit.as_ref().map(count).transpose()?,
        ),
        Some(_) => return Err("LIMIT BY is not supported".to_owned()),
    };
    let distinct = match &select.distinct {
        None | Some(ast::Distinct::All) => false,
        Some(ast::Distinct::Distinct) => true,
        Some(_) => return Err("DISTINCT ON is not supported".to_owned()),
    };
    let Reader { group, aggregates, .. } = reader;
    Ok(Plan { store, columns, filter, group, aggregates, having, order, distinct, offset, limit })
}

impl Reader {
    /// An expression of one row, without aggregates.
    fn plain(&mut self, expr: &ast::Expr) -> Result<Expr> {
        if aggregates_in(expr) {
            return Err("Aggregates are not allowed here".to_owned());
        }
        let group = self.group.take();
        let found = self.expr(expr);
        self.group = group;
        found
    }

    fn key(&mut self, expr: &ast::Expr, columns: &[SelectItem]) -> Result<Expr> {
        if let ast::Expr::Value(value) = expr {
            return match &columns[ordinal(&value.value, columns.len())?] {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => self.plain(expr),
                _ => Err("* cannot be grouped by".to_owned()),
            };
        }
        self.plain(expr)
    }

    /// An expression; in a grouped query, of the group.
    fn expr(&mut self, expr: &ast::Expr) -> Result<Expr> {
        if let Some(keys) = self.group.clone() {
            let plain = if aggregates_in(expr) { None } else { self.plain(expr).ok() };
            if let Some(at) = plain.and_then(|plain| keys.iter().position(|key| *key == plain)) {
                return Ok(Expr::Key(at));
            }
        }
        let both = |reader: &mut Reader, one: &ast::Expr, other: &ast::Expr| {
            Ok::<_, String>((Box::new(reader.expr(one)?), Box::new(reader.expr(other)?)))
        };
        Ok(match expr {
            ast::Expr::Identifier(ident) => self.field(std::slice::from_ref(ident))?,
            ast::Expr::CompoundIdentifier(parts) => self.field(parts)?,
            ast::Expr::Value(value) => Expr::Literal(literal(&value.value)?),
            ast::Expr::TypedString(typed) => {
                let text = typed.value.value.clone().into_string().unwrap_or_default();
                let at = parse_time(&text).ok_or_else(|| format!("'{text}' is not a valid timestamp"))?;
                Expr::Literal(Value::Time(at))
            }
            ast::Expr::Nested(inner) => self.expr(inner)?,
            ast::Expr::UnaryOp { op: ast::UnaryOperator::Not, expr } => Expr::Not(Box::new(self.expr(expr)?)),
            ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => {
                Expr::Negative(Box::new(self.expr(expr)?))
            }
            ast::Expr::BinaryOp { left, op, right } => {
                let back = matches!(op, ast::BinaryOperator::Minus);
                if let ast::Expr::Interval(interval) = &**right
                    && (back || matches!(op, ast::BinaryOperator::Plus))
                {
                    return shifted(self.expr(left)?, interval, back);
                }
                let (one, other) = both(self, left, right)?;
                binary(op, one, other)?
            }
            ast::Expr::InList { expr, list, negated } => {
                let mut all = Vec::new();
                for one in list {
                    all.push(self.expr(one)?);
                }
                negate(*negated, Expr::In(Box::new(self.expr(expr)?), all))
            }
            ast::Expr::Between { expr, negated, low, high } => {
                let value = Box::new(self.expr(expr)?);
                let (low, high) = both(self, low, high)?;
                let from = Expr::Compare(Comparison::GreaterOrEqual, value.clone(), low);
                let to = Expr::Compare(Comparison::LessOrEqual, value, high);
                negate(*negated, Expr::And(Box::new(from), Box::new(to)))
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let (text, pattern) = both(self, expr, pattern)?;
                negate(*negated, Expr::Like(text, pattern))
            }
            ast::Expr::IsNull(inner) => Expr::IsNull(Box::new(self.expr(inner)?)),
            ast::Expr::IsNotNull(inner) => Expr::Not(Box::new(Expr::IsNull(Box::new(self.expr(inner)?)))),
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                let mut cases = Vec::new();
                for case in conditions {
                    let mut condition = self.expr(&case.condition)?;
                    if let Some(operand) = operand {
                        let operand = Box::new(self.expr(operand)?);
                        condition = Expr::Compare(Comparison::Equal, operand, Box::new(condition));
                    }
                    cases.push((condition, self.expr(&case.result)?));
                }
                let otherwise = else_result.as_ref().map(|expr| self.expr(expr)).transpose()?;
                Expr::Case(cases, otherwise.map(Box::new))
            }
            ast::Expr::Cast { expr, data_type, format: None, .. } => {
                Expr::Cast(Box::new(self.expr(expr)?), type_of(&data_type.to_string())?)
            }
            ast::Expr::CompoundFieldAccess { root, access_chain } => {
                let mut found = self.expr(root)?;
                for access in access_chain {
                    found = match (found, access) {
                        (found, ast::AccessExpr::Subscript(ast::Subscript::Index { index })) => {
                            Expr::Element(Box::new(found), Box::new(self.expr(index)?))
                        }
                        (Expr::Field(mut path), ast::AccessExpr::Dot(ast::Expr::Identifier(ident))) => {
                            path.push(ident.value.clone());
                            Expr::Field(path)
                        }
                        (found, ast::AccessExpr::Dot(ast::Expr::Identifier(ident))) => {
                            let key = Expr::Literal(Value::Text(ident.value.clone()));
                            Expr::Element(Box::new(found), Box::new(key))
                        }
                        _ => return Err(format!("{expr} is not supported")),
                    };
                }
                found
            }
            ast::Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let mut arguments = vec![self.expr(expr)?, self.expr(from)?];
                if let Some(length) = substring_for {
                    arguments.push(self.expr(length)?);
                }
                Expr::Call(Function::Substr, arguments)
            }
            ast::Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
                Expr::Call(Function::Trim, vec![self.expr(expr)?])
            }
            ast::Expr::Function(function) => self.function(function)?,
            other => return Err(format!("{other} is not supported")),
        })
    }

    fn field(&mut self, parts: &[ast::Ident]) -> Result<Expr> {
        let mut names: Vec<String> = parts.iter().map(|ident| ident.value.clone()).collect();
        if names.len() == 1
            && let Some((_, found)) =
                self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(&names[0]))
        {
            return Ok(found.clone());
        }
        if names.len() > 1 && self.table.iter().any(|table| table.eq_ignore_ascii_case(&names[0])) {
            names.remove(0);
        }
        let column = COLUMNS.iter().find(|column| column.eq_ignore_ascii_case(&names[0]));
        let Some(column) = column else { return Err(format!("Column '{}' cannot be resolved", names[0])) };
        if self.group.is_some() {
            return Err(format!(
                "'{}' must be an aggregate expression or appear in GROUP BY clause",
                names.join(".")
            ));
        }
        names[0] = (*column).to_owned();
        Ok(Expr::Field(names))
    }

    fn function(&mut self, function: &ast::Function) -> Result<Expr> {
        let name = function.name.to_string();
        if function.over.is_some() || function.filter.is_some() || !function.within_group.is_empty() {
            return Err(format!("{name} with OVER, FILTER or WITHIN GROUP is not supported"));
        }
        let (arguments, distinct) = match &function.args {
            ast::FunctionArguments::None => (&[][..], false),
            ast::FunctionArguments::List(list) => {
                (&list.args[..], matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct)))
            }
            ast::FunctionArguments::Subquery(_) => return Err("Subqueries are not supported".to_owned()),
        };
        if let Some(kind) = AggregateKind::named(&name) {
            let argument = match arguments {
                [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)]
                    if kind == AggregateKind::Count =>
                {
                    None
                }
                [] if kind == AggregateKind::Count => None,
                [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr))] => Some(self.plain(expr)?),
                _ => return Err(format!("Unexpected parameters for function {name}")),
            };
            let distinct = distinct || name.eq_ignore_ascii_case("approx_distinct");
            let aggregate = Aggregate { kind, argument, distinct };
            let at = self.aggregates.iter().position(|known| *known == aggregate);
            let at = at.unwrap_or_else(|| {
                self.aggregates.push(aggregate);
                self.aggregates.len() - 1
            });
            return Ok(Expr::Aggregate(at));
        }
        if arguments.is_empty() {
            match &*name.to_ascii_lowercase() {
                "now" | "current_timestamp" | "localtimestamp" => {
                    return Ok(Expr::Literal(Value::Time(self.now)));
                }
                "current_date" => {
                    let day = self.now.iso8601();
                    let day = day.get(..10).and_then(parse_time).unwrap_or(self.now);
                    return Ok(Expr::Literal(Value::Time(day)));
                }
                _ => {}
            }
        }
        let mut all = Vec::new();
        for argument in arguments {
            match argument {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => all.push(self.expr(expr)?),
                other => return Err(format!("{other} is not supported")),
            }
        }
        Ok(Expr::Call(Function::named(&name, all.len())?, all))
    }
}
