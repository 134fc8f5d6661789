use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};

use super::query::ordered;
use super::{Planner, Result};
use crate::lake::cast::day;
use crate::lake::expr::Expr;
use crate::lake::functions::{Function, Lambda, Matcher};
use crate::lake::nodes::Order;
use crate::lake::run::aggregate::{Aggregate, Kind};
use crate::lake::run::window::{Bound, Frame, Window, WindowFunction};
use crate::lake::value::Value;

/// What a function is called with.
struct Given<'q> {
    /// `None` for `*`.
    arguments: Vec<Option<&'q ast::Expr>>,
    distinct: bool,
    order: &'q [ast::OrderByExpr],
}

impl<'q> Planner<'q> {
    pub(super) fn function(&mut self, function: &'q ast::Function) -> Result<Expr> {
        let name = function.name.to_string();
        let given = given(function)?;
        if let Some(over) = &function.over {
            return self.window(&name, function, &given, over);
        }
        if Kind::named(&name).is_some() {
            return self.aggregate(&name, function, &given);
        }
        if function.filter.is_some() || given.distinct || !given.order.is_empty() {
            return Err(format!("{name} is no aggregate, and takes no DISTINCT, ORDER BY or FILTER"));
        }
        if let Some((lambda, before, parameters)) = Lambda::named(&name) {
            return self.applied(&name, lambda, before, parameters, &given);
        }
        if given.arguments.is_empty() {
            match &*name.to_ascii_lowercase() {
                "now" | "current_timestamp" | "localtimestamp" => {
                    return Ok(Expr::Literal(Value::Time(self.now)));
                }
                "current_date" => {
                    return Ok(Expr::Literal(day(&Value::Time(self.now)).unwrap_or(Value::Null)));
                }
                _ => {}
            }
        }
        let all = self.arguments(&name, &given)?;
        let pattern = match all.get(1) {
            Some(Expr::Literal(Value::Text(pattern))) => Some(pattern.as_str()),
            _ => None,
        };
        if let Some(matcher) = Matcher::named(&name, all.len(), pattern) {
            return Ok(Expr::Match(matcher?, all));
        }
        Ok(Expr::Call(Function::named(&name, all.len())?, all))
    }

    fn arguments(&mut self, name: &str, given: &Given<'q>) -> Result<Vec<Expr>> {
        let mut all = Vec::new();
        for one in &given.arguments {
            let one = one.ok_or_else(|| format!("* is no argument of function {name}"))?;
            all.push(self.expr(one)?);
        }
        Ok(all)
    }

    /// An aggregate of the group: its arguments are of the rows in it.
    fn aggregate(&mut self, name: &str, function: &'q ast::Function, given: &Given<'q>) -> Result<Expr> {
        let scope = self.scope();
        if scope.comparing {
            return Err("An aggregate is no key".to_owned());
        }
        let Some(groups) = scope.groups.take() else {
            scope.met_aggregate = true;
            return match scope.takes_windows {
                // Known once all columns are read: then they are read again.
                true => Ok(Expr::Literal(Value::Null)),
                false => Err("Aggregates are not allowed here".to_owned()),
            };
        };
        let windows = std::mem::replace(&mut scope.takes_windows, false);
        let met = std::mem::replace(&mut scope.met_aggregate, false);
        let made = self.aggregated(name, function, given);
        let scope = self.scope();
        let inner = std::mem::replace(&mut scope.met_aggregate, met);
        (scope.groups, scope.takes_windows) = (Some(groups), windows);
        let aggregate = made?;
        if inner {
            return Err(format!("Cannot nest aggregations inside aggregation '{name}'"));
        }
        let scope = self.scope();
        let at = scope.aggregates.iter().position(|known| *known == aggregate);
        let at = at.unwrap_or_else(|| {
            scope.aggregates.push(aggregate);
            scope.aggregates.len() - 1
        });
        let keys = scope.groups.as_ref().map_or(0, Vec::len);
        Ok(Expr::Column(0, keys + at))
    }

