//! Event patterns as EventBridge has them: which JSON a filter lets through. Source: EventBridge User Guide, "Creating event
//! patterns", and Lambda Developer Guide, "Control which events Lambda sends to your function".

use std::net::IpAddr;

use serde_json::Value;

/// Deepest nesting, and most leaves of one pattern: what a filter of 4,096 characters can hold is less.
const DEPTH_MAX: usize = 32;
/// Wildcards of one leaf: each costs a pass over the text.
const WILDCARDS_MAX: usize = 16;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(Vec<Node>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Field {
        name: String,
        of: Of,
    },
    /// `$or`: one of the alternatives.
    Or(Vec<Pattern>),
}

#[derive(Clone, Debug, PartialEq)]
enum Of {
    Inside(Pattern),
    OneOf(Vec<Leaf>),
}

#[derive(Clone, Debug, PartialEq)]
enum Leaf {
    Is(Value),
    Prefix { text: String, fold: bool },
    Suffix { text: String, fold: bool },
    FoldedIs(String),
    Wildcard(Vec<String>),
    AnythingBut(Vec<Leaf>),
    Number(Vec<(Comparison, f64)>),
    Cidr { network: IpAddr, bits: u8 },
    Exists(bool),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Is,
    Less,
    LessOrIs,
    Greater,
    GreaterOrIs,
}

/// Why a text is no pattern.
type Wrong = String;

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Pattern, Wrong> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        Pattern::of(&value, 0)
    }

    fn of(value: &Value, depth: usize) -> Result<Pattern, Wrong> {
        let Value::Object(fields) = value else { return Err("a pattern is a JSON object".into()) };
        if depth > DEPTH_MAX {
            return Err("the pattern is nested too deeply".into());
        }
        let mut nodes = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let node = match value {
                Value::Array(alternatives) if name == "$or" && alternatives.iter().all(Value::is_object) => {
                    let alternatives: Result<_, _> =
                        alternatives.iter().map(|one| Pattern::of(one, depth + 1)).collect();
                    Node::Or(alternatives?)
                }
                Value::Object(_) => {
                    Node::Field { name: name.clone(), of: Of::Inside(Pattern::of(value, depth + 1)?) }
                }
                Value::Array(leaves) if leaves.is_empty() => {
                    return Err(format!("the field {name} has an empty list"));
                }
                Value::Array(leaves) => {
                    let leaves: Result<_, _> = leaves.iter().map(leaf).collect();
                    Node::Field { name: name.clone(), of: Of::OneOf(leaves?) }
                }
                _ => return Err(format!("the field {name} must be a list or an object")),
            };
            nodes.push(node);
        }
        Ok(Pattern(nodes))
    }

    pub(crate) fn matches(&self, value: &Value) -> bool {
        self.0.iter().all(|node| match node {
            Node::Or(alternatives) => alternatives.iter().any(|one| one.matches(value)),
            Node::Field { name, of } => match of {
                Of::Inside(pattern) => match value.get(name) {
                    // A list of objects matches when one of them does.
                    Some(Value::Array(items)) => items.iter().any(|item| pattern.matches(item)),
                    Some(inside) => pattern.matches(inside),
                    None => pattern.matches(&Value::Null),
                },
                Of::OneOf(leaves) => leaves.iter().any(|leaf| leaf.matches(value.get(name))),
            },
        })
    }

    /// What the pattern says of one field of the outermost object, and the pattern without it.
    pub(crate) fn take(&mut self, field: &str) -> Option<Inner> {
        let at = self.0.iter().position(|node| matches!(node, Node::Field { name, .. } if name == field))?;
        match self.0.remove(at) {
            Node::Field { of: Of::Inside(pattern), .. } => Some(Inner::Object(pattern)),
            Node::Field { of: Of::OneOf(leaves), .. } => Some(Inner::Text(Leaves(leaves))),
            Node::Or(_) => None,
        }
    }
}

/// What is said of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inner {
    Object(Pattern),
    Text(Leaves),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaves(Vec<Leaf>);

impl Leaves {
    pub(crate) fn matches(&self, text: &str) -> bool {
        let value = Value::from(text);
        self.0.iter().any(|leaf| leaf.matches(Some(&value)))
    }
}

