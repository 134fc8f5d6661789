//! Files are read back by a reader of the tests' own; that others read them, too, is seen with real clients.

use proptest::prelude::*;

use super::reading::read;
use super::*;

const COLUMNS: [Column; 5] = [
    Column { name: "name", kind: Kind::Text, optional: false },
    Column { name: "note", kind: Kind::Text, optional: true },
    Column { name: "good", kind: Kind::Bool, optional: true },
    Column { name: "size", kind: Kind::Long, optional: true },
    Column { name: "at", kind: Kind::Time, optional: false },
];

fn written(rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = Writer::new("table", COLUMNS.to_vec());
    rows.iter().for_each(|row| writer.row(row.clone()));
    writer.finish()
}

#[test]
fn an_empty_table_has_its_columns() {
    let table = read(&written(&[]));
    assert!(table.rows.is_empty());
    assert_eq!(table.name, "table");
    let columns = COLUMNS.map(|column| (column.name.to_owned(), column.kind, column.optional));
    assert_eq!(table.columns, columns);
}

#[test]
fn what_does_not_fit_is_null_or_empty() {
    let given = vec![Cell::Long(1), Cell::Bool(true), Cell::Text("x".to_owned())];
    let empty = vec![Cell::Text(String::new()), Cell::Null, Cell::Null, Cell::Null, Cell::Long(0)];
    assert_eq!(read(&written(&[given])).rows, [empty]);
}

#[test]
fn much_makes_several_groups() {
    let row = |index: i64| {
        let text = format!("{index} {}", "x".repeat(1 << 20));
        vec![Cell::Text(text), Cell::Null, Cell::Bool(index % 3 == 0), Cell::Long(index), Cell::Long(-index)]
    };
    let rows: Vec<_> = (0..20).map(row).collect();
    let file = written(&rows);
    assert!(file.len() < 4 << 20, "it is compressed: {}", file.len());
    let table = read(&file);
    assert_eq!(table.groups, [8, 8, 4], "a group is closed once it has 8 MiB");
    assert_eq!(table.rows, rows);
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let text = || ".{0,20}".prop_map(Cell::Text);
    let long = || any::<i64>().prop_map(Cell::Long);
    (
        text(),
        prop_oneof![Just(Cell::Null), text()],
        prop_oneof![Just(Cell::Null), any::<bool>().prop_map(Cell::Bool)],
        prop_oneof![Just(Cell::Null), long()],
        long(),
    )
        .prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in proptest::collection::vec(cells(), 0..40)) {
        prop_assert_eq!(read(&written(&rows)).rows, rows);
    }
}
