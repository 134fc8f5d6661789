use bytes::Bytes;
use haneul_kit::{ApiError, Result};
use haneul_shape::value::Map;
use haneul_sqs_wire::shapes::{MessageAttributeValue, MessageSystemAttributeValue};
use haneul_sqs_wire::values::message_system_attribute_name_for_sends::AWS_TRACE_HEADER;

use super::body::is_allowed;
use crate::error;

/// One attribute that a sender put on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    /// `String`, `Number` or `Binary`, perhaps with a label of the sender's: `Number.int`.
    pub(crate) data_type: String,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    String(String),
    Binary(Bytes),
}

/// Most attributes on one message.
const ATTRIBUTES_MAX: usize = 10;
const NAME_LENGTH_MAX: usize = 256;
const TYPE_LENGTH_MAX: usize = 256;

impl Attribute {
    /// What it counts towards the size of the message, in bytes.
    pub(crate) fn size(&self) -> usize {
        let value = match &self.value {
            Value::String(text) => text.len(),
            Value::Binary(bytes) => bytes.len(),
        };
        self.name.len() + self.data_type.len() + value
    }
}

/// Checks the attributes of one message. Source: SQS Developer Guide, "Message attribute components".
pub(crate) fn from_request(attributes: Option<Map<MessageAttributeValue>>) -> Result<Vec<Attribute>> {
    let Some(attributes) = attributes else { return Ok(Vec::new()) };
    if attributes.len() > ATTRIBUTES_MAX {
        let count = attributes.len();
        return Err(error::invalid_parameter(format!(
            "Number of message attributes [{count}] exceeds the allowed maximum [{ATTRIBUTES_MAX}]."
        )));
    }
    let mut checked: Vec<Attribute> = Vec::with_capacity(attributes.len());
    for (name, given) in attributes {
        check_name(&name)?;
        if checked.iter().any(|other| other.name == name) {
            return Err(error::invalid_parameter(format!(
                "Message (user) attribute name '{name}' already exists."
            )));
        }
        if given.string_list_values.is_some_and(|list| !list.is_empty())
            || given.binary_list_values.is_some_and(|list| !list.is_empty())
        {
            return Err(error::unsupported(
                "Message attribute list values in SendMessage operation are not supported.",
            ));
        }
        checked.push(check(name, given.data_type, given.string_value, given.binary_value)?);
    }
    Ok(checked)
}

/// The only system attribute that a sender may give: X-Ray's trace header.
pub(crate) fn trace_header(attributes: Option<Map<MessageSystemAttributeValue>>) -> Result<Option<String>> {
    let mut header = None;
    for (name, given) in attributes.unwrap_or_default() {
        if name != AWS_TRACE_HEADER {
            return Err(error::invalid_parameter(format!(
                "Message system attribute name '{name}' is invalid."
            )));
        }
        if given.data_type != "String" {
            return Err(error::invalid_parameter(format!(
                "The message system attribute '{name}' must have the type String."
            )));
        }
        header = match given.string_value {
            Some(text) if !text.is_empty() => Some(text),
            _ => return Err(empty_value(&name, "String")),
        };
    }
    Ok(header)
}

fn check(
    name: String,
    data_type: String,
    string: Option<String>,
    binary: Option<Bytes>,
) -> Result<Attribute, ApiError> {
    if data_type.is_empty() {
        return Err(error::invalid_parameter(format!(
            "The message attribute '{name}' must contain non-empty message attribute type."
        )));
    }
    let kind = data_type.split('.').next().unwrap_or_default();
    if !matches!(kind, "String" | "Number" | "Binary") || data_type.len() > TYPE_LENGTH_MAX {
        return Err(error::invalid_parameter(format!(
            "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String."
        )));
    }
    let value = match (kind, string, binary) {
        ("Binary", None, Some(bytes)) if !bytes.is_empty() => Value::Binary(bytes),
        ("String" | "Number", Some(text), None) if !text.is_empty() => Value::String(text),
        (_, Some(_), Some(_)) => {
            return Err(error::invalid_parameter(format!(
                "The message attribute '{name}' must contain only one of a string value and a binary value."
            )));
        }
        _ => return Err(empty_value(&name, &data_type)),
    };
    if let Value::String(text) = &value {
        if !is_allowed(text) {
            return Err(error::invalid_contents());
        }
        if kind == "Number" && !is_number(text) {
            return Err(error::invalid_parameter(format!(
                "Can't cast the value of message (user) attribute '{name}' to a number."
            )));
        }
    }
    Ok(Attribute { name, data_type, value })
}

