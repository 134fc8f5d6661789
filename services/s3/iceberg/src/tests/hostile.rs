//! Files that somebody made up.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use serde_json::json;

use super::world::World;
use crate::avro::read::{Datum, File};
use crate::avro::write::Encoder;
use crate::manifest::{each_entry, parse_list};
use crate::{Error, TableMetadata};

const SYNC: [u8; 16] = [7; 16];

/// A file of one block.
fn avro(schema: &str, codec: &str, count: i64, block: &[u8]) -> Vec<u8> {
    let mut to = Encoder::default();
    to.long(2);
    for text in ["avro.schema", schema, "avro.codec", codec] {
        to.bytes(text.as_bytes());
    }
    to.long(0);
    let mut after = Encoder::default();
    after.long(count);
    after.bytes(block);
    [b"Obj\x01".as_slice(), &to.into_bytes(), &SYNC, &after.into_bytes(), &SYNC].concat()
}

fn read(file: &[u8]) -> Result<usize, Error> {
    let mut count = 0;
    File::new(file)?.records(|_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

fn too_large(file: &[u8]) -> bool {
    matches!(read(file), Err(Error::TooLarge(_)))
}

#[test]
fn fields_are_found_by_their_ids() {
    let schema = json!({"type": "record", "name": "r", "fields": [
        {"name": "new", "type": {"type": "map", "values": "long"}, "field-id": 9_000},
        {"name": "kind", "type": {"type": "enum", "name": "e", "symbols": ["a", "b"]}},
        {"name": "again", "type": ["null", "e"], "field-id": 2},
        {"name": "path", "type": "string", "field-id": 1},
        {"name": "id", "type": {"type": "fixed", "name": "f", "size": 2}, "field-id": 3},
    ]});
    let mut to = Encoder::default();
    // A block of a map with its length, as some write it.
    to.long(-1);
    to.long(4);
    to.bytes(b"ke");
    to.long(5);
    to.long(0);
    to.long(1);
    to.long(1);
    to.long(1);
    to.bytes(b"here");
    let block = [to.into_bytes(), vec![8, 9]].concat();
    for codec in ["null", "deflate", "snappy"] {
        let packed = match codec {
            "deflate" => {
                let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(&block).unwrap();
                packed.finish().unwrap()
            }
            // With a checksum, which is not looked at.
            "snappy" => [snap::raw::Encoder::new().compress_vec(&block).unwrap(), vec![0; 4]].concat(),
            _ => block.clone(),
        };
        let file = avro(&schema.to_string(), codec, 1, &packed);
        let mut seen = 0;
        File::new(&file)
            .unwrap()
            .records(|record| {
                assert_eq!(record.field(1).text().as_deref(), Some("here"));
                assert_eq!(record.field(2).long(), Some(1));
                assert_eq!(record.field(3).bytes(), Some([8, 9].as_slice()));
                assert_eq!(record.field(77), &Datum::Null);
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, 1);
    }
    assert!(matches!(read(&avro("\"long\"", "zstandard", 1, &[0])), Err(Error::Unsupported(_))));
}

#[test]
fn what_takes_no_bytes_is_not_there_without_end() {
    let mut nulls = Encoder::default();
    nulls.long(i64::MAX);
    let nulls = nulls.into_bytes();
    assert!(too_large(&avro(r#"{"type": "array", "items": "null"}"#, "null", 1, &nulls)));
    assert!(too_large(&avro("\"null\"", "null", i64::MAX, &[])));
    assert!(too_large(&avro(r#"{"type": "record", "name": "r", "fields": []}"#, "null", i64::MAX, &[])));
    assert!(too_large(&avro(r#"{"type": "fixed", "name": "f", "size": 0}"#, "null", i64::MAX, &[])));
    // Longs of a byte each become much more in memory.
    let many = [nulls.as_slice(), &vec![0; 2_000_000]].concat();
    assert!(too_large(&avro(r#"{"type": "array", "items": "long"}"#, "null", 1, &many)));
}

#[test]
fn what_is_packed_does_not_grow_without_end() {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&vec![0; 1 << 20]).unwrap();
    // What is flushed ends with a byte, and can be there again.
    packed.flush().unwrap();
    let packed = packed.get_ref().repeat(130);
    assert!(packed.len() < 1 << 20, "{}", packed.len());
    assert!(too_large(&avro("\"long\"", "deflate", 1, &packed)));
    let lie = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0];
    assert!(too_large(&avro("\"long\"", "snappy", 1, &lie)));
}

#[test]
fn schemas_that_cannot_be_are_refused() {
    let doubling = {
        let mut fields = vec![json!({"name": "f0", "type": {"type": "record", "name": "r0", "fields": []}})];
        for at in 1..40 {
            let before = format!("r{}", at - 1);
            let inner = [json!({"name": "a", "type": before}), json!({"name": "b", "type": before})];
            let kind = json!({"type": "record", "name": format!("r{at}"), "fields": inner});
            fields.push(json!({"name": format!("f{at}"), "type": kind}));
        }
        json!({"type": "record", "name": "all", "fields": fields}).to_string()
    };
    assert!(too_large(&avro(&doubling, "null", 0, &[])));
    let endless = r#"{"type": "record", "name": "r", "fields": [{"name": "again", "type": "r"}]}"#;
    let deep = format!("{}\"null\"{}", r#"{"type": "array", "items": "#.repeat(10_000), "}".repeat(10_000));
    let bad = [
        endless,
        &deep,
        "",
        "7",
        "{}",
        "\"what\"",
        r#"{"type": "array"}"#,
        r#"{"type": "record", "name": "r"}"#,
    ];
    for schema in bad {
        assert!(matches!(read(&avro(schema, "null", 0, &[])), Err(Error::Invalid(_))), "{schema:.40}");
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    for length in [i64::MIN, -1, 3, i64::MAX] {
        let mut to = Encoder::default();
        to.long(length);
        let block = [to.into_bytes(), vec![1, 2]].concat();
        assert!(matches!(read(&avro("\"bytes\"", "null", 1, &block)), Err(Error::Invalid(_))), "{length}");
    }
    assert!(matches!(read(&avro("\"long\"", "null", 1, &[0xff; 11])), Err(Error::Invalid(_))));
    let mut file = avro("\"long\"", "null", 1, &[2]);
    assert_eq!(read(&file), Ok(1));
    let last = file.len() - 1;
    file[last] ^= 1;
    assert!(matches!(read(&file), Err(Error::Invalid(_))));
}

/// A list, a manifest and a metadata file.
fn good() -> [Vec<u8>; 3] {
    let mut world = World::new();
    let change = world.append(&["a", "b"]);
    let bytes: Vec<_> = change.objects.into_iter().map(|object| object.bytes).collect();
    let [manifest, list, metadata] = bytes.try_into().unwrap();
    [list, manifest, metadata]
}

fn try_all(bytes: &[u8]) {
    let _ = parse_list(bytes);
    let _ = each_entry(bytes, |_| Ok(()));
    let _ = TableMetadata::parse(bytes);
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        try_all(&bytes);
        try_all(&[b"Obj\x01".as_slice(), &bytes].concat());
        let _ = read(&avro(r#"{"type": "array", "items": ["null", "string", "long"]}"#, "null", 3, &bytes));
        let _ = read(&avro("\"bytes\"", "deflate", 3, &bytes));
        let _ = read(&avro("\"bytes\"", "snappy", 3, &bytes));
    }

    #[test]
    fn nothing_panics_of_what_was_good(which in 0..3usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = good()[which].clone();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        try_all(&bytes);
    }
}
