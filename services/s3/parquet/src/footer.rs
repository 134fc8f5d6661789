//! What the end of a file says: the columns, and where each is in each row group.

use crate::leaf::Leaf;
use crate::thrift::{self, Kind as Wire, Struct};
use crate::{Column, Group, Kind};

const CREATED_BY: &str = "Haneul";

// Numbers of parquet.thrift.
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const SNAPPY: i64 = 1;
const REQUIRED: i64 = 0;
const OPTIONAL: i64 = 1;
const REPEATED: i64 = 2;
const UTF8: i64 = 0;
const MAP: i64 = 1;
const TIMESTAMP_MILLIS: i64 = 9;
const TIMESTAMP_MICROS: i64 = 10;

pub(crate) fn footer(name: &str, columns: &[Column], leaves: &[Leaf], groups: &[Group]) -> Vec<u8> {
    let mut root = Struct::default();
    root.text(4, name);
    root.int(5, columns.len() as i64);
    let mut schema = vec![root];
    columns.iter().for_each(|column| elements(column, &mut schema));
    let mut footer = Struct::default();
    footer.int(1, 1);
    footer.structs(2, schema);
    footer.long(3, groups.iter().map(|group| group.rows as i64).sum());
    footer.structs(4, groups.iter().map(|group| row_group(group, leaves)).collect());
    footer.text(6, CREATED_BY);
    footer.finish()
}

fn elements(column: &Column, schema: &mut Vec<Struct>) {
    let need = if column.optional { OPTIONAL } else { REQUIRED };
    let Kind::Map { value_optional, ids } = column.kind else {
        schema.push(plain(column.kind, need, &column.name, column.id));
        return;
    };
    let mut map = Struct::default();
    map.int(3, need);
    map.text(4, &column.name);
    map.int(5, 1);
    map.int(6, MAP);
    if let Some(id) = column.id {
        map.int(9, i64::from(id));
    }
    let mut logical = Struct::default();
    logical.inner(2, Struct::default());
    map.inner(10, logical);
    let mut entries = Struct::default();
    entries.int(3, REPEATED);
    entries.text(4, "key_value");
    entries.int(5, 2);
    let value_need = if value_optional { OPTIONAL } else { REQUIRED };
    schema.extend([
        map,
        entries,
        plain(Kind::Text, REQUIRED, "key", ids.map(|(key, _)| key)),
        plain(Kind::Text, value_need, "value", ids.map(|(_, value)| value)),
    ]);
}

fn plain(kind: Kind, need: i64, name: &str, id: Option<i32>) -> Struct {
    let mut element = Struct::default();
    element.int(1, physical(kind));
    element.int(3, need);
    element.text(4, name);
    if let Some(converted) = converted(kind) {
        element.int(6, converted);
    }
    if let Some(id) = id {
        element.int(9, i64::from(id));
    }
    // Without it a reader takes either unit for one of UTC.
    if let Kind::Micros { utc } = kind {
        let (mut unit, mut timestamp, mut logical) =
            (Struct::default(), Struct::default(), Struct::default());
        unit.inner(2, Struct::default());
        timestamp.bool(1, utc);
        timestamp.inner(2, unit);
        logical.inner(8, timestamp);
        element.inner(10, logical);
    }
    element
}

fn physical(kind: Kind) -> i64 {
    match kind {
        Kind::Bool => 0,
        Kind::Int => 1,
        Kind::Long | Kind::Time | Kind::Micros { .. } => 2,
        Kind::Text | Kind::Bytes | Kind::Map { .. } => 6,
    }
}

/// The types of the first versions of the format.
fn converted(kind: Kind) -> Option<i64> {
    match kind {
        Kind::Text => Some(UTF8),
        Kind::Time => Some(TIMESTAMP_MILLIS),
        // Those are of UTC.
        Kind::Micros { utc } => utc.then_some(TIMESTAMP_MICROS),
        Kind::Bytes | Kind::Bool | Kind::Int | Kind::Long | Kind::Map { .. } => None,
    }
}

fn row_group(group: &Group, leaves: &[Leaf]) -> Struct {
    let chunks = leaves.iter().zip(&group.chunks).map(|(leaf, chunk)| {
        let mut meta = Struct::default();
        meta.int(1, physical(leaf.kind));
        meta.list(2, Wire::Int, [PLAIN, RLE].map(thrift::int).to_vec());
        meta.list(3, Wire::Text, leaf.path.iter().map(|step| thrift::text(step)).collect());
        meta.int(4, SNAPPY);
        meta.long(5, chunk.entries as i64);
        meta.long(6, chunk.uncompressed as i64);
        meta.long(7, chunk.compressed as i64);
        meta.long(9, chunk.offset as i64);
        let mut written = Struct::default();
        written.long(2, chunk.offset as i64);
        written.inner(3, meta);
        written
    });
    let mut written = Struct::default();
    written.structs(1, chunks.collect());
    written.long(2, group.chunks.iter().map(|chunk| chunk.uncompressed as i64).sum());
    written.long(3, group.rows as i64);
    written
}
