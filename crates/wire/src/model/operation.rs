use haneul_shape::ShapeId;

use super::{UriPattern, XmlNamespace};

/// One operation of a model.
#[derive(Debug)]
pub struct OperationDef {
    pub name: &'static str,
    /// The HTTP method: `POST` for the RPC protocols.
    pub method: &'static str,
    pub uri: UriPattern,
    /// The status of success.
    pub status: u16,
    pub input: Option<ShapeId>,
    pub output: Option<ShapeId>,
    /// The root element of a restXml request that has no payload member.
    pub input_name: Option<&'static str>,
    pub input_namespace: Option<XmlNamespace>,
    /// The root element of a restXml answer that has no payload member, where it is not the shape's name.
    pub output_root: Option<&'static str>,
    /// The answer is the root element with the only member's text in it, as GetBucketLocation's.
    pub bare_output: bool,
    pub errors: Box<[ShapeId]>,
    /// `{AccountId}.` in front of the host.
    pub host_prefix: Option<&'static str>,
    pub idempotent: bool,
    pub read_only: bool,
    /// No signature is asked for (`authtype: none`), as in AssumeRoleWithWebIdentity.
    pub unsigned: bool,
    /// A checksum of the body must come with the request.
    pub checksum_required: bool,
    /// The member of the input that is a stream: its body must not be read into memory.
    pub input_stream: Option<u16>,
    /// The member of the output that is a stream of bytes or events.
    pub output_stream: Option<u16>,
}
