use super::{Parser, unsupported};
use crate::ast::{Aggregate, DatePart, Expr, Function, Side, Type};
use crate::error::{Result, SelectError};
use crate::lexer::Token;
use crate::value::Value;

impl Parser {
    pub(super) fn call(&mut self, name: &str, at: usize) -> Result<Expr> {
        let aggregate = match name {
            "COUNT" => Some(Aggregate::Count),
            "SUM" => Some(Aggregate::Sum),
            "AVG" => Some(Aggregate::Avg),
            "MIN" => Some(Aggregate::Min),
            "MAX" => Some(Aggregate::Max),
            _ => None,
        };
        if let Some(aggregate) = aggregate {
            return self.aggregate(aggregate);
        }
        match name {
            "CAST" => {
                let value = self.expr()?;
                self.expect_word("AS")?;
                let to = self.type_name()?;
                self.expect(")")?;
                Ok(Expr::Cast(Box::new(value), to))
            }
            "EXTRACT" => {
                let part = self.date_part()?;
                self.expect_word("FROM")?;
                let value = self.expr()?;
                self.expect(")")?;
                Ok(Expr::Call(Function::Extract(part), vec![value]))
            }
            "DATE_ADD" | "DATE_DIFF" => {
                let part = self.date_part()?;
                self.expect(",")?;
                let arguments = self.arguments(")")?;
                let function =
                    if name == "DATE_ADD" { Function::DateAdd(part) } else { Function::DateDiff(part) };
                counted(function, arguments, 2..=2, name)
            }
            "SUBSTRING" => {
                let mut arguments = vec![self.expr()?];
                let separators = if self.word("FROM") {
                    Some("FOR")
                } else {
                    self.expect(",")?;
                    None
                };
                arguments.push(self.expr()?);
                let more = match separators {
                    Some(word) => self.word(word),
                    None => self.symbol(","),
                };
                if more {
                    arguments.push(self.expr()?);
                }
                self.expect(")")?;
                Ok(Expr::Call(Function::Substring, arguments))
            }
            "TRIM" => self.trim(),
            _ => {
                let (function, count) = match name {
                    "COALESCE" => (Function::Coalesce, 1..=1000),
                    "NULLIF" => (Function::NullIf, 2..=2),
                    "CHAR_LENGTH" | "CHARACTER_LENGTH" => (Function::CharLength, 1..=1),
                    "LOWER" => (Function::Lower, 1..=1),
                    "UPPER" => (Function::Upper, 1..=1),
                    "TO_STRING" => (Function::ToString, 2..=2),
                    "TO_TIMESTAMP" => (Function::ToTimestamp, 1..=1),
                    "UTCNOW" => (Function::UtcNow, 0..=0),
                    _ => {
                        let message =
                            format!("The SQL expression calls an unsupported function at position {at}.");
                        return Err(SelectError::new("UnsupportedFunction", message));
                    }
                };
                let arguments = self.arguments(")")?;
                counted(function, arguments, count, name)
            }
        }
    }

    fn trim(&mut self) -> Result<Expr> {
        let side = [("LEADING", Side::Leading), ("TRAILING", Side::Trailing), ("BOTH", Side::Both)]
            .into_iter()
            .find(|(word, _)| self.word(word))
            .map(|(_, side)| side);
        let default = || Expr::Literal(Value::Text(" ".to_owned()));
        let (characters, value) = if side.is_some() && self.word("FROM") {
            (default(), self.expr()?)
        } else {
            let first = self.expr()?;
            if self.word("FROM") { (first, self.expr()?) } else { (default(), first) }
        };
        self.expect(")")?;
        Ok(Expr::Call(Function::Trim(side.unwrap_or(Side::Both)), vec![value, characters]))
    }

    fn aggregate(&mut self, aggregate: Aggregate) -> Result<Expr> {
        if self.inside {
            return Err(unsupported("Aggregate functions cannot be nested"));
        }
        let argument = if self.symbol("*") {
            if aggregate != Aggregate::Count {
                let message = "The SQL expression contains an unsupported function call with *.";
                return Err(SelectError::new("ParseUnsupportedCallWithStar", message));
            }
            None
        } else {
            self.inside = true;
            let argument = self.expr();
            self.inside = false;
            Some(argument?)
        };
        self.expect(")")?;
        self.aggregates.push((aggregate, argument));
        Ok(Expr::Aggregate(self.aggregates.len() - 1))
    }

    fn type_name(&mut self) -> Result<Type> {
        let Some(Token::Word(word)) = self.next() else {
            let message = format!(
                "Did not find the expected type name in the SQL expression at position {}.",
                self.before()
            );
            return Err(SelectError::new("ParseExpectedTypeName", message));
        };
        let mut parameters = Vec::new();
        if self.symbol("(") {
            loop {
                parameters.push(self.index()?);
                if !self.symbol(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        let named = match word.to_ascii_uppercase().as_str() {
            "BOOL" | "BOOLEAN" => Type::Bool,
            "INT" | "INTEGER" | "SMALLINT" | "BIGINT" => Type::Int,
            "FLOAT" | "REAL" => Type::Float,
            "DOUBLE" => {
                self.word("PRECISION");
                Type::Float
            }
            "DECIMAL" | "NUMERIC" => {
                let scale = parameters.get(1).copied().or(parameters.first().map(|_| 0));
                if scale.is_some_and(|scale| scale > crate::value::SCALE_MAX as usize) || parameters.len() > 2
                {
                    let message = "The SQL expression contains an invalid parameter value of a type.";
                    return Err(SelectError::new("ParseInvalidTypeParam", message));
                }
                return Ok(Type::Decimal(scale.map(|scale| scale as u32)));
            }
            "STRING" | "CHAR" | "CHARACTER" | "VARCHAR" => {
                return Ok(Type::Text(parameters.first().copied()));
            }
            "TIMESTAMP" => Type::Timestamp,
            _ => {
                let message = format!(
                    "Did not find the expected type name in the SQL expression at position {}.",
                    self.before()
                );
                return Err(SelectError::new("ParseExpectedTypeName", message));
            }
        };
        Ok(named)
    }

    fn date_part(&mut self) -> Result<DatePart> {
        let part = match self.next() {
            Some(Token::Word(word)) => match word.to_ascii_uppercase().as_str() {
                "YEAR" => Some(DatePart::Year),
                "MONTH" => Some(DatePart::Month),
                "DAY" => Some(DatePart::Day),
                "HOUR" => Some(DatePart::Hour),
                "MINUTE" => Some(DatePart::Minute),
                "SECOND" => Some(DatePart::Second),
                "TIMEZONE_HOUR" => Some(DatePart::TimezoneHour),
                "TIMEZONE_MINUTE" => Some(DatePart::TimezoneMinute),
                _ => None,
            },
            _ => None,
        };
        part.ok_or_else(|| {
            let message = format!(
                "Did not find the expected date part in the SQL expression at position {}.",
                self.before()
            );
            SelectError::new("ParseExpectedDatePart", message)
        })
    }
}

fn counted(
    function: Function,
    arguments: Vec<Expr>,
    count: std::ops::RangeInclusive<usize>,
    name: &str,
) -> Result<Expr> {
    if !count.contains(&arguments.len()) {
        return Err(crate::error::invalid_arguments(name));
    }
    Ok(Expr::Call(function, arguments))
}
