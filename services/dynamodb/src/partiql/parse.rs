//! Statements.

use haneul_kit::Result;

use super::token::{Token, tokens};
use super::{Returning, Select, Statement};
use crate::error::validation;
use crate::expression::Condition;
use crate::expression::path::{Path, Step};
use crate::expression::update::{Term, Update};
use crate::value::Value;

pub(super) type Parsed<T> = std::result::Result<T, String>;

/// Source: the model, the longest statement.
const LENGTH_MAX: usize = 8192;

/// Parentheses and NOT within one another.
const DEPTH_MAX: usize = 100;

/// A statement with its parameters put in.
pub(crate) fn parse(text: &str, parameters: &[Value]) -> Result<Statement> {
    let wrong = |why: String| validation(format!("Statement wasn't well formed, can't be processed: {why}"));
    if text.len() > LENGTH_MAX {
        return Err(wrong(format!("The statement has more than {LENGTH_MAX} characters")));
    }
    let tokens = tokens(text).map_err(wrong)?;
    let mut parser = Parser { tokens, at: 0, parameters, used: 0, depth: 0 };
    let statement = parser.statement();
    // What is missing is no fault of the statement's form.
    let mismatch = match &statement {
        Ok(_) => parser.used != parameters.len(),
        Err(_) => parser.used > parameters.len(),
    };
    match mismatch {
        true => Err(validation("Number of parameters in request and statement don't match.")),
        false => statement.map_err(wrong),
    }
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    parameters: &'a [Value],
    used: usize,
    depth: usize,
}

