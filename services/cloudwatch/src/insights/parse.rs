use super::{Aggregate, Condition, SERIES_MAX, Select};

const DEPTH_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A bare word: a keyword or an identifier.
    Word(String),
    /// In double quotes: an identifier.
    Name(String),
    /// In single quotes: a value.
    Text(String),
    Symbol(&'static str),
}

pub(super) fn parse(text: &str) -> Result<Select, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let select = parser.select()?;
    parser.symbol(";");
    match parser.tokens.get(parser.at) {
        None => Ok(select),
        Some(_) => Err("The query does not end where it should".to_owned()),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' || first == '"' {
            let (inside, length) = quoted(rest, first)?;
            tokens.push(if first == '"' { Token::Name(inside) } else { Token::Text(inside) });
            rest = rest[length..].trim_start();
            continue;
        }
        if first.is_ascii_alphanumeric() || first == '_' {
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = rest[end..].trim_start();
            continue;
        }
        let symbols = ["!=", "=", "(", ")", ",", ";"];
        let symbol = symbols.into_iter().find(|symbol| rest.starts_with(symbol));
        let symbol = symbol.ok_or_else(|| format!("Unexpected character {first:?} in the query"))?;
        tokens.push(Token::Symbol(symbol));
        rest = rest[symbol.len()..].trim_start();
    }
    Ok(tokens)
}

/// The quote itself is written twice, or with a backslash.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut inside = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped)) => inside.push(escaped),
                None => break,
            },
            c if c == quote => match chars.next_if(|(_, next)| *next == quote) {
                Some(_) => inside.push(quote),
                None => return Ok((inside, at + 1)),
            },
            c => inside.push(c),
        }
    }
    Err("A quotation in the query is not closed".to_owned())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn keyword(&mut self, word: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, found: bool, what: &str) -> Result<(), String> {
        if found { Ok(()) } else { Err(format!("Expected {what} in the query")) }
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        let found = self.symbol(symbol);
        self.need(found, symbol)
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        let found = self.keyword(word);
        self.need(found, word)
    }

    fn name(&mut self, what: &str) -> Result<String, String> {
        let name = match self.tokens.get(self.at) {
            Some(Token::Word(name) | Token::Name(name)) if !name.is_empty() => name.clone(),
            _ => return Err(format!("Expected {what} in the query")),
        };
        self.at += 1;
        Ok(name)
    }

    fn function(&mut self) -> Result<Aggregate, String> {
        let name = self.name("a function")?;
        Aggregate::parse(&name).ok_or_else(|| format!("Unknown function {name} in the query"))
    }

    fn select(&mut self) -> Result<Select, String> {
        self.expect_word("SELECT")?;
        let function = self.function()?;
        self.expect("(")?;
        let metric = self.name("the name of a metric")?;
        self.expect(")")?;
        self.expect_word("FROM")?;
        let (namespace, schema) = self.source()?;
        let condition = if self.keyword("WHERE") { Some(self.any()?) } else { None };
        let mut group_by = Vec::new();
        if self.keyword("GROUP") {
            self.expect_word("BY")?;
            group_by.push(self.key()?);
            while self.symbol(",") {
                group_by.push(self.key()?);
            }
        }
        let order_by = self.order()?;
        let limit = self.limit()?;
        Ok(Select { function, metric, namespace, schema, condition, group_by, order_by, limit })
    }

    fn source(&mut self) -> Result<(String, Option<Vec<String>>), String> {
        if !self.keyword("SCHEMA") {
            return Ok((self.name("a namespace")?, None));
        }
        self.expect("(")?;
        let namespace = self.name("a namespace")?;
        let mut names = Vec::new();
        while self.symbol(",") {
            names.push(self.key()?);
        }
        self.expect(")")?;
        names.sort();
        Ok((namespace, Some(names)))
    }

    fn key(&mut self) -> Result<String, String> {
        let key = self.name("a dimension")?;
        if key.starts_with("tag.") || key.starts_with("AWS.") {
            return Err(format!("Querying by {key} is not offered by Haneul"));
        }
        Ok(key)
    }

    fn order(&mut self) -> Result<Option<(Aggregate, bool)>, String> {
        if !self.keyword("ORDER") {
            return Ok(None);
        }
        self.expect_word("BY")?;
        let function = self.function()?;
        self.expect("(")?;
        self.expect(")")?;
        let descending = self.keyword("DESC");
        if !descending {
            self.keyword("ASC");
        }
        Ok(Some((function, descending)))
    }

    fn limit(&mut self) -> Result<usize, String> {
        if !self.keyword("LIMIT") {
            return Ok(SERIES_MAX);
        }
        let limit = self.name("a number")?;
        let limit: usize = limit.parse().map_err(|_| format!("{limit} is no limit"))?;
        if (1..=SERIES_MAX).contains(&limit) {
            Ok(limit)
        } else {
            Err(format!("LIMIT must be between 1 and {SERIES_MAX}"))
        }
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.all()?];
        while self.keyword("OR") {
            conditions.push(self.all()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::Any(conditions) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.one()?];
        while self.keyword("AND") {
            conditions.push(self.one()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::All(conditions) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.symbol("(") {
            if self.depth >= DEPTH_MAX {
                return Err("The query nests too deeply".to_owned());
            }
            self.depth += 1;
            let inside = self.any()?;
            self.depth -= 1;
            self.expect(")")?;
            return Ok(inside);
        }
        let key = self.key()?;
        let equal = self.symbol("=");
        if !equal {
            self.expect("!=")?;
        }
        match self.tokens.get(self.at).cloned() {
            Some(Token::Text(value)) => {
                self.at += 1;
                Ok(Condition::Compare { key, equal, value })
            }
            _ => Err("Expected a value in single quotes in the query".to_owned()),
        }
    }
}
