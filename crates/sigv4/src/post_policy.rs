//! The [policy document](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html) of a POST
//! form, parsed and evaluated: pure functions of the form.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::error::AuthError;
use crate::timestamp::Timestamp;

/// All fields of a form but the file have 20 KB together; the policy is one of them.
const POLICY_BYTES_MAX: usize = 20 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A POST policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostPolicy {
    pub expiration: Timestamp,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Equals { field: String, value: String },
    StartsWith { field: String, prefix: String },
    LengthRange(u64, u64),
}

impl PostPolicy {
    /// Reads the base64 text of the form's `policy` field.
    ///
    /// # Errors
    /// `PolicyInvalid`.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        let text: Vec<u8> =
            text.bytes().filter(|b| !b.is_ascii_whitespace()).take(POLICY_BYTES_MAX + 1).collect();
        if text.len() > POLICY_BYTES_MAX {
            return Err(invalid("Policy too large."));
        }
        let json = BASE64.decode(text).map_err(|_| invalid("Invalid base64."))?;
        let json: Value = serde_json::from_slice(&json).map_err(|_| invalid("Invalid JSON."))?;
        let expiration = json.get("expiration").ok_or_else(|| invalid("Policy missing expiration."))?;
        let expiration = expiration
            .as_str()
            .and_then(Timestamp::parse_extended)
            .ok_or_else(|| invalid(&format!("Invalid 'expiration' value: {expiration}")))?;
        let conditions = json.get("conditions").ok_or_else(|| invalid("Policy missing conditions."))?;
        let conditions =
            conditions.as_array().ok_or_else(|| invalid("Invalid 'conditions' value: must be a List."))?;
        Ok(Self { expiration, conditions: conditions.iter().map(parse_condition).collect::<Result<_, _>>()? })
    }

    /// Whether the form meets the policy: it has not expired, each condition holds, and each field is covered by one.
    ///
    /// `bucket` is the bucket of the request, and `fields` are those that precede the file, with `${filename}` already
    /// replaced. How long the file is, is [`PostPolicy::check_length`]'s matter.
    ///
    /// # Errors
    /// `PolicyExpired`, `PolicyConditionFailed`, `PolicyExtraFields`.
    pub fn check(&self, bucket: &str, fields: &[(&str, &str)], now: Timestamp) -> Result<(), AuthError> {
        if now > self.expiration {
            return Err(AuthError::PolicyExpired);
        }
        // The bucket is a field of every form, whether or not it is written there, and it is the request's.
        let mut form = vec![("bucket", bucket)];
        form.extend(fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("bucket")));
        if let Some(failed) = self.conditions.iter().find(|c| !c.holds(&form)) {
            return Err(AuthError::PolicyConditionFailed { condition: failed.text() });
        }
        let mut extra: Vec<String> = form
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .filter(|n| !is_exempt(n) && !self.covers(n))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        extra.dedup();
        Err(AuthError::PolicyExtraFields { names: extra })
    }

    /// The lengths in bytes that every `content-length-range` allows. The range may be empty.
    pub fn content_length_range(&self) -> Option<RangeInclusive<u64>> {
        self.conditions
            .iter()
            .filter_map(|c| match c {
                Condition::LengthRange(min, max) => Some((*min, *max)),
                _ => None,
            })
            .reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)))
            .map(|(min, max)| min..=max)
    }

    /// Whether a file of `size` bytes is allowed.
    ///
    /// # Errors
    /// `EntityTooLarge`, `EntityTooSmall`.
    pub fn check_length(&self, size: u64) -> Result<(), AuthError> {
        match self.content_length_range() {
            Some(range) if size > *range.end() => {
                Err(AuthError::EntityTooLarge { size, size_max: *range.end() })
            }
            Some(range) if size < *range.start() => {
                Err(AuthError::EntityTooSmall { size, size_min: *range.start() })
            }
            _ => Ok(()),
        }
    }

    fn covers(&self, name: &str) -> bool {
        self.conditions.iter().any(|c| match c {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => {
                field.eq_ignore_ascii_case(name)
            }
            Condition::LengthRange(..) => false,
        })
    }
}

impl Condition {
    fn holds(&self, form: &[(&str, &str)]) -> bool {
        let values = |field: &str| -> Vec<&str> {
            form.iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(field))
                .map(|(_, value)| *value)
                .collect()
        };
        match self {
            Self::Equals { field, value } => {
                let values = values(field);
                !values.is_empty() && values.iter().all(|v| v == value)
            }
            Self::StartsWith { field, prefix } => {
                let values = values(field);
                let holds = |v: &&str| {
                    // A list of types holds only if each member does.
                    if field.eq_ignore_ascii_case("content-type") {
                        v.split(',').all(|member| member.trim_start().starts_with(prefix.as_str()))
                    } else {
                        v.starts_with(prefix.as_str())
                    }
                };
                !values.is_empty() && values.iter().all(holds)
            }
            Self::LengthRange(..) => true,
        }
    }

    /// As S3 quotes it: JSON with a space after each comma.
    fn text(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        match self {
            Self::Equals { field, value } => {
                format!("[\"eq\", {}, {}]", quoted(&format!("${field}")), quoted(value))
            }
            Self::StartsWith { field, prefix } => {
                format!("[\"starts-with\", {}, {}]", quoted(&format!("${field}")), quoted(prefix))
            }
            Self::LengthRange(min, max) => format!("[\"content-length-range\", {min}, {max}]"),
        }
    }
}