    fn aggregated(
        &mut self,
        name: &str,
        function: &'q ast::Function,
        given: &Given<'q>,
    ) -> Result<Aggregate> {
        let (kind, least, most) = Kind::named(name).ok_or_else(|| format!("{name} is no aggregate"))?;
        let arguments = match given.arguments[..] {
            [None] if kind == Kind::Count => Vec::new(),
            _ => self.arguments(name, given)?,
        };
        if !(least..=most).contains(&arguments.len()) {
            return Err(format!("Unexpected number of parameters ({}) for function {name}", arguments.len()));
        }
        let filter = function.filter.as_ref().map(|filter| self.expr(filter)).transpose()?;
        let order = match &function.within_group[..] {
            [] => given.order,
            within if kind == Kind::Join => within,
            _ => return Err(format!("{name} takes no WITHIN GROUP")),
        };
        let mut orders: Vec<Order> = Vec::new();
        for one in order {
            let expr = self.expr(&one.expr)?;
            orders.push(ordered(one, expr)?);
        }
        let distinct = given.distinct || name.eq_ignore_ascii_case("approx_distinct");
        Ok(Aggregate { kind, arguments, distinct, filter, order: orders })
    }

    fn applied(
        &mut self,
        name: &str,
        lambda: Lambda,
        before: usize,
        parameters: usize,
        given: &Given<'q>,
    ) -> Result<Expr> {
        let wanted = before + if lambda == Lambda::Reduce { 2 } else { 1 };
        if given.arguments.len() != wanted {
            let count = given.arguments.len();
            return Err(format!("Unexpected number of parameters ({count}) for function {name}"));
        }
        let mut all = Vec::new();
        for one in given.arguments[..before].iter().flatten() {
            all.push(self.expr(one)?);
        }
        let body = self.body(name, given.arguments[before], parameters)?;
        let applied = Expr::Apply(lambda, all, Box::new(body));
        if lambda != Lambda::Reduce {
            return Ok(applied);
        }
        // What is made of the state in the end: an expression on an array of it alone.
        let last = self.body(name, given.arguments[before + 1], 1)?;
        let last = Expr::Apply(Lambda::Transform, vec![Expr::Array(vec![applied])], Box::new(last));
        Ok(Expr::Element(Box::new(last), Box::new(Expr::Literal(Value::Int(1)))))
    }

    fn body(&mut self, name: &str, expr: Option<&'q ast::Expr>, parameters: usize) -> Result<Expr> {
        let Some(ast::Expr::Lambda(lambda)) = expr else {
            return Err(format!("Function {name} takes a lambda expression"));
        };
        let names: Vec<String> = lambda.params.iter().map(|ident| ident.value.clone()).collect();
        if names.len() != parameters {
            return Err(format!("The lambda expression of {name} takes {parameters} parameters"));
        }
        let before = self.scope().parameters.len();
        self.scope().parameters.extend(names);
        let body = self.expr(&lambda.body);
        self.scope().parameters.truncate(before);
        body
    }

    fn window(
        &mut self,
        name: &str,
        function: &'q ast::Function,
        given: &Given<'q>,
        over: &'q ast::WindowType,
    ) -> Result<Expr> {
        if !self.scope().takes_windows {
            return Err("Window functions are not allowed here".to_owned());
        }
        let ast::WindowType::WindowSpec(spec) = over else {
            return Err("WINDOW names are not supported".to_owned());
        };
        if spec.window_name.is_some() || function.null_treatment.is_some() {
            return Err("WINDOW names and IGNORE NULLS are not supported".to_owned());
        }
        // In the window there is no other.
        self.scope().takes_windows = false;
        let made = self.windowed(name, function, given, spec);
        self.scope().takes_windows = true;
        let window = made?;
        let scope = self.scope();
        let segment = if scope.groups.is_some() { 1 } else { scope.relations.len() };
        let at = scope.windows.iter().position(|known| *known == window);
        let at = at.unwrap_or_else(|| {
            scope.windows.push(window);
            scope.windows.len() - 1
        });
        Ok(Expr::Column(segment, at))
    }

    fn windowed(
        &mut self,
        name: &str,
        function: &'q ast::Function,
        given: &Given<'q>,
        spec: &'q ast::WindowSpec,
    ) -> Result<Window> {
        let lower = name.to_ascii_lowercase();
        let function = match &*lower {
            "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile" | "lag"
            | "lead" | "first_value" | "last_value" | "nth_value" => {
                if function.filter.is_some() || given.distinct {
                    return Err(format!("{name} takes no DISTINCT or FILTER"));
                }
                let all = self.arguments(name, given)?;
                named(&lower, all)
                    .ok_or_else(|| format!("Unexpected number of parameters for function {name}"))?
            }
            _ => WindowFunction::Aggregate(self.aggregated(name, function, given)?),
        };
        let partition = spec.partition_by.iter().map(|expr| self.expr(expr)).collect::<Result<Vec<_>>>()?;
        let mut order: Vec<Order> = Vec::new();
        for one in &spec.order_by {
            let expr = self.expr(&one.expr)?;
            order.push(ordered(one, expr)?);
        }
        let frame = frame(spec.window_frame.as_ref(), !order.is_empty())?;
        Ok(Window { function, partition, order, frame })
    }
}

