//! Document paths: `a.b[1]`.

use std::fmt;

use crate::value::{Attrs, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

/// At least one step, the first one a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    pub(crate) fn of_name(name: impl Into<String>) -> Path {
        Path(vec![Step::Name(name.into())])
    }

    /// The attribute of the item that it begins with.
    pub(crate) fn attribute(&self) -> &str {
        match self.0.first() {
            Some(Step::Name(name)) => name,
            _ => "",
        }
    }

    /// The last name and the indexes behind it: `b[1]` of `a.b[1]`.
    pub(crate) fn column(&self) -> String {
        let mut column = String::new();
        for step in &self.0 {
            match step {
                Step::Name(name) => column.clone_from(name),
                Step::Index(index) => column.push_str(&format!("[{index}]")),
            }
        }
        column
    }

    pub(crate) fn is_nested(&self) -> bool {
        self.0.len() > 1
    }

    pub(crate) fn get<'a>(&self, item: &'a Attrs) -> Option<&'a Value> {
        let mut value = item.get(self.attribute())?;
        for step in &self.0[1..] {
            value = match (step, value) {
                (Step::Name(name), Value::M(map)) => map.get(name)?,
                (Step::Index(index), Value::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// What two paths of one expression have against one another.
    pub(crate) fn clash(&self, other: &Path) -> Option<Clash> {
        for (a, b) in self.0.iter().zip(&other.0) {
            match (a, b) {
                (a, b) if a == b => {}
                (Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_)) => {
                    return Some(Clash::Conflict);
                }
                _ => return None,
            }
        }
        Some(Clash::Overlap)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// One is the other or contains it.
    Overlap,
    /// One takes for a map what the other takes for a list.
    Conflict,
}

/// The sentence for the first two paths that cannot stand together.
pub(crate) fn clashes(paths: &[&Path]) -> Result<(), String> {
    for (i, one) in paths.iter().enumerate() {
        for two in &paths[i + 1..] {
            if let Some(clash) = one.clash(two) {
                let word = if clash == Clash::Overlap { "overlap" } else { "conflict" };
                return Err(format!(
                    "Two document paths {word} with each other; must remove or rewrite one of these paths; path one: \
                     {one}, path two: {two}"
                ));
            }
        }
    }
    Ok(())
}

/// `[a, b, [1]]`, as in AWS's messages.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, step) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match step {
                Step::Name(name) => f.write_str(name)?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        f.write_str("]")
    }
}
