use std::borrow::Cow;

use haneul_shape::{Document, ListShape, MapShape, Mut, Shape, ShapeId};
use minicbor::data::{Tag, Type};
use minicbor::decode::{Decoder, Error};

use crate::error::WireError;
use crate::json::read::model_differs;
use crate::missing::{Seen, Tracker};
use crate::model::{Kind, Location, Model, StructureDef};
use crate::text;

type Result<T> = std::result::Result<T, WireError>;

/// Values within one another.
const DEPTH_MAX: usize = 128;

/// Epoch-based date/time (RFC 8949, section 3.4.2).
pub(crate) const EPOCH: Tag = Tag::new(1);

/// Reads a body into a structure.
pub(crate) fn body(
    model: &Model,
    bytes: &[u8],
    into: &mut dyn Shape,
    seen: &mut Seen,
    tracker: &mut Tracker,
) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut reader = Reader { model, cbor: Decoder::new(bytes), tracker, depth: 0 };
    reader.members(model.structure(into.id()), into, seen)?;
    match reader.cbor.position() == bytes.len() {
        true => Ok(()),
        false => Err(malformed()),
    }
}

impl From<Error> for WireError {
    fn from(_: Error) -> WireError {
        malformed()
    }
}

fn malformed() -> WireError {
    WireError::serialization("The request body is not valid CBOR")
}

struct Reader<'m, 'a, 't> {
    model: &'m Model,
    cbor: Decoder<'a>,
    tracker: &'t mut Tracker,
    depth: usize,
}

impl<'a> Reader<'_, 'a, '_> {
    fn members(&mut self, def: &StructureDef, into: &mut dyn Shape, seen: &mut Seen) -> Result<()> {
        let mut left = self.open_map()?;
        let mut hint = 0;
        while self.next(&mut left)? {
            let key = self.text()?;
            let found = def.find(&key, hint).filter(|i| def.members[*i].location == Location::Body);
            let Some(i) = found else {
                self.cbor.skip()?;
                continue;
            };
            hint = i + 1;
            if self.null()? {
                continue;
            }
            let composite =
                matches!(self.cbor.datatype()?, Type::Map | Type::MapIndef | Type::Array | Type::ArrayIndef);
            if (seen.again(i) && composite) || (def.union && seen.count() > 1) {
                return Err(WireError::serialization(format!("Duplicate field: {key}")));
            }
            self.tracker.enter(i);
            self.value(def.members[i].shape, into.get_mut(i))?;
            self.tracker.leave();
        }
        self.depth -= 1;
        Ok(())
    }

    fn value(&mut self, shape: ShapeId, into: Mut<'_>) -> Result<()> {
        match into {
            Mut::Bool(into) => *into = self.cbor.bool()?,
            Mut::I32(into) => *into = self.cbor.i32()?,
            Mut::I64(into) => *into = self.cbor.i64()?,
            Mut::F32(into) => *into = self.float()? as f32,
            Mut::F64(into) => *into = self.float()?,
            Mut::Str(into) => *into = self.text()?.into_owned(),
            Mut::Blob(into) => {
                let mut bytes = Vec::new();
                for piece in self.cbor.bytes_iter()? {
                    bytes.extend_from_slice(piece?);
                }
                *into = bytes.into();
            }
            Mut::Timestamp(into) => {
                if self.cbor.tag()? != EPOCH {
                    return Err(malformed());
                }
                *into = text::from_epoch_seconds(self.float()?).ok_or_else(malformed)?;
            }
            Mut::Document(into) => *into = self.document()?,
            Mut::Struct(into) => {
                let def = self.model.structure(into.id());
                let mut seen = Seen::default();
                self.members(def, into, &mut seen)?;
                self.tracker.close(def, seen);
            }
            Mut::List(into) => self.list(shape, into)?,
            Mut::Map(into) => self.map(shape, into)?,
            Mut::Stream(_) | Mut::Events(_) => self.cbor.skip()?,
        }
        Ok(())
    }

