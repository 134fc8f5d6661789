//! What a query's parts look like, before they are expressions: ids, numbers, names.

use sqlparser::ast;

use super::Result;

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
        _ => Err("LIMIT is not a number".to_owned()),
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