fn leaf(value: &Value) -> Result<Leaf, Wrong> {
    let Value::Object(fields) = value else {
        return match value {
            Value::Array(_) => Err("lists cannot be nested".into()),
            plain => Ok(Leaf::Is(plain.clone())),
        };
    };
    let mut fields = fields.iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else {
        return Err("a comparison has one name".into());
    };
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(format!("{name} takes a string"));
    Ok(match name.as_str() {
        "prefix" | "suffix" => {
            let (text, fold) = match value.get("equals-ignore-case") {
                Some(folded) => (text(folded)?.to_lowercase(), true),
                None => (text(value)?, false),
            };
            if name == "prefix" { Leaf::Prefix { text, fold } } else { Leaf::Suffix { text, fold } }
        }
        "equals-ignore-case" => Leaf::FoldedIs(text(value)?.to_lowercase()),
        "wildcard" => Leaf::Wildcard(wildcard(&text(value)?)?),
        "exists" => Leaf::Exists(value.as_bool().ok_or("exists takes true or false")?),
        "cidr" => {
            let text = text(value)?;
            let wrong = || format!("{text} is no range of addresses");
            let (network, bits) = text.split_once('/').ok_or_else(wrong)?;
            let network: IpAddr = network.parse().map_err(|_| wrong())?;
            let bits: u8 = bits.parse().map_err(|_| wrong())?;
            if bits > if network.is_ipv4() { 32 } else { 128 } {
                return Err(wrong());
            }
            Leaf::Cidr { network, bits }
        }
        "numeric" => Leaf::Number(numeric(value)?),
        "anything-but" => {
            let others = match value {
                Value::Array(others) if !others.is_empty() => {
                    others.iter().map(leaf).collect::<Result<_, _>>()?
                }
                Value::Array(_) => return Err("anything-but takes a value".into()),
                Value::Object(comparison) => {
                    // A comparison may have a list: `{"anything-but": {"prefix": ["a", "b"]}}`.
                    let mut leaves = Vec::new();
                    for (name, values) in comparison {
                        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
                        for value in values {
                            leaves.push(leaf(&serde_json::json!({ name: value }))?);
                        }
                    }
                    leaves
                }
                plain => vec![leaf(plain)?],
            };
            if others.iter().any(|other| matches!(other, Leaf::Exists(_) | Leaf::AnythingBut(_))) {
                return Err("anything-but takes values and comparisons of text".into());
            }
            Leaf::AnythingBut(others)
        }
        _ => return Err(format!("{name} is no comparison")),
    })
}

fn wildcard(text: &str) -> Result<Vec<String>, Wrong> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        let last = parts.len() - 1;
        match next {
            '\\' => match chars.next() {
                Some(escaped @ ('*' | '\\')) => parts[last].push(escaped),
                _ => return Err("a backslash stands before * or another backslash".into()),
            },
            '*' if last > 0 && parts[last].is_empty() => {
                return Err("wildcards cannot follow one another".into());
            }
            '*' => parts.push(String::new()),
            other => parts[last].push(other),
        }
    }
    if parts.len() > WILDCARDS_MAX + 1 { Err("there are too many wildcards".into()) } else { Ok(parts) }
}

fn numeric(value: &Value) -> Result<Vec<(Comparison, f64)>, Wrong> {
    let wrong = || String::from("numeric takes comparisons and numbers in turn");
    let items = value.as_array().filter(|items| matches!(items.len(), 2 | 4)).ok_or_else(wrong)?;
    items
        .chunks(2)
        .map(|pair| {
            let comparison = match pair[0].as_str() {
                Some("=") => Comparison::Is,
                Some("<") => Comparison::Less,
                Some("<=") => Comparison::LessOrIs,
                Some(">") => Comparison::Greater,
                Some(">=") => Comparison::GreaterOrIs,
                _ => return Err(wrong()),
            };
            Ok((comparison, pair[1].as_f64().ok_or_else(wrong)?))
        })
        .collect()
}

impl Leaf {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Leaf::Exists(wanted), value) => value.is_some_and(|value| !value.is_object()) == *wanted,
            (_, None) => false,
            // One of a list's items must match; anything-but must hold of all.
            (Leaf::AnythingBut(others), Some(Value::Array(items))) => {
                items.iter().all(|item| !others.iter().any(|other| other.is(item)))
            }
            (leaf, Some(Value::Array(items))) => items.iter().any(|item| leaf.is(item)),
            (leaf, Some(value)) => leaf.is(value),
        }
    }

    fn is(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Leaf::Is(wanted) => match (wanted, value) {
                (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
                _ => wanted == value,
            },
            Leaf::Prefix { text: wanted, fold } => {
                text.is_some_and(|text| folded(text, *fold).starts_with(wanted.as_str()))
            }
            Leaf::Suffix { text: wanted, fold } => {
                text.is_some_and(|text| folded(text, *fold).ends_with(wanted.as_str()))
            }
            Leaf::FoldedIs(wanted) => text.is_some_and(|text| text.to_lowercase() == *wanted),
            Leaf::Wildcard(parts) => text.is_some_and(|text| fits(parts, text)),
            Leaf::AnythingBut(others) => {
                !value.is_object() && !value.is_array() && !others.iter().any(|other| other.is(value))
            }
            Leaf::Number(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons.iter().all(|(comparison, wanted)| match comparison {
                    Comparison::Is => number == *wanted,
                    Comparison::Less => number < *wanted,
                    Comparison::LessOrIs => number <= *wanted,
                    Comparison::Greater => number > *wanted,
                    Comparison::GreaterOrIs => number >= *wanted,
                })
            }),
            Leaf::Cidr { network, bits } => text
                .and_then(|text| text.parse().ok())
                .is_some_and(|address| within(address, *network, *bits)),
            Leaf::Exists(_) => false,
        }
    }
}

