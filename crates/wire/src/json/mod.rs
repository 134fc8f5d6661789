//! JSON, as awsJson and restJson have it.

pub(crate) mod describe;
pub(crate) mod document;
pub(crate) mod lexer;
mod mismatch;
pub(crate) mod read;
pub(crate) mod write;

use haneul_shape::Shape;

use crate::error::WireError;
use crate::missing::{Seen, Tracker};
use crate::model::Model;

/// A structure as JSON with the model's names, for who keeps one.
pub fn to_json(model: &Model, shape: &dyn Shape) -> Vec<u8> {
    write::body(model, shape)
}

/// Reads what [`to_json`] wrote. Nothing is validated.
///
/// # Errors
/// For what is no JSON of this structure.
pub fn from_json(model: &Model, bytes: &[u8], into: &mut dyn Shape) -> Result<(), WireError> {
    read::body(model, bytes, into, &mut Seen::default(), &mut Tracker::default())
}
