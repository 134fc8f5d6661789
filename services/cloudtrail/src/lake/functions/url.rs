//! Source: Trino, "URL functions".

use super::{Entry, entry, fits, text};
use crate::lake::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("url_decode", 1, 1, |all| fits(decoded(&text(all, 0)?)?)),
    entry("url_encode", 1, 1, |all| {
        let mut out = String::new();
        for b in text(all, 0)?.bytes() {
            match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                    out.push(char::from(b))
                }
                b' ' => out.push('+'),
                b => out.push_str(&format!("%{b:02X}")),
            }
        }
        fits(out)
    }),
    entry("url_extract_fragment", 1, 1, |all| some(Url::of(&text(all, 0)?)?.fragment)),
    entry("url_extract_host", 1, 1, |all| some(Url::of(&text(all, 0)?)?.host)),
    entry("url_extract_parameter", 2, 2, |all| {
        let (whole, name) = (text(all, 0)?, text(all, 1)?);
        let query = Url::of(&whole)?.query;
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(key, _)| decoded(key).as_deref() == Some(&*name))?;
        fits(decoded(value)?)
    }),
    entry("url_extract_path", 1, 1, |all| some(Url::of(&text(all, 0)?)?.path)),
    entry("url_extract_port", 1, 1, |all| Some(Value::Int(Url::of(&text(all, 0)?)?.port?))),
    entry("url_extract_protocol", 1, 1, |all| some(Url::of(&text(all, 0)?)?.protocol)),
    entry("url_extract_query", 1, 1, |all| some(Url::of(&text(all, 0)?)?.query)),
];

/// `protocol://host:port/path?query#fragment`
struct Url<'a> {
    protocol: &'a str,
    host: &'a str,
    port: Option<i64>,
    path: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl Url<'_> {
    fn of(text: &str) -> Option<Url<'_>> {
        let (protocol, rest) = text.split_once(':')?;
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
            None => ("", rest),
        };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse().ok()),
            _ => (authority, None),
        };
        Some(Url { protocol, host, port, path, query, fragment })
    }
}

fn some(part: &str) -> Option<Value> {
    Some(Value::Text(part.to_owned()))
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => {
                let digit = |b: u8| char::from(b).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                (high * 16 + low) as u8
            }
            b => b,
        });
    }
    String::from_utf8(out).ok()
}
