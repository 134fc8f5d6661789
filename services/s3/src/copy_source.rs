//! The `x-amz-copy-source` header.

use haneul_kit::Result;
use percent_encoding::percent_decode_str;

use crate::{error, names};

/// Where a copy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopySource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
}

impl CopySource {
    /// Reads `/bucket/key?versionId=id`, percent-encoded, the slash in front optional.
    pub(crate) fn parse(header: &str) -> Result<CopySource> {
        let invalid = |message: &str| error::invalid_argument(message, "x-amz-copy-source", header);
        let no_key = || invalid("Invalid copy source object key");
        if header.starts_with("arn:") {
            return Err(error::not_implemented("A copy source given as an access point"));
        }
        // The query is told apart before decoding, so that a key may hold a question mark.
        let (path, query) = match header.split_once("?versionId=") {
            Some((path, id)) => (path, Some(id)),
            None => (header, None),
        };
        if query.is_some_and(str::is_empty) {
            return Err(error::empty_version_id());
        }
        let path = percent_decode_str(path).decode_utf8().map_err(|_| no_key())?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(invalid("Invalid copy source bucket name"));
        }
        if key.is_empty() {
            return Err(no_key());
        }
        names::check_key(key)?;
        Ok(CopySource {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: query.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let parsed = |header: &str| {
            CopySource::parse(header)
                .map(|s| (s.bucket, s.key, s.version_id))
                .map_err(|e| e.code().to_owned())
        };
        let ok = |bucket: &str, key: &str, version: Option<&str>| {
            Ok((bucket.to_owned(), key.to_owned(), version.map(str::to_owned)))
        };
        for (header, expected) in [
            ("b/k", ok("b", "k", None)),
            ("/b/k", ok("b", "k", None)),
            ("b/a/b/c", ok("b", "a/b/c", None)),
            ("b//k", ok("b", "/k", None)),
            ("b/a%20b%2Fc", ok("b", "a b/c", None)),
            ("b/a+b", ok("b", "a+b", None)),
            ("b/%ED%82%A4", ok("b", "키", None)),
            ("b/k?versionId=v1", ok("b", "k", Some("v1"))),
            ("b/k%3FversionId=v1", ok("b", "k?versionId=v1", None)),
            ("b/k?x=1", ok("b", "k?x=1", None)),
            ("b%2Fk", ok("b", "k", None)),
            ("b", Err("InvalidArgument".into())),
            ("/b/", Err("InvalidArgument".into())),
            ("", Err("InvalidArgument".into())),
            ("b/k?versionId=", Err("InvalidArgument".into())),
            ("b/%FF", Err("InvalidArgument".into())),
            ("arn:aws:s3:us-east-1:0:accesspoint/x/object/k", Err("NotImplemented".into())),
        ] {
            assert_eq!(parsed(header), expected, "{header}");
        }
    }

    #[test]
    fn which_half_is_missing() {
        let (bucket, key) = ("Invalid copy source bucket name", "Invalid copy source object key");
        for (header, expected) in [
            ("", bucket),
            ("/", bucket),
            ("//k", bucket),
            ("b", key),
            ("b/", key),
            ("/b/", key),
            ("b/k?versionId=", "Version id cannot be the empty string"),
        ] {
            assert_eq!(CopySource::parse(header).unwrap_err().message(), expected, "{header}");
        }
    }
}
