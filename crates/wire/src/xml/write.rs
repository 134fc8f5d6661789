use haneul_shape::{Ref, Shape, ShapeId};

use super::writer::{XmlWriter, attribute, escape};
use crate::form::write::scalar;
use crate::model::{Kind, Location, Member, Model, XmlNamespace};
use crate::protocol::{Protocol, TimestampFormat};
use crate::text;

/// Writes the members of a structure as elements, without an element around them.
pub(crate) fn members(out: &mut XmlWriter, model: &Model, protocol: Protocol, shape: &dyn Shape) {
    let def = model.structure(shape.id());
    for (i, member) in def.members.iter().enumerate() {
        let value = shape.get(i);
        if member.location != Location::Body
            || member.xml_attribute
            || matches!(value, Ref::Null | Ref::Stream(_) | Ref::Events(_))
        {
            continue;
        }
        let writer = Writer { model, protocol };
        writer.value(out, member_name(model, protocol, member), Some(member), member.shape, value);
    }
}

/// Writes one value under `name`, with the namespace that the payload's member gives.
pub(crate) fn payload(out: &mut XmlWriter, model: &Model, name: &str, namespace: &str, value: &dyn Shape) {
    let writer = Writer { model, protocol: Protocol::RestXml };
    writer.structure(out, name, &namespace_attribute(namespace), value);
}

pub(crate) fn namespace_attribute(uri: &str) -> String {
    let mut out = String::new();
    if !uri.is_empty() {
        attribute(&mut out, "xmlns", uri);
    }
    out
}

/// The element name of a member; that of the elements, for a flat list that names them.
pub(crate) fn member_name(model: &Model, protocol: Protocol, member: &Member) -> &'static str {
    if protocol == Protocol::AwsQuery {
        return member.query_name();
    }
    match &model.shape(member.shape).kind {
        Kind::List(list) if list.flattened || member.flattened => list.wire_name.unwrap_or(member.wire_name),
        _ => member.wire_name,
    }
}

struct Writer<'m> {
    model: &'m Model,
    protocol: Protocol,
}

impl Writer<'_> {
    fn structure(&self, out: &mut XmlWriter, name: &str, attributes: &str, shape: &dyn Shape) {
        let def = self.model.structure(shape.id());
        let mut attributes = attributes.to_owned();
        if let Some(XmlNamespace { uri, prefix: Some(prefix) }) = def.xml_namespace {
            attribute(&mut attributes, &format!("xmlns:{prefix}"), uri);
        }
        for (i, member) in def.members.iter().enumerate().filter(|(_, member)| member.xml_attribute) {
            if let Some(text) = scalar(shape.get(i), TimestampFormat::Iso8601) {
                attribute(&mut attributes, member.wire_name, &text);
            }
        }
        out.open(name, &attributes);
        members(out, self.model, self.protocol, shape);
        out.close(name);
    }

    fn value(
        &self,
        out: &mut XmlWriter,
        name: &str,
        member: Option<&Member>,
        shape: ShapeId,
        value: Ref<'_>,
    ) {
        let flattened = member.is_some_and(|member| member.flattened);
        match value {
            Ref::Null | Ref::Document(_) | Ref::Stream(_) | Ref::Events(_) => {}
            Ref::Struct(value) => {
                let mut attributes = String::new();
                if let Some(XmlNamespace { uri, prefix: Some(prefix) }) =
                    member.and_then(Member::xml_namespace)
                {
                    // Where member and structure both declare it, once is enough.
                    if self.model.structure(value.id()).xml_namespace.is_none() {
                        attribute(&mut attributes, &format!("xmlns:{prefix}"), uri);
                    }
                }
                self.structure(out, name, &attributes, value);
            }
            Ref::List(list) => {
                let Kind::List(def) = &self.model.shape(shape).kind else { return };
                let flattened = flattened || def.flattened;
                let element = if flattened { name } else { def.wire_name.unwrap_or("member") };
                if !flattened {
                    out.open(name, "");
                }
                for i in 0..list.len() {
                    self.value(out, element, None, def.member, list.get(i));
                }
                if !flattened {
                    out.close(name);
                }
            }
            Ref::Map(map) => {
                let Kind::Map(def) = &self.model.shape(shape).kind else { return };
                let flattened = flattened || def.flattened;
                let entry = if flattened { name } else { "entry" };
                if !flattened {
                    out.open(name, "");
                }
                for i in 0..map.len() {
                    let (key, value) = map.get(i);
                    out.open(entry, "");
                    out.element(def.key_name, key);
                    self.value(out, def.value_name, None, def.value, value);
                    out.close(entry);
                }
                if !flattened {
                    out.close(name);
                }
            }
            Ref::Timestamp(at) => {
                let of_shape = match &self.model.shape(shape).kind {
                    Kind::Timestamp(format) => *format,
                    _ => None,
                };
                let format = member.and_then(|member| member.timestamp).or(of_shape);
                let text = match format.unwrap_or(TimestampFormat::Iso8601) {
                    // EC2 and S3 write the milliseconds always.
                    TimestampFormat::Iso8601 if self.protocol != Protocol::AwsQuery => at.iso8601_millis(),
                    format => text::timestamp(at, format),
                };
                out.element(name, &text);
            }
            Ref::Str(text) => {
                out.open(name, "");
                escape(&mut out.out, text);
                out.close(name);
            }
            value => out.element(name, &scalar(value, TimestampFormat::Iso8601).unwrap_or_default()),
        }
    }
}
