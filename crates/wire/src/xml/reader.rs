use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// Why a text is not XML, or not XML that we accept: declarations of types and entities are refused, so that nothing
/// small can become large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct XmlError;

type Result<T> = std::result::Result<T, XmlError>;

/// Elements within one another.
const DEPTH_MAX: usize = 128;

/// A pull parser over elements. Comments, processing instructions and prefixes of elements are passed over.
pub(crate) struct XmlReader<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

/// The start of an element.
pub(crate) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// Without its prefix.
    pub(crate) fn name(&self) -> &str {
        std::str::from_utf8(self.0.local_name().into_inner()).unwrap_or_default()
    }

    /// By its full name, prefix included, or by its name without one.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<String>> {
        let local = name.rsplit(':').next().unwrap_or(name);
        let mut found = None;
        for attribute in self.0.attributes() {
            let attribute = attribute.map_err(|_| XmlError)?;
            let key = attribute.key.as_ref();
            if key == name.as_bytes() || (found.is_none() && key == local.as_bytes()) {
                found = Some(unescape(&attribute.value)?);
            }
        }
        Ok(found)
    }
}

impl<'a> XmlReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<XmlReader<'a>> {
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError)?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        Ok(XmlReader { reader, depth: 0 })
    }

    /// The root element, or `None` when there is nothing but white space.
    pub(crate) fn root(&mut self) -> Result<Option<Element<'a>>> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.enter(start).map(Some),
                Event::Eof => return Ok(None),
                Event::Text(text) if is_space(&text) => {}
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                _ => return Err(XmlError),
            }
        }
    }

    /// The next element within the one that is open; `None` when that has ended. Text between elements must be space.
    pub(crate) fn child(&mut self) -> Result<Option<Element<'a>>> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.enter(start).map(Some),
                Event::End(_) => {
                    self.depth = self.depth.checked_sub(1).ok_or(XmlError)?;
                    return Ok(None);
                }
                Event::Text(text) if is_space(&text) => {}
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(XmlError),
            }
        }
    }

    /// The text of the element that is open, to its end. It must have no elements.
    pub(crate) fn text(&mut self) -> Result<String> {
        let mut out = String::new();
        loop {
            match self.event()? {
                Event::Text(text) => out.push_str(std::str::from_utf8(&text).map_err(|_| XmlError)?),
                Event::CData(text) => out.push_str(std::str::from_utf8(&text).map_err(|_| XmlError)?),
                Event::GeneralRef(reference) => {
                    push_reference(&mut out, std::str::from_utf8(&reference).map_err(|_| XmlError)?)?;
                }
                Event::End(_) => {
                    self.depth = self.depth.checked_sub(1).ok_or(XmlError)?;
                    return Ok(out);
                }
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(XmlError),
            }
        }
    }

    /// Passes over the rest of the element that is open.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let outside = self.depth.checked_sub(1).ok_or(XmlError)?;
        while self.depth > outside {
            match self.event()? {
                Event::Start(start) => drop(self.enter(start)?),
                Event::End(_) => self.depth -= 1,
                Event::DocType(_) | Event::Eof => return Err(XmlError),
                _ => {}
            }
        }
        Ok(())
    }

    /// After the root: nothing may follow but space.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.root()? {
            None => Ok(()),
            Some(_) => Err(XmlError),
        }
    }

    fn event(&mut self) -> Result<Event<'a>> {
        self.reader.read_event().map_err(|_| XmlError)
    }

    fn enter(&mut self, start: BytesStart<'a>) -> Result<Element<'a>> {
        if self.depth == DEPTH_MAX {
            return Err(XmlError);
        }
        self.depth += 1;
        Ok(Element(start))
    }
}

fn unescape(value: &[u8]) -> Result<String> {
    let mut rest = std::str::from_utf8(value).map_err(|_| XmlError)?;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('&') {
        let (reference, after) = after.split_once(';').ok_or(XmlError)?;
        out.push_str(before);
        push_reference(&mut out, reference)?;
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// By hand, because quick-xml refuses the references to control characters that S3 writes.
fn push_reference(out: &mut String, reference: &str) -> Result<()> {
    let Some(number) = reference.strip_prefix('#') else {
        out.push_str(resolve_predefined_entity(reference).ok_or(XmlError)?);
        return Ok(());
    };
    let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |hex| (hex, 16));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
    out.push(code.and_then(char::from_u32).ok_or(XmlError)?);
    Ok(())
}

fn is_space(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_or_refused() {
        let read = |attributes: &str| {
            let text = format!("<Grantee {attributes}></Grantee>");
            let mut reader = XmlReader::new(text.as_bytes()).unwrap();
            reader.root().unwrap().unwrap().attribute("xsi:type")
        };
        assert_eq!(read(r#"xsi:type="Group""#), Ok(Some("Group".into())));
        assert_eq!(read(r#"type='a&amp;b'"#), Ok(Some("a&b".into())));
        assert_eq!(read(r#"xsi:type="a&#x1;&#0;""#), Ok(Some("a\u{1}\0".into())));
        assert_eq!(read(r#"other="&unknown;""#), Ok(None));
        for bad in
            ["xsi:type=\"&unknown;\"", "xsi:type=\"a&b\"", "xsi:type=\"&#x110000;\"", "xsi:type=\"a\"b ?"]
        {
            assert_eq!(read(bad), Err(XmlError), "{bad}");
        }
    }
}
