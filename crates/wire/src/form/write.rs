use haneul_shape::{Ref, Shape, ShapeId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{Kind, Member, Model};
use crate::protocol::{Protocol, TimestampFormat};
use crate::text;

/// RFC 3986's unreserved characters stay.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a client sends: the action, the API version, then the members.
pub(crate) fn input(model: &Model, protocol: Protocol, action: &str, input: &dyn Shape) -> String {
    let mut out = format!("Action={action}&Version={}", model.metadata.api_version);
    let mut writer = Writer { model, ec2: protocol == Protocol::Ec2Query, out: &mut out };
    writer.structure("", input);
    out
}

struct Writer<'m, 'o> {
    model: &'m Model,
    ec2: bool,
    out: &'o mut String,
}

impl Writer<'_, '_> {
    fn structure(&mut self, prefix: &str, shape: &dyn Shape) {
        let def = self.model.structure(shape.id());
        for (i, member) in def.members.iter().enumerate() {
            let value = shape.get(i);
            if matches!(value, Ref::Null) {
                continue;
            }
            let key = join(prefix, &self.name(member));
            self.value(&key, member.flattened, member.shape, value);
        }
    }

    fn name(&self, member: &Member) -> String {
        match member.rare.as_ref().and_then(|rare| rare.query_name) {
            Some(name) => name.to_owned(),
            None if self.ec2 => {
                let (first, rest) = member.wire_name.split_at(1);
                first.to_ascii_uppercase() + rest
            }
            None => member.wire_name.to_owned(),
        }
    }

    fn value(&mut self, key: &str, flattened: bool, shape: ShapeId, value: Ref<'_>) {
        match value {
            Ref::Struct(value) => self.structure(key, value),
            Ref::List(list) => {
                let Kind::List(def) = &self.model.shape(shape).kind else { return };
                // EC2 has no form for an empty list.
                if list.is_empty() && !self.ec2 {
                    return self.pair(key, "");
                }
                let prefix = match flattened || def.flattened || self.ec2 {
                    true => key.to_owned(),
                    false => join(key, def.wire_name.unwrap_or("member")),
                };
                for i in 0..list.len() {
                    self.value(&format!("{prefix}.{}", i + 1), false, def.member, list.get(i));
                }
            }
            Ref::Map(map) => {
                let Kind::Map(def) = &self.model.shape(shape).kind else { return };
                if map.is_empty() {
                    return self.pair(key, "");
                }
                let prefix = if flattened || def.flattened { key.to_owned() } else { join(key, "entry") };
                for i in 0..map.len() {
                    let (entry, value) = map.get(i);
                    let prefix = format!("{prefix}.{}", i + 1);
                    self.pair(&join(&prefix, def.key_name), entry);
                    self.value(&join(&prefix, def.value_name), false, def.value, value);
                }
            }
            value => {
                if let Some(text) = scalar(value, TimestampFormat::Iso8601) {
                    self.pair(key, &text);
                }
            }
        }
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.out.push('&');
        self.out.extend(utf8_percent_encode(key, ESCAPED));
        self.out.push('=');
        self.out.extend(utf8_percent_encode(value, ESCAPED));
    }
}

/// A scalar as text; `None` for what is none.
pub(crate) fn scalar(value: Ref<'_>, timestamp: TimestampFormat) -> Option<String> {
    Some(match value {
        Ref::Bool(value) => value.to_string(),
        Ref::I32(value) => value.to_string(),
        Ref::I64(value) => value.to_string(),
        Ref::F32(value) => text::float32(value),
        Ref::F64(value) => text::float(value),
        Ref::Str(value) => value.to_owned(),
        Ref::Blob(value) => text::base64(value),
        Ref::Timestamp(at) => text::timestamp(at, timestamp),
        _ => return None,
    })
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
