//! Exclusive XML Canonicalization 1.0, without comments: the bytes of an element that a signature is made of.

use super::xml::{Child, Document, Element, Id};

/// An element and all within it but `left_out`. `inclusive` are the prefixes of an `InclusiveNamespaces` element (empty
/// for `#default`), which are handled as inclusive canonicalisation does.
pub(super) fn bytes(document: &Document, of: Id, left_out: Option<Id>, inclusive: &[&str]) -> Vec<u8> {
    let mut writer = Writer { document, left_out, inclusive, out: String::new() };
    writer.element(of, &mut Vec::new());
    writer.out.into_bytes()
}

struct Writer<'a> {
    document: &'a Document,
    left_out: Option<Id>,
    inclusive: &'a [&'a str],
    out: String,
}

/// Namespaces as the elements around have written them, the nearest last.
type Written<'a> = Vec<(&'a str, &'a str)>;

impl<'a> Writer<'a> {
    /// Recursion is bounded by the depth of the document.
    fn element(&mut self, id: Id, written: &mut Written<'a>) {
        let element = self.document.get(id);
        let before = written.len();
        self.out.push('<');
        self.name(element);
        for (prefix, uri) in self.namespaces(id, element, written) {
            match prefix {
                "" => self.out.push_str(" xmlns=\""),
                _ => {
                    self.out.push_str(" xmlns:");
                    self.out.push_str(prefix);
                    self.out.push_str("=\"");
                }
            }
            escape_attribute(&mut self.out, uri);
            self.out.push('"');
            written.push((prefix, uri));
        }
        let mut attributes: Vec<_> = element.attributes.iter().collect();
        attributes.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        for attribute in attributes {
            self.out.push(' ');
            if !attribute.prefix.is_empty() {
                self.out.push_str(&attribute.prefix);
                self.out.push(':');
            }
            self.out.push_str(&attribute.name);
            self.out.push_str("=\"");
            escape_attribute(&mut self.out, &attribute.value);
            self.out.push('"');
        }
        self.out.push('>');
        for child in &element.children {
            match child {
                Child::Element(id) if Some(*id) == self.left_out => {}
                Child::Element(id) => self.element(*id, written),
                Child::Text(text) => escape_text(&mut self.out, text),
            }
        }
        self.out.push_str("</");
        self.name(element);
        self.out.push('>');
        written.truncate(before);
    }

    fn name(&mut self, element: &Element) {
        if !element.prefix.is_empty() {
            self.out.push_str(&element.prefix);
            self.out.push(':');
        }
        self.out.push_str(&element.name);
    }

    /// What has to be declared at an element: the prefixes that it uses itself, where nothing around it has them so.
    fn namespaces(&self, id: Id, element: &'a Element, written: &Written<'a>) -> Written<'a> {
        let used = element.attributes.iter().map(|a| &*a.prefix).filter(|prefix| !prefix.is_empty());
        let mut prefixes: Vec<&'a str> = used.chain([&*element.prefix]).collect();
        prefixes.extend(self.inclusive);
        prefixes.sort_unstable();
        prefixes.dedup();
        let mut out = Vec::new();
        for prefix in prefixes.into_iter().filter(|prefix| *prefix != "xml") {
            let uri = match self.document.namespace(id, prefix) {
                Some(uri) => uri,
                None if prefix.is_empty() => "",
                None => continue,
            };
            let around = written.iter().rev().find(|(of, _)| *of == prefix).map(|(_, uri)| *uri);
            if around.or(prefix.is_empty().then_some("")) != Some(uri) {
                out.push((prefix, uri));
            }
        }
        out
    }
}

fn escape_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

fn escape_attribute(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, path: &[usize], inclusive: &[&str]) -> String {
        let document = Document::parse(text).unwrap();
        let mut at = 0;
        for step in path {
            at = document.children(at).nth(*step).unwrap();
        }
        String::from_utf8(bytes(&document, at, None, inclusive)).unwrap()
    }

    #[test]
    fn examples_of_the_recommendation() {
        // Section 2.2: the same element in two contexts has one form.
        let first = r#"<n0:local xmlns:n0="foo:bar" xmlns:n3="ftp://example.org"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n0:local>"#;
        let second = r#"<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n2:pdu>"#;
        let form = r#"<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>"#;
        assert_eq!(of(first, &[0], &[]), form);
        assert_eq!(of(second, &[0], &[]), form);
    }

    #[test]
    fn details() {
        // Attributes by namespace, then by name; the default namespace only where it is used.
        let text = "<a xmlns='u:d' xmlns:z='u:a' xmlns:y='u:b' z:k='1' y:j='2' b='3' a='4'><y:c xmlns=''><d/></y:c></a>";
        assert_eq!(
            of(text, &[], &[]),
            r#"<a xmlns="u:d" xmlns:y="u:b" xmlns:z="u:a" a="4" b="3" z:k="1" y:j="2"><y:c><d xmlns=""></d></y:c></a>"#
        );
        assert_eq!(of(text, &[0, 0], &[]), "<d></d>");
        // Inclusive prefixes come at the top, used or not.
        assert_eq!(of(text, &[0], &["z"]), r#"<y:c xmlns:y="u:b" xmlns:z="u:a"><d></d></y:c>"#);
        let escaped =
            "<a b='&quot;&#9;&#10;&#13;&lt;&amp;>&apos;'>&#13;&lt;&gt;&amp;\"'<!-- c --><![CDATA[<]]></a>";
        assert_eq!(
            of(escaped, &[], &[]),
            "<a b=\"&quot;&#x9;&#xA;&#xD;&lt;&amp;>'\">&#xD;&lt;&gt;&amp;\"'&lt;</a>"
        );
        assert_eq!(of("<a\r\n  b = 'x\r\ny' >\r\n</a >", &[], &[]), "<a b=\"x y\">\n</a>");
    }
}
