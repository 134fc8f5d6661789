//! A strict reader of small documents. What could mean different things to different readers is refused: document types,
//! processing instructions, entities of the document's own. Comments are left out, and the text around them is one.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements within one another.
const DEPTH_MAX: usize = 64;
const ELEMENTS_MAX: usize = 10_000;

pub(super) const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotXml;

type Result<T> = std::result::Result<T, NotXml>;

/// Elements by their number; the root is 0.
#[derive(Debug)]
pub(super) struct Document {
    elements: Vec<Element>,
}

pub(super) type Id = usize;

#[derive(Debug)]
pub(super) struct Element {
    pub parent: Option<Id>,
    pub prefix: Box<str>,
    pub name: Box<str>,
    pub namespace: Box<str>,
    pub attributes: Vec<Attribute>,
    /// Namespaces declared here: prefix (empty for the default) and URI.
    pub declared: Vec<(Box<str>, Box<str>)>,
    pub children: Vec<Child>,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub prefix: Box<str>,
    pub name: Box<str>,
    pub namespace: Box<str>,
    pub value: String,
}

#[derive(Debug)]
pub(super) enum Child {
    Element(Id),
    Text(String),
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Document> {
        // XML 1.0, 2.11: the end of a line is one line feed.
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        if !text.chars().all(is_char) {
            return Err(NotXml);
        }
        let mut reader = Reader::from_str(&text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_end_names = true;
        let mut document = Document { elements: Vec::new() };
        let mut open: Vec<Id> = Vec::new();
        let mut is_first = true;
        loop {
            match reader.read_event().map_err(|_| NotXml)? {
                Event::Start(start) => {
                    let is_second_root = open.is_empty() && !document.elements.is_empty();
                    if is_second_root || open.len() >= DEPTH_MAX || document.elements.len() >= ELEMENTS_MAX {
                        return Err(NotXml);
                    }
                    open.push(document.begin(&start, open.last().copied())?);
                }
                Event::End(_) => {
                    open.pop().ok_or(NotXml)?;
                }
                Event::Text(text) => {
                    let text = std::str::from_utf8(&text).map_err(|_| NotXml)?;
                    if text.contains("]]>") {
                        return Err(NotXml);
                    }
                    document.add_text(open.last().copied(), text)?;
                }
                Event::CData(text) => {
                    let text = std::str::from_utf8(&text).map_err(|_| NotXml)?;
                    let inside = open.last().copied().ok_or(NotXml)?;
                    document.add_text(Some(inside), text)?;
                }
                Event::GeneralRef(reference) => {
                    let name = std::str::from_utf8(&reference).map_err(|_| NotXml)?;
                    let character = referenced(name)?;
                    let inside = open.last().copied().ok_or(NotXml)?;
                    document.add_text(Some(inside), character.encode_utf8(&mut [0; 4]))?;
                }
                Event::Decl(_) if is_first => {}
                Event::Comment(_) => {}
                Event::Eof => break,
                Event::Decl(_) | Event::DocType(_) | Event::PI(_) | Event::Empty(_) => return Err(NotXml),
            }
            is_first = false;
        }
        let is_whole = open.is_empty() && !document.elements.is_empty();
        if is_whole { Ok(document) } else { Err(NotXml) }
    }

    fn begin(&mut self, start: &BytesStart<'_>, parent: Option<Id>) -> Result<Id> {
        let id = self.elements.len();
        let name = start.name();
        let (prefix, name) = qualified(name.as_ref())?;
        let (mut declared, mut raw) = (Vec::new(), Vec::new());
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| NotXml)?;
            let value = attribute_value(&attribute.value)?;
            match qualified(attribute.key.as_ref())? {
                ("", "xmlns") => declared.push((Box::from(""), value)),
                ("xmlns", prefix) => declared.push((Box::from(prefix), value)),
                (prefix, name) => raw.push((Box::<str>::from(prefix), Box::<str>::from(name), value)),
            }
        }
        let is_reserved = |(prefix, uri): &(Box<str>, String)| {
            let xml = (&**prefix == "xml") != (uri == XML_NAMESPACE);
            // A prefix cannot be undeclared (Namespaces in XML 1.0).
            xml || uri == XMLNS_NAMESPACE || &**prefix == "xmlns" || (!prefix.is_empty() && uri.is_empty())
        };
        if declared.iter().any(is_reserved) {
            return Err(NotXml);
        }
        let declared = declared.into_iter().map(|(prefix, uri)| (prefix, uri.into())).collect();
        self.elements.push(Element {
            parent,
            prefix: prefix.into(),
            name: name.into(),
            namespace: Box::default(),
            attributes: Vec::new(),
            declared,
            children: Vec::new(),
        });
        let namespace = match self.namespace(id, prefix) {
            Some(uri) => uri.into(),
            None if prefix.is_empty() => Box::default(),
            None => return Err(NotXml),
        };
        self.elements[id].namespace = namespace;
        for (prefix, name, value) in raw {
            let namespace = match &*prefix {
                "" => Box::default(),
                prefix => self.namespace(id, prefix).ok_or(NotXml)?.into(),
            };
            let twice = |a: &Attribute| a.namespace == namespace && a.name == name;
            if self.elements[id].attributes.iter().any(twice) {
                return Err(NotXml);
            }
            self.elements[id].attributes.push(Attribute { prefix, name, namespace, value });
        }
        if let Some(parent) = parent {
            self.elements[parent].children.push(Child::Element(id));
        }
        Ok(id)
    }

    fn add_text(&mut self, within: Option<Id>, text: &str) -> Result<()> {
        let Some(within) = within else {
            return if text.chars().all(char::is_whitespace) { Ok(()) } else { Err(NotXml) };
        };
        let children = &mut self.elements[within].children;
        match children.last_mut() {
            Some(Child::Text(before)) => before.push_str(text),
            _ => children.push(Child::Text(text.to_owned())),
        }
        Ok(())
    }

    /// The URI that a prefix stands for at an element.
    pub(super) fn namespace(&self, at: Id, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        let mut next = Some(at);
        while let Some(id) = next {
            let element = &self.elements[id];
            if let Some((_, uri)) = element.declared.iter().find(|(of, _)| **of == *prefix) {
                return Some(uri);
            }
            next = element.parent;
        }
        None
    }

    pub(super) fn get(&self, id: Id) -> &Element {
        &self.elements[id]
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        0..self.elements.len()
    }

    pub(super) fn is(&self, id: Id, namespace: &str, name: &str) -> bool {
        let element = &self.elements[id];
        &*element.namespace == namespace && &*element.name == name
    }

    /// Elements directly within another.
    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        self.elements[id].children.iter().filter_map(|child| match child {
            Child::Element(id) => Some(*id),
            Child::Text(_) => None,
        })
    }

    pub(super) fn named<'a>(
        &'a self,
        within: Id,
        namespace: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = Id> + 'a {
        self.children(within).filter(move |id| self.is(*id, namespace, name))
    }

    /// The one child of that name; `None` when there is none, or more than one.
    pub(super) fn only(&self, within: Id, namespace: &str, name: &str) -> Option<Id> {
        let mut found = self.named(within, namespace, name);
        let first = found.next()?;
        if found.next().is_some() { None } else { Some(first) }
    }

    /// An attribute without a prefix.
    pub(super) fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        let attributes = &self.elements[id].attributes;
        attributes.iter().find(|a| a.namespace.is_empty() && &*a.name == name).map(|a| a.value.as_str())
    }

    /// The text of an element that has nothing else in it, without the space around.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.elements[id].children.as_slice() {
            [] => Some(""),
            [Child::Text(text)] => Some(text.trim()),
            _ => None,
        }
    }
}

