//! The `Range` header (RFC 9110, section 14) as S3 reads it: one range of bytes, or none at all.

use haneul_kit::Result;

use crate::error;

/// Bytes of an object: `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn whole(size: u64) -> Span {
        Span { start: 0, end: size }
    }

    pub(crate) fn length(self) -> u64 {
        self.end - self.start
    }

    /// `bytes 0-9/100`.
    pub(crate) fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.start, self.end.saturating_sub(1))
    }
}

/// What `header` selects of an object of `size` bytes. `None` is all of it: a header that S3 does not understand, or
/// that names several ranges, is ignored.
pub(crate) fn select(header: &str, size: u64) -> Result<Option<Span>> {
    let unsatisfiable = || Err(error::invalid_range(header, size));
    let Some(wanted) = parse(header) else { return Ok(None) };
    match wanted {
        Wanted::Last(0) => unsatisfiable(),
        // Of an empty object there is no last byte, but S3 gives what there is.
        Wanted::Last(_) if size == 0 => unsatisfiable(),
        Wanted::Last(count) => Ok(Some(Span { start: size.saturating_sub(count), end: size })),
        Wanted::From { start, .. } if start >= size => unsatisfiable(),
        Wanted::From { start, last } => {
            let end = last.map_or(size, |last| last.saturating_add(1).min(size));
            Ok(Some(Span { start, end }))
        }
    }
}

/// `x-amz-copy-source-range`: both ends must be given and lie within the source.
pub(crate) fn select_source(header: &str, size: u64) -> Result<Span> {
    match parse(header) {
        Some(Wanted::From { start, last: Some(last) }) => {
            if start >= size {
                return Err(error::invalid_request(
                    "The specified copy range is invalid for the source object size",
                ));
            }
            if last >= size {
                let message = format!("Range specified is not valid for source object of size: {size}");
                return Err(error::invalid_argument(message, "x-amz-copy-source-range", header));
            }
            Ok(Span { start, end: last + 1 })
        }
        _ => Err(error::invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )),
    }
}

enum Wanted {
    From { start: u64, last: Option<u64> },
    Last(u64),
}

fn parse(header: &str) -> Option<Wanted> {
    let range = header.trim().strip_prefix("bytes=")?.trim();
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // More digits than fit are simply beyond every object.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return number(last).map(Wanted::Last);
    }
    let start = number(first)?;
    if last.is_empty() {
        return Some(Wanted::From { start, last: None });
    }
    let last = number(last)?;
    (start <= last).then_some(Wanted::From { start, last: Some(last) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_a_hundred_bytes() {
        let whole: Option<(u64, u64)> = None;
        for (header, expected) in [
            ("bytes=0-9", Some((0, 10))),
            ("bytes=0-0", Some((0, 1))),
            ("bytes=99-99", Some((99, 100))),
            ("bytes=90-", Some((90, 100))),
            ("bytes=0-", Some((0, 100))),
            ("bytes=50-1000", Some((50, 100))),
            ("bytes=-1", Some((99, 100))),
            ("bytes=-100", Some((0, 100))),
            ("bytes=-1000", Some((0, 100))),
            ("bytes=0-99999999999999999999999", Some((0, 100))),
            (" bytes= 1 - 2 ", Some((1, 3))),
            ("bytes=9-0", whole),
            ("bytes=0-1,5-6", whole),
            ("bytes=a-b", whole),
            ("bytes=", whole),
            ("bytes=-", whole),
            ("items=0-1", whole),
            ("bytes=+1-2", whole),
            ("", whole),
        ] {
            let got = select(header, 100).unwrap().map(|span| (span.start, span.end));
            assert_eq!(got, expected, "{header}");
        }
        for header in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            let error = select(header, 100).unwrap_err();
            assert_eq!((error.code(), error.status()), ("InvalidRange", Some(416)), "{header}");
            assert!(error.fields().contains(&("ActualObjectSize", "100".into())));
        }
        for header in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(select(header, 0).unwrap_err().code(), "InvalidRange", "{header} of nothing");
        }
    }

    #[test]
    fn ranges_of_a_copy_source() {
        assert_eq!(select_source("bytes=0-9", 10).unwrap(), Span { start: 0, end: 10 });
        for header in ["bytes=0-10", "bytes=0-", "bytes=-5", "bytes=5-2", "0-5", ""] {
            assert_eq!(select_source(header, 10).unwrap_err().code(), "InvalidArgument", "{header}");
        }
        for header in ["bytes=10-10", "bytes=20-30"] {
            assert_eq!(select_source(header, 10).unwrap_err().code(), "InvalidRequest", "{header}");
        }
    }

    #[test]
    fn content_range() {
        assert_eq!(Span { start: 5, end: 10 }.content_range(100), "bytes 5-9/100");
    }
}
