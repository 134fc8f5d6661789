//! What a SelectObjectContent asks for, read and checked.
//!
//! Source: S3 API Reference, "SelectObjectContent" and "List of SELECT Object Content Error Codes".

use haneul_kit::{ApiError, Result};
use haneul_s3_select::{Compression, CsvInput, CsvOutput, Header, Input, JsonType, Output};
use haneul_s3_wire::shapes as s;

use crate::error;
use crate::range::Span;

pub(crate) struct Asked {
    pub(crate) input: Input,
    pub(crate) compression: Compression,
    pub(crate) output: Output,
    pub(crate) range: Option<ScanRange>,
}

/// Which records are read: those that begin in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanRange {
    From(u64),
    Within(u64, u64),
    /// The last so many bytes.
    Last(u64),
}

impl ScanRange {
    pub(crate) fn of(self, size: u64) -> Result<Span> {
        let (start, end) = match self {
            ScanRange::From(start) => (start, size),
            ScanRange::Within(start, end) => (start, end.saturating_add(1).min(size)),
            ScanRange::Last(bytes) => (size.saturating_sub(bytes), size),
        };
        if start > end || (start >= size && size > 0) {
            return Err(invalid_range());
        }
        Ok(Span { start, end })
    }
}

fn invalid_range() -> ApiError {
    error::new("InvalidScanRange", 400, "The value of the scan range is invalid.")
}

fn missing() -> ApiError {
    let message = "The SelectRequest entity is missing a required parameter. Check the service documentation and try again.";
    error::new("MissingRequiredParameter", 400, message)
}

fn parameter(what: &str) -> ApiError {
    let message = format!(
        "The value of a parameter in the SelectRequest element is invalid: {what}. Check the service API documentation and try again."
    );
    error::new("InvalidRequestParameter", 400, message)
}

pub(crate) fn read(asked: &s::SelectObjectContentRequest) -> Result<Asked> {
    if asked.expression_type != "SQL" {
        let message = "The ExpressionType is invalid. Only SQL expressions are supported at this time.";
        return Err(error::new("InvalidExpressionType", 400, message));
    }
    let given = &asked.input_serialization;
    let compression = match given.compression_type.as_deref() {
        None | Some("NONE" | "") => Compression::None,
        Some("GZIP") => Compression::Gzip,
        Some("BZIP2") => Compression::Bzip2,
        Some(_) => {
            let message = "The file is not in a supported compression format. Only GZIP and BZIP2 are supported at this time.";
            return Err(error::new("InvalidCompressionFormat", 400, message));
        }
    };
    let input = match (&given.csv, &given.json, &given.parquet) {
        (Some(csv), None, None) => Input::Csv(csv_input(csv)?),
        (None, Some(json), None) => Input::Json(match json.r#type.as_deref() {
            Some("DOCUMENT") => JsonType::Document,
            Some("LINES") => JsonType::Lines,
            None => return Err(missing()),
            Some(_) => {
                let message = "The JsonType is invalid. Only DOCUMENT and LINES are supported.";
                return Err(error::new("InvalidJsonType", 400, message));
            }
        }),
        (None, None, Some(_)) if compression != Compression::None => {
            let message = "The file is not in a supported compression format. Parquet is compressed by column, not as a whole.";
            return Err(error::new("InvalidCompressionFormat", 400, message));
        }
        (None, None, Some(_)) => Input::Parquet,
        (None, None, None) => return Err(missing()),
        _ => {
            let message = "The SelectRequest can only specify one data format in InputSerialization.";
            return Err(error::new("ObjectSerializationConflict", 400, message));
        }
    };
    let given = &asked.output_serialization;
    let output = match (&given.csv, &given.json) {
        (Some(csv), None) => Output::Csv(csv_output(csv)?),
        (None, Some(json)) => Output::Json(json.record_delimiter.clone().unwrap_or_else(|| "\n".to_owned())),
        (None, None) => return Err(missing()),
        (Some(_), Some(_)) => {
            let message = "The SelectRequest can only specify one data format in OutputSerialization.";
            return Err(error::new("ObjectSerializationConflict", 400, message));
        }
    };
    let range = asked.scan_range.as_ref().map(scan_range).transpose()?;
    let whole_only = match &input {
        Input::Csv(csv) => csv.quoted_delimiters,
        Input::Json(kind) => *kind == JsonType::Document,
        Input::Parquet => false,
    };
    if range.is_some() && (whole_only || compression != Compression::None) {
        let message = "Scan range queries are not supported on this type of object.";
        return Err(error::new("UnsupportedScanRangeInput", 400, message));
    }
    Ok(Asked { input, compression, output, range })
}

