use std::collections::HashMap;

use super::arithmetic;
use super::functions;
use super::{Expr, Line, POINTS_MAX, Value, too_many};
use crate::series::window::Window;

/// What the names in an expression mean.
pub(crate) struct Scope<'a> {
    pub(crate) window: Window,
    /// Results by id.
    pub(crate) results: &'a HashMap<String, Value>,
    /// The request's metrics, in its order, with their ids.
    pub(crate) metrics: &'a [(String, Line)],
    /// What searches found, by query, statistic and period.
    pub(crate) searches: &'a HashMap<(String, String, Option<i64>), Vec<Line>>,
    /// What rules of Contributor Insights counted, by name and statistic.
    pub(crate) rules: &'a HashMap<(String, String), Line>,
    /// What functions answered, by name and arguments.
    pub(crate) functions: &'a HashMap<(String, String), Vec<Line>>,
    /// Expected values and their deviations by query, at the times of the window.
    pub(crate) bands: &'a HashMap<String, Vec<(i64, f64, f64)>>,
}

/// # Errors
/// What does not go, as one sentence without a period.
pub(crate) fn evaluate(expr: &Expr, scope: &Scope<'_>) -> Result<Value, String> {
    match expr {
        Expr::Number(value) => Ok(Value::Scalar(*value)),
        Expr::Text(text) => Err(format!("A string cannot stand here: {text:?}")),
        Expr::Word(word) => Err(format!("Unknown identifier {word}")),
        Expr::Id(id) => {
            scope.results.get(id).cloned().ok_or_else(|| format!("There is no query with the id {id}"))
        }
        Expr::Negate(one) => {
            arithmetic::apply(super::Operator::Subtract, Value::Scalar(0.0), evaluate(one, scope)?)
        }
        Expr::Binary(operator, left, right) => {
            arithmetic::apply(*operator, evaluate(left, scope)?, evaluate(right, scope)?)
        }
        Expr::Array(list) => {
            let mut lines: Vec<Line> = Vec::new();
            let (mut held, mut counted) = (0, 0);
            for one in list {
                match evaluate(one, scope)? {
                    Value::Line(line) => lines.push(line),
                    Value::Lines(more) => lines.extend(more),
                    Value::Scalar(value) => lines.push(scope.constant(value)),
                }
                held += lines[counted..].iter().map(|line| line.points.len() + 1).sum::<usize>();
                counted = lines.len();
                if held > POINTS_MAX {
                    return Err(too_many());
                }
            }
            Ok(Value::Lines(lines))
        }
        Expr::Call(function, arguments) => {
            functions::call(*function, arguments, scope).map_err(|error| match error {
                functions::Wrong::Arguments => {
                    format!("Invalid number or type of arguments for function {}", function.name())
                }
                functions::Wrong::Because(reason) => reason,
            })
        }
    }
}

impl Scope<'_> {
    /// The same value at each period.
    pub(super) fn constant(&self, value: f64) -> Line {
        let points = self.window.steps().map(|at| (at, value)).collect();
        Line::new(value.to_string(), self.window.period, points)
    }
}
