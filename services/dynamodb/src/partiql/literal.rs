//! Values in a statement: literals, and parameters.

use super::parse::{Parsed, Parser};
use super::token::Token;
use crate::value::{Attrs, Number, Value};

/// As deep as a value may be.
const DEPTH_MAX: usize = 31;

impl Parser<'_> {
    /// A literal or a parameter; `None` when something else stands here.
    pub(super) fn literal(&mut self) -> Parsed<Option<Value>> {
        self.literal_at(0)
    }

    pub(super) fn map(&mut self) -> Parsed<Attrs> {
        match self.literal()? {
            Some(Value::M(map)) => Ok(map),
            _ => Err("Expected a map".to_owned()),
        }
    }

    fn literal_at(&mut self, depth: usize) -> Parsed<Option<Value>> {
        if depth > DEPTH_MAX {
            return Err("Nesting Levels have exceeded supported limits".to_owned());
        }
        let value = match self.peek().clone() {
            Token::Text(text) => Value::S(text),
            Token::Number(text) => Value::N(number(&text)?),
            Token::Parameter => self.parameter()?,
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Value::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Value::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Value::Null,
            Token::Symbol(sign @ ("-" | "+")) => match self.peek_at(1).clone() {
                Token::Number(text) => {
                    self.next();
                    let number = number(&text)?;
                    Value::N(if sign == "-" { number.negated() } else { number })
                }
                _ => return Ok(None),
            },
            Token::Symbol("[") => {
                self.next();
                return self.elements("]", depth).map(|list| Some(Value::L(list)));
            }
            Token::Symbol("<<") => {
                self.next();
                let elements = self.elements(">>", depth)?;
                return set(elements).map(Some);
            }
            Token::Symbol("{") => {
                self.next();
                return self.entries(depth).map(|map| Some(Value::M(map)));
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(value))
    }

    fn elements(&mut self, end: &'static str, depth: usize) -> Parsed<Vec<Value>> {
        let mut elements = Vec::new();
        if self.take(end) {
            return Ok(elements);
        }
        loop {
            match self.literal_at(depth + 1)? {
                Some(value) => elements.push(value),
                None => return Err(self.unexpected()),
            }
            if !self.take(",") {
                self.expect(end)?;
                return Ok(elements);
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Parsed<Attrs> {
        let mut entries = Vec::new();
        if self.take("}") {
            return Ok(Attrs::new());
        }
        loop {
            let name = match self.next() {
                Token::Text(name) | Token::Quoted(name) => name,
                _ => return Err("Expected the name of an attribute in single quotes".to_owned()),
            };
            self.expect(":")?;
            match self.literal_at(depth + 1)? {
                Some(value) => entries.push((name, value)),
                None => return Err(self.unexpected()),
            }
            if !self.take(",") {
                self.expect("}")?;
                return Ok(Attrs::of(entries));
            }
        }
    }
}

fn number(text: &str) -> Parsed<Number> {
    Number::parse(text).map_err(|error| error.to_string())
}

/// `<<…>>`: all of one type that sets can have, none twice.
fn set(elements: Vec<Value>) -> Parsed<Value> {
    let mixed = || "A set must have elements of one type: string, number or binary".to_owned();
    let first = elements.first().ok_or_else(|| "A set may not be empty".to_owned())?;
    if elements.iter().enumerate().any(|(i, element)| elements[..i].contains(element)) {
        return Err("Input collection contains duplicates".to_owned());
    }
    fn of<T>(elements: Vec<Value>, part: impl Fn(Value) -> Option<T>) -> Option<Vec<T>> {
        elements.into_iter().map(part).collect()
    }
    match first {
        Value::S(_) => of(elements, |value| if let Value::S(text) = value { Some(text) } else { None })
            .map(Value::Ss)
            .ok_or_else(mixed),
        Value::N(_) => of(elements, |value| if let Value::N(number) = value { Some(number) } else { None })
            .map(Value::Ns)
            .ok_or_else(mixed),
        Value::B(_) => of(elements, |value| if let Value::B(bytes) = value { Some(bytes) } else { None })
            .map(Value::Bs)
            .ok_or_else(mixed),
        _ => Err(mixed()),
    }
}
