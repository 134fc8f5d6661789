//! What a SAML 2.0 metadata document says of an identity provider.
//!
//! Source: SAML V2.0 Metadata, sections 2.3.2 and 2.4; what AWS takes of it: IAM User Guide, "Create a SAML identity
//! provider in IAM". Signatures on metadata are not checked: the account's administrator vouches for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{Instant, Result};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use x509_parser::parse_x509_certificate;

use crate::error;

const METADATA: &[u8] = b"urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &[u8] = b"http://www.w3.org/2000/09/xmldsig#";

/// Deeper than any metadata, far from what would cost anything.
const DEPTH_MAX: usize = 64;
const CERTIFICATES_MAX: usize = 100;

#[derive(Debug, PartialEq)]
pub(crate) struct Metadata {
    pub entity_id: String,
    /// DER in base64, those for signing, in the order of the document.
    pub certificates: Vec<String>,
    pub valid_until: Option<Instant>,
}

/// # Errors
/// Whatever is not the metadata of one identity provider with at least one certificate.
pub(crate) fn read(document: &str) -> Result<Metadata> {
    parse(document).map_err(error::saml_metadata)
}

fn parse(document: &str) -> Result<Metadata, &'static str> {
    const NOT_XML: &str = "it is not well-formed XML.";
    let mut reader = NsReader::from_str(document);
    let mut found = Metadata { entity_id: String::new(), certificates: Vec::new(), valid_until: None };
    let (mut depth, mut in_role, mut for_signing, mut in_certificate) = (0usize, None, None, None);
    let (mut roles, mut ended) = (0, false);
    let mut text = String::new();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| NOT_XML)?;
        let is = |wanted: &[u8]| matches!(namespace, ResolveResult::Bound(of) if of.as_ref() == wanted);
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_MAX || ended {
                    return Err(NOT_XML);
                }
                match start.local_name().as_ref() {
                    b"EntityDescriptor" if depth == 1 && is(METADATA) => {
                        let id = attribute(&start, "entityID")?.filter(|id| !id.is_empty());
                        found.entity_id = id.ok_or("it has no entityID.")?;
                        if let Some(until) = attribute(&start, "validUntil")? {
                            let until = Instant::parse_iso8601(&until);
                            found.valid_until = Some(until.ok_or("its validUntil is not a time.")?);
                        }
                    }
                    _ if depth == 1 => return Err("its root is not an EntityDescriptor."),
                    b"IDPSSODescriptor" if depth == 2 && is(METADATA) => {
                        in_role = Some(depth);
                        roles += 1;
                    }
                    b"KeyDescriptor" if in_role.is_some() && is(METADATA) => {
                        // A key without a use is for everything.
                        let usage = attribute(&start, "use")?;
                        for_signing = usage.is_none_or(|usage| usage == "signing").then_some(depth);
                    }
                    b"X509Certificate" if for_signing.is_some() && is(SIGNATURE) => {
                        in_certificate = Some(depth);
                        text.clear();
                    }
                    _ => {}
                }
            }
            Event::Empty(_) if depth == 0 => return Err("its root is empty."),
            Event::Text(part) if in_certificate.is_some() => {
                text.push_str(&part.decode().map_err(|_| NOT_XML)?);
            }
            Event::End(_) => {
                if in_certificate == Some(depth) {
                    in_certificate = None;
                    add(&mut found.certificates, &text)?;
                }
                for of in [&mut in_role, &mut for_signing] {
                    if *of == Some(depth) {
                        *of = None;
                    }
                }
                depth = depth.checked_sub(1).ok_or(NOT_XML)?;
                ended = depth == 0;
            }
            Event::DocType(_) => return Err("a document type is not taken."),
            Event::Eof => break,
            _ => {}
        }
    }
    match (ended, roles, found.certificates.is_empty()) {
        (false, ..) => Err(NOT_XML),
        (_, 0, _) => Err("it has no IDPSSODescriptor."),
        (_, _, true) => Err("it has no certificate for signing."),
        _ => Ok(found),
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, &'static str> {
    const BAD: &str = "an attribute is not well-formed.";
    let found = start.try_get_attribute(name).map_err(|_| BAD)?;
    found.map(|found| found.unescape_value().map(String::from).map_err(|_| BAD)).transpose()
}

fn add(certificates: &mut Vec<String>, text: &str) -> Result<(), &'static str> {
    const BAD: &str = "a certificate cannot be read.";
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(&compact).map_err(|_| BAD)?;
    let (rest, _) = parse_x509_certificate(&der).map_err(|_| BAD)?;
    if !rest.is_empty() || certificates.len() >= CERTIFICATES_MAX {
        return Err(BAD);
    }
    if !certificates.contains(&compact) {
        certificates.push(compact);
    }
    Ok(())
}
