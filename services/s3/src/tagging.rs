//! The tags of buckets and objects.

use std::collections::BTreeMap;

use haneul_kit::{ApiError, Result};
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

/// What tags are refused with, which is not the same everywhere.
#[derive(Clone, Copy)]
struct Words {
    max: usize,
    too_many: (&'static str, &'static str),
    duplicate: &'static str,
    system: &'static str,
    key: &'static str,
    value: &'static str,
}

const OF_BUCKETS: Words = Words {
    max: BUCKET_TAGS_MAX,
    too_many: ("BadRequest", "Bucket tag count cannot be greater than 50"),
    duplicate: "Cannot provide multiple Tags with the same key",
    system: "System tags cannot be added/updated by requester",
    key: "The TagKey you have provided is invalid",
    value: "The TagValue you have provided is invalid",
};

const OF_OBJECTS: Words = Words {
    max: OBJECT_TAGS_MAX,
    too_many: ("BadRequest", "Object tags cannot be greater than 10"),
    system: "Your TagKey cannot be prefixed with aws:",
    ..OF_BUCKETS
};

/// Of buckets that are made with them.
const OF_NEW_BUCKETS: Words = Words { system: BY_ARN.system, ..OF_BUCKETS };

const INVALID_BY_ARN: &str = "This request contains a tag key or value that isn't valid. Valid characters include the following: \
    [a-zA-Z+-=._:/]. Tag keys can contain up to 128 characters. Tag values can contain up to 256 characters.";

/// S3 Control's. Source of the last: S3 API Reference, "List of Tagging-related error codes".
const BY_ARN: Words = Words {
    max: BUCKET_TAGS_MAX,
    duplicate: "There are duplicate tag keys in your request. Remove the duplicate tag keys and try again.",
    system: "User-defined tag keys can't start with \"aws:\". This prefix is reserved for system tags. Remove \"aws:\" from \
             your tag keys and try again.",
    key: INVALID_BY_ARN,
    value: INVALID_BY_ARN,
    too_many: (
        "TooManyTags",
        "The number of tags exceeds the limit of 50 tags. Remove some tags and try again.",
    ),
};

/// Tags given in a document.
pub(crate) fn of_object(tags: Vec<Tag>) -> Result<TagMap> {
    collect(pairs(tags), &OF_OBJECTS)
}

/// Tags of a bucket.
pub(crate) fn of_bucket(tags: Vec<Tag>) -> Result<TagMap> {
    collect(pairs(tags), &OF_BUCKETS)
}

pub(crate) fn of_new_bucket(tags: Vec<Tag>) -> Result<TagMap> {
    collect(pairs(tags), &OF_NEW_BUCKETS)
}

/// Tags of what S3 Control knows by its ARN or id.
pub(crate) fn by_arn(tags: Vec<Tag>) -> Result<TagMap> {
    collect(pairs(tags), &BY_ARN)
}

pub(crate) fn too_many_by_arn() -> ApiError {
    let (code, message) = BY_ARN.too_many;
    error::new(code, 400, message)
}

fn pairs(tags: Vec<Tag>) -> impl Iterator<Item = (String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value))
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
    collect(pairs.into_iter(), &OF_OBJECTS)
}

/// Where the tags are in a `<Tagging>` document.
const TAG_PATH: [&[u8]; 3] = [b"Tagging", b"TagSet", b"Tag"];

/// The `x-amz-tagging` for a form's `tagging` field, which is a `<Tagging>` document. One of anything else has no tags.
pub(crate) fn header_of_document(document: &str) -> Result<String> {
    let mut reader = quick_xml::Reader::from_str(document);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let (mut key, mut value): (Option<String>, Option<String>) = (None, None);
    let (mut path, mut text): (Vec<Vec<u8>>, String) = (Vec::new(), String::new());
    while pairs.len() <= BUCKET_TAGS_MAX {
        let ended = match reader.read_event().map_err(|_| error::malformed_xml())? {
            Event::Start(tag) => {
                path.push(tag.local_name().as_ref().to_vec());
                text.clear();
                None
            }
            Event::Empty(tag) => {
                text.clear();
                Some(tag.local_name().as_ref().to_vec())
            }
            Event::Text(piece) => {
                text += &piece.decode().map_err(|_| error::malformed_xml())?;
                None
            }
            Event::GeneralRef(entity) => {
                let entity = format!("&{};", entity.decode().map_err(|_| error::malformed_xml())?);
                text += &quick_xml::escape::unescape(&entity).map_err(|_| error::malformed_xml())?;
                None
            }
            Event::End(_) => path.pop(),
            Event::DocType(_) => return Err(error::malformed_xml()),
            Event::Eof => break,
            _ => None,
        };
        let Some(name) = ended else { continue };
        match name.as_slice() {
            b"Key" if path == TAG_PATH => key = Some(std::mem::take(&mut text)),
            b"Value" if path == TAG_PATH => value = Some(std::mem::take(&mut text)),
            b"Tag" if path == TAG_PATH[..2] => {
                pairs.push(key.take().zip(value.take()).ok_or_else(error::malformed_xml)?);
            }
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

fn collect(pairs: impl Iterator<Item = (String, String)>, words: &Words) -> Result<TagMap> {
    let mut tags = TagMap::new();
    for (key, value) in pairs {
        if tags.contains_key(&key) {
            return Err(error::new("InvalidTag", 400, words.duplicate).with_field("TagKey", key));
        }
        check(&key, &value, words)?;
        tags.insert(key, value);
        if tags.len() > words.max {
            let (code, message) = words.too_many;
            return Err(error::new(code, 400, message));
        }
    }
    Ok(tags)
}

fn check(key: &str, value: &str, words: &Words) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err(error::new("InvalidTag", 400, words.system).with_field("TagKey", key));
    }
    if key.is_empty() || key.chars().count() > KEY_LENGTH_MAX || !key.chars().all(allowed) {
        return Err(error::new("InvalidTag", 400, words.key).with_field("TagKey", key));
    }
    if value.chars().count() > VALUE_LENGTH_MAX || !value.chars().all(allowed) {
        let refused = error::new("InvalidTag", 400, words.value).with_field("TagKey", key);
        return Err(refused.with_field("TagValue", value));
    }
    Ok(())
}

fn invalid_header(header: &str) -> ApiError {
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
        for (none, why) in [
            ("<a><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></a>", "the root is another"),
            ("<Tagging><Tag><Key>k</Key><Value>v</Value></Tag></Tagging>", "no set"),
            ("<Tagging/>", "nothing"),
        ] {
            assert_eq!(header_of_document(none).unwrap(), "", "{why}");
        }
        for bad in [
            "<a",
            "<Tagging><TagSet><Tag><Value>1</Value></Tag></TagSet></Tagging>",
            "<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>",
            "<!DOCTYPE x><a/>",
        ] {
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
