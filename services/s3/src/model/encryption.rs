use serde::{Deserialize, Serialize};

/// How an object's bytes are encrypted: its data key, wrapped, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Empty when the key is the one that KMS gave.
    #[serde(rename = "k")]
    pub(crate) key: String,
    #[serde(rename = "s", default, skip_serializing_if = "Scheme::is_s3")]
    pub(crate) scheme: Scheme,
    /// With DSSE-KMS the key of the inner layer, wrapped by the cloud's own key.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) inner: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scheme {
    /// By the cloud's own key: the wrapped key is a sealed token.
    #[default]
    #[serde(rename = "s")]
    S3,
    /// By a key of KMS.
    #[serde(rename = "k")]
    Kms(KmsScheme),
    /// By a key that the client brings: only the MD5 of it is known here, in base64.
    #[serde(rename = "c")]
    Customer(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KmsScheme {
    /// The key's ARN.
    #[serde(rename = "a")]
    pub(crate) key_arn: String,
    /// What KMS gave: the data key encrypted, or with a bucket key that one; base64.
    #[serde(rename = "b")]
    pub(crate) blob: String,
    /// `aws:kms:dsse`.
    #[serde(rename = "d", default, skip_serializing_if = "is_false")]
    pub(crate) dsse: bool,
    #[serde(rename = "u", default, skip_serializing_if = "is_false")]
    pub(crate) bucket_key: bool,
    /// The encryption context that KMS was given, in order.
    #[serde(rename = "c")]
    pub(crate) context: Vec<(String, String)>,
    /// The client's own part of it, as it was sent.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<String>,
}

impl Scheme {
    fn is_s3(&self) -> bool {
        *self == Scheme::S3
    }
}

/// What a bucket does with objects that say nothing of encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketEncryption {
    pub(crate) algorithm: DefaultAlgorithm,
    pub(crate) kms_key: Option<String>,
    /// Whether writes with keys that clients bring are refused; `None` where the configuration never spoke of it.
    pub(crate) blocks_customer_keys: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DefaultAlgorithm {
    #[default]
    S3,
    Kms,
    Dsse,
}

impl DefaultAlgorithm {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DefaultAlgorithm::S3 => "AES256",
            DefaultAlgorithm::Kms => "aws:kms",
            DefaultAlgorithm::Dsse => "aws:kms:dsse",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<DefaultAlgorithm> {
        [DefaultAlgorithm::S3, DefaultAlgorithm::Kms, DefaultAlgorithm::Dsse]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
