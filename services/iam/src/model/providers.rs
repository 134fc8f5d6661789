//! Server certificates and identity providers.

use haneul_kit::{AccountId, Arn};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::{Key, Millis};
use crate::secret::Secret;

/// An X.509 certificate with its key, for load balancers and the like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerCertificate {
    pub path: String,
    pub name: String,
    /// `ASCA…`
    pub id: String,
    pub uploaded: Millis,
    pub expires: Millis,
    /// PEM
    pub body: String,
    #[serde(default)]
    pub chain: Option<String>,
    pub private_key: Secret,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

impl ServerCertificate {
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format_args!("server-certificate{}{}", self.path, self.name))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SamlProvider {
    pub name: String,
    pub uuid: String,
    pub created: Millis,
    pub metadata: String,
    pub entity_id: String,
    /// DER in base64.
    pub certificates: Vec<String>,
    pub valid_until: Millis,
    /// `Required` or `Allowed`.
    #[serde(default)]
    pub encryption: Option<String>,
    /// Oldest first.
    #[serde(default)]
    pub private_keys: Vec<SamlKey>,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SamlKey {
    pub id: String,
    pub added: Millis,
    /// PEM
    pub key: Secret,
}

impl SamlProvider {
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format_args!("saml-provider/{}", self.name))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OidcProvider {
    /// With its scheme.
    pub url: String,
    pub client_ids: Vec<String>,
    pub thumbprints: Vec<String>,
    pub created: Millis,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

impl OidcProvider {
    /// The URL without its scheme, as ARNs and answers have it.
    pub(crate) fn place(&self) -> &str {
        self.url.split_once("://").map_or(&self.url, |(_, rest)| rest)
    }

    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format_args!("oidc-provider/{}", self.place()))
    }
}

impl Record for ServerCertificate {}
impl Record for SamlProvider {}
impl Record for OidcProvider {}

pub(crate) static SERVER_CERTIFICATES: Table<Key, ServerCertificate> = Table::new("iam.server-certificates");
pub(crate) static SAML_PROVIDERS: Table<Key, SamlProvider> = Table::new("iam.saml-providers");
/// By [`OidcProvider::place`] in lower case.
pub(crate) static OIDC_PROVIDERS: Table<Key, OidcProvider> = Table::new("iam.oidc-providers");