fn folded(text: &str, fold: bool) -> std::borrow::Cow<'_, str> {
    if fold { text.to_lowercase().into() } else { text.into() }
}

/// Greedy from the left, which is enough where only `*` is wild.
fn fits(parts: &[String], text: &str) -> bool {
    let (Some((first, rest)), Some(last)) = (parts.split_first(), parts.last()) else { return false };
    if rest.is_empty() {
        return first == text;
    }
    let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
    for part in &rest[..rest.len() - 1] {
        match left.find(part.as_str()) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last.as_str())
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        let event = r#"{"body":{"name":"Alice","age":30,"tags":["a","b"],"ip":"10.0.0.7","nested":{"ok":true},"none":null}}"#;
        let event: Value = serde_json::from_str(event).unwrap();
        let cases = [
            (r#"{"body":{"name":["Alice","Bob"]}}"#, true),
            (r#"{"body":{"name":["Bob"]}}"#, false),
            (r#"{"body":{"name":[{"prefix":"Al"}]}}"#, true),
            (r#"{"body":{"name":[{"prefix":{"equals-ignore-case":"aL"}}]}}"#, true),
            (r#"{"body":{"name":[{"suffix":"ce"}]}}"#, true),
            (r#"{"body":{"name":[{"equals-ignore-case":"aLiCe"}]}}"#, true),
            (r#"{"body":{"name":[{"wildcard":"A*c*"}]}}"#, true),
            (r#"{"body":{"name":[{"wildcard":"A*x*"}]}}"#, false),
            (r#"{"body":{"name":[{"anything-but":["Bob"]}]}}"#, true),
            (r#"{"body":{"name":[{"anything-but":{"prefix":"Al"}}]}}"#, false),
            (r#"{"body":{"name":[{"anything-but":{"suffix":["x","y"]}}]}}"#, true),
            (r#"{"body":{"age":[30]}}"#, true),
            (r#"{"body":{"age":[30.0]}}"#, true),
            (r#"{"body":{"age":["30"]}}"#, false),
            (r#"{"body":{"age":[{"numeric":[">",18,"<=",30]}]}}"#, true),
            (r#"{"body":{"age":[{"numeric":["<",18]}]}}"#, false),
            (r#"{"body":{"tags":["b"]}}"#, true),
            (r#"{"body":{"tags":[{"anything-but":["b"]}]}}"#, false),
            (r#"{"body":{"ip":[{"cidr":"10.0.0.0/24"}]}}"#, true),
            (r#"{"body":{"ip":[{"cidr":"10.0.1.0/24"}]}}"#, false),
            (r#"{"body":{"none":[null]}}"#, true),
            (r#"{"body":{"gone":[{"exists":false}]}}"#, true),
            (r#"{"body":{"name":[{"exists":false}]}}"#, false),
            (r#"{"body":{"nested":{"ok":[true]}}}"#, true),
            (r#"{"body":{"nested":{"gone":[{"exists":false}]}}}"#, true),
            (r#"{"$or":[{"body":{"name":["Bob"]}},{"body":{"age":[30]}}]}"#, true),
            (r#"{}"#, true),
        ];
        for (text, wanted) in cases {
            let pattern = Pattern::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            assert_eq!(pattern.matches(&event), wanted, "{text}");
        }
        for wrong in [
            "",
            "[]",
            r#"{"a":1}"#,
            r#"{"a":[]}"#,
            r#"{"a":[{"unknown":1}]}"#,
            r#"{"a":[{"numeric":["<"]}]}"#,
            r#"{"a":[{"wildcard":"a**"}]}"#,
            r#"{"a":[{"cidr":"10.0.0.0/99"}]}"#,
            r#"{"a":[[1]]}"#,
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text in ".{0,200}|[{}\\[\\]\":,a*0-9-]{0,60}") {
            let _ = Pattern::parse(&text);
        }
    }
}
