//! A quick look at which statements cannot speak of a resource, before any of them is read.
//!
//! Every text in a pattern stands in whatever the pattern matches, so every pair of neighbouring bytes in it does too.
//! The pairs of a text are noted in 128 bits; a pattern with a bit that the resource lacks cannot match it. The bits of a
//! policy lie next to one another, while its statements are spread over memory: reading those is what a decision costs.

use crate::document::Statement;
use crate::pattern::{Pattern, Token};
use crate::template::{Part, Template};

/// The pairs of a text.
pub(crate) type Pairs = u128;

pub(crate) fn pairs(text: &str) -> Pairs {
    let bytes = text.as_bytes();
    bytes.iter().zip(bytes.iter().skip(1)).fold(0, |all, (&a, &b)| all | 1 << slot(a, b))
}

/// Fibonacci hashing of two bytes to 7 bits.
#[inline]
fn slot(a: u8, b: u8) -> u32 {
    u32::from(u16::from_be_bytes([a, b]).wrapping_mul(0x9E37) >> 9)
}

/// What the resources of each statement of a policy need.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sieve {
    /// Of each statement, where its resources are in `needs`.
    of: Box<[(u32, u32)]>,
    needs: Box<[Pairs]>,
}

impl Sieve {
    pub(crate) fn new(statements: &[Statement]) -> Sieve {
        let (mut of, mut needs) = (Vec::with_capacity(statements.len()), Vec::new());
        for statement in statements {
            let start = needs.len() as u32;
            match &statement.resources {
                Some(element) if !element.negated => {
                    needs.extend(element.items.iter().map(|resource| needs_of(&resource.template)));
                }
                // Without resources, or with all but some.
                _ => needs.push(0),
            }
            of.push((start, needs.len() as u32));
        }
        Sieve { of: of.into(), needs: needs.into() }
    }

    /// Whether the statement may speak of a resource with these pairs.
    #[inline]
    pub(crate) fn lets_through(&self, statement: usize, pairs: Pairs) -> bool {
        let Some(&(start, end)) = self.of.get(statement) else { return true };
        let needs = self.needs.get(start as usize..end as usize).unwrap_or_default();
        needs.iter().any(|needs| needs & !pairs == 0)
    }
}

fn needs_of(template: &Template) -> Pairs {
    match template {
        Template::Fixed(Pattern::Any) => 0,
        Template::Fixed(Pattern::Exact(text) | Pattern::Prefix(text)) => pairs(text),
        Template::Fixed(Pattern::Glob(tokens)) => tokens.iter().fold(0, |all, token| all | of_token(token)),
        Template::Variable(parts) => parts.iter().fold(0, |all, part| match part {
            Part::Token(token) => all | of_token(token),
            Part::Variable { .. } => all,
        }),
    }
}

fn of_token(token: &Token<Box<str>>) -> Pairs {
    match token {
        Token::Text(text) => pairs(text),
        Token::One | Token::Star => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::context::Context;
    use crate::template::Reading;

    proptest! {
        #[test]
        fn what_matches_is_let_through(pattern in "[ab:*?]{0,8}(\\$\\{aws:username\\})?[ab*]{0,3}", text in "[ab:]{0,12}") {
            let template = Template::new(&pattern, Reading { variables: true, wildcards: true });
            let mut context = Context::new();
            context.set("aws:username", "ab");
            if template.matches(&text, &context) {
                prop_assert_eq!(needs_of(&template) & !pairs(&text), 0);
            }
        }
    }

    #[test]
    fn most_others_are_not() {
        let text = "arn:aws:sqs:us-east-1:111122223333:orders";
        let template = |source: &str| Template::new(source, Reading { variables: true, wildcards: true });
        for (pattern, through) in [
            ("*", true),
            ("arn:aws:sqs:*:111122223333:ord*", true),
            ("arn:aws:sqs:us-east-1:*:${aws:username}", true),
            ("arn:aws:sqs:*:111122223333:thing-1-*", false),
            ("arn:aws:sqs:us-east-1:*:${aws:username}-7", false),
            ("arn:aws:s3:::orders/*", false),
        ] {
            assert_eq!(needs_of(&template(pattern)) & !pairs(text) == 0, through, "{pattern}");
        }
    }
}
