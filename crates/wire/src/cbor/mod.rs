//! CBOR (RFC 8949), as Smithy's RPC v2 has it.

pub(crate) mod read;
pub(crate) mod write;
