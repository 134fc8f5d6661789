use std::collections::BTreeMap;

use super::schema::manifest_entry;
use super::{ENTRIES_MAX, Entry, Status};
use crate::avro::read::{self, Datum};
use crate::avro::write::{self, Encoder};
use crate::data_file::DataFile;
use crate::error::{Error, Result, invalid};
use crate::schema::Schema;

const DATA: i64 = 0;

/// A manifest of a table without partitions.
pub(crate) fn write_entries(schema: &Schema, spec_id: i32, entries: &[Entry], sync: [u8; 16]) -> Vec<u8> {
    let text = serde_json::to_string(schema).unwrap_or_default();
    let metadata = [
        ("schema", text.as_str()),
        ("schema-id", &schema.schema_id.to_string()),
        ("partition-spec", "[]"),
        ("partition-spec-id", &spec_id.to_string()),
        ("format-version", "2"),
        ("content", "data"),
    ];
    let mut file = write::File::new(&manifest_entry(), &metadata, sync);
    for entry in entries {
        file.record(|to| write_entry(to, entry));
    }
    file.finish()
}

fn write_entry(to: &mut Encoder, entry: &Entry) {
    to.long(match entry.status {
        Status::Existing => 0,
        Status::Added => 1,
        Status::Deleted => 2,
    });
    to.optional(entry.snapshot_id, Encoder::long);
    to.optional(entry.sequence_number, Encoder::long);
    to.optional(entry.file_sequence_number, Encoder::long);
    let file = &entry.file;
    to.long(DATA);
    to.bytes(file.location.as_bytes());
    to.bytes(file.format.as_bytes());
    to.long(file.record_count);
    to.long(file.file_size);
    for counts in [&file.column_sizes, &file.value_counts, &file.null_value_counts, &file.nan_value_counts] {
        write_map(to, counts, |to, count| to.long(*count));
    }
    for bounds in [&file.lower_bounds, &file.upper_bounds] {
        write_map(to, bounds, |to, bound| to.bytes(bound));
    }
    to.optional(file.key_metadata.as_ref(), |to, key| to.bytes(key));
    let offsets = Some(&file.split_offsets).filter(|offsets| !offsets.is_empty());
    to.optional(offsets, |to, offsets| to.array(offsets.iter(), |to, offset| to.long(*offset)));
    to.optional(None::<i64>, Encoder::long);
    to.optional(file.sort_order_id, |to, id| to.long(i64::from(id)));
}

fn write_map<V>(to: &mut Encoder, map: &BTreeMap<i32, V>, mut write: impl FnMut(&mut Encoder, &V)) {
    to.optional(Some(map).filter(|map| !map.is_empty()), |to, map| {
        to.array(map.iter(), |to, (id, value)| {
            to.long(i64::from(*id));
            write(to, value);
        });
    });
}

/// Gives each entry of a manifest to `take`. Gives how many bytes they have, unpacked.
pub(crate) fn each_entry(bytes: &[u8], mut take: impl FnMut(Entry) -> Result<()>) -> Result<usize> {
    let mut count = 0;
    read::File::new(bytes)?.records(|record| {
        count += 1;
        if count > ENTRIES_MAX {
            return Err(Error::TooLarge("entries of a manifest"));
        }
        take(read_entry(record).ok_or_else(|| invalid("a manifest lacks a field"))?)
    })
}

fn read_entry(record: &Datum<'_>) -> Option<Entry> {
    let file = record.field(2);
    let long = |id| file.field(id).long();
    let counts = |id, key, value| read_map(file.field(id), key, value, Datum::long);
    let bounds =
        |id, key, value| read_map(file.field(id), key, value, |datum| datum.bytes().map(<[u8]>::to_vec));
    let offsets = file.field(132).items().unwrap_or_default().iter();
    Some(Entry {
        status: match record.field(0).long()? {
            0 => Status::Existing,
            1 => Status::Added,
            2 => Status::Deleted,
            _ => return None,
        },
        snapshot_id: record.field(1).long(),
        sequence_number: record.field(3).long(),
        file_sequence_number: record.field(4).long(),
        file: DataFile {
            location: file.field(100).text()?,
            format: file.field(101).text()?,
            record_count: long(103)?,
            file_size: long(104)?,
            column_sizes: counts(108, 117, 118)?,
            value_counts: counts(109, 119, 120)?,
            null_value_counts: counts(110, 121, 122)?,
            nan_value_counts: counts(137, 138, 139)?,
            lower_bounds: bounds(125, 126, 127)?,
            upper_bounds: bounds(128, 129, 130)?,
            key_metadata: file.field(131).bytes().map(<[u8]>::to_vec),
            split_offsets: offsets.map(Datum::long).collect::<Option<_>>()?,
            sort_order_id: long(140).map(i32::try_from).transpose().ok()?,
        },
    })
}

fn read_map<'a, V>(
    datum: &Datum<'a>,
    key: i32,
    value: i32,
    read: impl Fn(&Datum<'a>) -> Option<V>,
) -> Option<BTreeMap<i32, V>> {
    let pairs = datum.items().unwrap_or_default().iter();
    pairs.map(|pair| Some((i32::try_from(pair.field(key).long()?).ok()?, read(pair.field(value))?))).collect()
}
