//! What a query's parts look like, before they are expressions: names, numbers, where aggregates are.

use sqlparser::ast::{self, SelectItem, TableFactor};

use super::Result;
use crate::lake::run::AggregateKind;

/// The id of a store is no identifier of SQL: it gets quotes.
pub(super) fn quoted(text: &str) -> String {
    let is_id = |word: &str| {
        word.len() == 36
            && word.bytes().enumerate().all(|(at, b)| match at {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
    };
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let free = !before.is_ascii_alphanumeric() && !matches!(before, '"' | '\'' | '-');
        let word = rest.get(..36).filter(|word| free && is_id(word));
        if let Some(word) = word {
            out.push('"');
            out.push_str(word);
            out.push('"');
            rest = &rest[36..];
            before = '"';
            continue;
        }
        out.push(c);
        before = c;
        rest = &rest[c.len_utf8()..];
    }
    out
}

pub(super) fn table(from: &[ast::TableWithJoins]) -> Result<(String, Vec<String>)> {
    let [ast::TableWithJoins { relation: TableFactor::Table { name, alias, .. }, joins }] = from else {
        return Err("FROM must name one event data store".to_owned());
    };
    if !joins.is_empty() {
        return Err("JOIN is not supported".to_owned());
    }
    let [part] = &name.0[..] else { return Err("FROM must name an event data store by its id".to_owned()) };
    let id = part.as_ident().map(|ident| ident.value.clone()).unwrap_or_default();
    let mut names = vec![id.clone()];
    names.extend(alias.as_ref().map(|alias| alias.name.value.clone()));
    Ok((id, names))
}

pub(super) fn ordinal(value: &ast::Value, columns: usize) -> Result<usize> {
    let number: Option<usize> = match value {
        ast::Value::Number(text, _) => text.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (1..=columns).contains(number));
    number.map(|number| number - 1).ok_or_else(|| format!("ORDER BY or GROUP BY {value} is not a column"))
}

pub(super) fn count(expr: &ast::Expr) -> Result<usize> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(text, _) => text.parse().map_err(|_| format!("LIMIT {text} is not a number")),
            other => Err(format!("LIMIT {other} is not a number")),
        },
        other => Err(format!("LIMIT {other} is not a number")),
    }
}

/// How a column without an alias is called.
pub(super) fn name_of(expr: &ast::Expr, at: usize) -> String {
    match expr {
        ast::Expr::Identifier(ident) => ident.value.clone(),
        ast::Expr::CompoundIdentifier(parts) => {
            parts.last().map(|ident| ident.value.clone()).unwrap_or_default()
        }
        _ => format!("_col{at}"),
    }
}

pub(super) fn has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregates_in(expr),
        _ => false,
    }
}

pub(super) fn aggregates_in(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Function(function) => {
            AggregateKind::named(&function.name.to_string()).is_some()
                || matches!(&function.args, ast::FunctionArguments::List(list) if list.args.iter().any(|argument| {
                    matches!(argument, ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) if aggregates_in(expr))
                }))
        }
        ast::Expr::BinaryOp { left, right, .. } => aggregates_in(left) || aggregates_in(right),
        ast::Expr::UnaryOp { expr, .. } | ast::Expr::Nested(expr) | ast::Expr::Cast { expr, .. } => {
            aggregates_in(expr)
        }
        ast::Expr::Case { conditions, else_result, .. } => {
            conditions.iter().any(|case| aggregates_in(&case.condition) || aggregates_in(&case.result))
                || else_result.as_ref().is_some_and(|expr| aggregates_in(expr))
        }
        _ => false,
    }
}
