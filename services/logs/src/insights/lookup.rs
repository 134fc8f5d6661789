//! Lookup tables: CSV whose rows are joined to events by the `lookup` command.
//!
//! Source: CloudWatch Logs User Guide, "lookup": a match is exact and minds the case; what is found replaces a field of the
//! same name. Of several rows with the same key the first counts.

use std::collections::HashMap;

use super::eval::{Moment, eval};
use super::plan::Expr;
use super::record::Record;
use super::value::Value;

/// What a `lookup` command says, and the table once it is there.
pub(crate) struct Lookup {
    pub(crate) table: String,
    /// Columns of the table, and the fields of events that they must equal.
    pub(super) on: Vec<(String, Expr)>,
    pub(super) output: Vec<String>,
    rows: HashMap<Vec<String>, Vec<String>>,
}

impl Lookup {
    pub(super) fn new(table: String, on: Vec<(String, Expr)>, output: Vec<String>) -> Lookup {
        Lookup { table, on, output, rows: HashMap::new() }
    }

    /// Where the columns are that it compares, and that it gives.
    ///
    /// # Errors
    /// When the table has no such columns.
    pub(crate) fn places(&self, fields: &[String]) -> Result<(Vec<usize>, Vec<usize>), String> {
        let column = |name: &String| {
            let found = fields.iter().position(|field| field == name);
            found.ok_or_else(|| format!("the lookup table {} has no field {name}", self.table))
        };
        let on = self.on.iter().map(|(name, _)| column(name)).collect::<Result<_, _>>()?;
        Ok((on, self.output.iter().map(column).collect::<Result<_, _>>()?))
    }

    /// Makes it ready to be applied.
    ///
    /// # Errors
    /// As [`Lookup::places`].
    pub(crate) fn load(&mut self, csv: &Csv) -> Result<(), String> {
        let (on, output) = self.places(&csv.fields)?;
        let cells = |row: &[String], at: &[usize]| at.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
        let mut rows = HashMap::with_capacity(csv.rows.len());
        for row in &csv.rows {
            rows.entry(cells(row, &on)).or_insert_with(|| cells(row, &output));
        }
        self.rows = rows;
        Ok(())
    }

    pub(super) fn apply(&self, record: &mut Record, at: &Moment) {
        let key: Option<Vec<String>> =
            self.on.iter().map(|(_, expr)| eval(expr, record, at).text()).collect();
        let Some(row) = key.and_then(|key| self.rows.get(&key)) else { return };
        for (name, cell) in self.output.iter().zip(row) {
            record.set(name, Value::Text(cell.clone()));
        }
    }
}

/// A table with the names of its columns. All rows are as long as the header.
#[derive(Debug, PartialEq)]
pub(crate) struct Csv {
    pub(crate) fields: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Columns of one table.
const FIELDS_MAX: usize = 1000;

impl Csv {
    /// Reads CSV as RFC 4180 has it: quoted cells may hold commas, quotes (doubled) and ends of lines.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Csv, String> {
        let mut rows = cells(text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
        let fields = rows.next().ok_or("the table has no header row")?;
        if fields.iter().any(|field| field.trim().is_empty()) {
            return Err("a column has no name".to_owned());
        }
        if fields.len() > FIELDS_MAX {
            return Err(format!("the table has more than {FIELDS_MAX} columns"));
        }
        let mut names = std::collections::HashSet::new();
        if let Some(twice) = fields.iter().find(|field| !names.insert(field.as_str())) {
            return Err(format!("the column {twice} is there twice"));
        }
        let rows: Vec<Vec<String>> = rows.collect();
        if let Some(at) = rows.iter().position(|row| row.len() != fields.len()) {
            return Err(format!("row {} does not have {} cells", at + 2, fields.len()));
        }
        Ok(Csv { fields, rows })
    }

    /// Results of a query as a table: every field that any row has, in the order in which they come.
    pub(crate) fn of_results(results: &[Vec<(String, String)>]) -> String {
        let mut fields: Vec<&str> = Vec::new();
        for (name, _) in results.iter().flatten() {
            if name != "@ptr" && !fields.contains(&name.as_str()) {
                fields.push(name);
            }
        }
        let mut out = line(fields.iter().copied());
        for row in results {
            let cell = |field: &&str| {
                row.iter().find(|(name, _)| name == *field).map_or("", |(_, value)| value.as_str())
            };
            out.push_str(&line(fields.iter().map(cell)));
        }
        out
    }
}

fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let quoted = |cell: &str| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    let mut out = cells.map(quoted).collect::<Vec<_>>().join(",");
    out.push('\n');
    out
}

/// The cells of a line of CSV; of one that is none, what is between its commas.
pub(super) fn split_csv(text: &str) -> Vec<String> {
    let rows = cells(text).ok().and_then(|rows| rows.into_iter().next());
    rows.unwrap_or_else(|| text.split(',').map(str::to_owned).collect())
}

fn cells(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => {
                quoted = false;
                if !matches!(chars.peek(), None | Some(',' | '\n' | '\r')) {
                    return Err("a quoted cell goes on behind its quote".to_owned());
                }
            }
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                let row = std::mem::take(&mut row);
                // An empty line is no row.
                if row.len() > 1 || !row[0].is_empty() {
                    rows.push(row);
                }
            }
            c => cell.push(c),
        }
    }
    if quoted {
        return Err("a quoted cell does not end".to_owned());
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tables_are_read() {
        let csv = Csv::parse("id,name\r\n1,\"Ann, \"\"A\"\"\"\n\n2,Bob").unwrap();
        assert_eq!(csv.fields, ["id", "name"]);
        assert_eq!(csv.rows, [["1", "Ann, \"A\""], ["2", "Bob"]]);
        for bad in ["", "\n", "a,a\n1,2", "a,\n1,2", "a,b\n1", "a\n\"1", "a\n\"1\"2"] {
            assert!(Csv::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(("[a-z,\"\n]{1,5}", "\\PC{0,5}"), 1..10)) {
            let results: Vec<Vec<(String, String)>> =
                rows.iter().map(|(a, b)| vec![("a".to_owned(), a.clone()), ("b c".to_owned(), b.clone())]).collect();
            let read = Csv::parse(&Csv::of_results(&results)).unwrap();
            let expected: Vec<Vec<String>> = rows.into_iter().map(|(a, b)| vec![a, b]).collect();
            prop_assert_eq!(read.rows, expected);
        }

        #[test]
        fn nothing_panics(text in "[a\"\n\r,]{0,40}") {
            let _ = Csv::parse(&text);
        }
    }
}
