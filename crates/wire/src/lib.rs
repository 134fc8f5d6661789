//! The wire: every protocol of AWS's APIs, written once over the models of all services.
//!
//! A generated structure hands out its members by index ([`haneul_shape::Shape`]); the model, which is data, says what
//! they are called, where they stand and what they may hold. So N shapes and M protocols need N + M pieces of code, and
//! generated crates do not depend on this one.
//!
//! Reading order: [`mod@model`] (what is known of a service), [`protocol`], [`message`] and [`error`] (what goes in and
//! out); then the codecs: [`mod@json`], [`form`] (query parameters), [`mod@xml`], [`mod@cbor`], [`rest`] (method, path, headers),
//! [`event`] (event streams); `server` and `failure` (a request read, an answer or an error written), `client` (the other
//! side, for tests and the harness); [`mod@validate`] (the model's constraints, in the words of each family of services),
//! which needs to know from `missing` what did not come.
//!
//! Whatever arrives is hostile: depths, lengths and counts are bounded, nothing is allocated by a number that a client
//! names, and every codec is tested never to panic on random bytes. The caller bounds the size of a body; a body that
//! streams passes through untouched.
//!
//! What must never happen here: a dependency on a generated crate, an operation's own logic, or input and output.

mod cbor;
mod client;
mod error;
mod event;
mod failure;
mod form;
mod json;
mod message;
mod missing;
pub mod model;
mod plain;
mod protocol;
mod rest;
mod server;
mod text;
mod validate;
mod xml;

pub use client::{decode_error, decode_response, encode_request};
pub use error::{Fault, WireError};
pub use event::codec::{decode_event, encode_event, encode_event_error};
pub use event::frame::{Frame, HeaderValue};
pub use failure::{encode_error, encode_query_error_as_json};
pub use json::describe::{HIDDEN, describe};
pub use json::{from_json, to_json};
pub use message::{Label, Payload, Request, RequestParts, Response};
pub use missing::Missing;
pub use model::{Model, OperationDef, model};
pub use protocol::{Protocol, TimestampFormat};
pub use rest::route::{Route, route};
pub use server::{decode_request, encode_query_response_as_json, encode_response};
pub use validate::{Family, validate};
