//! What Parquet needs of Thrift's compact protocol, written only.

/// Types on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    True = 1,
    False = 2,
    Int = 5,
    Long = 6,
    Text = 8,
    List = 9,
    Struct = 12,
}

/// A struct whose fields are written in ascending order.
#[derive(Default)]
pub(super) struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    pub(super) fn int(&mut self, field: u8, value: i64) {
        self.head(field, Kind::Int);
        varint(&mut self.bytes, zigzag(value));
    }

    pub(super) fn long(&mut self, field: u8, value: i64) {
        self.head(field, Kind::Long);
        varint(&mut self.bytes, zigzag(value));
    }

    /// Of two types, without a value.
    pub(super) fn bool(&mut self, field: u8, value: bool) {
        self.head(field, if value { Kind::True } else { Kind::False });
    }

    pub(super) fn text(&mut self, field: u8, value: &str) {
        self.head(field, Kind::Text);
        self.bytes.extend(text(value));
    }

    pub(super) fn inner(&mut self, field: u8, value: Struct) {
        self.head(field, Kind::Struct);
        self.bytes.extend(value.finish());
    }

    pub(super) fn structs(&mut self, field: u8, values: Vec<Struct>) {
        self.list(field, Kind::Struct, values.into_iter().map(Struct::finish).collect());
    }

    /// Of elements that are encoded already.
    pub(super) fn list(&mut self, field: u8, kind: Kind, elements: Vec<Vec<u8>>) {
        self.head(field, Kind::List);
        match elements.len() {
            few @ 0..15 => self.bytes.push((few as u8) << 4 | kind as u8),
            many => {
                self.bytes.push(0xf0 | kind as u8);
                varint(&mut self.bytes, many as u64);
            }
        }
        self.bytes.extend(elements.into_iter().flatten());
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    /// Fields are less than 16 apart.
    fn head(&mut self, field: u8, kind: Kind) {
        self.bytes.push((field - self.last) << 4 | kind as u8);
        self.last = field;
    }
}

pub(super) fn int(value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(&mut bytes, zigzag(value));
    bytes
}

pub(super) fn text(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(&mut bytes, value.len() as u64);
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