/// A condition is a list, or an object of one member.
fn parse_condition(json: &Value) -> Result<Condition, AuthError> {
    match json {
        Value::Object(members) => {
            let mut members = members.iter();
            let (Some((field, value)), None) = (members.next(), members.next()) else {
                return Err(invalid(
                    "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
                ));
            };
            let value =
                value.as_str().ok_or_else(|| invalid("Invalid Simple-Condition: value must be a string."))?;
            Ok(Condition::Equals { field: field.clone(), value: value.to_owned() })
        }
        Value::Array(items) => parse_list(items),
        _ => Err(invalid("Invalid Condition: must be a List or an Object.")),
    }
}

fn parse_list(items: &[Value]) -> Result<Condition, AuthError> {
    let operator = items.first().and_then(Value::as_str);
    let operator = operator.ok_or_else(|| invalid("Invalid Condition: missing operator."))?;
    let operator = operator.to_ascii_lowercase();
    if !matches!(operator.as_str(), "eq" | "starts-with" | "content-length-range") {
        return Err(invalid(&format!("Invalid Condition: unknown operation '{operator}'.")));
    }
    let [_, a, b] = items else {
        return Err(invalid(&format!("Invalid Condition: wrong number of arguments to '{operator}'.")));
    };
    if operator == "content-length-range" {
        let bound = |json: &Value| {
            length(json)
                .ok_or_else(|| invalid(&format!("Invalid content-length-range: {json} is no length.")))
        };
        return Ok(Condition::LengthRange(bound(a)?, bound(b)?));
    }
    let text = |json: &Value| {
        let text = json.as_str().map(str::to_owned);
        text.ok_or_else(|| invalid(&format!("Invalid Condition: arguments to '{operator}' must be strings.")))
    };
    let (field, value) = (text(a)?, text(b)?);
    let Some(field) = field.strip_prefix('$').map(str::to_owned) else {
        return Err(invalid(&format!("Invalid Condition: '{field}' does not begin with '$'.")));
    };
    Ok(match operator.as_str() {
        "eq" => Condition::Equals { field, value },
        _ => Condition::StartsWith { field, prefix: value },
    })
}

/// Some tools write the bounds as strings.
fn length(json: &Value) -> Option<u64> {
    json.as_u64().or_else(|| json.as_str()?.parse().ok())
}

fn is_exempt(name: &str) -> bool {
    matches!(name, "x-amz-signature" | "signature" | "awsaccesskeyid" | "policy" | "file")
        || name.starts_with("x-ignore-")
}

