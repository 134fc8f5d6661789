use std::fmt;

/// Why an expression cannot be carried out, by S3's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectError {
    pub code: &'static str,
    pub message: String,
}

pub type Result<T, E = SelectError> = std::result::Result<T, E>;

impl SelectError {
    pub fn new(code: &'static str, message: impl Into<String>) -> SelectError {
        SelectError { code, message: message.into() }
    }
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for SelectError {}

pub(crate) fn unexpected_token(at: usize) -> SelectError {
    SelectError::new(
        "ParseUnexpectedToken",
        format!("The SQL expression contains an unexpected token at position {at}."),
    )
}

pub(crate) fn invalid_type(what: &str) -> SelectError {
    SelectError::new("InvalidDataType", format!("The SQL expression contains an invalid data type: {what}."))
}

pub(crate) fn invalid_arguments(function: &str) -> SelectError {
    SelectError::new(
        "EvaluatorInvalidArguments",
        format!(
            "Incorrect number or type of arguments in the function call {function} in the SQL expression."
        ),
    )
}

pub(crate) fn cast_failed() -> SelectError {
    let message = "Attempt to convert from one data type to another using CAST failed in the SQL expression.";
    SelectError::new("CastFailed", message)
}

pub(crate) fn overflow() -> SelectError {
    SelectError::new("IntegerOverflow", "Int overflow or underflow in the SQL expression.")
}
