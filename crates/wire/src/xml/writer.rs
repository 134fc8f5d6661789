use std::fmt::Write as _;

use crate::plain::plain_prefix;

/// Writes elements into a string. What is opened must be closed by the caller.
pub(crate) struct XmlWriter {
    pub(crate) out: String,
}

/// Room for a small answer.
const FIRST_BYTES: usize = 512;

impl Default for XmlWriter {
    fn default() -> XmlWriter {
        XmlWriter { out: String::with_capacity(FIRST_BYTES) }
    }
}

/// SQS's is shorter, and other services of the query protocol have none.
pub(crate) const SQS_DECLARATION: &str = "<?xml version=\"1.0\"?>";

pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

impl XmlWriter {
    /// `attributes` is the text between the name and the bracket, escaped already.
    pub(crate) fn open(&mut self, name: &str, attributes: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(attributes);
        self.out.push('>');
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.open(name, "");
        escape(&mut self.out, text);
        self.close(name);
    }
}

pub(crate) fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value);
    out.push('"');
}

/// Control characters become references, which XML 1.0 does not allow but S3 writes and SDKs read.
pub(crate) fn escape(out: &mut String, text: &str) {
    let special = |byte| match byte {
        b'&' | b'<' | b'>' | b'"' => true,
        b'\t' | b'\n' => false,
        _ => byte < 0x20,
    };
    let mut rest = text;
    loop {
        // What is special is one byte, so a string can be cut on both sides of it.
        let (plain, from) = rest.split_at(plain_prefix(rest.as_bytes(), special));
        out.push_str(plain);
        let Some(special) = from.bytes().next() else { return };
        match special {
            b'&' => out.push_str("&amp;"),
            b'<' => out.push_str("&lt;"),
            b'>' => out.push_str("&gt;"),
            b'"' => out.push_str("&quot;"),
            // Writing to a string cannot fail.
            other => drop(write!(out, "&#x{other:x};")),
        }
        rest = &from[1..];
    }
}
