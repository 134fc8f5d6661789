use haneul_shape::{ListShape, MapShape, Mut, Shape, ShapeId};

use super::reader::{Element, XmlError, XmlReader};
use super::write::member_name;
use crate::error::WireError;
use crate::form::read::scalar;
use crate::json::read::model_differs;
use crate::missing::{Seen, Tracker};
use crate::model::{Kind, Location, Member, Model};
use crate::protocol::Protocol;

type Result<T> = std::result::Result<T, WireError>;

impl From<XmlError> for WireError {
    fn from(_: XmlError) -> WireError {
        WireError::serialization(
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    }
}

pub(crate) struct Decoder<'m, 'a, 't> {
    pub(crate) model: &'m Model,
    pub(crate) protocol: Protocol,
    pub(crate) xml: XmlReader<'a>,
    pub(crate) tracker: &'t mut Tracker,
}

impl<'a> Decoder<'_, 'a, '_> {
    /// The elements of the element that is open, as members.
    pub(crate) fn members(&mut self, into: &mut dyn Shape, seen: &mut Seen) -> Result<()> {
        let def = self.model.structure(into.id());
        let mut hint = 0;
        while let Some(element) = self.xml.child()? {
            let is_it = |member: &Member| {
                member.location == Location::Body
                    && !member.xml_attribute
                    && member_name(self.model, self.protocol, member) == element.name()
            };
            let Some(i) = def.find_by(hint, is_it) else {
                self.xml.skip()?;
                continue;
            };
            // A flat list comes back to the same member.
            hint = i;
            let member = &def.members[i];
            let again = seen.again(i);
            if def.union && seen.count() > 1 {
                return Err(XmlError.into());
            }
            self.tracker.enter(i);
            self.member(element, member, again, into.get_mut(i))?;
            self.tracker.leave();
        }
        Ok(())
    }

    fn member(&mut self, element: Element<'a>, member: &Member, again: bool, into: Mut<'_>) -> Result<()> {
        match (into, &self.model.shape(member.shape).kind) {
            (Mut::List(into), Kind::List(def)) if def.flattened || member.flattened => {
                self.tracker.enter(into.len());
                self.value(element, def.member, into.push())?;
                self.tracker.leave();
                Ok(())
            }
            (Mut::Map(into), Kind::Map(def)) if def.flattened || member.flattened => {
                self.entry(member.shape, into)
            }
            // Half of a structure cannot be taken back.
            (Mut::Struct(_) | Mut::List(_) | Mut::Map(_), _) if again => Err(XmlError.into()),
            (into, _) => self.value(element, member.shape, into),
        }
    }

    /// One value, within the element that is open; reads to its end.
    pub(crate) fn value(&mut self, element: Element<'a>, shape: ShapeId, into: Mut<'_>) -> Result<()> {
        match into {
            Mut::Struct(into) => self.structure(&element, into),
            Mut::List(into) => self.list(shape, into),
            Mut::Map(into) => {
                while let Some(entry) = self.xml.child()? {
                    match entry.name() {
                        "entry" => self.entry(shape, into)?,
                        _ => self.xml.skip()?,
                    }
                }
                Ok(())
            }
            Mut::Document(_) | Mut::Stream(_) | Mut::Events(_) => Ok(self.xml.skip()?),
            into => {
                let text = self.xml.text()?;
                let text = if matches!(into, Mut::Str(_)) { &text } else { text.trim() };
                scalar(text, into).ok_or_else(|| XmlError.into())
            }
        }
    }

    pub(crate) fn structure(&mut self, element: &Element<'a>, into: &mut dyn Shape) -> Result<()> {
        let def = self.model.structure(into.id());
        let mut seen = Seen::default();
        for (i, member) in def.members.iter().enumerate().filter(|(_, member)| member.xml_attribute) {
            if let Some(value) = element.attribute(member.wire_name)? {
                seen.again(i);
                scalar(&value, into.get_mut(i)).ok_or(XmlError)?;
            }
        }
        self.members(into, &mut seen)?;
        self.tracker.close(def, seen);
        Ok(())
    }

    fn list(&mut self, shape: ShapeId, into: &mut dyn ListShape) -> Result<()> {
        let Kind::List(def) = &self.model.shape(shape).kind else { return Err(model_differs()) };
        let name = def.wire_name.unwrap_or("member");
        while let Some(element) = self.xml.child()? {
            if element.name() != name {
                self.xml.skip()?;
                continue;
            }
            self.tracker.enter(into.len());
            self.value(element, def.member, into.push())?;
            self.tracker.leave();
        }
        Ok(())
    }

    /// `<entry><key>k</key><value>v</value></entry>`, with the opening tag read. The key comes first.
    fn entry(&mut self, shape: ShapeId, into: &mut dyn MapShape) -> Result<()> {
        let Kind::Map(def) = &self.model.shape(shape).kind else { return Err(model_differs()) };
        let mut key = None;
        while let Some(element) = self.xml.child()? {
            match (&mut key, element.name()) {
                (None, name) if name == def.key_name => key = Some(self.xml.text()?),
                (Some(key), name) if name == def.value_name => {
                    self.tracker.enter(into.len());
                    self.value(element, def.value, into.insert(std::mem::take(key)))?;
                    self.tracker.leave();
                }
                _ => self.xml.skip()?,
            }
        }
        Ok(())
    }
}