impl Parser<'_> {
    fn statement(&mut self) -> Parsed<Statement> {
        let statement = if self.take_word("SELECT") {
            Statement::Select(self.select()?)
        } else if self.take_word("INSERT") {
            self.insert()?
        } else if self.take_word("UPDATE") {
            self.update()?
        } else if self.take_word("DELETE") {
            self.delete()?
        } else if self.take_word("EXISTS") {
            self.expect("(")?;
            self.expect_word("SELECT")?;
            let select = self.select()?;
            self.expect(")")?;
            Statement::Exists(select)
        } else {
            return Err("Expected data manipulation".to_owned());
        };
        self.take(";");
        match self.peek() {
            Token::End => Ok(statement),
            _ => Err(self.unexpected()),
        }
    }

    fn select(&mut self) -> Parsed<Select> {
        let paths = if self.take("*") {
            None
        } else {
            let mut paths = vec![self.path()?];
            while self.take(",") {
                paths.push(self.path()?);
            }
            Some(paths)
        };
        self.expect_word("FROM")?;
        let table = self.name()?;
        let index = if self.take(".") { Some(self.name()?) } else { None };
        let condition = if self.take_word("WHERE") { Some(self.condition()?) } else { None };
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            loop {
                let name = self.name()?;
                let descends = self.take_word("DESC");
                if !descends {
                    self.take_word("ASC");
                }
                order.push((name, descends));
                if !self.take(",") {
                    break;
                }
            }
        }
        Ok(Select { paths, table, index, condition, order })
    }

    fn insert(&mut self) -> Parsed<Statement> {
        self.expect_word("INTO")?;
        let table = self.name()?;
        self.expect_word("VALUE")?;
        Ok(Statement::Insert { table, item: self.map()? })
    }

    fn update(&mut self) -> Parsed<Statement> {
        let table = self.name()?;
        let mut update = Update::default();
        loop {
            if self.take_word("SET") {
                let path = self.path()?;
                self.expect("=")?;
                self.assign(path, &mut update)?;
            } else if self.take_word("REMOVE") {
                update.remove.push(self.path()?);
            } else {
                break;
            }
            // `SET a = 1, b = 2`
            while self.take(",") {
                let path = self.path()?;
                self.expect("=")?;
                self.assign(path, &mut update)?;
            }
        }
        if update.paths().next().is_none() {
            return Err("Expected SET or REMOVE".to_owned());
        }
        let condition = self.filter()?;
        Ok(Statement::Update { table, update, condition, returning: self.returning()? })
    }

    fn delete(&mut self) -> Parsed<Statement> {
        self.expect_word("FROM")?;
        let table = self.name()?;
        let condition = self.filter()?;
        Ok(Statement::Delete { table, condition, returning: self.returning()? })
    }

    /// WHERE; without it, a condition that names no key.
    fn filter(&mut self) -> Parsed<Condition> {
        if self.take_word("WHERE") { self.condition() } else { Ok(Condition::And(Vec::new())) }
    }

    fn returning(&mut self) -> Parsed<Option<Returning>> {
        if !self.take_word("RETURNING") {
            return Ok(None);
        }
        let all = self.take_word("ALL");
        if !all {
            self.expect_word("MODIFIED")?;
        }
        let old = self.take_word("OLD");
        if !old {
            self.expect_word("NEW")?;
        }
        self.expect("*")?;
        Ok(Some(match (all, old) {
            (true, true) => Returning::AllOld,
            (false, true) => Returning::ModifiedOld,
            (true, false) => Returning::AllNew,
            (false, false) => Returning::ModifiedNew,
        }))
    }

    /// The right side of SET.
    fn assign(&mut self, path: Path, update: &mut Update) -> Parsed<()> {
        for (function, adds) in [("set_add", true), ("set_delete", false)] {
            if !self.is_function(function) {
                continue;
            }
            self.at += 2;
            let of = self.path()?;
            self.expect(",")?;
            let value = self.literal()?.ok_or_else(|| self.unexpected())?;
            self.expect(")")?;
            if of != path {
                return Err(format!("{function} must name the attribute that is set"));
            }
            let set = if adds { &mut update.add } else { &mut update.delete };
            set.push((path, value));
            return Ok(());
        }
        let mut term = self.term()?;
        for sign in ["+", "-"] {
            if self.take(sign) {
                let right = Box::new(self.term()?);
                term = match sign {
                    "+" => Term::Plus(Box::new(term), right),
                    _ => Term::Minus(Box::new(term), right),
                };
                break;
            }
        }
        update.set.push((path, term));
        Ok(())
    }

    fn term(&mut self) -> Parsed<Term> {
        if self.is_function("list_append") {
            self.at += 2;
            let first = self.nested(Self::term)?;
            self.expect(",")?;
            let second = self.nested(Self::term)?;
            self.expect(")")?;
            return Ok(Term::ListAppend(Box::new(first), Box::new(second)));
        }
        if self.is_function("if_not_exists") {
            self.at += 2;
            let path = self.path()?;
            self.expect(",")?;
            let other = self.nested(Self::term)?;
            self.expect(")")?;
            return Ok(Term::IfNotExists(path, Box::new(other)));
        }
        match self.literal()? {
            Some(value) => Ok(Term::Value(value)),
            None => self.path().map(Term::Path),
        }
    }

    pub(super) fn path(&mut self) -> Parsed<Path> {
        let mut steps = vec![Step::Name(self.name()?)];
        loop {
            if self.take(".") {
                steps.push(Step::Name(self.name()?));
            } else if self.take("[") {
                match self.next() {
                    Token::Number(digits) => {
                        steps.push(Step::Index(digits.parse().map_err(|_| "Expected an index".to_owned())?));
                    }
                    Token::Text(name) => steps.push(Step::Name(name)),
                    _ => return Err("Expected an index".to_owned()),
                }
                self.expect("]")?;
            } else {
                return Ok(Path(steps));
            }
        }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Quoted(name) => {
                self.next();
                Ok(name)
            }
            Token::Word(name) if !is_keyword(&name) => {
                self.next();
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn is_function(&self, name: &str) -> bool {
        self.is_word(name) && *self.peek_at(1) == Token::Symbol("(")
    }

    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            return Err("The statement is nested too deeply".to_owned());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// The value of the next `?`, which is the token that is looked at.
    pub(super) fn parameter(&mut self) -> Parsed<Value> {
        let value = self.parameters.get(self.used).cloned();
        self.used += 1;
        value.ok_or_else(|| "There are more ? than parameters".to_owned())
    }

    /// Goes on `by` tokens.
    pub(super) fn skip(&mut self, by: usize) {
        self.at = (self.at + by).min(self.tokens.len() - 1);
    }

    pub(super) fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).unwrap_or(&Token::End)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let is = matches!(self.peek(), Token::Symbol(own) if *own == symbol);
        if is {
            self.next();
        }
        is
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(own) if own.eq_ignore_ascii_case(word))
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        if is {
            self.next();
        }
        is
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn unexpected(&self) -> String {
        match self.peek() {
            Token::End => "Unexpected end of statement".to_owned(),
            Token::Word(word) if is_keyword(word) => "Unexpected keyword".to_owned(),
            Token::Word(word) | Token::Quoted(word) => format!("Unexpected identifier {word}"),
            Token::Text(_) | Token::Number(_) | Token::Parameter => "Unexpected term".to_owned(),
            Token::Symbol(symbol) => format!("Unexpected token {symbol}"),
        }
    }
}

const KEYWORDS: [&str; 28] = [
    "SELECT",
    "FROM",
    "WHERE",
    "INSERT",
    "INTO",
    "VALUE",
    "UPDATE",
    "SET",
    "REMOVE",
    "DELETE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "IS",
    "MISSING",
    "NULL",
    "TRUE",
    "FALSE",
    "ORDER",
    "BY",
    "ASC",
    "DESC",
    "RETURNING",
    "EXISTS",
    "LIKE",
    "VALUES",
];

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}
