use haneul_kit::{AccountId, Platform, Signal};
use haneul_roles::Sessions;

/// The state of the service.
pub struct ApplicationAutoscaling {
    pub(crate) platform: Platform,
    /// Wakes the reconciler that scales.
    pub(crate) due: Signal,
    /// Of the service-linked role.
    pub(crate) sessions: Sessions<AccountId>,
}
