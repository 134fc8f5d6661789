//! From text to [`Query`]: this file reads the statement, [`expression`] operators and paths, [`call`] functions.

mod call;
mod expression;

use crate::ast::{Aggregate, Expr, FromStep, Item, Name, Query, Step, What};
use crate::error::{Result, SelectError, unexpected_token};
use crate::lexer::{Token, tokens};
use crate::value::Value;

/// Longest expression, in bytes (S3 User Guide, "SQL reference": 256 KB).
const EXPRESSION_BYTES_MAX: usize = 256 * 1024;

/// Expressions within one another.
const DEPTH_MAX: usize = 50;

/// Operators other than AND and OR, and predicates, that are within one another: chains lie within their last operator.
const HEIGHT_MAX: usize = 200;

pub fn parse(text: &str) -> Result<Query> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let message =
            "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.";
        return Err(SelectError::new("ExpressionTooLong", message));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens,
        at: 0,
        end: text.len() + 1,
        depth: 0,
        operators: 0,
        alias: None,
        aggregates: Vec::new(),
        inside: false,
    };
    parser.query()
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    end: usize,
    depth: usize,
    /// Of the term that is being read.
    operators: usize,
    /// What the record is called, once FROM was read.
    alias: Option<Name>,
    aggregates: Vec<(Aggregate, Option<Expr>)>,
    /// Inside an aggregate's argument there is no other.
    inside: bool,
}

/// Words that cannot be a name.
const RESERVED: &[&str] = &[
    "SELECT", "FROM", "WHERE", "LIMIT", "AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "ESCAPE", "AS",
    "CASE", "WHEN", "THEN", "ELSE", "END", "NULL", "MISSING", "TRUE", "FALSE", "CAST", "GROUP", "ORDER",
    "HAVING", "JOIN", "UNION",
];

impl Parser {
    fn query(&mut self) -> Result<Query> {
        if !self.word("SELECT") {
            let message =
                format!("The SQL expression contains an unsupported SELECT at position {}.", self.position());
            return Err(SelectError::new("ParseUnsupportedSelect", message));
        }
        // The alias is needed to read the list, and comes after it.
        let list = self.at;
        self.skip_list()?;
        let from = self.from()?;
        let rest = self.at;
        self.at = list;
        let what = self.list()?;
        if !self.is_word("FROM") {
            return Err(unexpected_token(self.position()));
        }
        self.at = rest;
        let listed = self.aggregates.len();
        let filter = if self.word("WHERE") { Some(self.expr()?) } else { None };
        if self.aggregates.len() > listed {
            return Err(unsupported("Aggregate functions are not supported in WHERE"));
        }
        let limit = if self.word("LIMIT") { Some(self.limit()?) } else { None };
        if ["GROUP", "ORDER", "HAVING", "JOIN", "UNION"].iter().any(|word| self.is_word(word)) {
            return Err(unsupported("GROUP BY, ORDER BY, HAVING, JOIN and UNION are not supported"));
        }
        if self.at < self.tokens.len() {
            return Err(unexpected_token(self.position()));
        }
        let aggregates = std::mem::take(&mut self.aggregates);
        let mut query = Query { what, from, filter, limit, aggregates };
        check_aggregates(&mut query)?;
        Ok(query)
    }

    fn skip_list(&mut self) -> Result<()> {
        let mut open = 0usize;
        while let Some((token, _)) = self.tokens.get(self.at) {
            match token {
                Token::Symbol("(") => open += 1,
                Token::Symbol(")") => open = open.saturating_sub(1),
                // EXTRACT, TRIM and SUBSTRING have a FROM of their own.
                Token::Word(word) if open == 0 && word.eq_ignore_ascii_case("FROM") => return Ok(()),
                _ => {}
            }
            self.at += 1;
        }
        let message = "The SQL expression contains a missing FROM after the SELECT list.";
        Err(SelectError::new("ParseSelectMissingFrom", message))
    }

    fn from(&mut self) -> Result<Vec<FromStep>> {
        self.at += 1;
        let source = self.name()?;
        let known = ["S3OBJECT", "OBJECT"].iter().any(|known| source.text.eq_ignore_ascii_case(known));
        if !known {
            let message = "The data source in the FROM clause is invalid: it must be S3Object.";
            return Err(SelectError::new("InvalidDataSource", message));
        }
        let mut steps = Vec::new();
        loop {
            if self.symbol("[") {
                if self.symbol("*") {
                    steps.push(FromStep::Each);
                } else {
                    steps.push(FromStep::Index(self.index()?));
                }
                self.expect("]")?;
            } else if self.symbol(".") {
                steps.push(FromStep::Name(self.name()?));
            } else {
                break;
            }
        }
        // The records are what the first wildcard stands for.
        match steps.first() {
            None => {}
            Some(FromStep::Each) => {
                steps.remove(0);
            }
            Some(_) => {
                let message =
                    "The SQL expression contains an invalid path component: S3Object[*] must come first.";
                return Err(SelectError::new("ParseInvalidPathComponent", message));
            }
        }
        self.alias = if self.word("AS") {
            Some(self.name()?)
        } else {
            match self.tokens.get(self.at) {
                Some((Token::Word(word), _)) if !is_reserved(word) => Some(self.name()?),
                Some((Token::Quoted(_), _)) => Some(self.name()?),
                _ => Some(Name { exact: false, ..source }),
            }
        };
        if self.is_symbol(",") {
            return Err(unsupported("More than one data source is not supported"));
        }
        Ok(steps)
    }