fn named(name: &str, mut all: Vec<Expr>) -> Option<WindowFunction> {
    let count = all.len();
    let mut next = || if all.is_empty() { None } else { Some(all.remove(0)) };
    let made = match (name, count) {
        ("row_number", 0) => WindowFunction::RowNumber,
        ("rank", 0) => WindowFunction::Rank,
        ("dense_rank", 0) => WindowFunction::DenseRank,
        ("percent_rank", 0) => WindowFunction::PercentRank,
        ("cume_dist", 0) => WindowFunction::CumulativeDistance,
        ("ntile", 1) => WindowFunction::Tiles(next()?),
        ("first_value", 1) => WindowFunction::First(next()?),
        ("last_value", 1) => WindowFunction::Last(next()?),
        ("nth_value", 2) => WindowFunction::Nth(next()?, next()?),
        ("lag" | "lead", 1..=3) => WindowFunction::Shift {
            value: next()?,
            by: next().unwrap_or(Expr::Literal(Value::Int(1))),
            default: next().unwrap_or(Expr::Literal(Value::Null)),
            ahead: name == "lead",
        },
        _ => return None,
    };
    Some(made)
}

fn given(function: &ast::Function) -> Result<Given<'_>> {
    let mut given = Given { arguments: Vec::new(), distinct: false, order: &[] };
    match &function.args {
        ast::FunctionArguments::None => {}
        ast::FunctionArguments::Subquery(_) => return Err("A subquery is no argument".to_owned()),
        ast::FunctionArguments::List(list) => {
            given.distinct = matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct));
            for one in &list.args {
                given.arguments.push(match one {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => None,
                    _ => return Err(format!("An argument of {} is not supported", function.name)),
                });
            }
            for clause in &list.clauses {
                match clause {
                    ast::FunctionArgumentClause::OrderBy(order) => given.order = order,
                    other => return Err(format!("{other} is not supported")),
                }
            }
        }
    }
    Ok(given)
}

fn frame(given: Option<&ast::WindowFrame>, ordered: bool) -> Result<Frame> {
    let Some(given) = given else {
        let end = if ordered { Bound::Peers } else { Bound::Unbounded };
        return Ok(Frame { start: Bound::Unbounded, end });
    };
    let rows = matches!(given.units, ast::WindowFrameUnits::Rows);
    let bound = |bound: &ast::WindowFrameBound| {
        let offset = |expr: &ast::Expr| match expr {
            ast::Expr::Value(value) => match &value.value {
                ast::Value::Number(text, _) => text.parse::<i64>().ok(),
                _ => None,
            },
            _ => None,
        };
        match bound {
            ast::WindowFrameBound::CurrentRow if rows => Some(Bound::Rows(0)),
            ast::WindowFrameBound::CurrentRow => Some(Bound::Peers),
            ast::WindowFrameBound::Preceding(None) | ast::WindowFrameBound::Following(None) => {
                Some(Bound::Unbounded)
            }
            ast::WindowFrameBound::Preceding(Some(by)) if rows => offset(by).map(|by| Bound::Rows(-by)),
            ast::WindowFrameBound::Following(Some(by)) if rows => offset(by).map(Bound::Rows),
            _ => None,
        }
    };
    let refused = || "Frames are of ROWS by numbers, or of RANGE and GROUPS to the current row".to_owned();
    let start = match &given.start_bound {
        ast::WindowFrameBound::Following(None) => None,
        start => bound(start),
    };
    let end = match &given.end_bound {
        None => bound(&ast::WindowFrameBound::CurrentRow),
        Some(ast::WindowFrameBound::Preceding(None)) => None,
        Some(end) => bound(end),
    };
    Ok(Frame { start: start.ok_or_else(refused)?, end: end.ok_or_else(refused)? })
}