fn scan_range(given: &s::ScanRange) -> Result<ScanRange> {
    let bound =
        |value: Option<i64>| value.map(|value| u64::try_from(value).map_err(|_| invalid_range())).transpose();
    match (bound(given.start)?, bound(given.end)?) {
        (None, None) => Err(missing()),
        (Some(start), None) => Ok(ScanRange::From(start)),
        (Some(start), Some(end)) if start <= end => Ok(ScanRange::Within(start, end)),
        (Some(_), Some(_)) => Err(invalid_range()),
        (None, Some(end)) => Ok(ScanRange::Last(end)),
    }
}

/// One character of ASCII, or none at all.
fn character(given: &Option<String>, default: u8, what: &str) -> Result<Option<u8>> {
    match given.as_deref().map(str::as_bytes) {
        None => Ok(Some(default)),
        Some([]) => Ok(None),
        Some([one]) if one.is_ascii() => Ok(Some(*one)),
        Some(_) => Err(parameter(what)),
    }
}

fn delimiter(given: &Option<String>, what: &str) -> Result<Option<String>> {
    match given {
        None => Ok(None),
        Some(text) if (1..=2).contains(&text.chars().count()) => Ok(Some(text.clone())),
        Some(_) => Err(parameter(what)),
    }
}

fn csv_input(given: &s::CSVInput) -> Result<CsvInput> {
    let header = match given.file_header_info.as_deref() {
        None | Some("NONE" | "") => Header::None,
        Some("USE") => Header::Use,
        Some("IGNORE") => Header::Ignore,
        Some(_) => {
            let message = "The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are supported.";
            return Err(error::new("InvalidFileHeaderInfo", 400, message));
        }
    };
    let record = delimiter(&given.record_delimiter, "RecordDelimiter")?;
    let field = delimiter(&given.field_delimiter, "FieldDelimiter")?.unwrap_or_else(|| ",".to_owned());
    Ok(CsvInput {
        header,
        comments: character(&given.comments, b'#', "Comments")?,
        quote: character(&given.quote_character, b'"', "QuoteCharacter")?,
        escape: character(&given.quote_escape_character, b'"', "QuoteEscapeCharacter")?,
        // A line feed takes the carriage return before it along.
        record_delimiter: record.filter(|text| text != "\n").map(String::into_bytes),
        field_delimiter: field.into_bytes(),
        quoted_delimiters: given.allow_quoted_record_delimiter == Some(true),
    })
}

fn csv_output(given: &s::CSVOutput) -> Result<CsvOutput> {
    let quote_always = match given.quote_fields.as_deref() {
        None | Some("ASNEEDED" | "") => false,
        Some("ALWAYS") => true,
        Some(_) => {
            let message = "The QuoteFields is invalid. Only ALWAYS and ASNEEDED are supported.";
            return Err(error::new("InvalidQuoteFields", 400, message));
        }
    };
    let one = |given: &Option<String>, what: &str| {
        let mut characters = given.as_deref().unwrap_or("\"").chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Ok('"'),
            _ => Err(parameter(what)),
        }
    };
    Ok(CsvOutput {
        quote_always,
        quote: one(&given.quote_character, "QuoteCharacter")?,
        escape: one(&given.quote_escape_character, "QuoteEscapeCharacter")?,
        record_delimiter: given.record_delimiter.clone().unwrap_or_else(|| "\n".to_owned()),
        field_delimiter: given.field_delimiter.clone().unwrap_or_else(|| ",".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let of = |range: ScanRange, size| range.of(size).map(|span| (span.start, span.end)).map_err(drop);
        assert_eq!(of(ScanRange::From(5), 10), Ok((5, 10)));
        assert_eq!(of(ScanRange::Within(5, 7), 10), Ok((5, 8)));
        assert_eq!(of(ScanRange::Within(5, 70), 10), Ok((5, 10)));
        assert_eq!(of(ScanRange::Last(4), 10), Ok((6, 10)));
        assert_eq!(of(ScanRange::Last(40), 10), Ok((0, 10)));
        assert_eq!(of(ScanRange::From(10), 10), Err(()));
        assert_eq!(of(ScanRange::From(0), 0), Ok((0, 0)));
    }
}