fn qualified(name: &[u8]) -> Result<(&str, &str)> {
    let name = std::str::from_utf8(name).map_err(|_| NotXml)?;
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let is_name = |text: &str| {
        let first = text.chars().next();
        first.is_some_and(|c| c.is_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}'))
    };
    let ok =
        is_name(local) && (prefix.is_empty() != name.contains(':')) && (prefix.is_empty() || is_name(prefix));
    if ok { Ok((prefix, local)) } else { Err(NotXml) }
}

/// XML 1.0, 3.3.3: white space becomes spaces, references what they stand for.
fn attribute_value(raw: &[u8]) -> Result<String> {
    let raw = std::str::from_utf8(raw).map_err(|_| NotXml)?;
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n']) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'&' => {
                let (name, after) = rest[at + 1..].split_once(';').ok_or(NotXml)?;
                out.push(referenced(name)?);
                rest = after;
                continue;
            }
            b'<' => return Err(NotXml),
            _ => out.push(' '),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn referenced(name: &str) -> Result<char> {
    let code = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(hex), _) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
            (None, Some(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
            _ => return Err(NotXml),
        },
    };
    let character = code.ok().and_then(char::from_u32).ok_or(NotXml)?;
    if is_char(character) { Ok(character) } else { Err(NotXml) }
}

fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ambiguous_is_refused() {
        for bad in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<!DOCTYPE a SYSTEM 'http://127.0.0.1/x'><a/>",
            "<a>&unknown;</a>",
            "<a>&#0;</a>",
            "<a>\u{0}</a>",
            "<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>",
            "<a><?php x ?></a>",
            "<a b='1' b='2'/>",
            "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a xmlns:p=''/>",
            "<a xmlns:xml='u'/>",
            "<a b='<'/>",
            "<a>]]></a>",
            "<a:b:c xmlns:a='u'/>",
            "<:a/>",
        ] {
            assert!(Document::parse(bad).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        assert!(Document::parse(&deep).is_err());
        assert!(Document::parse(&format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX))).is_err());
    }

    #[test]
    fn text_is_one_across_comments_and_references() {
        let document = Document::parse("<a>admin<!-- x -->@example&#46;com<![CDATA[&]]></a>").unwrap();
        assert_eq!(document.text(0), Some("admin@example.com&"));
    }
}
