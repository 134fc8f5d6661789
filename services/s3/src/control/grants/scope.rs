//! Paths of data: `s3://`, `s3://bucket`, `s3://bucket/prefix*`, `s3://bucket/key`.

use haneul_kit::{ApiError, Result};

use crate::model::grant::Grant;
use crate::{error, names};

pub(crate) const SCHEME: &str = "s3://";
/// Of a path, in characters (`S3Prefix`).
const LENGTH_MAX: usize = 2000;

/// A bucket, with all keys that begin with `key` or that key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) is_prefix: bool,
}

impl Scope {
    /// Reads a path to data. With `object`, it is the path of an object, whatever it ends in; else a `*` at the end stands
    /// for all keys that begin so, and a path without it is of that one key (S3 User Guide, "Request access to Amazon S3
    /// data through S3 Access Grants"), but for a bucket's.
    pub(crate) fn parse(path: &str, object: bool) -> Option<Scope> {
        let rest = after_scheme(path)?;
        let (bucket, key) = match rest.split_once('/') {
            Some((bucket, key)) => (bucket, key),
            None if object => return None,
            None => (rest, "*"),
        };
        names::check_bucket_name(bucket).ok()?;
        let (key, is_prefix) = match key.strip_suffix('*').filter(|_| !object) {
            Some(key) => (key, true),
            // Nothing after the bucket is all of it.
            None => (key, key.is_empty()),
        };
        let fits = key.len() <= names::KEY_BYTES_MAX && !key.contains('\n') && !(object && key.is_empty());
        fits.then(|| Scope { bucket: bucket.to_owned(), key: key.to_owned(), is_prefix })
    }

    pub(crate) fn is_within(&self, grant: &Grant) -> bool {
        self.bucket == grant.bucket
            && if grant.is_prefix {
                self.key.starts_with(&grant.key)
            } else {
                !self.is_prefix && self.key == grant.key
            }
    }
}

impl From<&Grant> for Scope {
    fn from(grant: &Grant) -> Scope {
        Scope { bucket: grant.bucket.clone(), key: grant.key.clone(), is_prefix: grant.is_prefix }
    }
}

/// What follows `s3://`, which the documentation writes in capitals too.
fn after_scheme(path: &str) -> Option<&str> {
    let begin = path.get(..SCHEME.len())?;
    begin.eq_ignore_ascii_case(SCHEME).then(|| &path[SCHEME.len()..])
}

/// The scope of a location as it is kept; `None` for what is none.
pub(crate) fn of_location(path: &str) -> Option<String> {
    let rest = after_scheme(path)?;
    if !rest.is_empty() {
        Scope::parse(path, false)?;
    }
    Some(format!("{SCHEME}{rest}"))
}

/// The path of a grant: what is given after the location's, and what that means.
pub(crate) fn of_grant(location: &str, sub_prefix: Option<&str>, object: bool) -> Result<(String, Scope)> {
    let base = location.strip_suffix('*').unwrap_or(location);
    let whole_bucket = !base[SCHEME.len()..].contains('/');
    let path = match sub_prefix.filter(|sub| !sub.is_empty()) {
        // All of the location, which is a prefix with or without its wildcard.
        None if location == SCHEME || object => return Err(invalid_grant()),
        None => {
            let path = if location.ends_with('*') || whole_bucket {
                location.to_owned()
            } else {
                format!("{location}*")
            };
            let scope = Scope::parse(&path, false).ok_or_else(invalid_grant)?;
            return Ok((location.to_owned(), scope));
        }
        Some(sub) if base != SCHEME && whole_bucket && !sub.starts_with('/') => format!("{base}/{sub}"),
        Some(sub) => format!("{base}{sub}"),
    };
    if path.chars().count() > LENGTH_MAX {
        return Err(invalid_grant());
    }
    let scope = Scope::parse(&path, object).ok_or_else(invalid_grant)?;
    Ok((path, scope))
}

