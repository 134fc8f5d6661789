use super::{DEPTH_MAX, HEIGHT_MAX, Parser, is_reserved, unsupported};
use crate::ast::{Binary, Expr, Name, Step};
use crate::error::{Result, SelectError, unexpected_token};
use crate::lexer::Token;
use crate::timestamp::Timestamp;
use crate::value::Value;

impl Parser {
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(unsupported("The SQL expression is nested too deeply"));
        }
        // What is beside it does not make it higher.
        let before = self.operators;
        let expr = self.or();
        self.operators = before;
        self.depth -= 1;
        expr
    }

    fn or(&mut self) -> Result<Expr> {
        let base = self.operators;
        let first = self.and()?;
        if !self.is_word("OR") {
            return Ok(first);
        }
        let mut any = vec![first];
        while self.word("OR") {
            self.operators = base;
            any.push(self.and()?);
        }
        Ok(Expr::Any(any))
    }

    fn and(&mut self) -> Result<Expr> {
        let base = self.operators;
        let first = self.not()?;
        if !self.is_word("AND") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.word("AND") {
            self.operators = base;
            all.push(self.not()?);
        }
        Ok(Expr::All(all))
    }

    /// A chain of operators is a tree as deep as it is long.
    fn bound(&mut self) -> Result<()> {
        self.operators += 1;
        if self.operators > HEIGHT_MAX {
            return Err(unsupported("The SQL expression has too many operators"));
        }
        Ok(())
    }

    fn not(&mut self) -> Result<Expr> {
        if self.word("NOT") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(unsupported("The SQL expression is nested too deeply"));
            }
            let inner = self.not();
            self.depth -= 1;
            return Ok(Expr::Not(Box::new(inner?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr> {
        let mut left = self.sum()?;
        loop {
            let operator = [
                ("=", Binary::Equal),
                ("<>", Binary::Unequal),
                ("!=", Binary::Unequal),
                ("<=", Binary::LessEqual),
                (">=", Binary::GreaterEqual),
                ("<", Binary::Less),
                (">", Binary::Greater),
            ]
            .into_iter()
            .find(|(symbol, _)| self.symbol(symbol));
            if let Some((_, operator)) = operator {
                self.bound()?;
                left = binary(operator, left, self.sum()?);
                continue;
            }
            if self.word("IS") {
                self.bound()?;
                let not = self.word("NOT");
                let missing_only = match self.next() {
                    Some(Token::Word(word)) if word.eq_ignore_ascii_case("NULL") => false,
                    Some(Token::Word(word)) if word.eq_ignore_ascii_case("MISSING") => true,
                    _ => return Err(unexpected_token(self.before())),
                };
                left = Expr::Is { value: Box::new(left), missing_only, not };
                continue;
            }
            let begin = self.at;
            let not = self.word("NOT");
            self.bound()?;
            let value = if self.word("LIKE") {
                let pattern = Box::new(self.sum()?);
                let escape = if self.word("ESCAPE") { Some(Box::new(self.sum()?)) } else { None };
                Expr::Like { value: Box::new(left), pattern, escape, not }
            } else if self.word("BETWEEN") {
                let low = Box::new(self.sum()?);
                self.expect_word("AND")?;
                let high = Box::new(self.sum()?);
                Expr::Between { value: Box::new(left), low, high, not }
            } else if self.word("IN") {
                let closing = if self.symbol("[") { "]" } else { "(" };
                if closing == "(" {
                    self.expect("(")?;
                }
                let list = self.arguments(if closing == "]" { "]" } else { ")" })?;
                Expr::In { value: Box::new(left), list, not }
            } else {
                self.at = begin;
                self.operators -= 1;
                return Ok(left);
            };
            left = value;
        }
    }

    pub(super) fn sum(&mut self) -> Result<Expr> {
        let mut left = self.product()?;
        loop {
            let operator = [("+", Binary::Add), ("-", Binary::Subtract), ("||", Binary::Concat)]
                .into_iter()
                .find(|(symbol, _)| self.symbol(symbol));
            let Some((_, operator)) = operator else { return Ok(left) };
            self.bound()?;
            left = binary(operator, left, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = [("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Modulo)]
                .into_iter()
                .find(|(symbol, _)| self.symbol(symbol));
            let Some((_, operator)) = operator else { return Ok(left) };
            self.bound()?;
            left = binary(operator, left, self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Expr> {
        let mut negative = false;
        loop {
            if self.symbol("-") {
                negative = !negative;
            } else if !self.symbol("+") {
                break;
            }
        }
        let inner = self.postfix()?;
        Ok(if negative { Expr::Negate(Box::new(inner)) } else { inner })
    }

    fn postfix(&mut self) -> Result<Expr> {
        match self.tokens.get(self.at).cloned() {
            Some((Token::Literal(value), _)) => {
                self.at += 1;
                Ok(Expr::Literal(value))
            }
            Some((Token::Ion(text), at)) => {
                self.at += 1;
                let value = Value::number(&text).or_else(|| Timestamp::parse(&text).map(Value::Timestamp));
                value.map(Expr::Literal).ok_or_else(|| {
                    let message = format!("The SQL expression contains an invalid literal at position {at}.");
                    SelectError::new("LexerInvalidIONLiteral", message)
                })
            }
            Some((Token::Symbol("("), _)) => {
                self.at += 1;
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some((Token::Quoted(_), _)) => self.path(),
            Some((Token::Word(word), at)) => self.named(&word, at),
            Some((_, at)) => Err(unexpected_token(at)),
            None => Err(SelectError::new(
                "ParseExpectedExpression",
                "Did not find the expected SQL expression at the end of the SQL expression.",
            )),
        }
    }

    fn named(&mut self, word: &str, at: usize) -> Result<Expr> {
        let upper = word.to_ascii_uppercase();
        let constant = match upper.as_str() {
            "TRUE" => Some(Value::Bool(true)),
            "FALSE" => Some(Value::Bool(false)),
            "NULL" => Some(Value::Null),
            "MISSING" => Some(Value::Missing),
            _ => None,
        };
        if let Some(value) = constant {
            self.at += 1;
            return Ok(Expr::Literal(value));
        }
        if upper == "CASE" {
            self.at += 1;
            return self.case();
        }
        let called = matches!(self.tokens.get(self.at + 1), Some((Token::Symbol("("), _)));
        if called {
            self.at += 2;
            return self.call(&upper, at);
        }
        if is_reserved(&upper) {
            return Err(SelectError::new(
                "ParseUnExpectedKeyword",
                format!("The SQL expression contains an unexpected keyword at position {at}."),
            ));
        }
        self.path()
    }

    fn path(&mut self) -> Result<Expr> {
        let first = self.name()?;
        let mut steps = Vec::new();
        let is_record = self.alias.as_ref().is_some_and(|alias| first.is(&alias.text));
        if !is_record {
            steps.push(Step::Name(first));
        }
        loop {
            if self.symbol(".") {
                if self.is_symbol("*") {
                    let message = "The wildcard in the SELECT list cannot be mixed with other expressions.";
                    return Err(SelectError::new("ParseInvalidContextForWildcardInSelectList", message));
                }
                steps.push(Step::Name(self.name()?));
            } else if self.symbol("[") {
                if let Some((Token::Literal(Value::Text(text)), _)) = self.tokens.get(self.at).cloned() {
                    self.at += 1;
                    steps.push(Step::Name(Name { text, exact: true }));
                } else {
                    steps.push(Step::Index(self.index()?));
                }
                self.expect("]")?;
            } else {
                return Ok(Expr::Path(steps));
            }
            if steps.len() > DEPTH_MAX {
                return Err(unsupported("The path is too long"));
            }
        }
    }

    fn case(&mut self) -> Result<Expr> {
        let operand = if self.is_word("WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut arms = Vec::new();
        while self.word("WHEN") {
            let when = self.expr()?;
            self.expect_word("THEN")?;
            arms.push((when, self.expr()?));
        }
        if arms.is_empty() {
            return Err(SelectError::new(
                "ParseExpectedWhenClause",
                format!("Did not find the expected WHEN clause in CASE at position {}.", self.position()),
            ));
        }
        let otherwise = if self.word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_word("END")?;
        Ok(Expr::Case { operand, arms, otherwise })
    }
}

fn binary(operator: Binary, left: Expr, right: Expr) -> Expr {
    Expr::Binary(operator, Box::new(left), Box::new(right))
}
