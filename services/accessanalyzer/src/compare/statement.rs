//! A statement as sets: of actions, of resources, of principals, under conditions.

use serde_json::Value;

use super::condition::Condition;
use super::pattern::{covers, may_meet};

/// All that match one of the patterns, or all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub negated: bool,
    pub patterns: Vec<String>,
}

impl Set {
    pub(crate) fn everything() -> Set {
        Set { negated: false, patterns: vec!["*".to_owned()] }
    }

    pub(crate) fn of(patterns: Vec<String>) -> Set {
        Set { negated: false, patterns }
    }

    /// Whether all of `other` is in here, for certain.
    pub(crate) fn covers(&self, other: &Set) -> bool {
        match (self.negated, other.negated) {
            (false, false) => {
                other.patterns.iter().all(|inner| self.patterns.iter().any(|outer| covers(outer, inner)))
            }
            (true, false) => {
                !other.patterns.iter().any(|inner| self.patterns.iter().any(|out| may_meet(out, inner)))
            }
            // What one leaves out must be left out by the other.
            (true, true) => {
                self.patterns.iter().all(|out| other.patterns.iter().any(|wider| covers(wider, out)))
            }
            (false, true) => self.patterns.iter().any(|pattern| pattern == "*"),
        }
    }

    /// Whether something may be in both.
    pub(crate) fn may_meet(&self, other: &Set) -> bool {
        match (self.negated, other.negated) {
            (false, false) => self.patterns.iter().any(|a| other.patterns.iter().any(|b| may_meet(a, b))),
            (true, false) => other.patterns.iter().any(|b| !self.patterns.iter().any(|out| covers(out, b))),
            (false, true) => other.may_meet(self),
            (true, true) => !self.patterns.iter().chain(&other.patterns).any(|pattern| pattern == "*"),
        }
    }

    /// Its patterns one by one, or itself when it is what others leave.
    pub(crate) fn atoms(&self) -> Vec<Set> {
        match self.negated {
            true => vec![self.clone()],
            false => self.patterns.iter().map(|pattern| Set::of(vec![pattern.clone()])).collect(),
        }
    }
}

/// `Principal` or `NotPrincipal`: kind and value, `*` for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principals {
    pub negated: bool,
    pub names: Vec<(String, String)>,
}

impl Principals {
    fn everybody() -> Principals {
        Principals { negated: false, names: vec![("AWS".to_owned(), "*".to_owned())] }
    }

    pub(crate) fn is_everybody(&self) -> bool {
        !self.negated && self.names.iter().any(|(kind, value)| kind == "AWS" && value == "*")
    }

    /// For certain. That an account is named does not count for its users: to name them grants more.
    pub(crate) fn covers(&self, other: &Principals) -> bool {
        if self.is_everybody() {
            return true;
        }
        match (self.negated, other.negated) {
            (false, false) => other.names.iter().all(|name| self.names.contains(name)),
            (true, true) => self.names.iter().all(|name| other.names.contains(name)),
            _ => false,
        }
    }

    pub(crate) fn may_meet(&self, other: &Principals) -> bool {
        if self.negated || other.negated || self.is_everybody() || other.is_everybody() {
            return true;
        }
        // An account and what is in it meet.
        let meet = |a: &(String, String), b: &(String, String)| {
            a == b
                || (a.0 == b.0
                    && account(&a.1).is_none_or(|it| account(&b.1).is_none_or(|other| other == it)))
        };
        self.names.iter().any(|a| other.names.iter().any(|b| meet(a, b)))
    }
}

/// The account that a principal is or is of.
pub(crate) fn account(principal: &str) -> Option<&str> {
    let is_number = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if is_number(principal) {
        return Some(principal);
    }
    principal.split(':').nth(4).filter(|part| is_number(part))
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub sid: Option<String>,
    pub allows: bool,
    /// In lower case.
    pub actions: Set,
    pub resources: Set,
    pub principals: Principals,
    pub conditions: Vec<Condition>,
}

/// The statements of a document that was found to be a policy.
pub(crate) fn statements(document: &str) -> Vec<Statement> {
    let Ok(Value::Object(top)) = serde_json::from_str::<Value>(document) else { return Vec::new() };
    match top.get("Statement") {
        Some(Value::Array(all)) => all.iter().map(statement).collect(),
        Some(one) => vec![statement(one)],
        None => Vec::new(),
    }
}

fn statement(value: &Value) -> Statement {
    let set = |name: &str, lower: bool| {
        let (negated, found) = match (value.get(name), value.get(format!("Not{name}"))) {
            (Some(found), _) => (false, found),
            (None, Some(found)) => (true, found),
            (None, None) => return Set::everything(),
        };
        let patterns = texts(found);
        let patterns = match lower {
            true => patterns.into_iter().map(|pattern| pattern.to_lowercase()).collect(),
            false => patterns,
        };
        Set { negated, patterns }
    };
    let mut conditions = Vec::new();
    for (operator, block) in value.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        for (key, values) in block.as_object().into_iter().flatten() {
            conditions.push(Condition::new(operator, key, texts(values)));
        }
    }
    Statement {
        sid: value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).map(str::to_owned),
        allows: value.get("Effect").and_then(Value::as_str) == Some("Allow"),
        actions: set("Action", true),
        resources: set("Resource", false),
        principals: principals(value),
        conditions,
    }
}

fn principals(value: &Value) -> Principals {
    let (negated, found) = match (value.get("Principal"), value.get("NotPrincipal")) {
        (Some(found), _) => (false, found),
        (None, Some(found)) => (true, found),
        (None, None) => return Principals::everybody(),
    };
    let Value::Object(kinds) = found else {
        return Principals { negated, ..Principals::everybody() };
    };
    let mut names = Vec::new();
    for (kind, values) in kinds {
        for name in texts(values) {
            // An account is written in two ways.
            let name = match name.strip_suffix(":root").and_then(account) {
                Some(account) if kind == "AWS" => account.to_owned(),
                _ => name,
            };
            names.push((kind.clone(), name));
        }
    }
    Principals { negated, names }
}

fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(all) => all.iter().map(one).collect(),
        other => vec![one(other)],
    }
}