fn empty_value(name: &str, data_type: &str) -> ApiError {
    error::invalid_parameter(format!(
        "Message (user) attribute '{name}' must contain a non-empty value of type '{data_type}'."
    ))
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_LENGTH_MAX {
        return Err(error::invalid_parameter(format!(
            "Length of message attribute name must be between 1 and {NAME_LENGTH_MAX}."
        )));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(error::invalid_parameter(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.' because these strings are \
             reserved for internal use.",
        ));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !name.bytes().all(allowed) || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(error::invalid_parameter(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore \
             (_), hyphen (-), and period (.) characters."
        )));
    }
    Ok(())
}

/// Up to 38 digits between 10^-128 and 10^126, as the Developer Guide has it.
fn is_number(text: &str) -> bool {
    if text.len() > 256 {
        return false;
    }
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()),
        None => (text, Some(0)),
    };
    let digits: Vec<u8> = mantissa.bytes().filter(|b| *b != b'.').collect();
    let dots = mantissa.len() - digits.len();
    let significant = digits.iter().skip_while(|b| **b == b'0').count();
    let (Some(exponent), true) = (exponent, digits.iter().all(u8::is_ascii_digit)) else { return false };
    !digits.is_empty() && dots <= 1 && significant <= 38 && (-128..=126).contains(&exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, data_type: &str, string: Option<&str>, binary: Option<&[u8]>) -> Result<Attribute> {
        let value = MessageAttributeValue {
            data_type: data_type.into(),
            string_value: string.map(str::to_owned),
            binary_value: binary.map(|bytes| bytes.to_vec().into()),
            ..Default::default()
        };
        from_request(Some([(name, value)].into_iter().collect())).map(|mut all| all.remove(0))
    }

    #[test]
    fn accepted() {
        for (name, data_type, string, binary) in [
            ("a", "String", Some("v"), None),
            ("a-b_c.d", "String.label", Some("v"), None),
            ("n", "Number", Some("-12.5e3"), None),
            ("n", "Number.int", Some("0"), None),
            ("n", "Number", Some("99999999999999999999999999999999999999"), None),
            ("b", "Binary.gif", None, Some(&b"\0"[..])),
        ] {
            assert!(one(name, data_type, string, binary).is_ok(), "{name} {data_type}");
        }
    }

    #[test]
    fn refused() {
        for (name, data_type, string, binary, says) in [
            ("", "String", Some("v"), None, "Length of message attribute name"),
            ("AWS.x", "String", Some("v"), None, "reserved for internal use"),
            ("amazon.x", "String", Some("v"), None, "reserved for internal use"),
            (".a", "String", Some("v"), None, "is invalid"),
            ("a.", "String", Some("v"), None, "is invalid"),
            ("a..b", "String", Some("v"), None, "is invalid"),
            ("a b", "String", Some("v"), None, "is invalid"),
            ("é", "String", Some("v"), None, "is invalid"),
            ("a", "", Some("v"), None, "non-empty message attribute type"),
            ("a", "string", Some("v"), None, "following supported type prefixes"),
            ("a", "Float", Some("v"), None, "following supported type prefixes"),
            ("a", "String", Some(""), None, "non-empty value of type"),
            ("a", "String", None, None, "non-empty value of type"),
            ("a", "String", None, Some(&b"x"[..]), "non-empty value of type"),
            ("a", "Binary", Some("v"), None, "non-empty value of type"),
            ("a", "Binary", Some("v"), Some(&b"x"[..]), "only one of"),
            ("a", "Number", Some("one"), None, "Can't cast"),
            ("a", "Number", Some("1.2.3"), None, "Can't cast"),
            ("a", "Number", Some("1e999"), None, "Can't cast"),
            ("a", "Number", Some("."), None, "Can't cast"),
            ("a", "String", Some("\0"), None, "Invalid characters"),
        ] {
            let error = one(name, data_type, string, binary).expect_err(name);
            assert!(error.message().contains(says), "{name} {data_type}: {error}");
        }
    }

    #[test]
    fn at_most_ten() {
        let value = || MessageAttributeValue {
            data_type: "String".into(),
            string_value: Some("v".into()),
            ..Default::default()
        };
        let many = |n: usize| Some((0..n).map(|i| (format!("a{i}"), value())).collect());
        assert_eq!(from_request(many(10)).unwrap().len(), 10);
        assert_eq!(
            from_request(many(11)).unwrap_err().message(),
            "Number of message attributes [11] exceeds the allowed maximum [10]."
        );
    }
}
