//! Data files: rows, counts and bounds.

use std::collections::BTreeMap;

use haneul_s3_select::parquet::{Next, Reader};
use haneul_s3_select::value::Value as Read;

use crate::tables::{self, ANNOTATION, INVENTORY, JOURNAL};
use crate::{DataFile, DataFileWriter, Error, Field, Schema, Type, Value, read_rows};

fn read(file: &[u8]) -> Vec<Vec<(String, Read)>> {
    let mut reader = Reader::new(file.len() as u64, 0..file.len() as u64);
    let mut rows = Vec::new();
    loop {
        match reader.go_on().unwrap() {
            Next::Row => match reader.record() {
                Read::Struct(members) => rows.push(members.clone()),
                other => panic!("{other:?}"),
            },
            Next::Wants(range) => {
                reader.give(&file[range.start as usize..range.end as usize]).unwrap();
            }
            Next::Schema => reader.choose(None).unwrap(),
            Next::Over => return rows,
        }
    }
}

fn of_column(kind: Type, values: &[Value]) -> DataFile {
    let schema = Schema::with_fresh_ids(vec![Field::optional("it", kind)]);
    let mut writer = DataFileWriter::new(&schema).unwrap();
    values.iter().for_each(|value| writer.row(vec![value.clone()]).unwrap());
    writer.finish().at("s3://bucket/it")
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn a_journal_is_read_again() {
    let mut writer = DataFileWriter::new(&tables::schema(&JOURNAL)).unwrap();
    let mut row =
        vec![text("bkt"), text("k"), text("01"), text("CREATE"), Value::Timestamp(1_700_000_000_123_456)];
    row.extend([Value::Null, Value::Boolean(false), Value::Long(7), Value::Timestamp(1), text("tag")]);
    row.resize(16, Value::Null);
    row.push(Value::Map(vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]));
    row.push(Value::Map(Vec::new()));
    row.resize(21, Value::Null);
    writer.row(row).unwrap();
    assert_eq!(writer.rows(), 1);
    let written = writer.finish();
    let rows = read(&written.bytes);
    let get = |name: &str| rows[0].iter().find(|(column, _)| column == name).unwrap().1.clone();
    assert_eq!(
        rows[0].iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        JOURNAL.map(|column| column.name)
    );
    assert_eq!(get("size"), Read::Int(7));
    assert_eq!(get("is_delete_marker"), Read::Bool(false));
    assert_eq!(get("requester"), Read::Null);
    let tags = [("a", "1"), ("b", "")].map(|(key, value)| (key.to_owned(), Read::Text(value.to_owned())));
    assert_eq!(get("object_tags"), Read::Struct(tags.to_vec()));
    assert_eq!(get("user_metadata"), Read::Struct(Vec::new()));

    let file = written.at("s3://bucket/file");
    assert_eq!((file.record_count, file.file_size), (1, written.bytes.len() as i64));
    assert_eq!(file.range(5), Some((1_700_000_000_123_456, 1_700_000_000_123_456)));
    // The keys and values of object_tags.
    assert_eq!((file.value_counts[&22], file.null_value_counts[&23]), (2, 0));
    assert_eq!((file.value_counts[&6], file.null_value_counts[&6]), (1, 1));
    assert_eq!(file.split_offsets, [4]);
    assert_eq!(file.column_sizes.len(), 23, "two of each map");
}

#[test]
fn small_files_become_one() {
    let schema = tables::schema(&JOURNAL);
    let row = |key: &str| {
        let mut row = vec![
            text("bkt"),
            text(key),
            text("01"),
            text("CREATE"),
            Value::Timestamp(-1_700_000_000_123_456),
        ];
        row.extend([Value::Null, Value::Boolean(true), Value::Long(-7), Value::Timestamp(999_999), text("")]);
        row.resize(16, Value::Null);
        row.push(Value::Map(vec![("z".to_owned(), "1".to_owned()), ("a".to_owned(), String::new())]));
        row.push(Value::Map(Vec::new()));
        row.resize(21, Value::Null);
        row
    };
    let written = |rows: &[Vec<Value>]| {
        let mut writer = DataFileWriter::new(&schema).unwrap();
        rows.iter().for_each(|row| writer.row(row.clone()).unwrap());
        writer.finish()
    };
    let rows: Vec<_> = ["a", "b", "c"].map(row).to_vec();
    let mut together = DataFileWriter::new(&schema).unwrap();
    for some in [&rows[..1], &rows[1..]] {
        read_rows(&schema, &written(some).bytes, |row| together.row(row)).unwrap();
    }
    let together = together.finish();
    assert_eq!(together.bytes, written(&rows).bytes);
    assert_eq!(together.at("x"), written(&rows).at("x"));
}

