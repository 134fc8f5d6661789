use serde_json::Value as Json;

use super::compare::{Comparison, Operator};
use super::lexer::{Token, tokens};
use super::{DEPTH_MAX, Field, Parsed, REGEX_MAX};

/// `{ ($.a = 1) && ($.b IS TRUE || $.c NOT EXISTS) }`
pub(crate) struct Expression(Node);

enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Is(Selector, Test),
}

enum Test {
    Compare(Comparison),
    Null,
    True,
    False,
    NotExists,
}

pub(crate) struct Selector {
    text: String,
    steps: Vec<Step>,
}

enum Step {
    Member(String),
    Element(usize),
    AnyElement,
}

impl Expression {
    pub(super) fn parse(text: &str) -> Parsed<Expression> {
        let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or("a } is missing")?;
        let tokens = tokens(inner)?;
        if tokens.iter().filter(|token| matches!(token, Token::Regex(_))).count() > REGEX_MAX {
            return Err("it has more than two regular expressions".into());
        }
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let node = parser.any(0)?;
        match parser.peek() {
            None => Ok(Expression(node)),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        // A message that is not an object has none of the fields, and matches nothing.
        matches!(serde_json::from_str::<Json>(message), Ok(value) if value.is_object() && self.0.holds(&value))
    }

    /// The values of `fields` in a message; `None` when it does not match.
    pub(super) fn cut(&self, message: &str, fields: &[&Field]) -> Option<Vec<Option<String>>> {
        let value = serde_json::from_str::<Json>(message).ok().filter(Json::is_object)?;
        if !self.0.holds(&value) {
            return None;
        }
        let cut = |field: &&Field| match field {
            Field::Json(selector) => {
                selector.find(&value).into_iter().next().filter(|found| !found.is_null()).map(words)
            }
            Field::Column(_) => None,
        };
        Some(fields.iter().map(cut).collect())
    }

    pub(super) fn extract(&self, message: &str) -> Vec<(String, String)> {
        let Ok(value) = serde_json::from_str::<Json>(message) else { return Vec::new() };
        let mut found = Vec::new();
        self.0.each_selector(&mut |selector| {
            if let Some(value) = selector.find(&value).into_iter().next()
                && !found.iter().any(|(name, _)| *name == selector.text)
            {
                found.push((selector.text.clone(), words(value)));
            }
        });
        found
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Parsed<Node> {
        let mut nodes = vec![self.all(depth)?];
        while self.take("||") {
            nodes.push(self.all(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self, depth: usize) -> Parsed<Node> {
        let mut nodes = vec![self.one(depth)?];
        while self.take("&&") {
            nodes.push(self.one(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn one(&mut self, depth: usize) -> Parsed<Node> {
        if depth > DEPTH_MAX {
            return Err("it nests too deep".into());
        }
        if self.take("(") {
            let node = self.any(depth + 1)?;
            return if self.take(")") { Ok(node) } else { Err("a ) is missing".into()) };
        }
        let Some(Token::Selector(text)) = self.peek().cloned() else {
            return Err("a selector such as $.field is missing".into());
        };
        self.at += 1;
        let selector = Selector::parse(&text)?;
        let test = match self.peek().cloned() {
            Some(Token::Sign(sign)) => {
                self.at += 1;
                let operator = Operator::of(sign).ok_or_else(|| format!("{sign} is no comparison"))?;
                let value = self.peek().ok_or("a value is missing after an operator")?;
                let comparison = Comparison::new(operator, value)?;
                self.at += 1;
                Test::Compare(comparison)
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                let second = match self.peek() {
                    Some(Token::Word(second)) => second.to_ascii_uppercase(),
                    _ => return Err(format!("unexpected {word}")),
                };
                self.at += 1;
                match (word.to_ascii_uppercase().as_str(), second.as_str()) {
                    ("IS", "NULL") => Test::Null,
                    ("IS", "TRUE") => Test::True,
                    ("IS", "FALSE") => Test::False,
                    ("NOT", "EXISTS") => Test::NotExists,
                    _ => return Err(format!("unexpected {word} {second}")),
                }
            }
            _ => return Err(format!("a comparison is missing after {text}")),
        };
        Ok(Node::Is(selector, test))
    }
}

impl Node {
    fn holds(&self, value: &Json) -> bool {
        match self {
            Node::All(nodes) => nodes.iter().all(|node| node.holds(value)),
            Node::Any(nodes) => nodes.iter().any(|node| node.holds(value)),
            Node::Is(selector, test) => {
                let found = selector.find(value);
                match test {
                    Test::NotExists => found.is_empty(),
                    Test::Null => found.iter().any(|value| value.is_null()),
                    Test::True => found.iter().any(|value| **value == Json::Bool(true)),
                    Test::False => found.iter().any(|value| **value == Json::Bool(false)),
                    Test::Compare(comparison) => found.iter().any(|value| match value {
                        Json::Number(number) => comparison.holds(&number.to_string(), number.as_f64()),
                        Json::String(text) => comparison.holds(text, None),
                        Json::Bool(yes) => comparison.holds(if *yes { "true" } else { "false" }, None),
                        _ => false,
                    }),
                }
            }
        }
    }

    fn each_selector(&self, visit: &mut impl FnMut(&Selector)) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.each_selector(visit)),
            Node::Is(selector, _) => visit(selector),
        }
    }
}

impl Selector {
    pub(super) fn parse(text: &str) -> Parsed<Selector> {
        let bad = || format!("the selector {text} is not valid");
        let mut rest = &text[1..];
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[').or_else(|| rest.strip_prefix(".[")) {
                let (inner, after) = after.split_once(']').ok_or_else(bad)?;
                let name = inner.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
                steps.push(match (inner, name) {
                    (_, Some(name)) => Step::Member(name.to_owned()),
                    ("*", None) => Step::AnyElement,
                    (number, None) => Step::Element(number.parse().map_err(|_| bad())?),
                });
                rest = after;
            } else {
                let after = rest.strip_prefix('.').ok_or_else(bad)?;
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return Err(bad());
                }
                steps.push(Step::Member(after[..end].to_owned()));
                rest = &after[end..];
            }
        }
        if steps.is_empty() { Err(bad()) } else { Ok(Selector { text: text.to_owned(), steps }) }
    }

    fn find<'j>(&self, value: &'j Json) -> Vec<&'j Json> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| -> Vec<&Json> {
                    match step {
                        Step::Member(name) => value.get(name).into_iter().collect(),
                        Step::Element(index) => value.get(*index).into_iter().collect(),
                        Step::AnyElement => value.as_array().into_iter().flatten().collect(),
                    }
                })
                .collect();
        }
        found
    }
}

fn words(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
