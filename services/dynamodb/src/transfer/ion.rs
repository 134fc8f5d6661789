//! Ion text, as far as DynamoDB writes and reads it: `$ion_1_0 {Item:{name:"value",price:2.,tags:$dynamodb_SS::["a"]}}`.
//! Source: the Ion specification, "Text encoding"; "Amazon Ion" in the guide, for the annotations of sets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use haneul_dynamodb_wire::shapes::AttributeValue;

use super::{DEPTH_MAX, Read};
use crate::value::{Attrs, Number, Value, wire};

pub(crate) const VERSION: &str = "$ion_1_0 ";

pub(crate) fn write_item(item: &Attrs, out: &mut String) {
    out.push('{');
    for (i, (name, value)) in item.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_name(name, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::S(text) => write_text(text, '"', out),
        Value::N(number) => write_number(number, out),
        Value::B(bytes) => write_blob(bytes, out),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Null => out.push_str("null"),
        Value::M(map) => write_item(map, out),
        Value::L(list) => write_list(list, write_value, out),
        Value::Ss(set) => {
            out.push_str("$dynamodb_SS::");
            write_list(set, |text: &String, out: &mut String| write_text(text, '"', out), out);
        }
        Value::Ns(set) => {
            out.push_str("$dynamodb_NS::");
            write_list(set, write_number, out);
        }
        Value::Bs(set) => {
            out.push_str("$dynamodb_BS::");
            write_list(set, |bytes: &Bytes, out: &mut String| write_blob(bytes, out), out);
        }
    }
}

fn write_list<T>(list: &[T], write: impl Fn(&T, &mut String), out: &mut String) {
    out.push('[');
    for (i, element) in list.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(element, out);
    }
    out.push(']');
}

/// A decimal: one with a point.
fn write_number(number: &Number, out: &mut String) {
    let text = number.to_string();
    out.push_str(&text);
    if !text.contains('.') {
        out.push('.');
    }
}

fn write_blob(bytes: &[u8], out: &mut String) {
    out.push_str("{{");
    out.push_str(&STANDARD.encode(bytes));
    out.push_str("}}");
}

fn write_name(name: &str, out: &mut String) {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(name, "null" | "true" | "false" | "nan");
    if plain { out.push_str(name) } else { write_text(name, '\'', out) }
}

