//! Conditional requests: `If-Match` and its kin (RFC 9110, section 13), for reads, copies, writes and deletes.

use haneul_kit::{Instant, Result};

use crate::error;

/// The conditions of a read, or of the source of a copy.
#[derive(Clone, Copy, Default)]
pub(crate) struct ReadConditions<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_modified_since: Option<Instant>,
    pub(crate) if_unmodified_since: Option<Instant>,
}

/// What the conditions say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    NotModified,
    /// The header that did not hold.
    Failed(&'static str),
}

impl ReadConditions<'_> {
    /// `etag` has no quotes. Dates have whole seconds, as in HTTP.
    ///
    /// An entity tag outweighs a date: `If-Match` that holds makes `If-Unmodified-Since` moot, and `If-None-Match`
    /// that does not hold answers 304 whatever `If-Modified-Since` says (GetObject, "Additional considerations").
    pub(crate) fn judge(&self, etag: &str, modified: Instant) -> Verdict {
        match self.if_match {
            Some(tags) if !matches(tags, etag) => return Verdict::Failed("If-Match"),
            Some(_) => {}
            None => {
                if self.if_unmodified_since.is_some_and(|at| modified.secs() > at.secs()) {
                    return Verdict::Failed("If-Unmodified-Since");
                }
            }
        }
        match self.if_none_match {
            Some(tags) if matches(tags, etag) => Verdict::NotModified,
            Some(_) => Verdict::Proceed,
            None if self.if_modified_since.is_some_and(|at| modified.secs() <= at.secs()) => {
                Verdict::NotModified
            }
            None => Verdict::Proceed,
        }
    }
}

/// The conditions of a write or a delete.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteConditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
}

impl WriteConditions {
    /// S3 takes only `If-None-Match: *` for writes, and not both headers at once.
    pub(crate) fn new(if_match: Option<String>, if_none_match: Option<String>) -> Result<WriteConditions> {
        if if_none_match.as_deref().is_some_and(|tag| tag.trim() != "*") {
            return Err(error::not_implemented_header("If-None-Match"));
        }
        if if_match.is_some() && if_none_match.is_some() {
            return Err(error::not_implemented_header("If-Match"));
        }
        Ok(WriteConditions { if_match, if_none_match })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// `current` is the ETag, without quotes, of what is there; a delete marker is nothing.
    pub(crate) fn check(&self, key: &str, current: Option<&str>) -> Result<()> {
        if self.if_none_match.is_some() && current.is_some() {
            return Err(error::precondition_failed("If-None-Match"));
        }
        match (&self.if_match, current) {
            (Some(_), None) => Err(error::no_such_key(key)),
            (Some(tags), Some(etag)) if !matches(tags, etag) => Err(error::precondition_failed("If-Match")),
            _ => Ok(()),
        }
    }
}

/// Whether a list of entity tags, quoted or not, weak or not, or `*`, has this one.
pub(crate) fn matches(tags: &str, etag: &str) -> bool {
    tags.split(',').any(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_on_reads() {
        let (same, other) = (Some("\"e\""), Some("\"x\""));
        let at = |secs| Some(Instant::from_secs(secs));
        let proceed = Verdict::Proceed;
        let modified = Verdict::NotModified;
        let failed = Verdict::Failed;
        // The object: etag e, modified at 100. If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.
        for (i, (im, inm, ims, ius, expected)) in [
            (None, None, None, None, proceed),
            (same, None, None, None, proceed),
            (other, None, None, None, failed("If-Match")),
            (Some("*"), None, None, None, proceed),
            (Some("e"), None, None, None, proceed),
            (Some("\"x\", \"e\""), None, None, None, proceed),
            (Some("W/\"e\""), None, None, None, proceed),
            (None, same, None, None, modified),
            (None, Some("*"), None, None, modified),
            (None, other, None, None, proceed),
            (None, None, at(99), None, proceed),
            (None, None, at(100), None, modified),
            (None, None, at(101), None, modified),
            (None, None, None, at(99), failed("If-Unmodified-Since")),
            (None, None, None, at(100), proceed),
            // The tag outweighs the date.
            (same, None, None, at(99), proceed),
            (None, same, at(99), None, modified),
            (None, other, at(101), None, proceed),
            (other, same, None, None, failed("If-Match")),
            (same, same, None, None, modified),
            (None, same, None, at(99), failed("If-Unmodified-Since")),
        ]
        .into_iter()
        .enumerate()
        {
            let conditions = ReadConditions {
                if_match: im,
                if_none_match: inm,
                if_modified_since: ims,
                if_unmodified_since: ius,
            };
            assert_eq!(conditions.judge("e", Instant::from_millis(100_400)), expected, "case {i}");
        }
    }

    #[test]
    fn writes() {
        let code = |im: Option<&str>, inm: Option<&str>, current: Option<&str>| {
            WriteConditions::new(im.map(str::to_owned), inm.map(str::to_owned))
                .and_then(|conditions| conditions.check("k", current))
                .map_or_else(|error| error.code().to_owned(), |()| "ok".to_owned())
        };
        for (im, inm, current, expected) in [
            (None, None, None, "ok"),
            (None, None, Some("e"), "ok"),
            (None, Some("*"), None, "ok"),
            (None, Some("*"), Some("e"), "PreconditionFailed"),
            (None, Some("\"e\""), None, "NotImplemented"),
            (Some("\"e\""), None, Some("e"), "ok"),
            (Some("*"), None, Some("e"), "ok"),
            (Some("\"x\""), None, Some("e"), "PreconditionFailed"),
            (Some("\"e\""), None, None, "NoSuchKey"),
            (Some("*"), None, None, "NoSuchKey"),
            (Some("*"), Some("*"), None, "NotImplemented"),
        ] {
            assert_eq!(code(im, inm, current), expected, "{im:?} {inm:?} {current:?}");
        }
    }
}
