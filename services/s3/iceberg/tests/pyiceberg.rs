//! Iceberg's own reader and writer (pyiceberg) on the other side: it reads what we write, and we go on with what it wrote.
//!
//! Wants the Python of `HANEUL_PYTHON` with `pyiceberg[pyarrow,sql-sqlite]`; says what is skipped without, or fails where
//! `HANEUL_REQUIRE_CLIENTS` is set, as in CI.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use haneul_s3_iceberg::tables::{self, JOURNAL};
use haneul_s3_iceberg::{
    Change, Commit, DataFile, DataFileWriter, Error, Expiry, Field, NewTable, Object, Objects, Operation,
    Result, Schema, TableMetadata, Type, Value,
};
use serde_json::{Value as Json, json};

/// The program, if it can do what is needed.
fn python(skipped: &str) -> Option<String> {
    let python = std::env::var("HANEUL_PYTHON").unwrap_or_else(|_| "python3".into());
    let imports = "import pyiceberg.table, pyiceberg.catalog.sql, pyarrow";
    let found = Command::new(&python).args(["-c", imports]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("HANEUL_REQUIRE_CLIENTS").is_none(), "`{python}` has no pyiceberg");
    println!("SKIPPED {skipped}: `{python}` has no pyiceberg");
    None
}

fn run(python: &str, script: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let output = Command::new(python).arg(&script).args(arguments).output().expect("Python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", script.display());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A table in a folder.
struct Table {
    metadata: TableMetadata,
    location: String,
    changes: i64,
}

fn path(location: &str) -> &Path {
    Path::new(location.strip_prefix("file://").unwrap())
}

fn put(object: &Object) {
    let path = path(&object.location);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, &object.bytes).unwrap();
}

impl Table {
    fn new(location: String, schema: Schema) -> Table {
        let uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1".to_owned();
        let now_ms = 1_700_000_000_000;
        let new = NewTable { uuid, location, schema, properties: BTreeMap::new(), now_ms };
        let metadata = TableMetadata::new(new).unwrap();
        let location = metadata.first_location("00000000-0000-4000-8000-000000000000");
        put(&Object { location: location.clone(), bytes: metadata.to_json().unwrap() });
        Table { metadata, location, changes: 0 }
    }

    fn put_file(&self, name: &str, rows: Vec<Vec<Value>>) -> DataFile {
        let mut writer = DataFileWriter::new(self.metadata.schema().unwrap()).unwrap();
        rows.into_iter().for_each(|row| writer.row(row).unwrap());
        let written = writer.finish();
        let location = format!("{}/data/{name}.parquet", self.metadata.location);
        let file = written.at(&location);
        put(&Object { location, bytes: written.bytes });
        file
    }

    fn change(&mut self, make: impl Fn(&TableMetadata, &Commit<'_>, &Objects) -> Result<Change>) -> i64 {
        self.changes += 1;
        let uuid = format!("00000000-0000-4000-8000-{:012x}", self.changes);
        let now_ms = self.metadata.last_updated_ms + 1000;
        let snapshot_id = 1_000_000_000_000_000_000 + self.changes;
        let commit = Commit { metadata_location: &self.location, uuid: &uuid, snapshot_id, now_ms };
        let mut objects = Objects::new();
        let change = loop {
            match make(&self.metadata, &commit, &objects) {
                Err(Error::Missing(missing)) => {
                    let read = |location: String| {
                        let bytes = std::fs::read(path(&location)).unwrap();
                        (location, bytes)
                    };
                    objects.extend(missing.into_iter().map(read));
                }
                made => break made.unwrap(),
            }
        };
        change.objects.iter().for_each(put);
        change.unreferenced.iter().for_each(|location| std::fs::remove_file(path(location)).unwrap());
        (self.metadata, self.location) = (change.metadata, change.metadata_location);
        snapshot_id
    }

    fn read(&self, python: &str, filters: &[&str]) -> Json {
        let said = run(python, "read.py", &[&[self.location.as_str()], filters].concat());
        serde_json::from_str(&said).unwrap()
    }
}

fn names(rows: &Json) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["key"].as_str().or(row["name"].as_str()).unwrap()).collect()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// A row of a journal.
fn created(key: &str, size: i64) -> Vec<Value> {
    let mut row =
        vec![text("bkt"), text(key), text("80e7"), text("CREATE"), Value::Timestamp(1_731_713_204_899_123)];
    row.extend([
        Value::Null,
        Value::Boolean(false),
        Value::Long(size),
        Value::Timestamp(1_731_713_204_000_000),
    ]);
    row.resize(16, Value::Null);
    row.push(Value::Map(vec![
        ("family".to_owned(), "Mary".to_owned()),
        ("name".to_owned(), "한글".to_owned()),
    ]));
    row.push(Value::Map(Vec::new()));
    row.resize(JOURNAL.len(), Value::Null);
    row
}