fn invalid_grant() -> ApiError {
    error::new("InvalidAccessGrant", 400, "The specified Access Grant is invalid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grant::GrantPermission;

    fn scope(bucket: &str, key: &str, is_prefix: bool) -> Option<Scope> {
        Some(Scope { bucket: bucket.into(), key: key.into(), is_prefix })
    }

    #[test]
    fn paths() {
        for (path, object, expected) in [
            ("s3://bkt", false, scope("bkt", "", true)),
            ("s3://bkt/", false, scope("bkt", "", true)),
            ("S3://bkt/*", false, scope("bkt", "", true)),
            ("s3://bkt/a*", false, scope("bkt", "a", true)),
            ("s3://bkt/a/*/b*", false, scope("bkt", "a/*/b", true)),
            ("s3://bkt/a", false, scope("bkt", "a", false)),
            ("s3://bkt/a*", true, scope("bkt", "a*", false)),
            ("s3://bkt/하늘", true, scope("bkt", "하늘", false)),
            ("s3://bkt/", true, None),
            ("s3://bkt", true, None),
            ("s3://", false, None),
            ("s3:/", false, None),
            ("", false, None),
            ("하늘하늘", false, None),
            ("s3://bkt*", false, None),
            ("s3://*", false, None),
            ("s3://b*t/a", false, None),
            ("s3://../a", false, None),
            ("http://bkt/a", false, None),
            ("s3://bkt/a\nb", false, None),
        ] {
            assert_eq!(Scope::parse(path, object), expected, "{path}");
        }
    }

    #[test]
    fn scopes_of_grants() {
        for (location, sub, object, expected) in [
            ("s3://", Some("bkt/*"), false, Some(("s3://bkt/*", scope("bkt", "", true)))),
            ("s3://", Some("bkt/a*"), false, Some(("s3://bkt/a*", scope("bkt", "a", true)))),
            ("s3://", Some("bkt/a"), true, Some(("s3://bkt/a", scope("bkt", "a", false)))),
            ("s3://", Some("bkt*"), false, None),
            ("s3://", Some("*"), false, None),
            ("s3://", None, false, None),
            ("s3://bkt", None, false, Some(("s3://bkt", scope("bkt", "", true)))),
            ("s3://bkt", Some("a/*"), false, Some(("s3://bkt/a/*", scope("bkt", "a/", true)))),
            ("s3://bkt/*", Some("a/*"), false, Some(("s3://bkt/a/*", scope("bkt", "a/", true)))),
            ("s3://bkt/a", None, false, Some(("s3://bkt/a", scope("bkt", "a", true)))),
            ("s3://bkt/a*", None, true, None),
            ("s3://bkt/a/*", Some("b"), true, Some(("s3://bkt/a/b", scope("bkt", "a/b", false)))),
            ("s3://bkt/a*", Some("b*"), false, Some(("s3://bkt/ab*", scope("bkt", "ab", true)))),
        ] {
            let made = of_grant(location, sub, object).ok();
            let expected = expected.map(|(path, scope)| (path.to_owned(), scope.unwrap()));
            assert_eq!(made, expected, "{location} {sub:?}");
        }
    }

    #[test]
    fn what_is_within() {
        for (granted, object, target, within) in [
            ("s3://bkt/bob/*", false, "s3://bkt/bob/*", true),
            ("s3://bkt/bob/*", false, "s3://bkt/bob/", true),
            ("s3://bkt/bob/*", false, "s3://bkt/bob/x/y", true),
            ("s3://bkt/bob/*", false, "s3://bkt/bo*", false),
            ("s3://bkt/bob/*", false, "s3://bkt", false),
            ("s3://bkt/bob/*", false, "s3://bkt2/bob/x", false),
            ("s3://bkt/bob/../*", false, "s3://bkt/bob/x", false),
            ("s3://bkt/*", false, "s3://bkt", true),
            ("s3://bkt/x", true, "s3://bkt/x", true),
            ("s3://bkt/x", true, "s3://bkt/x*", false),
            ("s3://bkt/x", true, "s3://bkt/xy", false),
        ] {
            let scope = Scope::parse(granted, object).unwrap();
            let grant = Grant {
                created_ms: 0,
                location: String::new(),
                sub_prefix: None,
                grantee: String::new(),
                permission: GrantPermission::Read,
                scope: String::new(),
                bucket: scope.bucket,
                key: scope.key,
                is_prefix: scope.is_prefix,
                tags: Default::default(),
            };
            assert_eq!(Scope::parse(target, false).unwrap().is_within(&grant), within, "{granted} {target}");
        }
    }
}
