use haneul_shape::{ListShape, MapShape, Mut, Shape, ShapeId};

use super::pairs::{Group, Pair, by_segment, groups, parse};
use crate::error::WireError;
use crate::json::read::model_differs;
use crate::missing::{Seen, Tracker};
use crate::model::{Kind, Location, MapDef, Member, Model, StructureDef};
use crate::protocol::Protocol;
use crate::text;

type Result<T> = std::result::Result<T, WireError>;

/// Structures within one another. The deepest of our models without recursion has about ten.
const DEPTH_MAX: usize = 64;

/// Reads the parameters of a query string and a body into an input.
pub(crate) fn input(
    model: &Model,
    protocol: Protocol,
    query: &str,
    body: &[u8],
    into: &mut dyn Shape,
    tracker: &mut Tracker,
) -> Result<()> {
    let body = std::str::from_utf8(body)
        .map_err(|_| WireError::serialization("The request body is not valid UTF-8"))?;
    let mut pairs = parse(query)?;
    // A body may end in a line break.
    pairs.extend(parse(body.trim_end_matches(['\r', '\n']))?);
    pairs.sort_by(|a, b| by_segment(&a.0, &b.0));
    let mut reader = Reader { model, ec2: protocol == Protocol::Ec2Query, tracker, depth: 0 };
    reader.structure(&pairs, 0, into)
}

struct Reader<'m, 't> {
    model: &'m Model,
    ec2: bool,
    tracker: &'t mut Tracker,
    depth: usize,
}

impl Reader<'_, '_> {
    fn structure(&mut self, pairs: &[Pair<'_>], at: usize, into: &mut dyn Shape) -> Result<()> {
        if self.depth == DEPTH_MAX {
            return Err(WireError::serialization("The parameters are nested too deeply"));
        }
        self.depth += 1;
        let def = self.model.structure(into.id());
        let mut seen = Seen::default();
        for group in groups(pairs, at) {
            // `Action`, `Version` and what belongs to signatures are no members.
            let Some((i, group)) = self.find(def, group) else { continue };
            let member = &def.members[i];
            if seen.again(i) || (def.union && seen.count() > 1) {
                return Err(WireError::serialization(format!("Duplicate parameter: {}", group.name)));
            }
            self.tracker.enter(i);
            self.value(&group, member.flattened, member.shape, into.get_mut(i))?;
            self.tracker.leave();
        }
        self.tracker.close(def, seen);
        self.depth -= 1;
        Ok(())
    }

    fn find<'p>(&self, def: &StructureDef, group: Group<'p>) -> Option<(usize, Group<'p>)> {
        let is_it = |member: &Member| match self.ec2 {
            true => member.has_ec2_name(group.name),
            false => member.query_name() == group.name,
        };
        let i = def.find_by(0, is_it)?;
        (def.members[i].location == Location::Body).then_some((i, group))
    }

    fn value(&mut self, group: &Group<'_>, flattened: bool, shape: ShapeId, into: Mut<'_>) -> Result<()> {
        match into {
            Mut::Struct(into) => return self.structure(group.rest, group.at, into),
            Mut::List(into) => return self.list(group, flattened, shape, into),
            Mut::Map(into) => return self.map(group, flattened, shape, into),
            _ => {}
        }
        let Some(text) = group.value else {
            return Err(WireError::serialization(format!("The parameter {} has no value", group.name)));
        };
        scalar(text, into).ok_or_else(|| {
            WireError::serialization(format!(
                "Invalid value for the parameter {}: {}",
                group.name,
                shown(text)
            ))
        })
    }

