//! WHERE.

use super::parse::{Parsed, Parser};
use super::token::Token;
use crate::expression::Condition;
use crate::expression::condition::{Comparator, Operand};
use crate::value::Value;

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        let mut all = vec![self.conjunction()?];
        while self.take_word("OR") {
            all.push(self.conjunction()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::Or(all) })
    }

    fn conjunction(&mut self) -> Parsed<Condition> {
        let mut all = vec![self.negation()?];
        while self.take_word("AND") {
            all.push(self.negation()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::And(all) })
    }

    fn negation(&mut self) -> Parsed<Condition> {
        if self.take_word("NOT") {
            return self.nested(|parser| Ok(Condition::Not(Box::new(parser.negation()?))));
        }
        if self.take("(") {
            return self.nested(|parser| {
                let inner = parser.condition()?;
                parser.expect(")")?;
                Ok(inner)
            });
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Parsed<Condition> {
        for function in
            ["begins_with", "contains", "attribute_type", "attribute_exists", "attribute_not_exists"]
        {
            if self.is_function(function) {
                self.skip(2);
                return self.function(function);
            }
        }
        let left = self.operand()?;
        if self.take_word("IS") {
            return self.is(left);
        }
        if self.take_word("BETWEEN") {
            let low = self.operand()?;
            if !self.take_word("AND") {
                return Err(self.unexpected());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        let negated = self.is_word("NOT")
            && matches!(self.peek_at(1), Token::Word(word) if word.eq_ignore_ascii_case("IN"));
        if negated {
            self.skip(1);
        }
        if self.take_word("IN") {
            let within = self.list()?;
            let found = Condition::In(left, within);
            return Ok(if negated { Condition::Not(Box::new(found)) } else { found });
        }
        for (symbol, comparator) in [
            ("=", Comparator::Eq),
            ("<>", Comparator::Ne),
            ("!=", Comparator::Ne),
            ("<", Comparator::Lt),
            ("<=", Comparator::Le),
            (">", Comparator::Gt),
            (">=", Comparator::Ge),
        ] {
            if self.take(symbol) {
                return Ok(Condition::Compare(comparator, left, self.operand()?));
            }
        }
        Err(self.unexpected())
    }

    fn is(&mut self, left: Operand) -> Parsed<Condition> {
        let negated = self.take_word("NOT");
        let Operand::Path(path) = left else { return Err("IS needs an attribute".to_owned()) };
        let condition = if self.take_word("MISSING") {
            Condition::NotExists(path)
        } else if self.take_word("NULL") {
            Condition::HasType(Operand::Path(path), "NULL".to_owned())
        } else {
            return Err(self.unexpected());
        };
        Ok(if negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn function(&mut self, name: &str) -> Parsed<Condition> {
        let first = self.operand()?;
        let condition = match name {
            "attribute_exists" | "attribute_not_exists" => match first {
                Operand::Path(path) if name == "attribute_exists" => Condition::Exists(path),
                Operand::Path(path) => Condition::NotExists(path),
                _ => return Err(format!("{name} needs an attribute")),
            },
            _ => {
                self.expect(",")?;
                let second = self.operand()?;
                match (name, second) {
                    ("begins_with", second) => Condition::BeginsWith(first, second),
                    ("contains", second) => Condition::Contains(first, second),
                    (_, Operand::Value(Value::S(kind))) => Condition::HasType(first, kind),
                    _ => return Err("attribute_type needs the name of a type".to_owned()),
                }
            }
        };
        self.expect(")")?;
        Ok(condition)
    }

    /// `[a, b]`, `(a, b)`, or a parameter that is a list.
    fn list(&mut self) -> Parsed<Vec<Operand>> {
        if self.take("(") {
            let mut all = vec![self.operand()?];
            while self.take(",") {
                all.push(self.operand()?);
            }
            self.expect(")")?;
            return Ok(all);
        }
        match self.literal()? {
            Some(Value::L(list)) => Ok(list.into_iter().map(Operand::Value).collect()),
            Some(value) => Ok(vec![Operand::Value(value)]),
            None => Err(self.unexpected()),
        }
    }

    fn operand(&mut self) -> Parsed<Operand> {
        if self.is_function("size") {
            self.skip(2);
            let of = self.nested(Self::operand)?;
            self.expect(")")?;
            return Ok(Operand::Size(Box::new(of)));
        }
        match self.literal()? {
            Some(value) => Ok(Operand::Value(value)),
            None => self.path().map(Operand::Path),
        }
    }
}
