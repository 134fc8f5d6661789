use haneul_kit::{Platform, Signal};

/// The state of the service.
pub struct ApplicationAutoscaling {
    pub(crate) platform: Platform,
    /// Wakes the reconciler that scales.
    pub(crate) due: Signal,
}
