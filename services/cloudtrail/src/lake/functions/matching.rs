//! Source: Trino, "Regular expression functions". Patterns are those of the crate regex: in linear time, without look-around.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

use super::{LARGEST, text};
use crate::lake::value::Value;

/// Memory that one regular expression may take.
const REGEX_BYTES_MAX: usize = 1024 * 1024;
const MATCHES_MAX: usize = 10_000;

/// A function of a regular expression. The arguments are those of the function.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    kind: Kind,
    /// The pattern, if it is the same for all rows.
    known: Option<Regex>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Like,
    Extract,
    ExtractAll,
    Replace,
    Split,
    Count,
    Position,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        let pattern = |matcher: &Matcher| matcher.known.as_ref().map(|regex| regex.as_str().to_owned());
        self.kind == other.kind && pattern(self) == pattern(other)
    }
}

impl Matcher {
    /// The function of that name, if it is one. `Err` for a pattern that is none, or arguments of another number.
    pub(crate) fn named(
        name: &str,
        arguments: usize,
        pattern: Option<&str>,
    ) -> Option<Result<Matcher, String>> {
        let (kind, most) = match &*name.to_ascii_lowercase() {
            "regexp_like" => (Kind::Like, 2),
            "regexp_extract" => (Kind::Extract, 3),
            "regexp_extract_all" => (Kind::ExtractAll, 3),
            "regexp_replace" => (Kind::Replace, 3),
            "regexp_split" => (Kind::Split, 2),
            "regexp_count" => (Kind::Count, 2),
            "regexp_position" => (Kind::Position, 2),
            _ => return None,
        };
        if !(2..=most).contains(&arguments) {
            return Some(Err(format!("Unexpected number of parameters ({arguments}) for function {name}")));
        }
        let known = match pattern.map(compile).transpose() {
            Ok(known) => known,
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Matcher { kind, known }))
    }

    pub(crate) fn call(&self, arguments: &[Value]) -> Value {
        self.of(arguments).unwrap_or(Value::Null)
    }

    fn of(&self, arguments: &[Value]) -> Option<Value> {
        let whole = text(arguments, 0)?;
        let made;
        let regex = match &self.known {
            Some(known) => known,
            None => {
                made = compile(&text(arguments, 1)?).ok()?;
                &made
            }
        };
        let group = || match arguments.get(2) {
            Some(group) => usize::try_from(group.whole()?).ok(),
            None => Some(0),
        };
        let array =
            |all: Vec<&str>| Value::Array(all.into_iter().map(|one| Value::Text(one.to_owned())).collect());
        Some(match self.kind {
            Kind::Like => Value::Bool(regex.is_match(&whole)),
            Kind::Extract => Value::Text(regex.captures(&whole)?.get(group()?)?.as_str().to_owned()),
            Kind::ExtractAll => {
                let group = group()?;
                let found = regex.captures_iter(&whole).take(MATCHES_MAX);
                array(found.filter_map(|one| Some(one.get(group)?.as_str())).collect())
            }
            Kind::Replace => Value::Text(replaced(regex, &whole, &text(arguments, 2).unwrap_or_default())?),
            Kind::Split => array(regex.splitn(&whole, MATCHES_MAX).collect()),
            Kind::Count => Value::Int(regex.find_iter(&whole).count() as i64),
            Kind::Position => {
                let found = regex.find(&whole);
                Value::Int(found.map_or(-1, |found| whole[..found.start()].chars().count() as i64 + 1))
            }
        })
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let made = RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build();
    made.map_err(|_| format!("'{pattern}' is not a valid regular expression"))
}

/// `$1` and `${name}` are groups, `\$` is the sign.
fn replaced(regex: &Regex, whole: &str, with: &str) -> Option<String> {
    // The crate takes `$1a` as one name, and `$$` as the sign.
    let mut template = String::new();
    let mut rest = with.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next()? {
                '$' => template.push_str("$$"),
                c => template.push(c),
            },
            '$' if rest.peek().is_some_and(char::is_ascii_digit) => {
                template.push_str("${");
                while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                    template.push(digit);
                }
                template.push('}');
            }
            c => template.push(c),
        }
    }
    let mut size = whole.len();
    let out: Cow<'_, str> = regex.replace_all(whole, |captures: &Captures<'_>| {
        let mut out = String::new();
        if size <= LARGEST {
            captures.expand(&template, &mut out);
            size += out.len();
        }
        out
    });
    (size <= LARGEST).then(|| out.into_owned())
}
