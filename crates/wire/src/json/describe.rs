//! A call's input or output as audit records show it: JSON with lowerCamelCase names, no secrets, no bulk.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail record contents": fields over 100 KB are left out. What is secret is said
//! by the model's `sensitive` trait and, where models are silent, by [`HIDDEN_MEMBERS`].

use haneul_shape::{Ref, Shape, ShapeId};

use super::document;
use super::write::{display, string};
use crate::model::{Kind, Location, Member, Model};
use crate::text;

/// Stands where a secret was.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Longest description.
const BYTES_MAX: usize = 100 * 1024;

/// Structures deeper than this are cut: no model of AWS needs as much.
const DEPTH_MAX: usize = 32;

/// Members that hold contents or secrets although their models do not say so.
const HIDDEN_MEMBERS: &[(&str, &[&str])] = &[
    ("cloudformation", &["ParameterValue"]),
    ("dynamodb", &["ExpressionAttributeValues", "Parameters", "Statement"]),
    ("ec2", &["UserData", "PasswordData", "KeyMaterial"]),
    ("events", &["Detail"]),
    ("iam", &["AuthenticationCode1", "AuthenticationCode2", "Base32StringSeed", "QRCodePNG"]),
    ("kms", &["GrantToken", "GrantTokens"]),
    ("sns", &["Message", "MessageAttributes", "Subject"]),
    ("sqs", &["Body", "MessageAttributes", "MessageBody", "MessageSystemAttributes", "ReceiptHandle"]),
    ("sts", &["SAMLAssertion", "SessionToken", "TokenCode", "TradeInToken", "WebIdentityToken"]),
];

/// Shapes that models call sensitive, but AWS's records show.
const SHOWN: &[&str] = &["NonEmptyKmsKeyArnString", "SSEKMSKeyId"];

/// Texts under such names are secrets in every service.
const HIDDEN_ANYWHERE: &[&str] = &["Password", "PrivateKey", "SecretAccessKey", "SecretString", "SecretKey"];

/// The description of a structure; `None` when there is nothing in it, or too much.
pub fn describe(model: &Model, shape: &dyn Shape) -> Option<Vec<u8>> {
    let name = model.service.name;
    let hidden = HIDDEN_MEMBERS.iter().find(|(service, _)| *service == name).map_or(&[][..], |(_, all)| all);
    let mut writer = Writer { out: Vec::with_capacity(256), model, hidden, s3: name == "s3", keys: 0 };
    writer.structure(shape, 0);
    (writer.out.len() > 2 && writer.out.len() <= BYTES_MAX).then_some(writer.out)
}

struct Writer<'a> {
    out: Vec<u8>,
    model: &'a Model,
    hidden: &'static [&'static str],
    s3: bool,
    /// How many members around us are keys of items, whose values are no secret (DynamoDB).
    keys: usize,
}

impl Writer<'_> {
    fn structure(&mut self, shape: &dyn Shape, depth: usize) {
        let def = self.model.structure(shape.id());
        self.out.push(b'{');
        let mut first = true;
        if depth < DEPTH_MAX {
            for (i, member) in def.members.iter().enumerate() {
                let value = shape.get(i);
                if matches!(value, Ref::Null | Ref::Stream(_) | Ref::Events(_) | Ref::Blob(_))
                    || member.location == Location::StatusCode
                    || self.out.len() > BYTES_MAX
                {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    self.out.push(b',');
                }
                self.name(member);
                self.out.push(b':');
                if self.is_hidden(member, &value) {
                    string(&mut self.out, HIDDEN);
                    continue;
                }
                let key = matches!(member.name, "Key" | "Keys" | "ExclusiveStartKey");
                self.keys += usize::from(key);
                self.value(member.shape, value, depth + 1);
                self.keys -= usize::from(key);
            }
        }
        self.out.push(b'}');
    }

    fn name(&mut self, member: &Member) {
        match member.location {
            _ if self.s3 && member.name == "Bucket" => string(&mut self.out, "bucketName"),
            Location::Header | Location::Query if self.s3 => string(&mut self.out, member.wire_name),
            Location::Body if self.s3 => string(&mut self.out, member.name),
            _ => {
                let from = self.out.len() + 1;
                string(&mut self.out, member.name);
                self.out[from].make_ascii_lowercase();
            }
        }
    }

    fn is_hidden(&self, member: &Member, value: &Ref<'_>) -> bool {
        self.hidden.contains(&member.name)
            || self.is_sensitive(member.shape)
            || matches!(value, Ref::Str(_)) && HIDDEN_ANYWHERE.iter().any(|name| member.name.contains(name))
    }

    fn is_sensitive(&self, shape: ShapeId) -> bool {
        let def = self.model.shape(shape);
        def.sensitive && !SHOWN.contains(&def.name)
    }

    fn value(&mut self, shape: ShapeId, value: Ref<'_>, depth: usize) {
        let model = self.model;
        let def = model.shape(shape);
        if self.is_sensitive(shape) || def.name == "AttributeValue" && self.keys == 0 {
            return string(&mut self.out, HIDDEN);
        }
        match value {
            Ref::Null | Ref::Stream(_) | Ref::Events(_) | Ref::Blob(_) => self.out.extend_from_slice(b"null"),
            Ref::Bool(value) => display(&mut self.out, value),
            Ref::I32(value) => display(&mut self.out, value),
            Ref::I64(value) => display(&mut self.out, value),
            Ref::F32(value) if value.is_finite() => {
                self.out.extend_from_slice(text::float32(value).as_bytes())
            }
            Ref::F64(value) if value.is_finite() => self.out.extend_from_slice(text::float(value).as_bytes()),
            Ref::F32(value) => string(&mut self.out, &text::float32(value)),
            Ref::F64(value) => string(&mut self.out, &text::float(value)),
            Ref::Str(value) => string(&mut self.out, value),
            Ref::Timestamp(at) => string(&mut self.out, &at.long_form()),
            Ref::Document(value) => document::write(&mut self.out, value),
            Ref::Struct(value) => self.structure(value, depth),
            Ref::List(list) => {
                let Kind::List(of) = &def.kind else { return self.out.extend_from_slice(b"[]") };
                self.out.push(b'[');
                for i in 0..list.len() {
                    if self.out.len() > BYTES_MAX || depth > DEPTH_MAX {
                        break;
                    }
                    if i > 0 {
                        self.out.push(b',');
                    }
                    self.value(of.member, list.get(i), depth + 1);
                }
                self.out.push(b']');
            }
            Ref::Map(map) => {
                let Kind::Map(of) = &def.kind else { return self.out.extend_from_slice(b"{}") };
                self.out.push(b'{');
                for i in 0..map.len() {
                    if self.out.len() > BYTES_MAX || depth > DEPTH_MAX {
                        break;
                    }
                    if i > 0 {
                        self.out.push(b',');
                    }
                    let (key, value) = map.get(i);
                    string(&mut self.out, key);
                    self.out.push(b':');
                    self.value(of.value, value, depth + 1);
                }
                self.out.push(b'}');
            }
        }
    }
}