fn invalid(problem: &str) -> AuthError {
    AuthError::PolicyInvalid { problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::Family;

    const NOW: Timestamp = Timestamp::from_unix_s(1_440_938_160);

    fn check(conditions: &str, fields: &[(&str, &str)], size: u64, expected: &Expect) {
        let json = format!(r#"{{"expiration": "2015-08-30T13:00:00.000Z", "conditions": {conditions}}}"#);
        let result = PostPolicy::parse(&BASE64.encode(json))
            .and_then(|policy| policy.check("photos", fields, NOW).and_then(|()| policy.check_length(size)));
        expected.assert_eq(&match result {
            Ok(()) => "allowed".to_owned(),
            Err(error) => {
                let reply = error.render(Family::S3);
                format!("{} {}", reply.code, reply.message)
            }
        });
    }

    #[test]
    fn conditions() {
        let allowed = expect!["allowed"];
        let bucket = r#"{"bucket": "photos"}"#;
        let key = ("key", "user/eric/a.jpg");
        check(&format!(r#"[{bucket}, ["starts-with", "$key", "user/eric/"]]"#), &[key], 0, &allowed);
        check(
            &format!(r#"[{bucket}, ["starts-with", "$KEY", ""]]"#),
            &[("Key", "a"), ("Policy", "x"), ("x-ignore-a", "b")],
            0,
            &allowed,
        );
        check(
            r#"[["starts-with", "$key", "user/eric/"]]"#,
            &[key],
            0,
            &expect!["AccessDenied Invalid according to Policy: Extra input fields: bucket"],
        );
        check(
            &format!(r#"[{bucket}, ["eq", "$key", "user/eric/b.jpg"]]"#),
            &[key],
            0,
            &expect![[
                r#"AccessDenied Invalid according to Policy: Policy Condition failed: ["eq", "$key", "user/eric/b.jpg"]"#
            ]],
        );
        check(
            r#"[{"bucket": "other"}, ["starts-with", "$key", ""]]"#,
            &[key, ("bucket", "other")],
            0,
            &expect![[
                r#"AccessDenied Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "other"]"#
            ]],
        );
        check(
            &format!(r#"[{bucket}, ["starts-with", "$key", ""], ["starts-with", "$Content-Type", ""]]"#),
            &[key],
            0,
            &expect![[
                r#"AccessDenied Invalid according to Policy: Policy Condition failed: ["starts-with", "$Content-Type", ""]"#
            ]],
        );
        let types =
            format!(r#"[{bucket}, ["starts-with", "$key", ""], ["starts-with", "$Content-Type", "image/"]]"#);
        check(&types, &[key, ("content-type", "image/png, image/gif")], 0, &allowed);
        check(
            &types,
            &[key, ("content-type", "image/png,text/html")],
            0,
            &expect![[
                r#"AccessDenied Invalid according to Policy: Policy Condition failed: ["starts-with", "$Content-Type", "image/"]"#
            ]],
        );
        // Twice the same field: each value has to pass.
        check(
            &format!(r#"[{bucket}, {{"key": "a"}}]"#),
            &[("key", "a"), ("key", "b")],
            0,
            &expect![[
                r#"AccessDenied Invalid according to Policy: Policy Condition failed: ["eq", "$key", "a"]"#
            ]],
        );
    }

    #[test]
    fn what_is_no_condition() {
        let one = "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";
        let string = "Invalid Simple-Condition: value must be a string.";
        for (condition, problem) in [
            ("{}", one),
            (r#"{"acl": "a", "key": "b"}"#, one),
            (r#"{"acl": 5}"#, string),
            (r#"{"acl": ["a"]}"#, string),
            (r#"{"acl": null}"#, string),
            ("5", "Invalid Condition: must be a List or an Object."),
            (r#""acl""#, "Invalid Condition: must be a List or an Object."),
            ("[]", "Invalid Condition: missing operator."),
            (r#"[1, "$key", ""]"#, "Invalid Condition: missing operator."),
            (r#"["like", "$key", ""]"#, "Invalid Condition: unknown operation 'like'."),
            (r#"["eq", "$key"]"#, "Invalid Condition: wrong number of arguments to 'eq'."),
            (
                r#"["starts-with", "$key", "", ""]"#,
                "Invalid Condition: wrong number of arguments to 'starts-with'.",
            ),
            (r#"["eq", "key", "a"]"#, "Invalid Condition: 'key' does not begin with '$'."),
            (r#"["eq", "$key", 5]"#, "Invalid Condition: arguments to 'eq' must be strings."),
            (
                r#"["content-length-range", 5]"#,
                "Invalid Condition: wrong number of arguments to 'content-length-range'.",
            ),
            (r#"["content-length-range", -1, 5]"#, "Invalid content-length-range: -1 is no length."),
            (r#"["content-length-range", 1, "x"]"#, "Invalid content-length-range: \"x\" is no length."),
            (r#"["content-length-range", 1, 1.5]"#, "Invalid content-length-range: 1.5 is no length."),
        ] {
            let json = format!(r#"{{"expiration": "2015-08-30T13:00:00Z", "conditions": [{condition}]}}"#);
            let refused = PostPolicy::parse(&BASE64.encode(json)).unwrap_err();
            assert_eq!(refused, invalid(problem), "{condition}");
            let reply = refused.render(Family::S3);
            assert_eq!((reply.code, reply.status), ("InvalidPolicyDocument", 400));
        }
    }

    #[test]
    fn lengths() {
        let conditions = r#"[{"bucket": "photos"}, ["content-length-range", 10, "20"]]"#;
        check(conditions, &[], 10, &expect!["allowed"]);
        check(conditions, &[], 20, &expect!["allowed"]);
        check(
            conditions,
            &[],
            21,
            &expect!["EntityTooLarge Your proposed upload exceeds the maximum allowed size"],
        );
        check(
            conditions,
            &[],
            9,
            &expect!["EntityTooSmall Your proposed upload is smaller than the minimum allowed size"],
        );
    }

    #[test]
    fn documents() {
        let cases = [
            ("%%", "Invalid base64."),
            ("eyI=", "Invalid JSON."),
            ("e30=", "Policy missing expiration."),
            ("eyJleHBpcmF0aW9uIjogMX0=", "Invalid 'expiration' value: 1"),
        ];
        for (text, problem) in cases {
            assert_eq!(PostPolicy::parse(text), Err(invalid(problem)));
        }
        let json = r#"{"expiration": "2015-08-30T12:35:59Z", "conditions": []}"#;
        let policy = PostPolicy::parse(&BASE64.encode(json)).unwrap();
        assert_eq!(policy.check("photos", &[], NOW), Err(AuthError::PolicyExpired));
    }
}
