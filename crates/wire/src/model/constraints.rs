use std::sync::OnceLock;

use regex::Regex;

/// The bounds of a value. For strings and blobs they count length, for lists and maps entries, for numbers the value.
#[derive(Debug, Default)]
pub struct Constraints {
    pub min: Option<Bound>,
    pub max: Option<Bound>,
    pub pattern: Option<Pattern>,
    /// The values of an enumeration, in the model's order; empty where it is none.
    pub values: Box<[&'static str]>,
}

#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub value: f64,
    /// As the model writes it, for messages.
    pub text: &'static str,
}

#[derive(Debug)]
pub struct Pattern {
    pub text: Box<str>,
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
enum Compiled {
    Linear(Regex),
    /// With look-around, of which a few patterns make use.
    Backtracking(Box<fancy_regex::Regex>),
}

/// Compiled size of one pattern, in bytes. Some have repetitions in the thousands.
const PATTERN_SIZE_MAX: usize = 4 << 20;

/// Steps back in one match of a pattern with look-around.
const BACKTRACKS_MAX: usize = 100_000;

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        Pattern { text: text.into(), compiled: OnceLock::new() }
    }

    /// Whether the whole of `value` matches. A pattern that cannot be compiled matches all.
    pub fn matches(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| {
            let text = format!("^(?:{})$", java(&self.text));
            let linear = regex::RegexBuilder::new(&text).size_limit(PATTERN_SIZE_MAX).build();
            linear.map(Compiled::Linear).ok().or_else(|| {
                // These are of texts of several lines, too.
                let backtracking = fancy_regex::RegexBuilder::new(&format!("(?s){text}"))
                    .backtrack_limit(BACKTRACKS_MAX)
                    .delegate_size_limit(PATTERN_SIZE_MAX)
                    .build();
                backtracking.ok().map(|regex| Compiled::Backtracking(Box::new(regex)))
            })
        });
        match compiled {
            None => true,
            Some(Compiled::Linear(regex)) => regex.is_match(value),
            // What takes too long is nothing that anybody means.
            Some(Compiled::Backtracking(regex)) => regex.is_match(value).unwrap_or(false),
        }
    }
}

/// Java's syntax as the regex crate's, where they differ in what models use.
fn java(pattern: &str) -> String {
    // Java reads `[` within a class, and an escaped slash or quote, as itself.
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    let mut class = false;
    let mut class_start = false;
    while let Some(c) = chars.next() {
        let starts = std::mem::take(&mut class_start);
        match c {
            '\\' => match chars.next() {
                Some(c @ ('/' | '"' | '\'' | ',' | '=' | ':' | '@' | '%' | '!' | '_' | ';' | '`')) => {
                    out.push(c)
                }
                // Of ASCII alone in Java. A class within a class is joined to it.
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('s') => out.push_str("[ \\t\\n\\x0B\\f\\r]"),
                Some('S') => out.push_str("[^ \\t\\n\\x0B\\f\\r]"),
                // The horizontal space of Java's `\h` has no other name.
                Some('h') => out.push_str("\\t "),
                Some('Z') => out.push_str("\\z"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' if class => out.push_str("\\["),
            '[' => {
                class = true;
                class_start = true;
                out.push('[');
            }
            '^' if class && starts => {
                class_start = true;
                out.push('^');
            }
            ']' if class && !starts => {
                class = false;
                out.push(']');
            }
            // In the regex crate these are operators on classes when doubled.
            '&' | '~' if class => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_whole() {
        for (pattern, value, matches) in [
            ("[a-z]+", "abc", true),
            ("[a-z]+", "abc1", false),
            ("a|b", "ab", false),
            (r"[\w+=,.@-]+", "a+b@c", true),
            (r"arn:aws:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+", "arn:aws:iam::123456789012:role/x", true),
            (r"[\u0009\u000A\u000D\u0020-\u00FF]+", "plain", true),
            (r"(?!aws:).*", "aws:x", false),
            (r"(?!aws:).*", "aw:x", true),
            (r"^(?!\s*$).+", "{\n  \"a\": 1\n}\n", true),
            (r"^(?!\s*$).+", " \n ", false),
            (r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "123", false),
            (r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "123a", true),
            (r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "a b", false),
            (r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", "a-b", true),
            (r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", "a--b", false),
            (r"[0-9A-Za-z\.\-_]*(?<!\.)", "bucket", true),
            (r"[0-9A-Za-z\.\-_]*(?<!\.)", "bucket.", false),
            // What Java means is ASCII, but for properties.
            (r"[\w+=,.@-]+", "é", false),
            (r"\w+", "ſ", false),
            (r"[^\w]", "é", true),
            (r"\W", "é", true),
            (r"[\W]", "a", false),
            (r"\d{2}", "12", true),
            (r"\d{2}", "١٢", false),
            (r"\D", "١", true),
            (r"a\sb", "a\u{0b}b", true),
            (r"a\sb", "a\u{a0}b", false),
            (r"\S", "\u{2003}", true),
            (r"[\s\S]+", "a é\n\u{2003}", true),
            (r"[\p{L}\p{Z}\p{N}_]+", "é\u{2003}١", true),
            (r"[\w-_]*", "a-b", true),
            (r"[\w-_]*", "a b", false),
            (r"role\/[\w-\/.@+=,]{1,9}", "role/a-b/c", true),
            (r"(?!aws)[\w-]+", "é", false),
            (r"(?!aws)[\w-]+", "a-w", true),
            (r"^([\-]?\d{4}(?!\d{2}\b))", "2024", true),
            (r"^([\-]?\d{4}(?!\d{2}\b))", "20x4", false),
            (r"arn:\b(aws|aws-cn)\b:x", "arn:aws:x", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(value), matches, "{pattern} {value}");
        }
    }
}
