use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::{Arguments, Function, TEXT_MAX, number, text};
use crate::insights::value::Value;

/// RFC 3986: all but the unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a match costs, as bytes that are looked at.
const MATCH_COST: usize = 256;

pub(super) fn call(function: Function, of: &Arguments<'_, '_>) -> Option<Value> {
    let words = |f: &dyn Fn(&str) -> String| text(of.text(0).map(|text| f(&text)));
    let pair = |f: fn(&str, &str) -> bool| {
        let both = of.text(0).zip(of.text(1));
        Value::Bool(both.is_some_and(|(text, part)| f(&text, &part)))
    };
    Some(match function {
        Function::IsEmpty => Value::Bool(of.text(0).is_none_or(|text| text.is_empty())),
        Function::IsBlank => Value::Bool(of.text(0).is_none_or(|text| text.trim().is_empty())),
        Function::Concat => {
            let parts: Vec<_> = (0..of.values.len()).filter_map(|i| of.text(i)).collect();
            let length: usize = parts.iter().map(|part| part.len()).sum();
            text((length <= TEXT_MAX).then(|| parts.concat()))
        }
        Function::StrContains => match of.value(2).truth() {
            true => pair(|text, part| text.to_lowercase().contains(&part.to_lowercase())),
            false => pair(|text, part| text.contains(part)),
        },
        Function::StartsWith => pair(|text, part| text.starts_with(part)),
        Function::EndsWith => pair(|text, part| text.ends_with(part)),
        Function::StrLen => number(of.text(0).map(|text| text.chars().count() as f64)),
        Function::MessageSize => number(of.text(0).map(|text| text.len() as f64)),
        Function::ToLower => words(&str::to_lowercase),
        Function::ToUpper => words(&str::to_uppercase),
        Function::Trim | Function::Ltrim | Function::Rtrim => {
            let set = of.text(1);
            let trims = |c: char| set.as_ref().map_or(c.is_whitespace(), |set| set.contains(c));
            words(&|text| match function {
                Function::Trim => text.trim_matches(trims).to_owned(),
                Function::Ltrim => text.trim_start_matches(trims).to_owned(),
                _ => text.trim_end_matches(trims).to_owned(),
            })
        }
        Function::Replace => replaced(of),
        Function::RegexReplace => regex_replaced(of).unwrap_or(Value::Missing),
        Function::SubStr => match (of.text(0), of.number(1)) {
            (Some(text), Some(from)) => {
                let rest = text.chars().skip(from.max(0.0) as usize);
                Value::Text(match of.number(2) {
                    Some(length) => rest.take(length.max(0.0) as usize).collect(),
                    None => rest.collect(),
                })
            }
            _ => Value::Missing,
        },
        Function::UrlEncode => words(&|text| utf8_percent_encode(text, ENCODED).to_string()),
        Function::UrlDecode => words(&|text| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        }),
        Function::Base64Encode => words(&|text| STANDARD.encode(text)),
        Function::Base64Decode => text(of.text(0).and_then(|text| utf8(STANDARD.decode(text.trim()).ok()?))),
        Function::HexToAscii => text(of.text(0).and_then(|text| utf8(bytes(&text)?))),
        Function::HexToDec => number(of.text(0).and_then(|text| decimal(&text))),
        Function::DecToHex => text(of.number(0).and_then(hexadecimal)),
        Function::Md5 => words(&|text| hex(&haneul_md5::md5(text.as_bytes()))),
        Function::Sha256 => words(&|text| hex(&Sha256::digest(text.as_bytes()))),
        _ => return None,
    })
}

fn replaced(of: &Arguments<'_, '_>) -> Value {
    match (of.text(0), of.text(1), of.text(2)) {
        (Some(text), Some(from), Some(to)) if !from.is_empty() => {
            let grows = to.len().saturating_sub(from.len());
            let length = text.len() + if grows > 0 { text.matches(&*from).count() * grows } else { 0 };
            if length > TEXT_MAX { Value::Missing } else { Value::Text(text.replace(&*from, &to)) }
        }
        (Some(text), ..) => Value::Text(text.into_owned()),
        _ => Value::Missing,
    }
}

fn regex_replaced(of: &Arguments<'_, '_>) -> Option<Value> {
    let (text, pattern, to) = (of.text(0)?, of.text(1)?, of.text(2)?);
    let regex = of.at.regex(&pattern)?;
    // RE2 writes groups with a backslash.
    let to = group_names(&to);
    let (mut out, mut last) = (String::new(), 0);
    for found in regex.captures_iter(&text) {
        let whole = found.get(0)?;
        if !of.at.spend(MATCH_COST) {
            return None;
        }
        out.push_str(&text[last..whole.start()]);
        found.expand(&to, &mut out);
        last = whole.end();
        if out.len() > TEXT_MAX {
            return None;
        }
    }
    out.push_str(&text[last..]);
    Some(Value::Text(out))
}

/// `\1` is `${1}`.
fn group_names(to: &str) -> String {
    let (mut out, mut chars) = (String::new(), to.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                chars.next();
                let _ = write!(out, "${{{digit}}}");
            }
            _ => out.push(c),
        }
    }
    out
}

fn utf8(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unprefixed(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = unprefixed(text).as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.as_chunks::<2>().0.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn decimal(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, trimmed),
    };
    Some(sign * u64::from_str_radix(unprefixed(digits), 16).ok()? as f64)
}

fn hexadecimal(number: f64) -> Option<String> {
    if number.abs() >= u64::MAX as f64 {
        return None;
    }
    let sign = if number <= -1.0 { "-" } else { "" };
    Some(format!("{sign}0x{:x}", number.abs().trunc() as u64))
}