    fn list(
        &mut self,
        group: &Group<'_>,
        flattened: bool,
        shape: ShapeId,
        into: &mut dyn ListShape,
    ) -> Result<()> {
        let Kind::List(def) = &self.model.shape(shape).kind else { return Err(model_differs()) };
        let elements = match flattened || def.flattened || self.ec2 {
            true if !self.ec2 && is_one(group) => vec![*group],
            true => indexed(group.rest, group.at)?,
            false => {
                let name = def.wire_name.unwrap_or("member");
                match groups(group.rest, group.at).find(|group| group.name == name) {
                    Some(group) => indexed(group.rest, group.at)?,
                    None => Vec::new(),
                }
            }
        };
        for element in &elements {
            self.tracker.enter(into.len());
            self.value(element, false, def.member, into.push())?;
            self.tracker.leave();
        }
        Ok(())
    }

    fn map(
        &mut self,
        group: &Group<'_>,
        flattened: bool,
        shape: ShapeId,
        into: &mut dyn MapShape,
    ) -> Result<()> {
        let Kind::Map(def) = &self.model.shape(shape).kind else { return Err(model_differs()) };
        let entries = match flattened || def.flattened {
            true if is_one(group) => vec![*group],
            true => indexed(group.rest, group.at)?,
            false => match groups(group.rest, group.at).find(|group| group.name == "entry") {
                Some(group) => indexed(group.rest, group.at)?,
                None => Vec::new(),
            },
        };
        for entry in &entries {
            let (key, value) = key_and_value(def, entry)?;
            self.tracker.enter(into.len());
            let place = into.insert(key.to_owned());
            if let Some(value) = value {
                self.value(&value, false, def.value, place)?;
            }
            self.tracker.leave();
        }
        Ok(())
    }
}

fn key_and_value<'p>(def: &MapDef, entry: &Group<'p>) -> Result<(&'p str, Option<Group<'p>>)> {
    let (mut key, mut value) = (None, None);
    for group in groups(entry.rest, entry.at) {
        if group.name == def.key_name {
            key = group.value;
        } else if group.name == def.value_name {
            value = Some(group);
        }
    }
    let key = key.ok_or_else(|| {
        WireError::serialization(format!("The entry {} has no {}", entry.name, def.key_name))
    })?;
    Ok((key, value))
}

/// Whether a flattened list or map is given as its only element, without an index: `AttributeName=All`,
/// `Tag.Key=a&Tag.Value=b`. SDKs write `AttributeName=` for an empty list.
fn is_one(group: &Group<'_>) -> bool {
    match group.rest.first() {
        None => group.value.is_some_and(|value| !value.is_empty()),
        Some((key, _)) => key[group.at..].starts_with(|c: char| c.is_ascii_alphabetic()),
    }
}

/// The groups named by numbers, in their order. Numbers may leave gaps; they only order.
fn indexed<'p>(pairs: &'p [Pair<'p>], at: usize) -> Result<Vec<Group<'p>>> {
    let mut elements = Vec::new();
    for group in groups(pairs, at) {
        let digits = !group.name.is_empty() && group.name.bytes().all(|b| b.is_ascii_digit());
        let index: u64 = group.name.parse().ok().filter(|_| digits).ok_or_else(|| {
            WireError::serialization(format!("{} is not the index of a list", shown(group.name)))
        })?;
        elements.push((index, group));
    }
    elements.sort_by_key(|(index, _)| *index);
    Ok(elements.into_iter().map(|(_, group)| group).collect())
}

/// Fills a scalar from text; `None` when the text is not of its type.
pub(crate) fn scalar(text: &str, into: Mut<'_>) -> Option<()> {
    match into {
        Mut::Str(into) => *into = text.to_owned(),
        Mut::Bool(into) => *into = text::parse_bool(text)?,
        Mut::I32(into) => *into = text.parse().ok()?,
        Mut::I64(into) => *into = text.parse().ok()?,
        Mut::F32(into) => *into = text::parse_float(text)? as f32,
        Mut::F64(into) => *into = text::parse_float(text)?,
        Mut::Blob(into) => *into = text::parse_base64(text)?.into(),
        Mut::Timestamp(into) => *into = text::parse_timestamp(text)?,
        _ => return None,
    }
    Some(())
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}
