use serde::{Deserialize, Serialize};

/// Who may do what. Where a record has none, only the owner may do anything.
pub(crate) type Acl = Vec<GrantRecord>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    #[serde(rename = "g")]
    pub(crate) grantee: GranteeRecord,
    #[serde(rename = "p")]
    pub(crate) permission: Permission,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GranteeRecord {
    /// An account, by its canonical user id.
    #[serde(rename = "c")]
    Canonical(String),
    #[serde(rename = "a")]
    AllUsers,
    #[serde(rename = "u")]
    AuthenticatedUsers,
    #[serde(rename = "l")]
    LogDelivery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Permission {
    #[serde(rename = "f")]
    FullControl,
    #[serde(rename = "w")]
    Write,
    #[serde(rename = "wa")]
    WriteAcp,
    #[serde(rename = "r")]
    Read,
    #[serde(rename = "ra")]
    ReadAcp,
}

impl Permission {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Permission::FullControl => "FULL_CONTROL",
            Permission::Write => "WRITE",
            Permission::WriteAcp => "WRITE_ACP",
            Permission::Read => "READ",
            Permission::ReadAcp => "READ_ACP",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Permission> {
        use Permission::{FullControl, Read, ReadAcp, Write, WriteAcp};
        [FullControl, Write, WriteAcp, Read, ReadAcp]
            .into_iter()
            .find(|permission| permission.as_str() == text)
    }
}
