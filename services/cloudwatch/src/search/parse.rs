use super::{Schema, Search, Term};

const DEPTH_MAX: usize = 30;
/// Longest query. Source: "The query … up to 1024 characters".
const LENGTH_MAX: usize = 1024;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(char),
}

pub(super) fn parse(text: &str) -> Result<Search, String> {
    if text.chars().count() > LENGTH_MAX {
        return Err("The search query is too long".to_owned());
    }
    let text = text.trim();
    let (schema, rest) = match text.strip_prefix('{') {
        Some(rest) => {
            let (inside, rest) = rest.split_once('}').ok_or("The schema of the search is not closed")?;
            (Some(schema(inside)?), rest)
        }
        None => (None, text),
    };
    let mut parser = Parser { tokens: tokens(rest)?, at: 0, depth: 0 };
    let term = if parser.tokens.is_empty() { None } else { Some(parser.any()?) };
    if parser.at < parser.tokens.len() {
        return Err("The search query does not end where it should".to_owned());
    }
    if schema.is_none() && term.is_none() {
        return Err("The search query is empty".to_owned());
    }
    Ok(Search { schema, term })
}

fn schema(text: &str) -> Result<Schema, String> {
    let names = text.split(',').map(|name| {
        let name = name.trim();
        name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).to_owned()
    });
    let mut names: Vec<String> = names.collect();
    if names.iter().any(String::is_empty) {
        return Err("The schema of the search has an empty name".to_owned());
    }
    let namespace = names.remove(0);
    names.sort();
    Ok(Schema { namespace, dimensions: names })
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let end = rest[1..].find('"').ok_or("A quotation in the search is not closed")?;
                tokens.push(Token::Quoted(rest[1..=end].to_owned()));
                end + 2
            }
            '(' | ')' | '=' => {
                tokens.push(Token::Symbol(first));
                1
            }
            '-' if !rest[1..].starts_with(char::is_whitespace) && rest.len() > 1 => {
                tokens.push(Token::Symbol('-'));
                1
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()=\"".contains(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Symbol(symbol));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Term, String> {
        let mut terms = vec![self.all()?];
        while self.word("OR") {
            terms.push(self.all()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::Or(terms) })
    }

    /// Terms in a row are joined by AND.
    fn all(&mut self) -> Result<Term, String> {
        let mut terms = vec![self.one()?];
        loop {
            let and = self.word("AND");
            let ends = match self.tokens.get(self.at) {
                None => true,
                Some(Token::Symbol(symbol)) => *symbol == ')' || *symbol == '=',
                Some(Token::Word(word)) => word == "OR",
                Some(Token::Quoted(_)) => false,
            };
            if ends && !and {
                return Ok(if terms.len() == 1 { terms.remove(0) } else { Term::And(terms) });
            }
            terms.push(self.one()?);
        }
    }

    fn one(&mut self) -> Result<Term, String> {
        if self.depth >= DEPTH_MAX {
            return Err("The search query nests too deeply".to_owned());
        }
        self.depth += 1;
        let term = self.one_inside();
        self.depth -= 1;
        term
    }

    fn one_inside(&mut self) -> Result<Term, String> {
        if self.word("NOT") || self.symbol('-') {
            return Ok(Term::Not(Box::new(self.one()?)));
        }
        if self.symbol('(') {
            let term = self.any()?;
            return if self.symbol(')') {
                Ok(term)
            } else {
                Err("A parenthesis in the search is not closed".to_owned())
            };
        }
        let (text, exact) = match self.tokens.get(self.at).cloned() {
            Some(Token::Quoted(text)) => (text, true),
            Some(Token::Word(word)) if !matches!(word.as_str(), "AND" | "OR") => (word, false),
            _ => return Err("The search query ends too early".to_owned()),
        };
        self.at += 1;
        if !self.symbol('=') {
            return Ok(Term::Match { property: None, text, exact });
        }
        if text == ":aws.AccountId" {
            return Err("Searching other accounts is not offered by Haneul".to_owned());
        }
        let mut term = self.one()?;
        within(&mut term, &text);
        Ok(term)
    }
}

/// `MetricName=(a OR b)`: each of them is looked for there.
fn within(term: &mut Term, name: &str) {
    match term {
        Term::And(terms) | Term::Or(terms) => terms.iter_mut().for_each(|term| within(term, name)),
        Term::Not(term) => within(term, name),
        Term::Match { property, .. } => {
            property.get_or_insert_with(|| name.to_owned());
        }
    }
}
