use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::budget::weight;

/// Name and expression. Source: User Guide, "Supported grok patterns".
const PATTERNS: [(&str, &str); 46] = [
    ("USERNAME", r"[a-zA-Z0-9._-]+"),
    ("USER", r"[a-zA-Z0-9._-]+"),
    ("INT", r"[+-]?[0-9]+"),
    ("BASE10NUM", r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"),
    ("BASE16NUM", r"[+-]?(?:0x)?[0-9A-Fa-f]+"),
    ("NUMBER", r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"),
    ("POSINT", r"\b[1-9][0-9]*\b"),
    ("NONNEGINT", r"\b[0-9]+\b"),
    ("WORD", r"\b\w+\b"),
    ("NOTSPACE", r"\S+"),
    ("SPACE", r"\s*"),
    ("DATA", r".*?"),
    ("GREEDYDATA", r".*"),
    ("GREEDYDATA_MULTILINE", r"(?s:.*)"),
    ("QUOTEDSTRING", r#"(?:"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|`(?:\\.|[^\\`])*`)"#),
    ("QS", r#"(?:"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|`(?:\\.|[^\\`])*`)"#),
    ("UUID", r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"),
    ("MAC", r"(?:[A-Fa-f0-9]{2}[:-]){5}[A-Fa-f0-9]{2}|(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}"),
    (
        "IPV4",
        r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
    ),
    ("IPV6", r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"),
    ("IP", r"(?:[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|(?:[0-9]{1,3}\.){3}[0-9]{1,3})"),
    ("HOSTNAME", r"\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?"),
    ("HOST", r"\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?"),
    ("IPORHOST", r"[0-9A-Za-z][0-9A-Za-z.:-]*"),
    ("HOSTPORT", r"[0-9A-Za-z][0-9A-Za-z.-]*:[1-9][0-9]*"),
    ("UNIXPATH", r"(?:/[\w_%!$@:.,+~-]*)+"),
    ("WINPATH", r"(?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+"),
    ("PATH", r"(?:(?:/[\w_%!$@:.,+~-]*)+|(?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+)"),
    ("TTY", r"/dev/(?:pts|tty(?:[pq])?)\w?[0-9]*"),
    ("URIPROTO", r"[A-Za-z](?:[A-Za-z0-9+\-.]+)+"),
    ("URIPATH", r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+"),
    ("URIPARAM", r"\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*"),
    (
        "URIPATHPARAM",
        r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+(?:\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*)?",
    ),
    ("URI", r"[A-Za-z](?:[A-Za-z0-9+\-.]+)://\S+"),
    (
        "MONTH",
        r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
    ),
    ("MONTHNUM", r"(?:0?[1-9]|1[0-2])"),
    ("MONTHDAY", r"(?:0[1-9]|[12][0-9]|3[01]|[1-9])"),
    (
        "DAY",
        r"(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)",
    ),
    ("YEAR", r"[0-9]{2,4}"),
    ("HOUR", r"(?:2[0123]|[01]?[0-9])"),
    ("MINUTE", r"[0-5][0-9]"),
    ("SECOND", r"(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?"),
    ("TIME", r"(?:2[0123]|[01]?[0-9]):[0-5][0-9](?::(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?)?"),
    (
        "TIMESTAMP_ISO8601",
        r"[0-9]{4}-(?:0?[1-9]|1[0-2])-[0-9]{2}[T ][0-9]{2}:?[0-9]{2}(?::?[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?",
    ),
    ("HTTPDATE", r"[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-]?[0-9]+"),
    (
        "LOGLEVEL",
        r"(?i:alert|trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?)",
    ),
];

/// Compiled size of a pattern, so that none eats the memory.
const SIZE_MAX: usize = 2 * 1024 * 1024;

pub(super) struct Grok {
    regex: Regex,
    /// By group: the field, and the type that its value is cast to.
    fields: Vec<(String, Option<String>)>,
    /// Of a byte that it reads.
    pub(super) weight: usize,
}

impl Grok {
    /// `%{PATTERN:field:type}` between what is an expression by itself.
    pub(super) fn new(pattern: &str) -> Result<Grok, String> {
        let (mut source, mut fields, mut rest) = (String::new(), Vec::new(), pattern);
        while let Some((before, after)) = rest.split_once("%{") {
            let (inner, after) = after.split_once('}').ok_or("a } is missing")?;
            let mut parts = inner.splitn(3, ':');
            let name = parts.next().unwrap_or_default();
            let expression = PATTERNS.iter().find(|(one, _)| *one == name);
            let (_, expression) = expression.ok_or_else(|| format!("the pattern {name} is unknown"))?;
            source.push_str(before);
            match parts.next() {
                Some(field) => {
                    source.push_str(&format!("(?P<f{}>{expression})", fields.len()));
                    fields.push((field.to_owned(), parts.next().map(str::to_owned)));
                }
                None => source.push_str(&format!("(?:{expression})")),
            }
            rest = after;
        }
        source.push_str(rest);
        let regex = RegexBuilder::new(&source).size_limit(SIZE_MAX).build();
        let regex = regex.map_err(|_| "it is no valid expression".to_owned())?;
        Ok(Grok { weight: weight(regex.as_str()), regex, fields })
    }

    pub(super) fn read(&self, text: &str) -> Option<Map<String, Value>> {
        let captures = self.regex.captures(text)?;
        let mut found = Map::new();
        for (at, (field, cast)) in self.fields.iter().enumerate() {
            let Some(value) = captures.name(&format!("f{at}")) else { continue };
            let value = value.as_str();
            let value = match cast.as_deref() {
                Some("int" | "integer" | "long") => {
                    value.parse::<i64>().map_or_else(|_| value.into(), Value::from)
                }
                Some("float" | "double") => value.parse::<f64>().map_or_else(|_| value.into(), Value::from),
                _ => Value::from(value),
            };
            found.insert(field.clone(), value);
        }
        Some(found)
    }
}
