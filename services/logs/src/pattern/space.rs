use super::compare::{Comparison, Operator};
use super::lexer::{Token, tokens};
use super::{Parsed, REGEX_MAX};

/// `[ip, user, ..., status = 4*, bytes > 1000]`
pub(crate) struct Columns {
    before: Vec<Column>,
    /// What stands after an ellipsis, which takes any number of fields.
    after: Option<Vec<Column>>,
}

struct Column {
    name: Option<String>,
    /// One of these groups must hold whole: `a = 1 && a != 2 || a = 3`.
    tests: Vec<Vec<Comparison>>,
}

/// Fields that a message is cut into at most; the last one has the rest.
const FIELDS_MAX: usize = 1000;

impl Columns {
    pub(super) fn parse(text: &str) -> Parsed<Columns> {
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).ok_or("a ] is missing")?;
        let tokens = tokens(inner)?;
        if tokens.iter().filter(|token| matches!(token, Token::Regex(_))).count() > REGEX_MAX {
            return Err("it has more than two regular expressions".into());
        }
        let mut columns = Columns { before: Vec::new(), after: None };
        for part in tokens.split(|token| *token == Token::Sign(",")) {
            if part == [Token::Sign("...")] {
                if columns.after.is_some() {
                    return Err("it has more than one ellipsis".into());
                }
                columns.after = Some(Vec::new());
                continue;
            }
            let column = Column::parse(part)?;
            columns.after.as_mut().unwrap_or(&mut columns.before).push(column);
        }
        Ok(columns)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let columns = self.before.iter().chain(self.after.iter().flatten());
        columns.filter_map(|column| column.name.as_deref()).any(|one| one == name)
    }

    /// The named fields of a message that matches.
    pub(super) fn matches(&self, message: &str) -> Option<Vec<(String, String)>> {
        let fields = fields(message);
        let after = self.after.as_deref().unwrap_or_default();
        let enough = match self.after {
            None => fields.len() == self.before.len(),
            Some(_) => fields.len() >= self.before.len() + after.len(),
        };
        if !enough {
            return None;
        }
        let tail = fields.len() - after.len();
        let pairs = self.before.iter().zip(&fields).chain(after.iter().zip(&fields[tail..]));
        let mut found = Vec::new();
        for (column, field) in pairs {
            if !column.holds(field) {
                return None;
            }
            if let Some(name) = &column.name {
                found.push((format!("${name}"), (*field).to_owned()));
            }
        }
        Some(found)
    }
}

impl Column {
    fn parse(tokens: &[Token]) -> Parsed<Column> {
        let name = match tokens.first() {
            None => None,
            Some(Token::Word(word)) => Some(word.clone()),
            Some(token) => return Err(format!("unexpected {token:?} where a field's name is expected")),
        };
        let mut column = Column { name, tests: Vec::new() };
        let mut rest = tokens;
        let mut group = Vec::new();
        while !rest.is_empty() {
            let [Token::Word(word), tail @ ..] = rest else { return Err("a field's name is missing".into()) };
            if Some(word) != column.name.as_ref() {
                return Err(format!("{word} is compared in the place of another field"));
            }
            match tail {
                [] if tokens.len() == 1 => return Ok(column),
                [Token::Sign(sign), value, tail @ ..] => {
                    let operator = Operator::of(sign).ok_or_else(|| format!("{sign} is no comparison"))?;
                    group.push(Comparison::new(operator, value)?);
                    rest = match tail {
                        [] => tail,
                        [Token::Sign("&&"), tail @ ..] if !tail.is_empty() => tail,
                        [Token::Sign("||"), tail @ ..] if !tail.is_empty() => {
                            column.tests.push(std::mem::take(&mut group));
                            tail
                        }
                        _ => return Err("unexpected text after a comparison".into()),
                    };
                }
                _ => return Err(format!("a comparison is missing after {word}")),
            }
        }
        if !group.is_empty() {
            column.tests.push(group);
        }
        Ok(column)
    }

    fn holds(&self, field: &str) -> bool {
        let number = field.parse::<f64>().ok().filter(|number| number.is_finite());
        self.tests.is_empty()
            || self.tests.iter().any(|group| group.iter().all(|test| test.holds(field, number)))
    }
}

/// Fields between spaces; what is in brackets or double quotes is one field, without them.
fn fields(message: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = message.trim();
    while !rest.is_empty() && fields.len() < FIELDS_MAX {
        let closing = match rest.as_bytes()[0] {
            b'"' => Some('"'),
            b'[' => Some(']'),
            _ => None,
        };
        let enclosed = closing.and_then(|closing| rest[1..].find(closing));
        let (field, after) = match enclosed {
            Some(end) => (&rest[1..=end], &rest[end + 2..]),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}
