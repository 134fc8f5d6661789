use haneul_shape::Operation;

use crate::{Access, Cx, Result};

/// One operation of a service.
///
/// By the time `call` runs the input has been validated against the model and every [`Access`] was allowed. Both may be
/// dropped at any await when the client goes away: what must go on belongs in the store and a reconciler.
pub trait Handle<O: Operation>: Send + Sync + 'static {
    /// What the caller must be allowed to do. Empty only where AWS asks for no permission (GetCallerIdentity).
    ///
    /// May read state for resource policies and context keys, must not change any. A resource that does not exist is
    /// no error here: the permission is asked for the ARN it would have, so that a denied caller learns nothing.
    fn access(&self, cx: &Cx, input: &O::Input) -> impl Future<Output = Result<Vec<Access>>> + Send;

    /// Does it.
    fn call(&self, cx: &Cx, input: O::Input) -> impl Future<Output = Result<O::Output>> + Send;
}
