use super::{Attribute, Value};
use crate::codec::{Reader, put_bytes, put_number, put_option};
use crate::keys::Sealed;

/// A message as it lies in the log, but for what changes (receives, visibility), which the queue keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) message_id: [u8; 16],
    /// Zeros where the body is sealed.
    pub(crate) body_md5: [u8; 16],
    /// `AIDA…`, `AROA…:session` or the account: what SenderId says.
    pub(crate) sender_id: String,
    pub(crate) body: Body,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) trace_header: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) group_id: Option<String>,
    /// The queue from which it was moved to a dead-letter queue, as an ARN.
    pub(crate) dead_letter_source: Option<String>,
}

/// What a message says. It stays as it was sent: neither a later change of its queue's key nor a move to another queue
/// seals or opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Plain(String),
    Sealed(Sealed),
}

/// Raised when the form changes; [`Stored::decode`] then reads the old ones too.
const VERSION: u8 = 1;
/// As [`VERSION`], but for the body, which is sealed.
const VERSION_SEALED: u8 = 2;

const STRING: u8 = 0;
const BINARY: u8 = 1;

impl Stored {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (version, length) = match &self.body {
            Body::Plain(text) => (VERSION, text.len()),
            Body::Sealed(sealed) => (VERSION_SEALED, sealed.content.len() + 512),
        };
        out.reserve(length + 128);
        out.push(version);
        out.extend_from_slice(&self.message_id);
        out.extend_from_slice(&self.body_md5);
        put_bytes(out, self.sender_id.as_bytes());
        match &self.body {
            Body::Plain(text) => put_bytes(out, text.as_bytes()),
            Body::Sealed(sealed) => {
                put_bytes(out, sealed.queue_arn.as_bytes());
                put_bytes(out, sealed.key_arn.as_bytes());
                put_bytes(out, &sealed.data_key);
                put_bytes(out, &sealed.content);
            }
        }
        put_number(out, self.attributes.len() as u64);
        for attribute in &self.attributes {
            put_bytes(out, attribute.name.as_bytes());
            put_bytes(out, attribute.data_type.as_bytes());
            let (kind, bytes) = match &attribute.value {
                Value::String(text) => (STRING, text.as_bytes()),
                Value::Binary(bytes) => (BINARY, &bytes[..]),
            };
            out.push(kind);
            put_bytes(out, bytes);
        }
        put_option(out, self.trace_header.as_deref());
        put_option(out, self.deduplication_id.as_deref());
        put_option(out, self.group_id.as_deref());
        put_option(out, self.dead_letter_source.as_deref());
    }

    /// `None` when the bytes are not of a form that we know.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Stored> {
        let mut from = Reader::new(bytes);
        let version = from.byte()?;
        if version != VERSION && version != VERSION_SEALED {
            return None;
        }
        let stored = Stored {
            message_id: from.array()?,
            body_md5: from.array()?,
            sender_id: from.text()?.to_owned(),
            body: match version {
                VERSION_SEALED => Body::Sealed(Sealed {
                    queue_arn: from.text()?.to_owned(),
                    key_arn: from.text()?.to_owned(),
                    data_key: from.bytes()?.to_vec(),
                    content: from.bytes()?.to_vec(),
                }),
                _ => Body::Plain(from.text()?.to_owned()),
            },
            attributes: attributes(&mut from)?,
            trace_header: from.option()?.map(str::to_owned),
            deduplication_id: from.option()?.map(str::to_owned),
            group_id: from.option()?.map(str::to_owned),
            dead_letter_source: from.option()?.map(str::to_owned),
        };
        from.is_empty().then_some(stored)
    }
}

fn attributes(from: &mut Reader<'_>) -> Option<Vec<Attribute>> {
    let mut attributes = Vec::new();
    for _ in 0..from.number()? {
        let (name, data_type) = (from.text()?.to_owned(), from.text()?.to_owned());
        let value = match from.byte()? {
            STRING => Value::String(from.text()?.to_owned()),
            BINARY => Value::Binary(from.bytes()?.to_vec().into()),
            _ => return None,
        };
        attributes.push(Attribute { name, data_type, value });
    }
    Some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_and_read_back() {
        let plain = Stored {
            message_id: [7; 16],
            body_md5: [9; 16],
            sender_id: "AIDAX".into(),
            body: Body::Plain("하늘".into()),
            attributes: vec![
                Attribute {
                    name: "a".into(),
                    data_type: "Number.int".into(),
                    value: Value::String("1".into()),
                },
                Attribute {
                    name: "b".into(),
                    data_type: "Binary".into(),
                    value: Value::Binary(vec![0, 255].into()),
                },
            ],
            trace_header: Some(String::new()),
            deduplication_id: None,
            group_id: Some("g".into()),
            dead_letter_source: None,
        };
        let sealed = Sealed {
            queue_arn: "arn:aws:sqs:us-east-1:000000000000:q".into(),
            key_arn: "arn:aws:kms:us-east-1:000000000000:key/k".into(),
            data_key: vec![1, 0, 255],
            content: vec![0; 40],
        };
        let sealed = Stored { body: Body::Sealed(sealed), ..plain.clone() };
        for stored in [plain, sealed] {
            let mut bytes = Vec::new();
            stored.encode(&mut bytes);
            for end in 0..bytes.len() {
                assert_eq!(Stored::decode(&bytes[..end]), None, "cut at {end}");
            }
            assert_eq!(Stored::decode(&bytes), Some(stored));
        }
    }
}
