use std::net::IpAddr;

/// What the values of a dynamic token are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Time,
    IpAddress,
    Id,
    Number,
    /// Of no kind that is known.
    Token,
}

impl Kind {
    pub(super) fn of(text: &str) -> Kind {
        if is_number(text) {
            Kind::Number
        } else if is_address(text) {
            Kind::IpAddress
        } else if is_time(text) {
            Kind::Time
        } else if is_id(text) {
            Kind::Id
        } else {
            Kind::Token
        }
    }

    /// The kind of values of both.
    pub(super) fn with(self, other: Kind) -> Kind {
        match (self, other) {
            (one, other) if one == other => one,
            // An id may be all digits by chance.
            (Kind::Id, Kind::Number) | (Kind::Number, Kind::Id) => Kind::Id,
            _ => Kind::Token,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Time => "Time",
            Kind::IpAddress => "IPAddress",
            Kind::Id => "ID",
            Kind::Number => "Number",
            Kind::Token => "Token",
        }
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'%'))
        && text.bytes().filter(|b| *b == b'.').count() < 2
        && !text[1..].contains(['-', '+'])
}

/// `2023-01-01`, `19:00:01.5`, both with a `T` between, `Z` or an offset.
fn is_time(text: &str) -> bool {
    let parts = |separator: u8| text.bytes().filter(|b| *b == separator).count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let of_a_time = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b':' | b'.' | b'T' | b'Z' | b'+');
    digits >= 4 && text.bytes().all(of_a_time) && (parts(b':') >= 1 || parts(b'-') == 2 || parts(b'/') == 2)
}

/// With a port or not.
fn is_address(text: &str) -> bool {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if host.contains('.') && port.parse::<u16>().is_ok() => host,
        _ => text,
    };
    host.parse::<IpAddr>().is_ok()
}

/// Letters and digits mixed, eight or more, perhaps with dashes: a UUID, a hash, a request's id.
fn is_id(text: &str) -> bool {
    text.len() >= 8
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_values_are() {
        for (text, kind) in [
            ("327", Kind::Number),
            ("-1.5", Kind::Number),
            ("99%", Kind::Number),
            ("2023-01-01T19:00:01.123Z", Kind::Time),
            ("19:00:01", Kind::Time),
            ("2023/01/01", Kind::Time),
            ("10.0.0.1", Kind::IpAddress),
            ("10.0.0.1:8080", Kind::IpAddress),
            ("fe80::1", Kind::IpAddress),
            ("7f1b8c1e-0d2a-4a9b-8f3e-1a2b3c4d5e6f", Kind::Id),
            ("12342342k124-12345", Kind::Id),
            ("ann", Kind::Token),
            ("v2", Kind::Token),
            ("", Kind::Token),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
        assert_eq!(Kind::Id.with(Kind::Number), Kind::Id);
        assert_eq!(Kind::Time.with(Kind::Number), Kind::Token);
    }
}
