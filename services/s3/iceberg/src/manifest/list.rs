use super::schema::manifest_file;
use super::{Count, MANIFESTS_MAX, Manifest, Partitions};
use crate::avro::read::{self, Datum};
use crate::avro::write::{self, Encoder};
use crate::error::{Error, Result, invalid};
use crate::metadata::Snapshot;

/// The list of a snapshot.
pub(crate) fn write_list(snapshot: &Snapshot, manifests: &[Manifest], sync: [u8; 16]) -> Vec<u8> {
    let parent = snapshot.parent_snapshot_id.map_or("null".to_owned(), |parent| parent.to_string());
    let metadata = [
        ("snapshot-id", snapshot.snapshot_id.to_string()),
        ("parent-snapshot-id", parent),
        ("sequence-number", snapshot.sequence_number.to_string()),
        ("format-version", "2".to_owned()),
    ];
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut file = write::File::new(&manifest_file(), &metadata, sync);
    for manifest in manifests {
        file.record(|to| write_manifest(to, manifest));
    }
    file.finish()
}

fn write_manifest(to: &mut Encoder, manifest: &Manifest) {
    to.bytes(manifest.location.as_bytes());
    to.long(manifest.length);
    to.long(i64::from(manifest.spec_id));
    to.long(manifest.content);
    to.long(manifest.sequence_number);
    to.long(manifest.min_sequence_number);
    to.long(manifest.snapshot_id);
    let counts = [manifest.added, manifest.existing, manifest.deleted];
    counts.iter().for_each(|count| to.long(count.files));
    counts.iter().for_each(|count| to.long(count.rows));
    to.optional(manifest.partitions.as_ref(), |to, partitions| {
        to.array(partitions.iter(), |to, of| {
            to.boolean(of.contains_null);
            to.optional(of.contains_nan, Encoder::boolean);
            to.optional(of.lower_bound.as_ref(), |to, bound| to.bytes(bound));
            to.optional(of.upper_bound.as_ref(), |to, bound| to.bytes(bound));
        });
    });
    to.optional(manifest.key_metadata.as_ref(), |to, key| to.bytes(key));
}

pub(crate) fn parse_list(bytes: &[u8]) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    read::File::new(bytes)?.records(|record| {
        if manifests.len() == MANIFESTS_MAX {
            return Err(Error::TooLarge("manifests of a snapshot"));
        }
        manifests.push(read_manifest(record).ok_or_else(|| invalid("a list of manifests lacks a field"))?);
        Ok(())
    })?;
    Ok(manifests)
}

fn read_manifest(record: &Datum<'_>) -> Option<Manifest> {
    let long = |id| record.field(id).long();
    let count = |files, rows| Some(Count { files: long(files)?, rows: long(rows)? });
    let bytes = |datum: &Datum<'_>| datum.bytes().map(<[u8]>::to_vec);
    let partitions = record.field(507).items().map(|items| {
        let each = items.iter().map(|of| {
            Some(Partitions {
                contains_null: of.field(509).boolean()?,
                contains_nan: of.field(518).boolean(),
                lower_bound: bytes(of.field(510)),
                upper_bound: bytes(of.field(511)),
            })
        });
        each.collect::<Option<Vec<_>>>()
    });
    Some(Manifest {
        location: record.field(500).text()?,
        length: long(501)?,
        spec_id: i32::try_from(long(502)?).ok()?,
        // What was written for version 1 lacks these.
        content: long(517).unwrap_or(0),
        sequence_number: long(515).unwrap_or(0),
        min_sequence_number: long(516).unwrap_or(0),
        snapshot_id: long(503)?,
        added: count(504, 512)?,
        existing: count(505, 513)?,
        deleted: count(506, 514)?,
        partitions: if let Some(partitions) = partitions { Some(partitions?) } else { None },
        key_metadata: bytes(record.field(519)),
    })
}
