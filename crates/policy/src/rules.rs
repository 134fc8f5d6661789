//! What each kind of policy may contain, as data.

/// The rules that a document is checked against. Start from one of the constants and adjust it for a service:
/// `Rules { size_max: 30_720, ..Rules::RESOURCE }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// `Principal` or `NotPrincipal`.
    pub principal: Presence,
    /// Whether `NotPrincipal` may stand for `Principal`.
    pub not_principal: bool,
    /// `Resource` or `NotResource`.
    pub resource: Presence,
    pub not_action: bool,
    pub allow: bool,
    /// The principal must be exactly `"*"` (resource control policies).
    pub principal_only_star: bool,
    /// Only the actions of STS that assume roles (trust policies).
    pub only_sts: bool,
    /// `Version` must be given, as 2012-10-17.
    pub version_2012: bool,
    /// IAM's checks of resource ARNs; services that own a resource check them in their own ways.
    pub strict_arns: bool,
    /// Statement ids must be alphanumeric and unique, and the text must not begin with white space.
    pub strict_sids: bool,
    /// A federated principal must be an ARN, or the host name of a provider that AWS knows by itself.
    pub strict_providers: bool,
    /// In characters.
    pub size_max: usize,
    /// Whether white space counts towards the size.
    pub size_counts_space: bool,
    pub statements_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    Prohibited,
}

impl Rules {
    /// Whether IAM's own reader of permissions reads it: a policy of identities as a client sends it.
    pub(crate) fn is_of_identities(&self) -> bool {
        self.principal == Presence::Prohibited && self.strict_arns
    }

    /// A policy of permissions: inline, or managed when `version_2012` is asked for.
    pub const IDENTITY: Self = Self {
        principal: Presence::Prohibited,
        not_principal: false,
        resource: Presence::Required,
        not_action: true,
        allow: true,
        principal_only_star: false,
        only_sts: false,
        version_2012: false,
        strict_arns: true,
        strict_sids: true,
        strict_providers: false,
        size_max: 6144,
        size_counts_space: false,
        statements_max: 4096,
    };

    /// A customer managed policy (quota: 6,144 characters).
    pub const MANAGED: Self = Self { version_2012: true, ..Self::IDENTITY };

    /// As one that is registered, for whoever has boundaries of older versions already.
    pub const PERMISSIONS_BOUNDARY: Self = Self::IDENTITY;

    /// The inline policies of one user: 2,048 characters together; whoever holds the others checks the sum.
    pub const USER_INLINE: Self = Self { size_max: 2048, ..Self::IDENTITY };

    /// The inline policies of one group: 5,120 characters together.
    pub const GROUP_INLINE: Self = Self { size_max: 5120, ..Self::IDENTITY };

    /// The inline policies of one role: 10,240 characters together.
    pub const ROLE_INLINE: Self = Self { size_max: 10_240, ..Self::IDENTITY };

    /// An AWS managed policy: as customer managed, without the quota.
    pub const AWS_MANAGED: Self = Self { size_max: MAX_DOCUMENT_BYTES, ..Self::IDENTITY };

    /// A policy passed to `AssumeRole*` or `GetFederationToken`: 2,048 characters of plain text.
    pub const SESSION: Self = Self { size_max: 2048, size_counts_space: true, ..Self::IDENTITY };

    /// `AssumeRolePolicyDocument`; the quota is 2,048 characters and can be raised to 4,096.
    pub const TRUST: Self = Self {
        principal: Presence::Required,
        resource: Presence::Prohibited,
        only_sts: true,
        strict_providers: true,
        size_max: 2048,
        ..Self::IDENTITY
    };

    /// A policy on a resource (bucket, queue, topic, key, …); 20 KiB as for a bucket unless a service says
    /// otherwise.
    pub const RESOURCE: Self = Self {
        principal: Presence::Required,
        not_principal: true,
        resource: Presence::Required,
        strict_arns: false,
        strict_sids: false,
        size_max: 20_480,
        size_counts_space: true,
        ..Self::IDENTITY
    };

    /// A VPC endpoint policy.
    pub const VPC_ENDPOINT: Self = Self { principal: Presence::Optional, ..Self::RESOURCE };

    /// A service control policy: 5,120 characters, white space included when sent by API.
    pub const SCP: Self =
        Self { size_max: 5120, size_counts_space: true, version_2012: true, ..Self::IDENTITY };

    /// A resource control policy: `Deny` for principal `*`, without `NotPrincipal` and `NotAction`. (AWS's own
    /// `RCPFullAWSAccess` is an `Allow`; read that with [`Rules::RESOURCE`].)
    pub const RCP: Self = Self {
        principal: Presence::Required,
        not_action: false,
        allow: false,
        principal_only_star: true,
        ..Self::SCP
    };
}

/// No document longer than this is looked at, whatever its kind's quota: the model's limit for IAM's
/// `policyDocumentType` is 131,072 characters, and a character may be four bytes.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 4 * 131_072;
