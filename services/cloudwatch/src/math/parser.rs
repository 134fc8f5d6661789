use super::lexer::{Token, tokens};
use super::{Expr, Function, Operator};

/// How deep expressions may nest.
const DEPTH_MAX: usize = 50;

/// Arguments of one call, members of one array.
const LIST_MAX: usize = 500;

/// # Errors
/// What is wrong, as one sentence without a period.
pub(crate) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.binary(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("Unexpected {}", shown(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// From the loosest to the tightest; `^` binds tighter still and to the right.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.take(symbol) {
            return Ok(());
        }
        let found = self.peek().map_or("the end".to_owned(), shown);
        Err(format!("Expected {symbol}, found {found}"))
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let mut count = 0;
        while let Some(operator) = self.operator(operators) {
            count += 1;
            if count > LIST_MAX {
                return Err("The expression has too many operators".to_owned());
            }
            let right = self.binary(level + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let spelled = match self.peek()? {
            Token::Symbol(symbol) => symbol,
            Token::Word(word) if word.eq_ignore_ascii_case("and") => "AND",
            Token::Word(word) if word.eq_ignore_ascii_case("or") => "OR",
            _ => return None,
        };
        let (_, operator) = operators.iter().find(|(name, _)| *name == spelled)?;
        self.at += 1;
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let mut negative = false;
        let mut signed = false;
        while self.take("-") {
            negative = !negative;
            signed = true;
        }
        if !signed && self.take("+") {
            return self.unary();
        }
        let base = self.power()?;
        Ok(if negative { Expr::Negate(Box::new(base)) } else { base })
    }

    fn power(&mut self) -> Result<Expr, String> {
        let base = self.primary()?;
        if !self.take("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Parser::unary)?;
        Ok(Expr::Binary(Operator::Power, Box::new(base), Box::new(exponent)))
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= DEPTH_MAX {
            return Err("The expression nests too deeply".to_owned());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn primary(&mut self) -> Result<Expr, String> {
        let Some(token) = self.peek().cloned() else {
            return Err("The expression ends too early".to_owned());
        };
        self.at += 1;
        match token {
            Token::Number(value) => Ok(Expr::Number(value)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Symbol("(") => {
                let inner = self.deeper(|parser| parser.binary(0))?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol("[") => Ok(Expr::Array(self.list("]")?)),
            Token::Word(word) if self.take("(") => {
                let upper = word.to_ascii_uppercase();
                let function = Function::parse(&upper).ok_or_else(|| format!("Unknown function {word}"))?;
                Ok(Expr::Call(function, self.list(")")?))
            }
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_lowercase()) => Ok(Expr::Id(word)),
            Token::Word(word) => Ok(Expr::Word(word)),
            token => Err(format!("Unexpected {}", shown(&token))),
        }
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut list = Vec::new();
        if self.take(end) {
            return Ok(list);
        }
        loop {
            list.push(self.deeper(|parser| parser.binary(0))?);
            if list.len() > LIST_MAX {
                return Err("The expression has too many arguments".to_owned());
            }
            if !self.take(",") {
                self.expect(end)?;
                return Ok(list);
            }
        }
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Number(value) => value.to_string(),
        Token::Text(text) => format!("{text:?}"),
        Token::Word(word) => word.clone(),
        Token::Symbol(symbol) => (*symbol).to_owned(),
    }
}
