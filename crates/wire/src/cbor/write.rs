use std::convert::Infallible;

use haneul_shape::{Document, Ref, Shape, ShapeId};
use minicbor::encode::{Encoder, Error};

use super::read::EPOCH;
use crate::model::{Kind, Location, Model};

type Out<'o> = Encoder<&'o mut Vec<u8>>;
type Result = std::result::Result<(), Error<Infallible>>;

pub(crate) fn body(model: &Model, shape: &dyn Shape) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing to a vector cannot fail.
    let _ = structure(&mut Encoder::new(&mut out), model, shape);
    out
}

/// An error: texts first, then members of its structure.
pub(crate) fn error<'t>(
    model: &Model,
    texts: impl Iterator<Item = (&'t str, &'t str)>,
    members: &[(usize, &dyn Shape)],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let texts: Vec<_> = texts.collect();
    let _ = (|| -> Result {
        let mut cbor = Encoder::new(&mut out);
        cbor.map((texts.len() + members.len()) as u64)?;
        for (name, text) in texts {
            cbor.str(name)?.str(text)?;
        }
        for (i, shape) in members {
            let member = &model.structure(shape.id()).members[*i];
            cbor.str(member.wire_name)?;
            value(&mut cbor, model, member.shape, shape.get(*i))?;
        }
        Ok(())
    })();
    out
}

fn structure(out: &mut Out<'_>, model: &Model, shape: &dyn Shape) -> Result {
    let def = model.structure(shape.id());
    let is_present = |i: usize| {
        def.members[i].location == Location::Body
            && !matches!(shape.get(i), Ref::Null | Ref::Stream(_) | Ref::Events(_))
    };
    let present = (0..def.members.len()).filter(|i| is_present(*i)).count();
    out.map(present as u64)?;
    for (i, member) in def.members.iter().enumerate().filter(|(i, _)| is_present(*i)) {
        out.str(member.wire_name)?;
        value(out, model, member.shape, shape.get(i))?;
    }
    Ok(())
}

fn value(out: &mut Out<'_>, model: &Model, shape: ShapeId, value: Ref<'_>) -> Result {
    match value {
        Ref::Null | Ref::Stream(_) | Ref::Events(_) => out.null()?,
        Ref::Bool(value) => out.bool(value)?,
        Ref::I32(value) => out.i32(value)?,
        Ref::I64(value) => out.i64(value)?,
        Ref::F32(value) => out.f32(value)?,
        Ref::F64(value) => out.f64(value)?,
        Ref::Str(value) => out.str(value)?,
        Ref::Blob(value) => out.bytes(value)?,
        Ref::Timestamp(at) => {
            out.tag(EPOCH)?;
            match at.millis().rem_euclid(1000) {
                0 => out.i64(at.secs())?,
                _ => out.f64(at.millis() as f64 / 1000.0)?,
            }
        }
        Ref::Document(value) => return document(out, value),
        Ref::Struct(value) => return structure(out, model, value),
        Ref::List(list) => {
            let Kind::List(def) = &model.shape(shape).kind else { return out.null().map(drop) };
            out.array(list.len() as u64)?;
            for i in 0..list.len() {
                self::value(out, model, def.member, list.get(i))?;
            }
            out
        }
        Ref::Map(map) => {
            let Kind::Map(def) = &model.shape(shape).kind else { return out.null().map(drop) };
            out.map(map.len() as u64)?;
            for i in 0..map.len() {
                let (key, value) = map.get(i);
                out.str(key)?;
                self::value(out, model, def.value, value)?;
            }
            out
        }
    };
    Ok(())
}

fn document(out: &mut Out<'_>, value: &Document) -> Result {
    match value {
        Document::Null => out.null()?,
        Document::Bool(value) => out.bool(*value)?,
        Document::Integer(value) => out.i64(*value)?,
        Document::Float(value) => out.f64(*value)?,
        Document::String(value) => out.str(value)?,
        Document::List(values) => {
            out.array(values.len() as u64)?;
            for value in values {
                document(out, value)?;
            }
            out
        }
        Document::Map(entries) => {
            out.map(entries.len() as u64)?;
            for (key, value) in entries {
                out.str(key)?;
                document(out, value)?;
            }
            out
        }
    };
    Ok(())
}
