//! Files are read back by S3 Select's reader; that others read them, too, is seen with real clients.

use haneul_s3_select::parquet::{Next, Reader};
use haneul_s3_select::value::Value;
use proptest::prelude::*;

use super::*;

const MAP: Kind = Kind::Map { value_optional: true, ids: Some((11, 12)) };

const COLUMNS: [Column; 9] = [
    Column::required("name", Kind::Text),
    Column::optional("note", Kind::Text),
    Column::optional("good", Kind::Bool),
    Column::optional("size", Kind::Long),
    Column::required("at", Kind::Long),
    Column::optional("tags", MAP),
    Column::required("labels", Kind::Map { value_optional: false, ids: None }),
    Column::optional("small", Kind::Int),
    Column::optional("seen", Kind::Micros { utc: false }),
];

fn written(rows: &[Vec<Cell>]) -> File {
    let mut writer = Writer::new("table", COLUMNS.to_vec());
    rows.iter().for_each(|row| writer.row(row.clone()));
    writer.finish()
}

fn read(file: &[u8]) -> Vec<Vec<(String, Value)>> {
    let mut reader = Reader::new(file.len() as u64, 0..file.len() as u64);
    let mut rows = Vec::new();
    loop {
        match reader.go_on().unwrap() {
            Next::Row => match reader.record() {
                Value::Struct(members) => rows.push(members.clone()),
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

/// What a row is read as.
fn expected(row: &[Cell]) -> Vec<(String, Value)> {
    let cells = COLUMNS.into_iter().zip(row).map(|(column, cell)| {
        let value = match cell {
            Cell::Null => Value::Null,
            Cell::Text(text) => Value::Text(text.clone()),
            Cell::Bool(is) => Value::Bool(*is),
            Cell::Int(number) => Value::Int(i64::from(*number)),
            Cell::Long(number) => Value::Int(*number),
            Cell::Map(entries) => Value::Struct(
                entries.iter().map(|(key, value)| (key.clone(), Value::Text(value.clone()))).collect(),
            ),
            Cell::Bytes(_) => unreachable!("no column has bytes"),
        };
        (column.name.to_string(), value)
    });
    cells.collect()
}

fn assert_read(rows: &[Vec<Cell>], file: &[u8]) {
    let read = read(file);
    assert_eq!(read.len(), rows.len());
    for (read, row) in read.iter().zip(rows) {
        // Nothing is told of microseconds without a zone, beyond that they are there.
        let (seen, rest) = read.split_last().unwrap();
        assert_eq!(rest, &expected(&row[..8]));
        assert_eq!(seen.1 == Value::Null, row[8] == Cell::Null);
    }
}

#[test]
fn an_empty_table_has_its_columns() {
    let file = written(&[]);
    assert!(read(&file.bytes).is_empty());
    assert_eq!((file.column_bytes, file.group_offsets), (vec![0; 11], vec![]));
}

#[test]
fn what_does_not_fit_is_null_or_empty() {
    let given = vec![Cell::Long(1), Cell::Bool(true), Cell::Text("x".to_owned())];
    let text = |text: &str| Cell::Text(text.to_owned());
    let nothing = || Cell::Map(Vec::new());
    let mut empty =
        vec![text(""), Cell::Null, Cell::Null, Cell::Null, Cell::Long(0), Cell::Null, nothing(), Cell::Null];
    empty.push(Cell::Null);
    assert_read(&[empty], &written(&[given]).bytes);
}

#[test]
fn much_makes_several_groups() {
    let row = |index: i64| {
        let text = Cell::Text(format!("{index} {}", "x".repeat(1 << 19)));
        let mut row =
            vec![text, Cell::Null, Cell::Bool(index % 3 == 0), Cell::Long(index), Cell::Long(-index)];
        row.extend([Cell::Null, Cell::Map(Vec::new()), Cell::Null, Cell::Null]);
        row
    };
    let rows: Vec<_> = (0..40).map(row).collect();
    let file = written(&rows);
    assert!(file.bytes.len() < 4 << 20, "it is compressed: {}", file.bytes.len());
    assert_eq!(file.group_offsets.len(), 3, "a group is closed once it has 8 MiB");
    assert_read(&rows, &file.bytes);
}

#[test]
fn rows_of_nothing_are_bounded_too() {
    let mut writer = Writer::new("table", vec![Column::optional("note", Kind::Text)]);
    (0..GROUP_BYTES + 1).for_each(|_| writer.row([Cell::Null]));
    assert!(writer.size() < 1 << 20, "the group is closed: {}", writer.size());
}

fn text() -> impl Strategy<Value = Cell> {
    ".{0,20}".prop_map(Cell::Text)
}

fn map() -> impl Strategy<Value = Cell> {
    proptest::collection::btree_map("[a-z]{1,4}", ".{0,4}", 0..4)
        .prop_map(|entries| Cell::Map(entries.into_iter().collect()))
}

fn or_null(cell: impl Strategy<Value = Cell>) -> impl Strategy<Value = Cell> {
    proptest::option::of(cell).prop_map(|cell| cell.unwrap_or(Cell::Null))
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let long = || any::<i64>().prop_map(Cell::Long);
    let parts = (
        (text(), or_null(text()), or_null(any::<bool>().prop_map(Cell::Bool)), or_null(long()), long()),
        (
            or_null(map()),
            map(),
            or_null(any::<i32>().prop_map(Cell::Int)),
            or_null((0..1i64 << 50).prop_map(Cell::Long)),
        ),
    );
    parts.prop_map(|((a, b, c, d, e), (f, g, h, i))| vec![a, b, c, d, e, f, g, h, i])
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in proptest::collection::vec(cells(), 0..40)) {
        assert_read(&rows, &written(&rows).bytes);
    }
}
