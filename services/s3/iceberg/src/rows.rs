//! The rows of data files that this crate wrote, for small files to become a large one, or one without some rows.

use haneul_s3_select::parquet::{Next, Reader};
use haneul_s3_select::value::Value as Read;
use haneul_s3_select::{SelectError, timestamp::Timestamp};

use crate::error::{Error, Result, invalid, unsupported};
use crate::schema::{Field, Schema, Type};
use crate::value::Value;

/// Gives each row of a Parquet file to `take`, with a value for each column of the schema: null of a column that the file does
/// not have, and that may be null. Columns are found by name. A row has 1 MiB at most, as for S3 Select.
///
/// It reads boolean, int, long, string, timestamp, timestamptz, and maps from string to string.
pub fn read_rows(schema: &Schema, file: &[u8], mut take: impl FnMut(Vec<Value>) -> Result<()>) -> Result<()> {
    let size = file.len() as u64;
    let mut reader = Reader::new(size, 0..size);
    loop {
        match reader.go_on().map_err(broken)? {
            Next::Row => {
                let Read::Struct(members) = reader.record() else { return Err(invalid("a row is no row")) };
                take(row(&schema.fields, members)?)?;
            }
            Next::Wants(range) => {
                let bytes = file.get(range.start as usize..range.end as usize);
                let bytes = bytes.ok_or_else(|| invalid("a data file ends early"))?;
                reader.give(bytes).map_err(broken)?;
            }
            Next::Schema => reader.choose(None).map_err(broken)?,
            Next::Over => return Ok(()),
        }
    }
}

fn broken(error: SelectError) -> Error {
    invalid(format!("a data file: {}", error.message))
}

/// Members are in the order of the file, which mostly is that of the schema.
fn row(fields: &[Field], members: &[(String, Read)]) -> Result<Vec<Value>> {
    let each = fields.iter().enumerate().map(|(at, field)| {
        let has_name = |member: &&(String, Read)| member.0 == field.name;
        let member = members.get(at).filter(has_name).or_else(|| members.iter().find(has_name));
        match member.map_or(&Read::Null, |(_, value)| value) {
            Read::Null | Read::Missing if !field.required => Ok(Value::Null),
            found => value(&field.kind, found)?
                .ok_or_else(|| invalid(format!("a data file: {} is of another type", field.name))),
        }
    });
    each.collect()
}

fn value(kind: &Type, read: &Read) -> Result<Option<Value>> {
    Ok(match (kind, read) {
        (Type::Boolean, Read::Bool(is)) => Some(Value::Boolean(*is)),
        (Type::Int, Read::Int(number)) => i32::try_from(*number).ok().map(Value::Int),
        (Type::Long, Read::Int(number)) => Some(Value::Long(*number)),
        (Type::String, Read::Text(text)) => Some(Value::String(text.clone())),
        (Type::Timestamp | Type::Timestamptz, Read::Timestamp(at)) => micros(at).map(Value::Timestamp),
        (Type::Map { .. }, Read::Struct(members)) => {
            let entries = members.iter().map(|(key, value)| match value {
                Read::Text(value) => Some((key.clone(), value.clone())),
                _ => None,
            });
            entries.collect::<Option<Vec<_>>>().map(Value::Map)
        }
        (
            Type::Boolean
            | Type::Int
            | Type::Long
            | Type::String
            | Type::Timestamp
            | Type::Timestamptz
            | Type::Map { .. },
            _,
        ) => None,
        (other, _) => return Err(unsupported(format!("reading {other:?}"))),
    })
}

fn micros(at: &Timestamp) -> Option<i64> {
    at.secs.checked_mul(1_000_000)?.checked_add(i64::from(at.nanos / 1000))
}
