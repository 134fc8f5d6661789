//! Answers of the query protocol in JSON, for who asks by `Accept: application/json`: aws-iam-authenticator, Teleport and others
//! that have a signed GetCallerIdentity sent on their behalf, and API Gateway's integrations.
//!
//! As XML has it, but for this: members stand in the order of their names, those that are absent are null, and times are
//! seconds since 1970.

use haneul_shape::{Ref, Shape, ShapeId};

use crate::json::write::{string, value as plain};
use crate::model::{Kind, Model, OperationDef};
use crate::protocol::TimestampFormat;

/// `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{…},"ResponseMetadata":{"RequestId":"…"}}}`
pub(crate) fn json(model: &Model, operation: &OperationDef, output: &dyn Shape, request_id: &str) -> Vec<u8> {
    let mut metadata = b"{\"RequestId\":".to_vec();
    string(&mut metadata, request_id);
    metadata.push(b'}');
    let mut parts = vec![(String::from("ResponseMetadata"), metadata)];
    if operation.output.is_some() {
        let mut result = Vec::with_capacity(256);
        structure(&mut result, model, output);
        parts.push((format!("{}Result", operation.name), result));
    }
    parts.sort();
    let mut out = Vec::with_capacity(512);
    out.push(b'{');
    string(&mut out, &format!("{}Response", operation.name));
    out.extend_from_slice(b":{");
    for (i, (name, part)) in parts.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string(&mut out, name);
        out.push(b':');
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"}}");
    out
}

fn structure(out: &mut Vec<u8>, model: &Model, shape: &dyn Shape) {
    let def = model.structure(shape.id());
    let mut members: Vec<_> = def.members.iter().enumerate().collect();
    members.sort_by_key(|(_, member)| member.wire_name);
    out.push(b'{');
    for (n, (i, member)) in members.into_iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        string(out, member.wire_name);
        out.push(b':');
        value(out, model, member.shape, shape.get(i));
    }
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, model: &Model, shape: ShapeId, value: Ref<'_>) {
    match (value, &model.shape(shape).kind) {
        (Ref::Struct(inner), _) => structure(out, model, inner),
        (Ref::List(list), Kind::List(def)) => {
            out.push(b'[');
            for i in 0..list.len() {
                if i > 0 {
                    out.push(b',');
                }
                self::value(out, model, def.member, list.get(i));
            }
            out.push(b']');
        }
        (Ref::Map(map), Kind::Map(def)) => {
            out.push(b'{');
            for i in 0..map.len() {
                if i > 0 {
                    out.push(b',');
                }
                let (key, inner) = map.get(i);
                string(out, key);
                out.push(b':');
                self::value(out, model, def.value, inner);
            }
            out.push(b'}');
        }
        (scalar, _) => plain(out, model, shape, Some(TimestampFormat::EpochSeconds), scalar),
    }
}
