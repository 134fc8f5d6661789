use std::any::Any;

use crate::{Mut, Ref};

/// The index of a shape in its service's `model.json`.
pub type ShapeId = u16;

/// A structure or union of a model.
pub trait Shape: Any + Send + Sync {
    fn id(&self) -> ShapeId;
    /// Member number `member` in the model's order; `Null` when it is absent, or when there is no such member.
    fn get(&self, member: usize) -> Ref<'_>;
    /// The place of a member, which becomes present. For a union this selects the variant.
    ///
    /// # Panics
    /// When the structure has no such member: the model and the generated code are then not of one generation.
    fn get_mut(&mut self, member: usize) -> Mut<'_>;
    /// For a union: the index of the variant that is set.
    fn variant(&self) -> Option<usize> {
        None
    }
}

impl dyn Shape {
    pub fn downcast_ref<T: Shape>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    pub fn downcast<T: Shape>(self: Box<Self>) -> Option<T> {
        (self as Box<dyn Any>).downcast().ok().map(|boxed| *boxed)
    }
}

/// The input or output of an operation whose model names none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Empty;

impl Empty {
    /// No model has as many shapes.
    pub const ID: ShapeId = ShapeId::MAX;
}

impl Shape for Empty {
    fn id(&self) -> ShapeId {
        Empty::ID
    }

    fn get(&self, _: usize) -> Ref<'_> {
        Ref::Null
    }

    fn get_mut(&mut self, member: usize) -> Mut<'_> {
        no_member(Empty::ID, member)
    }
}

/// Kept out of line so that each generated `get_mut` stays small.
#[doc(hidden)]
#[cold]
pub fn no_member(shape: ShapeId, member: usize) -> ! {
    panic!("shape {shape} has no member {member}: run `cargo xtask codegen`")
}

/// Defines structures of a model: `structure! { (Clone, Default); 7 Name { 0 first: String, 1 second: Option<i32>, } }`.
/// Those that hold a stream cannot be cloned, hence the list of derives.
#[macro_export]
macro_rules! structure {
    ($derives:tt; $($id:literal $name:ident { $($i:literal $member:ident: $type:ty,)* })*) => {
        $($crate::structure!(@one $derives $id $name { $($i $member: $type,)* });)*
    };
    (@one ($($derive:ident),*) $id:literal $name:ident { $($i:literal $member:ident: $type:ty,)* }) => {
        #[derive($($derive),*)]
        pub struct $name { $(pub $member: $type,)* }
        impl $crate::Shape for $name {
            fn id(&self) -> $crate::ShapeId { $id }
            fn get(&self, member: usize) -> $crate::Ref<'_> {
                match member {
                    $($i => $crate::Value::get(&self.$member),)*
                    _ => $crate::Ref::Null,
                }
            }
            fn get_mut(&mut self, member: usize) -> $crate::Mut<'_> {
                match member {
                    $($i => $crate::Value::get_mut(&mut self.$member),)*
                    _ => $crate::shape::no_member($id, member),
                }
            }
        }
        impl $crate::Value for $name {
            fn get(&self) -> $crate::Ref<'_> { $crate::Ref::Struct(self) }
            fn get_mut(&mut self) -> $crate::Mut<'_> { $crate::Mut::Struct(self) }
        }
    };
}

/// Defines a union of a model as a Rust enum; `Unset` is what a client sends that names no member we know.
#[macro_export]
macro_rules! union {
    ($($id:literal $name:ident { $($i:literal $member:ident: $type:ty,)* })*) => {$(
        #[derive(Clone, Default)]
        pub enum $name { #[default] Unset, $($member($type),)* }
        impl $crate::Shape for $name {
            fn id(&self) -> $crate::ShapeId { $id }
            fn get(&self, member: usize) -> $crate::Ref<'_> {
                match (member, self) {
                    $(($i, $name::$member(value)) => $crate::Value::get(value),)*
                    _ => $crate::Ref::Null,
                }
            }
            fn get_mut(&mut self, member: usize) -> $crate::Mut<'_> {
                match member {
                    $($i => {
                        if !matches!(self, $name::$member(_)) {
                            *self = $name::$member(Default::default());
                        }
                        match self {
                            $name::$member(value) => $crate::Value::get_mut(value),
                            _ => $crate::shape::no_member($id, member),
                        }
                    })*
                    _ => $crate::shape::no_member($id, member),
                }
            }
            fn variant(&self) -> Option<usize> {
                match self {
                    $name::Unset => None,
                    $($name::$member(_) => Some($i),)*
                }
            }
        }
        impl $crate::Value for $name {
            fn get(&self) -> $crate::Ref<'_> { $crate::Ref::Struct(self) }
            fn get_mut(&mut self) -> $crate::Mut<'_> { $crate::Mut::Struct(self) }
        }
    )*};
}