#[test]
fn it_reads_our_tables() {
    let Some(python) = python("it_reads_our_tables") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut table =
        Table::new(format!("file://{}/journal", folder.path().display()), tables::schema(&JOURNAL));
    assert_eq!(table.read(&python, &[])["rows"], json!([]), "a table without a snapshot");

    let a = table.put_file("a", vec![created("a", 1), created("b", 2)]);
    let first =
        table.change(|metadata, commit, objects| metadata.append(commit, std::slice::from_ref(&a), objects));
    let c = table.put_file("c", vec![created("c", 300)]);
    let second =
        table.change(|metadata, commit, objects| metadata.append(commit, std::slice::from_ref(&c), objects));
    let gone = [a.location.clone()];
    let d = table.put_file("d", (0..2_000).map(|at| created(&format!("d{at:04}"), 1_000 + at)).collect());
    let third = table.change(|metadata, commit, objects| {
        metadata.replace(commit, Operation::Overwrite, &gone, std::slice::from_ref(&d), objects)
    });

    let seen = table.read(
        &python,
        &["size == 300", "size > 2998", "key == 'c'", "size < 0", "e_tag is not null", "e_tag is null"],
    );
    let rows = seen["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2_001);
    let expected = json!({
        "bucket": "bkt", "key": "c", "sequence_number": "80e7", "record_type": "CREATE",
        "record_timestamp": "2024-11-15T23:26:44.899123", "version_id": null, "is_delete_marker": false, "size": 300,
        "last_modified_date": "2024-11-15T23:26:44", "e_tag": null, "storage_class": null, "is_multipart": null,
        "encryption_status": null, "is_bucket_key_enabled": null, "kms_key_arn": null, "checksum_algorithm": null,
        "object_tags": {"family": "Mary", "name": "한글"}, "user_metadata": {}, "requester": null,
        "source_ip_address": null, "request_id": null,
    });
    assert_eq!(rows[0], expected);
    let column = |at: usize| seen["columns"][at].clone();
    assert_eq!(
        (column(4), column(16)),
        (
            json!([5, "record_timestamp", "timestamp", true]),
            json!([17, "object_tags", "map<string, string>", false]),
        )
    );

    // Time travel.
    let snapshots = seen["snapshots"].as_array().unwrap();
    let of =
        |at: usize| (snapshots[at]["id"].as_i64().unwrap(), snapshots[at]["operation"].as_str().unwrap());
    assert_eq!([of(0), of(1), of(2)], [(first, "append"), (second, "append"), (third, "overwrite")]);
    assert_eq!(names(&snapshots[0]["rows"]), ["a", "b"]);
    assert_eq!(names(&snapshots[1]["rows"]), ["a", "b", "c"]);
    assert_eq!(snapshots[2]["rows"].as_array().unwrap().len(), 2_001);
    assert_eq!(snapshots[2]["summary"]["total-records"], "2001");
    assert_eq!((&seen["history"], &seen["refs"]), (&json!([first, second, third]), &json!({"main": third})));

    // Bounds let it pass by files.
    let filtered: Vec<_> = seen["filtered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["files"].as_i64().unwrap(), of["rows"].as_array().unwrap().len()))
        .collect();
    assert_eq!(filtered, [(1, 1), (1, 1), (1, 1), (0, 0), (0, 0), (2, 2_001)]);
    assert_eq!(
        seen["entries"].as_array().unwrap().len(),
        3,
        "one was added, one deleted, one is there as before"
    );

    let expiry = Expiry { before_ms: i64::MAX, keep_at_least: 1 };
    table.change(|metadata, commit, objects| Ok(metadata.expire(commit, expiry, objects)?.unwrap()));
    assert!(!path(&a.location).exists());
    let seen = table.read(&python, &[]);
    assert_eq!(seen["rows"].as_array().unwrap().len(), 2_001);
    assert_eq!(seen["snapshots"].as_array().unwrap().len(), 1);
}

#[test]
fn it_reads_every_type_that_we_write() {
    let Some(python) = python("it_reads_every_type_that_we_write") else { return };
    let folder = tempfile::tempdir().unwrap();
    let fields = vec![
        Field::required("name", Type::String),
        Field::optional("flag", Type::Boolean),
        Field::required("int", Type::Int),
        Field::optional("bytes", Type::Binary),
        Field::optional("utc", Type::Timestamptz),
        Field::required("labels", Type::map_of_strings()),
    ];
    let mut table =
        Table::new(format!("file://{}/types", folder.path().display()), Schema::with_fresh_ids(fields));
    let labels = |labels: &[&str]| {
        Value::Map(labels.iter().map(|label| ((*label).to_owned(), label.repeat(2))).collect())
    };
    let rows = vec![
        vec![
            text("a"),
            Value::Boolean(true),
            Value::Int(-7),
            Value::Binary(vec![0, 255]),
            Value::Timestamp(-1),
            labels(&[]),
        ],
        vec![text("b"), Value::Null, Value::Int(i32::MAX), Value::Null, Value::Null, labels(&["x", "y"])],
    ];
    let file = table.put_file("all", rows);
    table.change(|metadata, commit, objects| metadata.append(commit, std::slice::from_ref(&file), objects));
    let seen = table.read(&python, &["int == -7", "utc < '1970-01-01T00:00:00+00:00'"]);
    assert_eq!(
        seen["rows"],
        json!([
            {"name": "a", "flag": true, "int": -7, "bytes": "00ff", "utc": "1969-12-31T23:59:59.999999+00:00", "labels": {}},
            {"name": "b", "flag": null, "int": i32::MAX, "bytes": null, "utc": null, "labels": {"x": "xx", "y": "yy"}},
        ])
    );
    let filtered = seen["filtered"].as_array().unwrap();
    assert!(filtered.iter().all(|of| names(&of["rows"]) == ["a"]), "{filtered:?}");
}

#[test]
fn we_go_on_with_its_tables() {
    let Some(python) = python("we_go_on_with_its_tables") else { return };
    let folder = tempfile::tempdir().unwrap();
    let location = run(&python, "write.py", &[&folder.path().display().to_string()]);
    let metadata = TableMetadata::parse(&std::fs::read(path(&location)).unwrap()).unwrap();
    let theirs = metadata.snapshots.len();
    let mut table = Table { metadata, location, changes: 0 };

    let row = |name: &str| vec![text(name), Value::Long(9), Value::Map(Vec::new())];
    let ours = table.put_file("ours", vec![row("d")]);
    table.change(|metadata, commit, objects| metadata.append(commit, std::slice::from_ref(&ours), objects));
    let seen = table.read(&python, &[]);
    assert_eq!(names(&seen["rows"]), ["b", "c", "d"]);
    assert_eq!(seen["rows"][2]["tags"], json!({}));
    assert_eq!(seen["snapshots"].as_array().unwrap().len(), theirs + 1);

    table.change(|metadata, commit, objects| Ok(metadata.rewrite_manifests(commit, objects)?.unwrap()));
    assert_eq!(names(&table.read(&python, &[])["rows"]), ["b", "c", "d"]);

    let of_c = |metadata: &TableMetadata, objects: &Objects| {
        let files = metadata.files(objects)?;
        // Their bounds say which file it is in.
        let with_c =
            files.into_iter().find(|file| file.lower_bounds.get(&1).is_some_and(|bound| bound == b"c"));
        Ok::<_, Error>([with_c.unwrap().location])
    };
    table.change(|metadata, commit, objects| {
        metadata.replace(commit, Operation::Delete, &of_c(metadata, objects)?, &[], objects)
    });
    let expiry = Expiry { before_ms: i64::MAX, keep_at_least: 1 };
    table.change(|metadata, commit, objects| Ok(metadata.expire(commit, expiry, objects)?.unwrap()));
    let seen = table.read(&python, &[]);
    assert_eq!((names(&seen["rows"]), seen["snapshots"].as_array().unwrap().len()), (vec!["b", "d"], 1));
    let data = std::fs::read_dir(path(&table.metadata.location).join("data")).unwrap();
    assert_eq!(data.count(), 2, "what is not needed is gone");
}
