/// A value of a row, of a top-level column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of an optional column.
    Null,
    Boolean(bool),
    Int(i32),
    Long(i64),
    String(String),
    Binary(Vec<u8>),
    /// Microseconds since the epoch; of both types of timestamps.
    Timestamp(i64),
    /// Of a map from string to string, written in this order. Keys are unique.
    Map(Vec<(String, String)>),
}

impl Value {
    /// Null of what is not there.
    pub fn text(text: Option<impl Into<String>>) -> Value {
        text.map_or(Value::Null, |text| Value::String(text.into()))
    }
}
