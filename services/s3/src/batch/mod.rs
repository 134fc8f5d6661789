//! Batch jobs: how a list of objects is read, and what a report says. [`crate::tasks`] runs them.
//!
//! Source: S3 User Guide, "Performing object operations in bulk with Batch Operations".

use haneul_kit::Result;
use percent_encoding::percent_decode_str;

use crate::error;

/// One object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

pub(crate) const REPORT_SCHEMA: &str =
    "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage";

/// Reads rows with the columns `fields`; those that are not `Bucket`, `Key` or `VersionId` are passed over.
pub(crate) fn items(text: &str, fields: &[String]) -> Result<Vec<Item>> {
    let at = |name: &str| fields.iter().position(|field| field.trim() == name);
    let (Some(bucket), Some(key)) = (at("Bucket"), at("Key")) else {
        return Err(error::invalid_request("The manifest has no columns Bucket and Key"));
    };
    let version = at("VersionId");
    let mut items = Vec::new();
    for row in rows(text) {
        let cell = |i: usize| row.get(i).map(String::as_str).unwrap_or_default();
        let decoded = percent_decode_str(cell(key)).decode_utf8_lossy().into_owned();
        if cell(bucket).is_empty() || decoded.is_empty() {
            return Err(error::invalid_request(format!(
                "Line {} of the manifest is malformed",
                items.len() + 1
            )));
        }
        let version = version.map(cell).filter(|version| !version.is_empty());
        items.push(Item {
            bucket: cell(bucket).to_owned(),
            key: decoded,
            version: version.map(str::to_owned),
        });
    }
    Ok(items)
}

/// Rows of a CSV, cells perhaps in quotes (RFC 4180); empty lines are no rows.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                if !row.is_empty() || !cell.is_empty() {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
            }
            c => cell.push(c),
        }
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// A row of a report.
pub(crate) fn report_row(item: &Item, failed: Option<&haneul_kit::ApiError>) -> String {
    let key =
        percent_encoding::utf8_percent_encode(&item.key, percent_encoding::NON_ALPHANUMERIC).to_string();
    let status =
        failed.map(|error| error.status().unwrap_or(400).to_string()).unwrap_or_else(|| "200".into());
    let cells = [
        item.bucket.clone(),
        key,
        item.version.clone().unwrap_or_default(),
        if failed.is_some() { "failed" } else { "succeeded" }.to_owned(),
        failed.map(|error| error.code().to_owned()).unwrap_or_default(),
        status,
        failed.map_or("Successful".to_owned(), |error| error.message().replace(['\n', '"'], " ")),
    ];
    let cells = cells.map(|cell| if cell.contains(',') { format!("\"{cell}\"") } else { cell });
    format!("{}\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let fields = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let item = |key: &str, version: Option<&str>| Item {
            bucket: "b".into(),
            key: key.into(),
            version: version.map(str::to_owned),
        };
        let two = fields(&["Bucket", "Key"]);
        let three = fields(&["Bucket", "Key", "VersionId"]);
        for (text, fields, expected) in [
            ("b,k\nb,a%20b\r\n\n", &two, vec![item("k", None), item("a b", None)]),
            ("\"b\",\"a,\"\"b\"", &two, vec![item("a,\"b", None)]),
            ("b,k,v\nb,l,\n", &three, vec![item("k", Some("v")), item("l", None)]),
            ("", &two, vec![]),
        ] {
            assert_eq!(items(text, fields).unwrap(), expected, "{text}");
        }
        assert!(items("b\n", &two).is_err());
        assert!(items("b,k", &fields(&["Key"])).is_err());
    }
}
