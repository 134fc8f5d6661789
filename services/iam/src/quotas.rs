//! Quotas (IAM User Guide, "IAM and AWS STS quotas"), as GetAccountSummary states them.

pub(crate) const USERS: u32 = 5000;
pub(crate) const GROUPS: u32 = 300;
pub(crate) const ROLES: u32 = 1000;
pub(crate) const POLICIES: u32 = 1500;
pub(crate) const INSTANCE_PROFILES: u32 = 1000;
pub(crate) const GROUPS_PER_USER: usize = 10;
pub(crate) const ATTACHED_POLICIES: usize = 10;
pub(crate) const ACCESS_KEYS_PER_USER: usize = 2;
pub(crate) const VERSIONS_PER_POLICY: usize = 5;
pub(crate) const TAGS: usize = 50;
/// Characters, white space not counted.
pub(crate) const USER_POLICY_SIZE: usize = 2048;
pub(crate) const GROUP_POLICY_SIZE: usize = 5120;
pub(crate) const ROLE_POLICY_SIZE: usize = 10_240;
pub(crate) const MANAGED_POLICY_SIZE: usize = 6144;
pub(crate) const TRUST_POLICY_SIZE: usize = 2048;
pub(crate) const MFA_DEVICES: u32 = USERS;
pub(crate) const MFA_DEVICES_PER_USER: usize = 8;
/// Of SAML providers, and as many of OpenID Connect.
pub(crate) const PROVIDERS: usize = 100;
pub(crate) const CLIENT_IDS: usize = 100;
pub(crate) const THUMBPRINTS: usize = 5;
pub(crate) const SAML_KEYS: usize = 2;
pub(crate) const SERVER_CERTIFICATES: usize = 20;
pub(crate) const SIGNING_CERTIFICATES: usize = 2;
pub(crate) const SSH_KEYS: usize = 5;
/// Of each service.
pub(crate) const SERVICE_CREDENTIALS: usize = 2;
/// AWS's quota of all versions of all policies; it is told, and cannot be reached below the other quotas.
pub(crate) const POLICY_VERSIONS_IN_USE: u32 = 10_000;
/// Of one partner, those that expired not long ago included. AWS has a quota too (LimitExceeded), and does not say how many.
pub(crate) const DELEGATION_REQUESTS: usize = 5000;
/// Characters of the policy that comes of a template and its parameters.
pub(crate) const DELEGATION_POLICY_SIZE: usize = 2048;
