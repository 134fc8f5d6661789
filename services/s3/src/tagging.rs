//! The tags of buckets and objects.

use std::collections::BTreeMap;

use haneul_kit::Result;
use haneul_s3_wire::shapes::Tag;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use quick_xml::events::Event;

use crate::error;

/// S3 User Guide, "Categorizing your objects using tags" and "Using cost allocation S3 bucket tags".
const OBJECT_TAGS_MAX: usize = 10;
pub(crate) const BUCKET_TAGS_MAX: usize = 50;
const KEY_LENGTH_MAX: usize = 128;
const VALUE_LENGTH_MAX: usize = 256;

pub(crate) type TagMap = BTreeMap<String, String>;

/// Tags given in a document.
pub(crate) fn of_object(tags: Vec<Tag>) -> Result<TagMap> {
    object(tags.into_iter().map(|tag| (tag.key, tag.value)))
}

/// Tags of a bucket.
pub(crate) fn of_bucket(tags: Vec<Tag>) -> Result<TagMap> {
    collect(tags.into_iter().map(|tag| (tag.key, tag.value)), BUCKET_TAGS_MAX, || {
        error::new("BadRequest", 400, "Bucket tag count cannot be greater than 50")
    })
}

/// `x-amz-tagging`: `key=value&key2=value2`, form-encoded.
pub(crate) fn of_header(header: &str) -> Result<TagMap> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| invalid_header(header))
    };
    let mut pairs = Vec::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key)?, decode(value)?);
        if key.is_empty() || pairs.iter().any(|(earlier, _)| *earlier == key) {
            return Err(invalid_header(header));
        }
        pairs.push((key, value));
        if pairs.len() > BUCKET_TAGS_MAX {
            break;
        }
    }
    object(pairs.into_iter())
}

/// The `x-amz-tagging` for a form's `tagging` field, which is a `<Tagging>` document.
pub(crate) fn header_of_document(document: &str) -> Result<String> {
    let mut reader = quick_xml::Reader::from_str(document);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let (mut key, mut value): (Option<String>, String) = (None, String::new());
    let mut text = String::new();
    while pairs.len() <= BUCKET_TAGS_MAX {
        match reader.read_event().map_err(|_| error::malformed_xml())? {
            Event::Start(_) => text.clear(),
            Event::Text(piece) => text += &piece.decode().map_err(|_| error::malformed_xml())?,
            Event::GeneralRef(entity) => {
                let entity = format!("&{};", entity.decode().map_err(|_| error::malformed_xml())?);
                text += &quick_xml::escape::unescape(&entity).map_err(|_| error::malformed_xml())?;
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                b"Key" => key = Some(std::mem::take(&mut text)),
                b"Value" => value = std::mem::take(&mut text),
                b"Tag" => {
                    let key = key.take().ok_or_else(error::malformed_xml)?;
                    pairs.push((key, std::mem::take(&mut value)));
                }
                _ => {}
            },
            Event::DocType(_) => return Err(error::malformed_xml()),
            Event::Eof => break,
            _ => {}
        }
    }
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    Ok(pairs.join("&"))
}

pub(crate) fn to_wire(tags: &TagMap) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

fn object(pairs: impl Iterator<Item = (String, String)>) -> Result<TagMap> {
    collect(pairs, OBJECT_TAGS_MAX, || error::new("BadRequest", 400, "Object tags cannot be greater than 10"))
}

fn collect(
    pairs: impl Iterator<Item = (String, String)>,
    max: usize,
    too_many: impl Fn() -> haneul_kit::ApiError,
) -> Result<TagMap> {
    let mut tags = TagMap::new();
    for (key, value) in pairs {
        check(&key, &value)?;
        if tags.contains_key(&key) {
            let message = "Cannot provide multiple Tags with the same key";
            return Err(error::new("InvalidTag", 400, message).with_field("TagKey", key));
        }
        tags.insert(key, value);
        if tags.len() > max {
            return Err(too_many());
        }
    }
    Ok(tags)
}

fn check(key: &str, value: &str) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        let message = "System tags cannot be added/updated by requester";
        return Err(error::new("InvalidTag", 400, message).with_field("TagKey", key));
    }
    if key.is_empty() || key.chars().count() > KEY_LENGTH_MAX || !key.chars().all(allowed) {
        let message = "The TagKey you have provided is invalid";
        return Err(error::new("InvalidTag", 400, message).with_field("TagKey", key));
    }
    if value.chars().count() > VALUE_LENGTH_MAX || !value.chars().all(allowed) {
        let message = "The TagValue you have provided is invalid";
        return Err(error::new("InvalidTag", 400, message)
            .with_field("TagKey", key)
            .with_field("TagValue", value));
    }
    Ok(())
}

fn invalid_header(header: &str) -> haneul_kit::ApiError {
    error::invalid_argument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        "x-amz-tagging",
        header,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let document = "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag><Tag><Key>c</Key><Value/></Tag></TagSet></Tagging>";
        let tags = of_header(&header_of_document(document).unwrap()).unwrap_err();
        assert_eq!(tags.code(), "InvalidTag", "an ampersand is not allowed in a value");
        let document = document.replace("&amp;", "+");
        let tags = of_header(&header_of_document(&document).unwrap()).unwrap();
        assert_eq!(
            tags.into_iter().collect::<Vec<_>>(),
            [("a b".into(), "1+2".into()), ("c".into(), String::new())]
        );
        for bad in
            ["<a", "<Tagging><TagSet><Tag><Value>1</Value></Tag></TagSet></Tagging>", "<!DOCTYPE x><a/>"]
        {
            assert_eq!(header_of_document(bad).unwrap_err().code(), "MalformedXML", "{bad}");
        }
    }

    #[test]
    fn headers() {
        let code = |header: &str| of_header(header).map(|t| t.len()).map_err(|e| e.code().to_owned());
        let many: String = (0..11).map(|i| format!("k{i}=v&")).collect();
        for (header, expected) in [
            ("", Ok(0)),
            ("a=1", Ok(1)),
            ("a=1&b=2", Ok(2)),
            ("a", Ok(1)),
            ("a%20b=c%2Bd", Ok(1)),
            ("%ED%82%A4=1", Ok(1)),
            ("a=1&a=2", Err("InvalidArgument".to_owned())),
            ("=1", Err("InvalidArgument".to_owned())),
            ("=", Err("InvalidArgument".to_owned())),
            ("&", Ok(0)),
            ("a&b=", Ok(2)),
            ("a=<", Err("InvalidTag".to_owned())),
            ("AWS:x=1", Err("InvalidTag".to_owned())),
            ("%FF=1", Err("InvalidArgument".to_owned())),
            (&many, Err("BadRequest".to_owned())),
        ] {
            assert_eq!(code(header), expected, "{header}");
        }
        assert_eq!(of_header("a+b=c").unwrap().get("a b").map(String::as_str), Some("c"));
        assert_eq!(of_header(&format!("k={}", "v".repeat(257))).unwrap_err().code(), "InvalidTag");
    }
}
