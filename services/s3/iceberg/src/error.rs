use std::fmt;

/// Why a table cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// What was read is not what the specification says.
    Invalid(String),
    /// Something is above a limit of this crate; says which.
    TooLarge(&'static str),
    /// The specification allows it, this crate does not do it.
    Unsupported(String),
    /// Locations of objects that are needed beside those at hand.
    Missing(Vec<String>),
    /// The location of a data file that was to be removed, and that the table does not have: somebody else removed it.
    NoSuchFile(String),
    /// A row does not fit the schema.
    Row(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(what) => write!(f, "not a valid Iceberg table: {what}"),
            Error::TooLarge(what) => write!(f, "above a limit: {what}"),
            Error::Unsupported(what) => write!(f, "not supported: {what}"),
            Error::Missing(locations) => write!(f, "objects are missing: {}", locations.join(", ")),
            Error::NoSuchFile(location) => write!(f, "the table has no data file {location}"),
            Error::Row(what) => write!(f, "a row does not fit the schema: {what}"),
        }
    }
}

impl std::error::Error for Error {}

pub(crate) fn invalid(what: impl Into<String>) -> Error {
    Error::Invalid(what.into())
}

pub(crate) fn unsupported(what: impl Into<String>) -> Error {
    Error::Unsupported(what.into())
}
