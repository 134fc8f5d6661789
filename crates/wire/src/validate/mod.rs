//! The model's constraints, held against a decoded request in one place.
//!
//! What is checked, and in whose words a refusal is, depends on the family of the service: [`family`]. [`walk`] finds the
//! violations, `order` says in which order they are named, [`message`] words them.

pub(crate) mod family;
pub(crate) mod message;
mod order;
pub(crate) mod walk;

pub use family::Family;

use haneul_shape::Shape;

use crate::error::WireError;
use crate::missing::Missing;
use crate::model::Model;
use crate::protocol::Protocol;

/// Holds an input against the model. `missing` comes from [`crate::decode_request`]; the default, for an input that was
/// built in Rust, means that nothing is.
///
/// The error is the service's own: a Coral service names all violations at once, SQS and EC2 the first parameter
/// that is missing and leave the rest to the operation.
pub fn validate(
    model: &Model,
    protocol: Protocol,
    input: &dyn Shape,
    missing: &Missing,
) -> Result<(), WireError> {
    if missing.is_empty() && !model.family.checks_values() {
        return Ok(());
    }
    let violations = walk::violations(model, input, missing);
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(message::refusal(model, protocol, violations)),
    }
}
