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
    let mut from = 0;
    for (i, b) in text.bytes().enumerate() {
        let entity: &str = match b {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\t' | b'\n' => continue,
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[from..i]);
        if entity.is_empty() {
            out.push_str(&format!("&#x{b:x};"));
        } else {
            out.push_str(entity);
        }
        from = i + 1;
    }
    out.push_str(&text[from..]);
}
