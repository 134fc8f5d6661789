//! What is written in a way of its own, and is a function.

use sqlparser::ast;

use super::{Planner, Result};
use crate::lake::expr::Expr;
use crate::lake::functions::Function;
use crate::lake::value::Value;

impl<'q> Planner<'q> {
    pub(super) fn form(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        match expr {
            ast::Expr::Cast { .. } | ast::Expr::TypedString(_) => self.typed(expr),
            ast::Expr::Array(array) => {
                let all = array.elem.iter().map(|one| self.expr(one)).collect::<Result<Vec<_>>>()?;
                Ok(Expr::Array(all))
            }
            ast::Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let parts = [Some(&**expr), Some(&**from), substring_for.as_deref()];
                self.call("substr", parts.into_iter().flatten())
            }
            ast::Expr::Trim { expr, trim_where, trim_what: None, trim_characters: None } => {
                let name = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => "trim",
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                };
                self.call(name, [&**expr])
            }
            ast::Expr::Ceil {
                expr,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => self.call("ceil", [&**expr]),
            ast::Expr::Floor {
                expr,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => self.call("floor", [&**expr]),
            ast::Expr::Position { expr, r#in } => self.call("strpos", [&**r#in, &**expr]),
            ast::Expr::Extract { field, expr, .. } => {
                let name = field.to_string().to_ascii_lowercase();
                let known = [
                    "year",
                    "quarter",
                    "month",
                    "week",
                    "day",
                    "day_of_month",
                    "day_of_week",
                    "dow",
                    "day_of_year",
                    "doy",
                    "year_of_week",
                    "yow",
                    "hour",
                    "minute",
                    "second",
                ];
                if !known.contains(&&*name) {
                    return Err(format!("EXTRACT({name}) is not supported"));
                }
                self.call(&name, [&**expr])
            }
            // Times are of UTC.
            ast::Expr::AtTimeZone { timestamp, time_zone } => {
                let zone = self.expr(time_zone)?;
                let utc = ["UTC", "Z", "Etc/UTC", "GMT", "+00:00"];
                match zone {
                    Expr::Literal(Value::Text(zone)) if utc.contains(&&*zone) => self.expr(timestamp),
                    _ => Err("AT TIME ZONE takes UTC only".to_owned()),
                }
            }
            ast::Expr::Interval(_) => Err("INTERVAL is for times to be moved by".to_owned()),
            ast::Expr::Lambda(_) => Err("A lambda expression is not supported here".to_owned()),
            other => Err(format!("{other} is not supported")),
        }
    }

    fn call(&mut self, name: &str, arguments: impl IntoIterator<Item = &'q ast::Expr>) -> Result<Expr> {
        let all = arguments.into_iter().map(|one| self.expr(one)).collect::<Result<Vec<_>>>()?;
        Ok(Expr::Call(Function::named(name, all.len())?, all))
    }
}