#[test]
fn a_file_of_other_columns_is_refused() {
    let file = |fields: Vec<Field>, row: Vec<Value>| {
        let mut writer = DataFileWriter::new(&Schema::with_fresh_ids(fields)).unwrap();
        writer.row(row).unwrap();
        writer.finish().bytes
    };
    let one = file(
        vec![Field::optional("b", Type::Long), Field::optional("x", Type::Long)],
        vec![Value::Long(1); 2],
    );
    let rows = |fields: Vec<Field>| {
        let mut rows = Vec::new();
        let read = read_rows(&Schema::with_fresh_ids(fields), &one, |row| {
            rows.push(row);
            Ok(())
        });
        read.map(|()| rows)
    };
    let more = vec![Field::optional("a", Type::String), Field::required("b", Type::Long)];
    assert_eq!(rows(more).unwrap(), [[Value::Null, Value::Long(1)]]);
    for field in [Field::required("a", Type::Long), Field::optional("b", Type::String)] {
        assert!(matches!(rows(vec![field.clone()]), Err(Error::Invalid(_))), "{field:?}");
    }
    assert!(matches!(read_rows(&tables::schema(&JOURNAL), &one[1..], |_| Ok(())), Err(Error::Invalid(_))));
}

#[test]
fn schemas_have_the_ids_that_iceberg_gives() {
    let journal = tables::schema(&JOURNAL);
    assert_eq!(journal.last_column_id(), 25);
    let kind = &journal.fields[16].kind;
    assert!(matches!(kind, Type::Map { key_id: 22, value_id: 23, value_required: false, .. }), "{kind:?}");
    assert_eq!(tables::schema(&INVENTORY).fields[3].name, "version_id");
    assert_eq!(tables::schema(&ANNOTATION).last_column_id(), 12);
}

#[test]
fn bounds_are_cut_and_still_bound() {
    let cases: [(&[&str], &str, Option<&str>); 6] = [
        (&["b", "a", "c"], "a", Some("c")),
        (&["abcdefghijklmnopq"], "abcdefghijklmnop", Some("abcdefghijklmnoq")),
        (
            &["한글한글한글한글한글한글한글한글한"],
            "한글한글한글한글한글한글한글한글",
            Some("한글한글한글한글한글한글한글한긁"),
        ),
        (
            &[
                "a\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
            ],
            "a\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
            Some("b"),
        ),
        (&["aaaaaaaaaaaaaaa\u{d7ff}x"], "aaaaaaaaaaaaaaa\u{d7ff}", Some("aaaaaaaaaaaaaaa\u{e000}")),
        (&[""], "", Some("")),
    ];
    for (values, lower, upper) in cases {
        let values: Vec<_> = values.iter().map(|value| text(value)).collect();
        let file = of_column(Type::String, &values);
        assert_eq!(file.lower_bounds[&1], lower.as_bytes(), "{values:?}");
        assert_eq!(file.upper_bounds.get(&1).map(Vec::as_slice), upper.map(str::as_bytes), "{values:?}");
    }
    let none = of_column(Type::String, &[text(&"\u{10ffff}".repeat(17))]);
    assert_eq!((none.lower_bounds.len(), none.upper_bounds.len()), (1, 0));
    let bytes = of_column(Type::Binary, &[Value::Binary([[1; 15].as_slice(), &[0xff, 0]].concat())]);
    assert_eq!(bytes.upper_bounds[&1], [[1; 14].as_slice(), &[2]].concat());
    let flags = of_column(Type::Boolean, &[Value::Boolean(true), Value::Null, Value::Boolean(false)]);
    assert_eq!((&flags.lower_bounds[&1], &flags.upper_bounds[&1]), (&vec![0], &vec![1]));
    let ints = of_column(Type::Int, &[Value::Int(-2), Value::Int(1)]);
    assert_eq!(ints.lower_bounds[&1], (-2i32).to_le_bytes());
    let nothing = of_column(Type::Long, &[Value::Null]);
    assert_eq!(
        (nothing.lower_bounds, nothing.null_value_counts),
        (BTreeMap::new(), BTreeMap::from([(1, 1)]))
    );
}

#[test]
fn a_row_that_does_not_fit_is_refused_whole() {
    let fields = vec![Field::required("name", Type::String), Field::optional("size", Type::Long)];
    let mut writer = DataFileWriter::new(&Schema::with_fresh_ids(fields)).unwrap();
    let rows = [
        vec![text("a")],
        vec![Value::Null, Value::Null],
        vec![text("a"), Value::Int(1)],
        vec![text("a"), text("b")],
        vec![text("a"), Value::Map(Vec::new())],
    ];
    for row in rows {
        assert!(matches!(writer.row(row.clone()), Err(Error::Row(_))), "{row:?}");
    }
    let long = "x".repeat(crate::data_file::VALUE_BYTES_MAX + 1);
    assert!(matches!(writer.row(vec![Value::String(long), Value::Null]), Err(Error::TooLarge(_))));
    writer.row(vec![text("a"), Value::Null]).unwrap();
    assert_eq!(read(&writer.finish().bytes).len(), 1);
    for kind in [Type::Uuid, Type::Struct(Vec::new())] {
        let schema = Schema::with_fresh_ids(vec![Field::optional("it", kind)]);
        assert!(matches!(DataFileWriter::new(&schema), Err(Error::Unsupported(_))));
    }
}
