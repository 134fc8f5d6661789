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
    /// An `If-Modified-Since` that is yet to come is no date (RFC 2616, section 14.25).
    pub(crate) fn judge(&self, etag: &str, modified: Instant, now: Instant) -> Verdict {
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
            None if self
                .if_modified_since
                .is_some_and(|at| modified.secs() <= at.secs() && at.secs() <= now.secs()) =>
            {
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
    /// Of a write: S3 takes `If-None-Match: *` or an `If-Match` that names a tag, and not both at once.
    pub(crate) fn of_write(
        if_match: Option<String>,
        if_none_match: Option<String>,
    ) -> Result<WriteConditions> {
        let is_any = |tag: &Option<String>| tag.as_deref().map(|tag| tag.trim() == "*");
        let refused = |header| Err(error::unsupported_condition(header));
        match (is_any(&if_match), is_any(&if_none_match)) {
            (Some(_), Some(_)) => Err(error::several_conditions("If-Match,If-None-Match")),
            (_, Some(false)) => refused("If-None-Match"),
            (Some(true), _) => refused("If-Match"),
            _ => Ok(WriteConditions { if_match, if_none_match }),
        }
    }

    /// Of a delete, where `If-Match: *` asks that there is something.
    pub(crate) fn of_delete(if_match: Option<String>) -> WriteConditions {
        WriteConditions { if_match, if_none_match: None }
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

impl WriteConditions {
    /// Of a deletion, by its newest version, whose `current` is `None` for a delete marker: there is something to S3, and
    /// `If-Match: *` does not match it.
    pub(crate) fn check_deletion(&self, key: &str, newest: Option<Option<&str>>) -> Result<()> {
        let is_any = self.if_match.as_deref().is_some_and(|tag| tag.trim() == "*");
        if is_any && newest == Some(None) {
            return Err(error::precondition_failed("If-Match"));
        }
        self.check(key, newest.flatten())
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
            (None, None, at(200), None, modified),
            (None, None, at(201), None, proceed),
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
            assert_eq!(
                conditions.judge("e", Instant::from_millis(100_400), Instant::from_secs(200)),
                expected,
                "case {i}"
            );
        }
    }

    #[test]
    fn writes() {
        let code = |im: Option<&str>, inm: Option<&str>, current: Option<&str>| {
            WriteConditions::of_write(im.map(str::to_owned), inm.map(str::to_owned))
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
            (Some("*"), None, Some("e"), "NotImplemented"),
            (Some("\"x\""), None, Some("e"), "PreconditionFailed"),
            (Some("\"e\""), None, None, "NoSuchKey"),
            (Some("\"e\""), Some("*"), None, "NotImplemented"),
        ] {
            assert_eq!(code(im, inm, current), expected, "{im:?} {inm:?} {current:?}");
        }
    }

    #[test]
    fn refused_conditions_say_what_of_them_is() {
        let fields = |im: Option<&str>, inm: Option<&str>| {
            let refused = WriteConditions::of_write(im.map(str::to_owned), inm.map(str::to_owned));
            refused.unwrap_err().fields().to_vec()
        };
        let expected = |header: &str, more: &str| {
            vec![("Header", header.to_owned()), ("additionalMessage", more.to_owned())]
        };
        let value =
            |header: &str| format!("We don't accept the provided value of {header} header for this API");
        assert_eq!(fields(None, Some("\"e\"")), expected("If-None-Match", &value("If-None-Match")));
        assert_eq!(fields(Some("*"), None), expected("If-Match", &value("If-Match")));
        let both = "Multiple conditional request headers present in the request";
        assert_eq!(fields(Some("\"e\""), Some("*")), expected("If-Match,If-None-Match", both));
    }

    #[test]
    fn a_delete_may_ask_that_there_is_something() {
        let any = WriteConditions::of_delete(Some("*".to_owned()));
        assert!(any.check("k", Some("e")).is_ok());
        assert_eq!(any.check("k", None).unwrap_err().code(), "NoSuchKey");
    }
}
