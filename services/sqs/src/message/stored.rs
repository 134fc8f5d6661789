use super::{Attribute, Value};
use crate::codec::{Reader, put_bytes, put_number, put_option};

/// A message as it lies in the log, but for what changes (receives, visibility), which the queue keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) message_id: [u8; 16],
    pub(crate) body_md5: [u8; 16],
    /// `AIDA…`, `AROA…:session` or the account: what SenderId says.
    pub(crate) sender_id: String,
    pub(crate) body: String,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) trace_header: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) group_id: Option<String>,
    /// The queue from which it was moved to a dead-letter queue, as an ARN.
    pub(crate) dead_letter_source: Option<String>,
}

/// Raised when the form changes; [`Stored::decode`] then reads the old ones too.
const VERSION: u8 = 1;

const STRING: u8 = 0;
const BINARY: u8 = 1;

impl Stored {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.body.len() + 128);
        out.push(VERSION);
        out.extend_from_slice(&self.message_id);
        out.extend_from_slice(&self.body_md5);
        put_bytes(out, self.sender_id.as_bytes());
        put_bytes(out, self.body.as_bytes());
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
        if from.byte()? != VERSION {
            return None;
        }
        let stored = Stored {
            message_id: from.array()?,
            body_md5: from.array()?,
            sender_id: from.text()?.to_owned(),
            body: from.text()?.to_owned(),
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
        let stored = Stored {
            message_id: [7; 16],
            body_md5: [9; 16],
            sender_id: "AIDAX".into(),
            body: "하늘".into(),
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
        let mut bytes = Vec::new();
        stored.encode(&mut bytes);
        assert_eq!(Stored::decode(&bytes), Some(stored));
        for end in 0..bytes.len() {
            assert_eq!(Stored::decode(&bytes[..end]), None, "cut at {end}");
        }
    }
}
