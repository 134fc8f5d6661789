use haneul_shape::ShapeId;

use super::Constraints;
use crate::protocol::TimestampFormat;

/// One shape of a model.
#[derive(Debug)]
pub struct ShapeDef {
    pub name: &'static str,
    pub kind: Kind,
    pub(crate) constraints: Option<Box<Constraints>>,
    /// Must not be written to logs.
    pub sensitive: bool,
}

#[derive(Debug)]
pub enum Kind {
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    String,
    Blob,
    Document,
    Timestamp(Option<TimestampFormat>),
    List(ListDef),
    Map(Box<MapDef>),
    Structure(Box<StructureDef>),
}

#[derive(Debug)]
pub struct ListDef {
    pub member: ShapeId,
    /// The name of an element in query parameters and XML, where it is not `member`.
    pub wire_name: Option<&'static str>,
    pub flattened: bool,
}

#[derive(Debug)]
pub struct MapDef {
    pub key: ShapeId,
    pub value: ShapeId,
    /// `key`, unless the model says otherwise; in query parameters and XML.
    pub key_name: &'static str,
    /// `value`, unless the model says otherwise.
    pub value_name: &'static str,
    pub flattened: bool,
}

#[derive(Debug, Default)]
pub struct StructureDef {
    pub members: Box<[Member]>,
    pub union: bool,
    pub event_stream: bool,
    /// The member that is the whole HTTP body.
    pub payload: Option<u16>,
    /// Some member stands outside the body.
    pub bound: bool,
    pub xml_name: Option<&'static str>,
    pub xml_namespace: Option<XmlNamespace>,
    pub(crate) error: Option<Box<ErrorDef>>,
}

#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    /// The name in the protocol: `locationName`, or else the member's own.
    pub wire_name: &'static str,
    pub shape: ShapeId,
    pub location: Location,
    pub required: bool,
    pub flattened: bool,
    pub xml_attribute: bool,
    pub streaming: bool,
    pub host_label: bool,
    pub event_payload: bool,
    /// A client that is given no value makes up a random one.
    pub idempotency_token: bool,
    pub timestamp: Option<TimestampFormat>,
    pub(crate) rare: Option<Box<RareMember>>,
}

#[derive(Debug, Default)]
pub(crate) struct RareMember {
    pub(crate) query_name: Option<&'static str>,
    pub(crate) xml_namespace: Option<XmlNamespace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlNamespace {
    pub uri: &'static str,
    pub prefix: Option<&'static str>,
}

/// Where REST protocols carry a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    Body,
    Uri,
    Query,
    Header,
    /// All headers that begin with the wire name, as a map.
    Headers,
    StatusCode,
}

#[derive(Debug, Default)]
pub struct ErrorDef {
    /// The code in the query protocol, where it is not the shape's name.
    pub code: Option<&'static str>,
    pub status: Option<u16>,
    pub sender_fault: bool,
    /// The service's own failure.
    pub fault: bool,
}

impl ShapeDef {
    pub fn constraints(&self) -> Option<&Constraints> {
        self.constraints.as_deref()
    }

    pub fn error(&self) -> Option<&ErrorDef> {
        match &self.kind {
            Kind::Structure(structure) => structure.error.as_deref(),
            _ => None,
        }
    }
}

impl StructureDef {
    pub(crate) fn empty() -> &'static StructureDef {
        static EMPTY: std::sync::LazyLock<StructureDef> = std::sync::LazyLock::new(StructureDef::default);
        &EMPTY
    }

    /// The index of the member with this wire name. `hint` is where to look first: senders mostly keep an order.
    pub(crate) fn find(&self, wire_name: &str, hint: usize) -> Option<usize> {
        self.find_by(hint, |member| member.wire_name == wire_name)
    }

    // Linear, because members are few: half of all structures have three, the largest has 61.
    pub(crate) fn find_by(&self, hint: usize, is_it: impl Fn(&Member) -> bool) -> Option<usize> {
        let hint = hint.min(self.members.len());
        let (before, after) = self.members.split_at(hint);
        after.iter().position(&is_it).map(|i| hint + i).or_else(|| before.iter().position(is_it))
    }

    pub fn member(&self, name: &str) -> Option<(usize, &Member)> {
        self.members.iter().enumerate().find(|(_, member)| member.name == name)
    }
}

impl Member {
    /// The name in the query protocol.
    pub(crate) fn query_name(&self) -> &'static str {
        self.rare.as_ref().and_then(|rare| rare.query_name).unwrap_or(self.wire_name)
    }

    /// Whether EC2's query protocol calls the member `name`: its query name, or its wire name with a capital.
    pub(crate) fn has_ec2_name(&self, name: &str) -> bool {
        if let Some(query_name) = self.rare.as_ref().and_then(|rare| rare.query_name) {
            return query_name == name;
        }
        let (ours, theirs) = (self.wire_name.as_bytes(), name.as_bytes());
        ours.len() == theirs.len()
            && ours.first().map(u8::to_ascii_uppercase) == theirs.first().copied()
            && ours[1..] == theirs[1..]
    }

    pub(crate) fn xml_namespace(&self) -> Option<XmlNamespace> {
        self.rare.as_ref().and_then(|rare| rare.xml_namespace)
    }
}
