//! Expressions as they are written, before names and values are put in: what is wrong here is a syntax error.

mod groups;

use super::token::{Kind, Token, tokens};

#[derive(Debug)]
pub(super) enum RawStep<'a> {
    /// A name that stands in the expression.
    Word(&'a str),
    /// `#name`
    Name(&'a str),
    Index(&'a str),
}

#[derive(Debug)]
pub(super) enum RawOperand<'a> {
    Path(Vec<RawStep<'a>>),
    Value(&'a str),
    Function(&'a str, Vec<RawOperand<'a>>),
    /// `+` or `-`
    Arithmetic(&'a str, Box<RawOperand<'a>>, Box<RawOperand<'a>>),
}

#[derive(Debug)]
pub(super) enum RawCondition<'a> {
    And(Vec<RawCondition<'a>>),
    Or(Vec<RawCondition<'a>>),
    Not(Box<RawCondition<'a>>),
    Compare(&'a str, RawOperand<'a>, RawOperand<'a>),
    Between(RawOperand<'a>, RawOperand<'a>, RawOperand<'a>),
    In(RawOperand<'a>, Vec<RawOperand<'a>>),
    Function(&'a str, Vec<RawOperand<'a>>),
}

/// The clauses of an update, each action with its path.
#[derive(Debug, Default)]
pub(super) struct RawUpdate<'a> {
    pub(super) set: Vec<(Vec<RawStep<'a>>, RawOperand<'a>)>,
    pub(super) remove: Vec<Vec<RawStep<'a>>>,
    pub(super) add: Vec<(Vec<RawStep<'a>>, RawOperand<'a>)>,
    pub(super) delete: Vec<(Vec<RawStep<'a>>, RawOperand<'a>)>,
}

type Result<T> = std::result::Result<T, String>;

/// Source: "Quotas", "maximum number of operators or functions".
const OPERATORS_MAX: usize = 300;

/// Functions within one another, and sums in parentheses. What is nested more deeply has too many operators.
const DEPTH_MAX: usize = OPERATORS_MAX;

/// Source: "Quotas", "maximum length of any expression string".
const LENGTH_MAX: usize = 4096;

pub(super) fn condition(text: &str) -> Result<RawCondition<'_>> {
    let mut parser = Parser::new(text)?;
    let condition = parser.condition()?;
    parser.end()?;
    match parser.redundant {
        true => Err("The expression has redundant parentheses;".into()),
        false => Ok(condition),
    }
}

pub(super) fn projection(text: &str) -> Result<Vec<Vec<RawStep<'_>>>> {
    let mut parser = Parser::new(text)?;
    let mut paths = vec![parser.path()?];
    while parser.take(",") {
        paths.push(parser.path()?);
    }
    parser.end()?;
    Ok(paths)
}

pub(super) fn update(text: &str) -> Result<RawUpdate<'_>> {
    let mut parser = Parser::new(text)?;
    let mut update = RawUpdate::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut twice = None;
    loop {
        let clause = ["SET", "REMOVE", "ADD", "DELETE"].into_iter().find(|word| parser.is_word(word));
        let Some(clause) = clause else { return Err(parser.syntax_error()) };
        parser.at += 1;
        if seen.contains(&clause) {
            twice = twice.or(Some(clause));
        }
        seen.push(clause);
        loop {
            let path = parser.path()?;
            match clause {
                "SET" => {
                    parser.expect("=")?;
                    let value = parser.sum()?;
                    update.set.push((path, value));
                }
                "REMOVE" => update.remove.push(path),
                "ADD" => update.add.push((path, parser.operand()?)),
                _ => update.delete.push((path, parser.operand()?)),
            }
            parser.count()?;
            if !parser.take(",") {
                break;
            }
        }
        if parser.kind() == Kind::End {
            break;
        }
    }
    match twice {
        Some(clause) => {
            Err(format!("The \"{clause}\" section can only be used once in an update expression;"))
        }
        None => Ok(update),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// By the token that opens a parenthesis, the one that closes it.
    closes: Vec<Option<usize>>,
    at: usize,
    depth: usize,
    operators: usize,
    redundant: bool,
    /// Too many operators were counted, whatever else is wrong.
    exhausted: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Parser<'a>> {
        if text.is_empty() {
            return Err("The expression can not be empty;".into());
        }
        if text.len() > LENGTH_MAX {
            return Err(format!(
                "Expression size has exceeded the maximum allowed size; expression size: {}",
                text.len()
            ));
        }
        let tokens = tokens(text);
        let closes = closes(text, &tokens);
        Ok(Parser { text, tokens, closes, at: 0, depth: 0, operators: 0, redundant: false, exhausted: false })
    }

    /// Goes into a parenthesis and those that lie directly in it, which are redundant: at once, however many they are.
    fn open(&mut self) -> usize {
        let first = self.at;
        self.at += 1;
        while self.is("(") && self.is_doubled() {
            self.at += 1;
        }
        self.at - first
    }

    /// Whether nothing stands between this parenthesis and the one around it.
    fn is_doubled(&self) -> bool {
        match (self.closes[self.at - 1], self.closes[self.at]) {
            (Some(outer), Some(inner)) => outer == inner + 1,
            // Neither is closed.
            (outer, inner) => outer.is_none() && inner.is_none(),
        }
    }

    fn close(&mut self, opened: usize) -> Result<()> {
        self.redundant |= opened > 1;
        (0..opened).try_for_each(|_| self.expect(")"))
    }

    fn continues_operand(&self) -> bool {
        ["=", "<>", "<", "<=", ">", ">="].into_iter().any(|symbol| self.is(symbol))
            || self.is_word("BETWEEN")
            || self.is_word("IN")
    }

    fn predicate(&mut self) -> Result<RawCondition<'a>> {
        let left = self.parenthesised()?;
        for symbol in ["=", "<>", "<", "<=", ">", ">="] {
            if self.take(symbol) {
                self.count()?;
                return Ok(RawCondition::Compare(symbol, left, self.parenthesised()?));
            }
        }
        if self.take_word("BETWEEN") {
            self.count()?;
            let low = self.parenthesised()?;
            if !self.take_word("AND") {
                return Err(self.syntax_error());
            }
            return Ok(RawCondition::Between(left, low, self.parenthesised()?));
        }
        if self.take_word("IN") {
            self.count()?;
            self.expect("(")?;
            let mut all = vec![self.parenthesised()?];
            while self.take(",") {
                all.push(self.parenthesised()?);
            }
            self.expect(")")?;
            return Ok(RawCondition::In(left, all));
        }
        match left {
            RawOperand::Function(name, operands) => Ok(RawCondition::Function(name, operands)),
            _ => Err(self.syntax_error()),
        }
    }

    /// An operand, which may be in parentheses.
    fn parenthesised(&mut self) -> Result<RawOperand<'a>> {
        let mut all = Vec::new();
        while self.is("(") {
            all.push(self.open());
        }
        let operand = self.operand()?;
        all.into_iter().rev().try_for_each(|opened| self.close(opened))?;
        Ok(operand)
    }

    /// The right side of SET.
    fn sum(&mut self) -> Result<RawOperand<'a>> {
        let left = self.sum_operand()?;
        for sign in ["+", "-"] {
            if self.take(sign) {
                self.count()?;
                let right = self.sum_operand()?;
                return Ok(RawOperand::Arithmetic(sign, Box::new(left), Box::new(right)));
            }
        }
        Ok(left)
    }

    fn sum_operand(&mut self) -> Result<RawOperand<'a>> {
        if !self.is("(") {
            return self.operand();
        }
        self.nested(|parser| {
            let opened = parser.open();
            let inner = parser.sum()?;
            parser.close(opened)?;
            Ok(inner)
        })
    }

    fn operand(&mut self) -> Result<RawOperand<'a>> {
        match self.kind() {
            Kind::Value => Ok(RawOperand::Value(self.next())),
            Kind::Word if self.text_of(self.at + 1) == "(" && !self.is_keyword() => {
                let name = self.next();
                self.count()?;
                self.nested(|parser| {
                    parser.at += 1;
                    let mut operands = Vec::new();
                    loop {
                        operands.push(parser.parenthesised()?);
                        if !parser.take(",") {
                            break;
                        }
                    }
                    parser.expect(")")?;
                    Ok(RawOperand::Function(name, operands))
                })
            }
            _ => self.path().map(RawOperand::Path),
        }
    }

    fn path(&mut self) -> Result<Vec<RawStep<'a>>> {
        let mut steps = vec![self.name()?];
        loop {
            if self.take(".") {
                steps.push(self.name()?);
            } else if self.take("[") {
                if self.kind() != Kind::Number {
                    return Err(self.syntax_error());
                }
                steps.push(RawStep::Index(self.next()));
                self.expect("]")?;
            } else {
                return Ok(steps);
            }
        }
    }

    fn name(&mut self) -> Result<RawStep<'a>> {
        match self.kind() {
            Kind::Word if !self.is_keyword() => Ok(RawStep::Word(self.next())),
            Kind::Name => Ok(RawStep::Name(self.next())),
            _ => Err(self.syntax_error()),
        }
    }

    fn is_keyword(&self) -> bool {
        ["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"]
            .into_iter()
            .any(|word| self.is_word(word))
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH_MAX {
            return Err(self.too_many_operators(OPERATORS_MAX + 1));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn count(&mut self) -> Result<()> {
        self.operators += 1;
        match self.operators > OPERATORS_MAX {
            true => Err(self.too_many_operators(self.operators)),
            false => Ok(()),
        }
    }

    fn too_many_operators(&mut self, count: usize) -> String {
        self.exhausted = true;
        format!("The expression contains too many operators; operator count: {count}")
    }

    fn kind(&self) -> Kind {
        self.tokens[self.at].kind
    }

    fn text_of(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..token.end])
    }

    fn next(&mut self) -> &'a str {
        let text = self.text_of(self.at);
        self.at += 1;
        text
    }

    fn is(&self, symbol: &str) -> bool {
        self.kind() == Kind::Symbol && self.text_of(self.at) == symbol
    }

    fn take(&mut self, symbol: &str) -> bool {
        let is = self.is(symbol);
        self.at += usize::from(is);
        is
    }

    fn is_word(&self, word: &str) -> bool {
        self.kind() == Kind::Word && self.text_of(self.at).eq_ignore_ascii_case(word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.syntax_error()) }
    }

    fn end(&self) -> Result<()> {
        if self.kind() == Kind::End { Ok(()) } else { Err(self.syntax_error()) }
    }

    /// At the token that cannot stand here.
    fn syntax_error(&self) -> String {
        let token = self.tokens[self.at];
        let before = self.at.checked_sub(1).map_or(token, |at| self.tokens[at]);
        let after = self.tokens.get(self.at + 1).copied().unwrap_or(token);
        let shown = if token.kind == Kind::End { "<EOF>" } else { &self.text[token.start..token.end] };
        let end = if token.kind == Kind::End { before.end } else { after.end };
        format!("Syntax error; token: \"{shown}\", near: \"{}\"", self.text[before.start..end].trim_end())
    }
}

fn closes(text: &str, tokens: &[Token]) -> Vec<Option<usize>> {
    let mut closes = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match &text[token.start..token.end] {
            "(" => open.push(at),
            ")" => {
                if let Some(opened) = open.pop() {
                    closes[opened] = Some(at);
                }
            }
            _ => {}
        }
    }
    closes
}
