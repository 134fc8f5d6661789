//! Which parts of an item are wanted.

use std::collections::BTreeMap;

use haneul_kit::Result;

use super::names::Placeholders;
use super::path::{Path, Step, clashes};
use super::{invalid, raw};
use crate::value::{Attrs, Value};

#[derive(Clone, Debug, Default)]
pub(crate) struct Projection {
    paths: Vec<Path>,
    root: Node,
}

/// What of a value is wanted; all of it, when nothing in particular.
#[derive(Clone, Debug, Default)]
struct Node {
    names: BTreeMap<String, Node>,
    indexes: BTreeMap<usize, Node>,
}

impl Projection {
    pub(crate) fn parse(text: &str, placeholders: &Placeholders) -> Result<Projection> {
        let kind = "ProjectionExpression";
        let paths = raw::projection(text)
            .and_then(|paths| {
                paths.iter().try_for_each(|steps| placeholders.check_path(steps))?;
                let paths: Vec<Path> = paths
                    .iter()
                    .map(|steps| placeholders.path(steps))
                    .collect::<std::result::Result<_, _>>()?;
                clashes(&paths.iter().collect::<Vec<_>>())?;
                Ok(paths)
            })
            .map_err(|why| invalid(kind, why))?;
        Ok(Projection::of(paths))
    }

    /// Of whole attributes, as AttributesToGet has them.
    pub(crate) fn of_attributes<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Projection {
        Projection::of(names.into_iter().map(|name| Path::of_name(name.as_ref())).collect())
    }

    pub(crate) fn of(paths: Vec<Path>) -> Projection {
        let mut root = Node::default();
        for path in &paths {
            let mut node = &mut root;
            for step in &path.0 {
                node = match step {
                    Step::Name(name) => node.names.entry(name.clone()).or_default(),
                    Step::Index(index) => node.indexes.entry(*index).or_default(),
                };
            }
        }
        Projection { paths, root }
    }

    pub(crate) fn paths(&self) -> &[Path] {
        &self.paths
    }

    pub(crate) fn apply(&self, item: &Attrs) -> Attrs {
        self.root.of_map(item)
    }
}

impl Node {
    fn of_map(&self, map: &Attrs) -> Attrs {
        let wanted = |(name, node): (&String, &Node)| Some((name.clone(), node.of_value(map.get(name)?)?));
        Attrs::of(self.names.iter().filter_map(wanted).collect())
    }

    fn of_value(&self, value: &Value) -> Option<Value> {
        match value {
            value if self.names.is_empty() && self.indexes.is_empty() => Some(value.clone()),
            Value::M(map) => {
                let part = self.of_map(map);
                (!part.is_empty()).then_some(Value::M(part))
            }
            Value::L(list) => {
                let wanted = |(index, node): (&usize, &Node)| node.of_value(list.get(*index)?);
                let part: Vec<Value> = self.indexes.iter().filter_map(wanted).collect();
                (!part.is_empty()).then_some(Value::L(part))
            }
            _ => None,
        }
    }
}
