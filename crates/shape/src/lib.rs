//! The small, frozen core under every generated wire crate: what a value of an AWS model looks like from outside.
//!
//! A generated structure is a plain Rust struct that can hand out its members by index, as a [`Ref`] to read and as a
//! [`Mut`] to fill. That is all a codec needs beside the model, so each of the protocols is written once, in
//! `haneul-wire`, and generated crates do not depend on it: a mended codec does not rebuild them.
//!
//! Reading order: [`value`] (Ref, Mut and the impls for Rust's own types), [`mod@shape`] (the trait and the macros that the
//! generator uses), [`stream`] (bodies and events that are not held in memory), [`document`], [`operation`].
//!
//! What must never happen here: a codec, a dependency on an async runtime, or a change that needs the generated crates
//! to be generated anew without a good reason.

pub mod document;
pub mod operation;
pub mod shape;
pub mod stream;
pub mod value;

pub use document::Document;
pub use operation::{Operation, ServiceModel};
pub use shape::{Empty, Shape, ShapeId};
pub use stream::{BoxError, ByteStream, EventStream};
pub use value::{ListShape, MapShape, Mut, Ref, Value};

#[doc(hidden)]
pub use bytes::Bytes;
#[doc(hidden)]
pub use haneul_base::Instant;
