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
/// Those that this service does not reach yet, for GetAccountSummary.
pub(crate) const SERVER_CERTIFICATES: u32 = 20;
pub(crate) const SIGNING_CERTIFICATES_PER_USER: u32 = 2;
pub(crate) const POLICY_VERSIONS_IN_USE: u32 = 10_000;
