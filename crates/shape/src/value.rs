use bytes::Bytes;
use haneul_base::Instant;

use crate::stream::Events;
use crate::{ByteStream, Document, Shape};

/// A look at a value. `Null` is an optional member that is absent.
pub enum Ref<'a> {
    Null,
    Bool(bool),
    I32(i32),
    I64(i64),
    F32(f32),
    F64(f64),
    Str(&'a str),
    Blob(&'a Bytes),
    Timestamp(Instant),
    Document(&'a Document),
    /// A structure, or a union (which has at most one member that is not `Null`).
    Struct(&'a dyn Shape),
    List(&'a dyn ListShape),
    Map(&'a dyn MapShape),
    Stream(&'a ByteStream),
    Events(&'a dyn Events),
}

/// The place of a value, to be filled. Asking for the place of an optional member makes it present.
pub enum Mut<'a> {
    Bool(&'a mut bool),
    I32(&'a mut i32),
    I64(&'a mut i64),
    F32(&'a mut f32),
    F64(&'a mut f64),
    Str(&'a mut String),
    Blob(&'a mut Bytes),
    Timestamp(&'a mut Instant),
    Document(&'a mut Document),
    Struct(&'a mut dyn Shape),
    List(&'a mut dyn ListShape),
    Map(&'a mut dyn MapShape),
    Stream(&'a mut ByteStream),
    Events(&'a mut dyn Events),
}

/// A Rust type that can stand as a member of a shape.
pub trait Value: Send + Sync + 'static {
    fn get(&self) -> Ref<'_>;
    fn get_mut(&mut self) -> Mut<'_>;
}

pub trait ListShape: Send + Sync {
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The element at `i`, which must be below `len`.
    fn get(&self, i: usize) -> Ref<'_>;
    /// Adds an empty element and gives its place.
    fn push(&mut self) -> Mut<'_>;
}

pub trait MapShape: Send + Sync {
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The entry at `i`, which must be below `len`, in the order of insertion.
    fn get(&self, i: usize) -> (&str, Ref<'_>);
    /// Adds an empty value under `key` and gives its place. A key given twice stays twice: the last one counts.
    fn insert(&mut self, key: String) -> Mut<'_>;
}

macro_rules! scalar {
    ($($type:ty: $name:ident, $read:expr;)*) => {$(
        impl Value for $type {
            fn get(&self) -> Ref<'_> {
                let read: fn(&$type) -> Ref<'_> = $read;
                read(self)
            }
            fn get_mut(&mut self) -> Mut<'_> {
                Mut::$name(self)
            }
        }
    )*};
}

scalar! {
    bool: Bool, |v| Ref::Bool(*v);
    i32: I32, |v| Ref::I32(*v);
    i64: I64, |v| Ref::I64(*v);
    f32: F32, |v| Ref::F32(*v);
    f64: F64, |v| Ref::F64(*v);
    String: Str, |v| Ref::Str(v);
    Bytes: Blob, |v| Ref::Blob(v);
    Instant: Timestamp, |v| Ref::Timestamp(*v);
    Document: Document, |v| Ref::Document(v);
    ByteStream: Stream, |v| if v.is_absent() { Ref::Null } else { Ref::Stream(v) };
}

impl<T: Value + Default> Value for Option<T> {
    fn get(&self) -> Ref<'_> {
        self.as_ref().map_or(Ref::Null, Value::get)
    }

    fn get_mut(&mut self) -> Mut<'_> {
        self.get_or_insert_default().get_mut()
    }
}

impl<T: Value> Value for Box<T> {
    fn get(&self) -> Ref<'_> {
        (**self).get()
    }

    fn get_mut(&mut self) -> Mut<'_> {
        (**self).get_mut()
    }
}

impl<T: Value + Default> Value for Vec<T> {
    fn get(&self) -> Ref<'_> {
        Ref::List(self)
    }

    fn get_mut(&mut self) -> Mut<'_> {
        Mut::List(self)
    }
}

impl<T: Value + Default> ListShape for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, i: usize) -> Ref<'_> {
        self[i].get()
    }

    fn push(&mut self) -> Mut<'_> {
        self.push(T::default());
        self.last_mut().expect("just pushed").get_mut()
    }
}

/// A map of a model. A vector, because most have a handful of entries and the order of the sender is worth keeping.
#[derive(Clone, Debug, PartialEq)]
pub struct Map<T>(pub Vec<(String, T)>);

impl<T> Default for Map<T> {
    fn default() -> Self {
        Map(Vec::new())
    }
}

impl<T> Map<T> {
    /// The last value under `key`, as a JSON parser that keeps the last duplicate would give.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> IntoIterator for Map<T> {
    type Item = (String, T);
    type IntoIter = std::vec::IntoIter<(String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<String>, T> FromIterator<(K, T)> for Map<T> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

impl<T: Value + Default> Value for Map<T> {
    fn get(&self) -> Ref<'_> {
        Ref::Map(self)
    }

    fn get_mut(&mut self) -> Mut<'_> {
        Mut::Map(self)
    }
}

impl<T: Value + Default> MapShape for Map<T> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, i: usize) -> (&str, Ref<'_>) {
        let (key, value) = &self.0[i];
        (key, value.get())
    }

    fn insert(&mut self, key: String) -> Mut<'_> {
        self.0.push((key, T::default()));
        self.0.last_mut().expect("just pushed").1.get_mut()
    }
}