    fn list(&mut self, shape: ShapeId, into: &mut dyn ListShape) -> Result<()> {
        let Kind::List(def) = &self.model.shape(shape).kind else { return Err(model_differs()) };
        let mut left = self.cbor.array()?;
        self.deeper()?;
        while self.next(&mut left)? {
            if self.null()? {
                continue;
            }
            self.tracker.enter(into.len());
            self.value(def.member, into.push())?;
            self.tracker.leave();
        }
        self.depth -= 1;
        Ok(())
    }

    fn map(&mut self, shape: ShapeId, into: &mut dyn MapShape) -> Result<()> {
        let Kind::Map(def) = &self.model.shape(shape).kind else { return Err(model_differs()) };
        let mut left = self.open_map()?;
        while self.next(&mut left)? {
            let key = self.text()?.into_owned();
            if self.null()? {
                continue;
            }
            self.tracker.enter(into.len());
            self.value(def.value, into.insert(key))?;
            self.tracker.leave();
        }
        self.depth -= 1;
        Ok(())
    }

    fn document(&mut self) -> Result<Document> {
        Ok(match self.cbor.datatype()? {
            Type::Null | Type::Undefined => {
                self.cbor.skip()?;
                Document::Null
            }
            Type::Bool => Document::Bool(self.cbor.bool()?),
            Type::String | Type::StringIndef => Document::String(self.text()?.into_owned()),
            Type::F16 | Type::F32 | Type::F64 => Document::Float(self.float()?),
            Type::Array | Type::ArrayIndef => {
                let mut left = self.cbor.array()?;
                self.deeper()?;
                let mut list = Vec::new();
                while self.next(&mut left)? {
                    list.push(self.document()?);
                }
                self.depth -= 1;
                Document::List(list)
            }
            Type::Map | Type::MapIndef => {
                let mut left = self.open_map()?;
                let mut map = Vec::new();
                while self.next(&mut left)? {
                    map.push((self.text()?.into_owned(), self.document()?));
                }
                self.depth -= 1;
                Document::Map(map)
            }
            _ => Document::Integer(self.cbor.i64()?),
        })
    }

    fn float(&mut self) -> Result<f64> {
        Ok(match self.cbor.datatype()? {
            Type::F16 => f64::from(self.cbor.f16()?),
            Type::F32 => f64::from(self.cbor.f32()?),
            Type::F64 => self.cbor.f64()?,
            _ => self.cbor.i64()? as f64,
        })
    }

    fn text(&mut self) -> Result<Cow<'a, str>> {
        if self.cbor.datatype()? == Type::String {
            return Ok(Cow::Borrowed(self.cbor.str()?));
        }
        let mut text = String::new();
        for piece in self.cbor.str_iter()? {
            text.push_str(piece?);
        }
        Ok(Cow::Owned(text))
    }

    /// Passes over a null.
    fn null(&mut self) -> Result<bool> {
        let null = matches!(self.cbor.datatype()?, Type::Null | Type::Undefined);
        if null {
            self.cbor.skip()?;
        }
        Ok(null)
    }

    fn open_map(&mut self) -> Result<Option<u64>> {
        let len = self.cbor.map()?;
        self.deeper()?;
        Ok(len)
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(WireError::serialization("The request body is nested too deeply"));
        }
        Ok(())
    }

    /// Whether the map or array that is open has another entry. Its length, where it is given, is only counted down: an
    /// untrue one ends with the input.
    fn next(&mut self, left: &mut Option<u64>) -> Result<bool> {
        match left {
            Some(0) => Ok(false),
            Some(n) => {
                *n -= 1;
                Ok(true)
            }
            None if self.cbor.datatype()? == Type::Break => {
                self.cbor.skip()?;
                Ok(false)
            }
            None => Ok(true),
        }
    }
}
