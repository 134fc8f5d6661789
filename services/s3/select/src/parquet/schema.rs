//! The tree of columns, and what makes lists and maps of groups.

use super::logical::{Logical, Physical};
use super::{invalid, unsupported_type};
use crate::ast::{Name, Step};
use crate::error::{Result, SelectError};

/// Most groups and columns of a file, and the deepest nesting of them.
pub(super) const ELEMENTS_MAX: usize = 10_000;
const DEPTH_MAX: u32 = 32;

/// A group or a column as the footer tells of it: in a list, parents before their children.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) physical: Option<Physical>,
    pub(super) length: usize,
    pub(super) repetition: i64,
    pub(super) children: i64,
    pub(super) logical: Logical,
    pub(super) precision: i64,
    pub(super) scale: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) fields: Vec<Field>,
    pub(super) leaves: Vec<Leaf>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) node: Node,
}

/// How values are put together of the entries of columns (README, "Nested Encoding"). An entry whose definition level is
/// above `def` has what the node stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(usize),
    Optional { def: u16, inner: Box<Node> },
    Repeated { def: u16, rep: u16, item: Box<Node> },
    Map { def: u16, rep: u16, key: Box<Node>, value: Option<Box<Node>> },
    Group(Vec<Field>),
}

/// A column that has values.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) physical: Physical,
    /// In bytes, of values that are all of one length.
    pub(super) length: usize,
    pub(super) logical: Logical,
    pub(super) scale: u32,
    pub(super) def: u16,
    pub(super) rep: u16,
    /// About how many bytes the names in a list's elements add to the value, as JSON.
    pub(super) cost: usize,
}

impl Schema {
    pub(super) fn new(elements: &[Element]) -> Result<Schema> {
        let (root, rest) = elements.split_first().ok_or_else(|| invalid("it has no schema"))?;
        let mut build = Build { elements: rest, at: 0, leaves: Vec::new() };
        let mut fields = Vec::new();
        for _ in 0..root.children.max(0) {
            fields.push(build.field(Level::default(), DEPTH_MAX)?);
        }
        if build.at != rest.len() {
            return Err(invalid("its schema has more columns than it says"));
        }
        Ok(Schema { fields, leaves: build.leaves })
    }

    /// The place of a column by its name.
    pub(super) fn find(&self, name: &Name) -> Result<usize> {
        let mut found =
            self.fields.iter().enumerate().filter(|(_, field)| name.is(&field.name)).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(at), None) => Ok(at),
            (Some(_), Some(_)) => {
                let message = "The field name matches to multiple fields in the file. Check the SQL expression and the file, and try again.";
                Err(SelectError::new("AmbiguousFieldName", message))
            }
            (None, _) => {
                let message =
                    "Some headers in the query are missing from the file. Check the file and try again.";
                Err(SelectError::new("MissingHeaders", message))
            }
        }
    }
}

/// Where in the tree something is.
#[derive(Clone, Copy, Default)]
struct Level {
    def: u16,
    rep: u16,
    cost: usize,
}

struct Build<'e> {
    elements: &'e [Element],
    at: usize,
    leaves: Vec<Leaf>,
}

