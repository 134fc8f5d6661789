//! A reader of the files that lists and reports are.

use haneul_s3_parquet::{Cell, Kind};

const MAGIC: &[u8; 4] = b"PAR1";

pub(crate) struct Table {
    pub(crate) name: String,
    /// Name, kind, and whether it may be null.
    pub(crate) columns: Vec<(String, Kind, bool)>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value of Thrift.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Int(i64),
    Text(String),
    List(Vec<Value>),
    Struct(Vec<(u8, Value)>),
}

impl Value {
    fn field(&self, wanted: u8) -> &Value {
        let Value::Struct(fields) = self else { panic!("{self:?}") };
        &fields.iter().find(|(field, _)| *field == wanted).unwrap().1
    }

    fn int(&self) -> i64 {
        let Value::Int(value) = self else { panic!("{self:?}") };
        *value
    }

    fn text(&self) -> &str {
        let Value::Text(value) = self else { panic!("{self:?}") };
        value
    }

    fn list(&self) -> &[Value] {
        let Value::List(values) = self else { panic!("{self:?}") };
        values
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn varint(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }

    fn value(&mut self, kind: u8) -> Value {
        match kind {
            5 | 6 => {
                let value = self.varint();
                Value::Int((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            8 => {
                let length = self.varint() as usize;
                Value::Text(String::from_utf8(self.take(length).to_vec()).unwrap())
            }
            9 => {
                let head = self.take(1)[0];
                let length = if head >> 4 == 15 { self.varint() } else { u64::from(head >> 4) };
                Value::List((0..length).map(|_| self.value(head & 15)).collect())
            }
            12 => {
                let (mut fields, mut last) = (Vec::new(), 0);
                loop {
                    let head = self.take(1)[0];
                    if head == 0 {
                        return Value::Struct(fields);
                    }
                    last += head >> 4;
                    fields.push((last, self.value(head & 15)));
                }
            }
            other => panic!("type {other}"),
        }
    }
}

fn bit(bytes: &[u8], index: usize) -> bool {
    bytes[index / 8] >> (index % 8) & 1 == 1
}

/// The cells of a column in one row group.
fn column(file: &[u8], kind: Kind, optional: bool, meta: &Value) -> Vec<Cell> {
    let offset = meta.field(9).int() as usize;
    let mut rest = Bytes(&file[offset..]);
    let head = rest.value(12);
    let rows = head.field(5).field(1).int() as usize;
    assert_eq!(rows as i64, meta.field(5).int());
    let packed = rest.take(head.field(3).int() as usize);
    let consumed = file.len() - offset - rest.0.len();
    assert_eq!(consumed as i64, meta.field(7).int());
    let page = snap::raw::Decoder::new().decompress_vec(packed).unwrap();
    assert_eq!(page.len() as i64, head.field(2).int());
    let mut page = Bytes(&page);
    let present: Vec<bool> = if optional {
        let length = u32::from_le_bytes(page.take(4).try_into().unwrap());
        let mut levels = Bytes(page.take(length as usize));
        let run = levels.varint();
        assert_eq!((run & 1, run >> 1), (1, rows.div_ceil(8) as u64));
        (0..rows).map(|index| bit(levels.0, index)).collect()
    } else {
        vec![true; rows]
    };
    let mut bits = 0;
    let cells = present.into_iter().map(|present| match kind {
        _ if !present => Cell::Null,
        Kind::Bool => {
            bits += 1;
            Cell::Bool(bit(page.0, bits - 1))
        }
        Kind::Long | Kind::Time => Cell::Long(i64::from_le_bytes(page.take(8).try_into().unwrap())),
        Kind::Text => {
            let length = u32::from_le_bytes(page.take(4).try_into().unwrap());
            Cell::Text(String::from_utf8(page.take(length as usize).to_vec()).unwrap())
        }
        other => panic!("{other:?}"),
    });
    cells.collect()
}

pub(crate) fn read(file: &[u8]) -> Table {
    assert_eq!((&file[..4], &file[file.len() - 4..]), (&MAGIC[..], &MAGIC[..]));
    let length = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap()) as usize;
    let footer = Bytes(&file[file.len() - 8 - length..file.len() - 8]).value(12);
    let (root, schema) = footer.field(2).list().split_first().unwrap();
    assert_eq!(root.field(5).int(), schema.len() as i64);
    let columns: Vec<_> = schema.iter().map(described).collect();
    let mut rows = Vec::new();
    for group in footer.field(4).list() {
        let cells: Vec<Vec<Cell>> = columns
            .iter()
            .zip(group.field(1).list())
            .map(|((name, kind, optional), chunk)| {
                assert_eq!(chunk.field(3).field(3).list()[0].text(), name);
                column(file, *kind, *optional, chunk.field(3))
            })
            .collect();
        let count = group.field(3).int() as usize;
        rows.extend((0..count).map(|row| cells.iter().map(|cells| cells[row].clone()).collect::<Vec<_>>()));
    }
    assert_eq!(rows.len() as i64, footer.field(3).int());
    Table { name: root.field(4).text().to_owned(), columns, rows }
}

fn described(element: &Value) -> (String, Kind, bool) {
    let Value::Struct(fields) = element else { panic!("{element:?}") };
    let converted = fields.iter().find(|(field, _)| *field == 6).map(|(_, value)| value.int());
    let kind = match (element.field(1).int(), converted) {
        (0, None) => Kind::Bool,
        (2, None) => Kind::Long,
        (2, Some(9)) => Kind::Time,
        (6, Some(0)) => Kind::Text,
        other => panic!("{other:?}"),
    };
    (element.field(4).text().to_owned(), kind, element.field(3).int() == 1)
}
