//! Text with `${variables}` (IAM User Guide, "IAM policy elements: Variables and tags").
//!
//! A value that comes out of a variable is plain text: a `*` in a user's name is not a wildcard. A variable
//! that has no value, or more than one, cannot be filled in, and then the text matches nothing.

use crate::context::Context;
use crate::pattern::{Pattern, Token, matches, push_text, push_tokens};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Template {
    Fixed(Pattern),
    Variable(Box<[Part]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Token(Token<Box<str>>),
    /// The key in lower case, and what to use where the key is missing.
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// How the text around the variables is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Only policies of version 2012-10-17 have variables.
    pub variables: bool,
    pub wildcards: bool,
}

impl Template {
    pub(crate) fn new(source: &str, reading: Reading) -> Self {
        Self::from_parts(parts(source, reading))
    }

    fn from_parts(parts: Vec<Part>) -> Self {
        if parts.iter().any(|p| matches!(p, Part::Variable { .. })) {
            return Self::Variable(parts.into());
        }
        let mut tokens: Vec<Token<Box<str>>> = Vec::with_capacity(parts.len());
        for part in parts {
            if let Part::Token(token) = part {
                match token {
                    Token::Text(text) => push_text(&mut tokens, &text),
                    token => tokens.push(token),
                }
            }
        }
        Self::Fixed(Pattern::from_tokens(tokens))
    }

    /// A resource: variables count only in the part after the fifth colon.
    pub(crate) fn resource(source: &str, reading: Reading) -> Self {
        let Some((colon, _)) = source.match_indices(':').nth(4) else {
            return Self::new(source, Reading { variables: false, ..reading });
        };
        let (head, tail) = source.split_at(colon + 1);
        let mut all = parts(head, Reading { variables: false, ..reading });
        all.extend(parts(tail, reading));
        Self::from_parts(all)
    }

    #[inline]
    pub(crate) fn matches(&self, text: &str, context: &Context<'_>) -> bool {
        match self {
            Self::Fixed(pattern) => pattern.matches(text),
            Self::Variable(parts) => may_match(parts, text) && matches_parts(parts, text, context),
        }
    }

    pub(crate) fn is_resolvable(&self, context: &Context<'_>) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Variable(parts) => resolve(parts, context).is_some(),
        }
    }
}

/// The ends that are plain text decide most comparisons before anything is filled in.
fn may_match(parts: &[Part], text: &str) -> bool {
    let plain = |part: Option<&Part>, test: &dyn Fn(&str) -> bool| match part {
        Some(Part::Token(Token::Text(t))) => test(t),
        _ => true,
    };
    plain(parts.first(), &|t| text.starts_with(t)) && plain(parts.last(), &|t| text.ends_with(t))
}

/// On the stack for templates of an ordinary length: this is on the path of every request.
fn matches_parts(parts: &[Part], text: &str, context: &Context<'_>) -> bool {
    let mut tokens = [const { Token::Star }; 12];
    if parts.len() > tokens.len() {
        return resolve(parts, context).is_some_and(|tokens| matches(&tokens, text));
    }
    for (token, part) in tokens.iter_mut().zip(parts) {
        match part.resolve(context) {
            Some(resolved) => *token = resolved,
            None => return false,
        }
    }
    matches(&tokens[..parts.len()], text)
}

/// Fills in the variables; `None` if one of them has no single value.
pub(crate) fn resolve<'a>(parts: &'a [Part], context: &'a Context<'_>) -> Option<Vec<Token<&'a str>>> {
    parts.iter().map(|part| part.resolve(context)).collect()
}

impl Part {
    fn resolve<'a>(&'a self, context: &'a Context<'_>) -> Option<Token<&'a str>> {
        match self {
            Self::Token(Token::Text(text)) => Some(Token::Text(&**text)),
            Self::Token(Token::One) => Some(Token::One),
            Self::Token(Token::Star) => Some(Token::Star),
            Self::Variable { key, default } => match (context.values(key), default) {
                ([value], _) => Some(Token::Text(value.as_str())),
                ([], Some(default)) => Some(Token::Text(&**default)),
                _ => None,
            },
        }
    }
}

pub(crate) fn parts(source: &str, reading: Reading) -> Vec<Part> {
    let mut out = Vec::new();
    let mut rest = source;
    while reading.variables
        && let Some((before, after)) = rest.split_once("${")
        && let Some((inside, tail)) = after.split_once('}')
    {
        push_plain(&mut out, before, reading);
        match inside {
            "*" | "?" | "$" => out.push(Part::Token(Token::Text(inside.into()))),
            _ => out.push(variable(inside)),
        }
        rest = tail;
    }
    push_plain(&mut out, rest, reading);
    out
}

/// `key` or `key, 'default'`.
fn variable(inside: &str) -> Part {
    if let Some((key, default)) = inside.split_once(',')
        && let Some(default) = default.trim().strip_prefix('\'').and_then(|d| d.strip_suffix('\''))
    {
        return Part::Variable { key: key.trim().to_lowercase().into(), default: Some(default.into()) };
    }
    Part::Variable { key: inside.trim().to_lowercase().into(), default: None }
}

fn push_plain(out: &mut Vec<Part>, text: &str, reading: Reading) {
    let mut tokens = Vec::new();
    if reading.wildcards {
        push_tokens(&mut tokens, text);
    } else {
        push_text(&mut tokens, text);
    }
    out.extend(tokens.into_iter().map(Part::Token));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Reading = Reading { variables: true, wildcards: true };

    fn check(template: &str, reading: Reading, text: &str) -> bool {
        let mut context = Context::new();
        context.set("aws:username", "b*b").set("aws:PrincipalTag/team", "blue");
        context.set_many("aws:TagKeys", ["a", "b"]);
        Template::new(template, reading).matches(text, &context)
    }

    #[test]
    fn variables_are_filled_in_as_plain_text() {
        assert!(check("home/${aws:username}/*", ALL, "home/b*b/x"));
        assert!(!check("home/${aws:username}/*", ALL, "home/bob/x"));
        assert!(check("${AWS:principaltag/TEAM}", ALL, "blue"));
        assert!(check("${aws:none, 'x y'}", ALL, "x y"));
        assert!(!check("${aws:none}", ALL, ""));
        assert!(!check("${aws:TagKeys}*", ALL, "a"));
        assert!(check("a${*}${?}${$}", ALL, "a*?$"));
        assert!(!check("a${*}", ALL, "abc"));
        assert!(check("a${b", ALL, "a${b"));
        assert!(check("${aws:username}", Reading { variables: false, ..ALL }, "${aws:username}"));
    }

    #[test]
    fn a_resource_has_variables_only_after_the_fifth_colon() {
        let mut context = Context::new();
        context.set("aws:PrincipalAccount", "111122223333");
        let t = Template::resource("arn:aws:sqs:*:${aws:PrincipalAccount}:q", ALL);
        assert!(!t.matches("arn:aws:sqs:us-east-1:111122223333:q", &context));
        let t = Template::resource("arn:aws:sqs:*:*:${aws:PrincipalAccount}", ALL);
        assert!(t.matches("arn:aws:sqs:us-east-1:1:111122223333", &context));
    }
}