    fn list(&mut self) -> Result<What> {
        if self.symbol("*") {
            if self.is_symbol(",") {
                let message = "Other expressions are not allowed in the SELECT list when * is used without dot notation.";
                return Err(SelectError::new("ParseAsteriskIsNotAloneInSelectList", message));
            }
            return Ok(What::All);
        }
        if self.is_word("FROM") {
            return Err(SelectError::new("ParseEmptySelect", "The SQL expression contains an empty SELECT."));
        }
        let mut items: Vec<Item> = Vec::new();
        loop {
            if items.is_empty() && self.is_alias_star() {
                return Ok(What::All);
            }
            let expr = self.expr()?;
            let named = if self.word("AS") {
                Some(self.name()?.text)
            } else {
                match self.tokens.get(self.at) {
                    Some((Token::Word(word), _)) if !is_reserved(word) => Some(self.name()?.text),
                    Some((Token::Quoted(_), _)) => Some(self.name()?.text),
                    _ => None,
                }
            };
            let name = named.unwrap_or_else(|| match &expr {
                Expr::Path(steps) => match steps.last() {
                    Some(Step::Name(name)) => name.text.clone(),
                    _ => format!("_{}", items.len() + 1),
                },
                _ => format!("_{}", items.len() + 1),
            });
            items.push(Item { expr, name });
            if !self.symbol(",") {
                return Ok(What::List(items));
            }
        }
    }

    /// `s.*` alone.
    fn is_alias_star(&mut self) -> bool {
        let is =
            |at: usize, symbol| matches!(self.tokens.get(at), Some((Token::Symbol(is), _)) if *is == symbol);
        let named = match self.tokens.get(self.at) {
            Some((Token::Word(word), _)) => self.alias.as_ref().is_some_and(|alias| alias.is(word)),
            _ => false,
        };
        let found = named && is(self.at + 1, ".") && is(self.at + 2, "*");
        if found {
            self.at += 3;
        }
        found
    }

    fn limit(&mut self) -> Result<u64> {
        match self.next() {
            Some(Token::Literal(Value::Int(limit))) if limit >= 0 => Ok(limit as u64),
            _ => Err(SelectError::new(
                "ParseExpectedNumber",
                format!(
                    "Did not find the expected number in the SQL expression at position {}.",
                    self.before()
                ),
            )),
        }
    }

    fn arguments(&mut self, closing: &'static str) -> Result<Vec<Expr>> {
        let mut arguments = Vec::new();
        if self.symbol(closing) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expr()?);
            if !self.symbol(",") {
                self.expect(closing)?;
                return Ok(arguments);
            }
        }
    }

    // Tokens.

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).map(|(token, _)| token.clone());
        self.at += 1;
        token
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(_, at)| *at)
    }

    fn before(&self) -> usize {
        self.tokens.get(self.at.saturating_sub(1)).map_or(self.end, |(_, at)| *at)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((Token::Symbol(is), _)) if *is == symbol)
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((Token::Word(is), _)) if is.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<()> {
        if self.symbol(symbol) { Ok(()) } else { Err(unexpected_token(self.position())) }
    }

    fn expect_word(&mut self, word: &'static str) -> Result<()> {
        if self.word(word) {
            return Ok(());
        }
        let message = format!(
            "Did not find the expected keyword {word} in the SQL expression at position {}.",
            self.position()
        );
        Err(SelectError::new("ParseExpectedKeyword", message))
    }

    fn name(&mut self) -> Result<Name> {
        match self.next() {
            Some(Token::Word(text)) => Ok(Name { text, exact: false }),
            Some(Token::Quoted(text)) => Ok(Name { text, exact: true }),
            _ => {
                let message = format!(
                    "Did not find the expected identifier in the SQL expression at position {}.",
                    self.before()
                );
                Err(SelectError::new("ParseExpectedIdentForAlias", message))
            }
        }
    }

    fn index(&mut self) -> Result<usize> {
        match self.next() {
            Some(Token::Literal(Value::Int(index))) if index >= 0 => Ok(index as usize),
            _ => {
                let message = format!(
                    "Did not find the expected number in the SQL expression at position {}.",
                    self.before()
                );
                Err(SelectError::new("ParseExpectedNumber", message))
            }
        }
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

fn unsupported(message: &str) -> SelectError {
    SelectError::new("UnsupportedSqlStructure", format!("{message}."))
}

/// With aggregates the list has nothing that is of one record.
fn check_aggregates(query: &mut Query) -> Result<()> {
    if query.aggregates.is_empty() {
        return Ok(());
    }
    let mut mixed = false;
    if let What::List(items) = &mut query.what {
        for item in items {
            item.expr.walk(&mut |expr| mixed |= matches!(expr, Expr::Path(_)));
        }
    }
    if mixed {
        Err(unsupported("Columns cannot be selected together with aggregate functions"))
    } else {
        Ok(())
    }
}