fn write_text(text: &str, quote: char, out: &mut String) {
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// The item of a record.
pub(crate) fn item(text: &str) -> Read<Attrs> {
    let mut reader = Reader { rest: text, depth: 0 };
    reader.skip();
    if let Some(rest) = reader.rest.strip_prefix("$ion_1_0") {
        reader.rest = rest;
    }
    reader.expect('{')?;
    let fields = reader.structure()?;
    reader.skip();
    if !reader.rest.is_empty() {
        return Err("There is more than one value".to_owned());
    }
    match <[(String, AttributeValue); 1]>::try_from(fields) {
        Ok([(name, AttributeValue::M(item))]) if name == "Item" => {
            wire::attrs(item).map_err(|error| error.message().to_owned())
        }
        _ => Err("The record has no Item".to_owned()),
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Read<AttributeValue> {
        if self.depth > DEPTH_MAX {
            return Err("The value is nested too deeply".to_owned());
        }
        self.depth += 1;
        let value = self.unlimited_value();
        self.depth -= 1;
        value
    }

    fn unlimited_value(&mut self) -> Read<AttributeValue> {
        self.skip();
        if self.take("{{") {
            return self.blob().map(AttributeValue::B);
        }
        let first = self.rest.chars().next().ok_or("The value ends too early")?;
        match first {
            '{' => {
                self.expect('{')?;
                Ok(AttributeValue::M(self.structure()?.into_iter().collect()))
            }
            '[' => {
                self.expect('[')?;
                Ok(AttributeValue::L(self.elements()?))
            }
            '"' => self.quoted('"').map(AttributeValue::S),
            '\'' if self.rest.starts_with("'''") => self.long_text().map(AttributeValue::S),
            '\'' => {
                let symbol = self.quoted('\'')?;
                if self.annotates() { self.annotated(&symbol) } else { Ok(AttributeValue::S(symbol)) }
            }
            '0'..='9' | '-' | '+' => self.number().map(AttributeValue::N),
            _ => {
                let word = self.word()?;
                if self.annotates() {
                    return self.annotated(&word);
                }
                match word.as_str() {
                    "true" => Ok(AttributeValue::BOOL(true)),
                    "false" => Ok(AttributeValue::BOOL(false)),
                    "null" => {
                        // `null.string` and the like
                        if self.take(".") {
                            self.word()?;
                        }
                        Ok(AttributeValue::NULL(true))
                    }
                    "nan" => Err("nan is not a number that an item can have".to_owned()),
                    _ => Ok(AttributeValue::S(word)),
                }
            }
        }
    }

    fn annotated(&mut self, annotation: &str) -> Read<AttributeValue> {
        let value = self.value()?;
        let wrong = || format!("{annotation} does not fit its value");
        let AttributeValue::L(list) = value else {
            return if annotation.starts_with("$dynamodb_") { Err(wrong()) } else { Ok(value) };
        };
        Ok(match annotation {
            "$dynamodb_SS" => AttributeValue::SS(
                list.into_iter()
                    .map(|value| if let AttributeValue::S(text) = value { Ok(text) } else { Err(wrong()) })
                    .collect::<Read<_>>()?,
            ),
            "$dynamodb_NS" => AttributeValue::NS(
                list.into_iter()
                    .map(|value| if let AttributeValue::N(text) = value { Ok(text) } else { Err(wrong()) })
                    .collect::<Read<_>>()?,
            ),
            "$dynamodb_BS" => AttributeValue::BS(
                list.into_iter()
                    .map(|value| if let AttributeValue::B(bytes) = value { Ok(bytes) } else { Err(wrong()) })
                    .collect::<Read<_>>()?,
            ),
            _ => AttributeValue::L(list),
        })
    }

    /// After its brace.
    fn structure(&mut self) -> Read<Vec<(String, AttributeValue)>> {
        let mut fields = Vec::new();
        loop {
            self.skip();
            if self.take("}") {
                return Ok(fields);
            }
            let name = match self.rest.chars().next() {
                Some('"') => self.quoted('"')?,
                Some('\'') if self.rest.starts_with("'''") => self.long_text()?,
                Some('\'') => self.quoted('\'')?,
                _ => self.word()?,
            };
            self.expect(':')?;
            fields.push((name, self.value()?));
            self.skip();
            if !self.take(",") {
                self.expect('}')?;
                return Ok(fields);
            }
        }
    }

    fn elements(&mut self) -> Read<Vec<AttributeValue>> {
        let mut all = Vec::new();
        loop {
            self.skip();
            if self.take("]") {
                return Ok(all);
            }
            all.push(self.value()?);
            self.skip();
            if !self.take(",") {
                self.expect(']')?;
                return Ok(all);
            }
        }
    }

    fn blob(&mut self) -> Read<Bytes> {
        let (inside, rest) = self.rest.split_once("}}").ok_or("A blob has no end")?;
        self.rest = rest;
        let inside: String = inside.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        STANDARD.decode(inside).map(Bytes::from).map_err(|_| "Invalid base64".to_owned())
    }

    /// Integers, decimals and floats, in the way DynamoDB writes numbers.
    fn number(&mut self) -> Read<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let digits = text.replace('_', "").replace(['d', 'D'], "e");
        if digits.contains(['x', 'X', 'b', 'B', 'T', 'i']) {
            return Err(format!("{text} is not a decimal number"));
        }
        Ok(digits)
    }

    fn word(&mut self) -> Read<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err("A value was expected".to_owned());
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word.to_owned())
    }

    fn long_text(&mut self) -> Read<String> {
        let mut all = String::new();
        while self.take("'''") {
            let (inside, rest) = self.rest.split_once("'''").ok_or("A text has no end")?;
            self.rest = rest;
            all.push_str(&unescaped(inside)?);
            self.skip();
        }
        Ok(all)
    }

    fn quoted(&mut self, quote: char) -> Read<String> {
        let inside = &self.rest[quote.len_utf8()..];
        let mut escaped = false;
        for (at, c) in inside.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.rest = &inside[at + quote.len_utf8()..];
                    return unescaped(&inside[..at]);
                }
                _ => {}
            }
        }
        Err("A text has no end".to_owned())
    }

    /// White space and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if self.rest.starts_with("/*") {
                self.rest = self.rest.split_once("*/").map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }

    fn annotates(&mut self) -> bool {
        self.skip();
        self.take("::")
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, wanted: char) -> Read<()> {
        self.skip();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(format!("{wanted} was expected")),
        }
    }
}

fn unescaped(text: &str) -> Read<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = chars.next().ok_or("A text ends in an escape")?;
        let mut hex = |digits: usize| -> Read<char> {
            let code: String = chars.by_ref().take(digits).collect();
            let code = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits);
            code.and_then(char::from_u32).ok_or("Invalid escape".to_owned())
        };
        match escape {
            'x' => out.push(hex(2)?),
            'u' => out.push(hex(4)?),
            'U' => out.push(hex(8)?),
            '0' => out.push('\0'),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            't' => out.push('\t'),
            'n' => out.push('\n'),
            'f' => out.push('\x0c'),
            'r' => out.push('\r'),
            'v' => out.push('\x0b'),
            '\n' => {}
            '\\' | '"' | '\'' | '/' | '?' => out.push(escape),
            _ => return Err("Invalid escape".to_owned()),
        }
    }
    Ok(out)
}