impl Build<'_> {
    fn field(&mut self, outer: Level, depth: u32) -> Result<Field> {
        let depth = depth.checked_sub(1).ok_or_else(|| invalid("its schema is too deep"))?;
        let element =
            self.elements.get(self.at).ok_or_else(|| invalid("its schema has fewer columns than it says"))?;
        self.at += 1;
        let mut level = outer;
        match element.repetition {
            0 => {}
            1 => level.def += 1,
            2 => (level.def, level.rep) = (level.def + 1, level.rep + 1),
            _ => return Err(invalid("a column has no repetition that there is")),
        }
        if level.rep > 0 {
            level.cost += element.name.len() + 4;
        }
        let inner = match element.physical {
            Some(physical) => {
                self.leaves.push(Leaf {
                    physical,
                    length: physical.length(element.length)?,
                    logical: element.logical,
                    scale: scale(element)?,
                    def: level.def,
                    rep: level.rep,
                    cost: level.cost,
                });
                Node::Leaf(self.leaves.len() - 1)
            }
            None => self.group(element, level, depth)?,
        };
        let node = match element.repetition {
            0 => inner,
            1 => Node::Optional { def: outer.def, inner: Box::new(inner) },
            _ => Node::Repeated { def: outer.def, rep: outer.rep, item: Box::new(inner) },
        };
        Ok(Field { name: element.name.clone(), node })
    }

    fn group(&mut self, element: &Element, level: Level, depth: u32) -> Result<Node> {
        if element.children < 1 {
            return Err(invalid("a group has no columns"));
        }
        let mut fields = Vec::new();
        for _ in 0..element.children {
            fields.push(self.field(level, depth)?);
        }
        let is_one = fields.len() == 1;
        match (element.logical, fields.pop()) {
            (Logical::List, Some(Field { name, node: Node::Repeated { def, rep, item } })) if is_one => {
                let item = element_of_list(&element.name, &name, *item);
                Ok(Node::Repeated { def, rep, item: Box::new(item) })
            }
            (Logical::Map, Some(Field { name, node: Node::Repeated { def, rep, item } })) if is_one => {
                let item = match *item {
                    Node::Group(mut pair) if pair.len() <= 2 => {
                        let value = if pair.len() == 2 { pair.pop() } else { None };
                        let value = value.map(|field| Box::new(field.node));
                        let key = pair.pop().ok_or_else(|| invalid("a map has no keys"))?;
                        return Ok(Node::Map { def, rep, key: Box::new(key.node), value });
                    }
                    other => other,
                };
                let node = Node::Repeated { def, rep, item: Box::new(item) };
                Ok(Node::Group(vec![Field { name, node }]))
            }
            (_, last) => {
                fields.extend(last);
                Ok(Node::Group(fields))
            }
        }
    }
}

/// LogicalTypes.md, "Lists": a group with one column around each element is no part of it, but for the names that old
/// writers gave groups that are the element.
fn element_of_list(list: &str, name: &str, item: Node) -> Node {
    match item {
        Node::Group(mut fields)
            if fields.len() == 1 && name != "array" && name.strip_suffix("_tuple") != Some(list) =>
        {
            fields.pop().map_or(Node::Group(Vec::new()), |field| field.node)
        }
        other => other,
    }
}

/// Of a decimal, where its digits have room (38 of them, as in AWS).
fn scale(element: &Element) -> Result<u32> {
    if element.logical != Logical::Decimal {
        return Ok(0);
    }
    if !(0..=38).contains(&element.scale) || !(0..=38).contains(&element.precision) {
        return Err(unsupported_type("a decimal of more than 38 digits"));
    }
    Ok(element.scale as u32)
}

impl Node {
    /// Marks the columns that a path needs.
    pub(super) fn mark(&self, steps: &[Step], needed: &mut [bool]) {
        match (self, steps.split_first()) {
            (Node::Leaf(leaf), _) => needed[*leaf] = true,
            (Node::Optional { inner, .. }, _) => inner.mark(steps, needed),
            (Node::Group(fields), Some((Step::Name(name), rest))) => {
                let named = fields.iter().filter(|field| name.is(&field.name));
                named.for_each(|field| field.node.mark(rest, needed));
            }
            (Node::Group(fields), _) => fields.iter().for_each(|field| field.node.mark(&[], needed)),
            (Node::Repeated { item, .. }, Some((Step::Index(_), rest))) => item.mark(rest, needed),
            (Node::Repeated { item, .. }, _) => item.mark(&[], needed),
            (Node::Map { key, value, .. }, _) => {
                key.mark(&[], needed);
                value.iter().for_each(|value| value.mark(&[], needed));
            }
        }
    }

    /// What is left with the columns that are needed, by their new places.
    pub(super) fn pruned(&self, places: &[Option<usize>]) -> Option<Node> {
        Some(match self {
            Node::Leaf(leaf) => Node::Leaf(places.get(*leaf).copied().flatten()?),
            Node::Optional { def, inner } => {
                Node::Optional { def: *def, inner: Box::new(inner.pruned(places)?) }
            }
            Node::Repeated { def, rep, item } => {
                Node::Repeated { def: *def, rep: *rep, item: Box::new(item.pruned(places)?) }
            }
            Node::Map { def, rep, key, value } => Node::Map {
                def: *def,
                rep: *rep,
                key: Box::new(key.pruned(places)?),
                value: value.as_ref().and_then(|value| value.pruned(places)).map(Box::new),
            },
            Node::Group(fields) => {
                let fields: Vec<Field> = fields.iter().filter_map(|field| field.pruned(places)).collect();
                if fields.is_empty() {
                    return None;
                }
                Node::Group(fields)
            }
        })
    }
}

impl Field {
    pub(super) fn pruned(&self, places: &[Option<usize>]) -> Option<Field> {
        Some(Field { name: self.name.clone(), node: self.node.pruned(places)? })
    }
}
