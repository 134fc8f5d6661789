use haneul_base::AccountId;

use crate::{BoxFuture, Cx, Result};

/// Keeps who did what. The CloudTrail service implements it; the layers tell it of every call, from HTTP and the bus alike.
pub trait Trail: Send + Sync + 'static {
    /// What of a call is to be described for [`Trail::record`]; `None` when it is not recorded. Asked before every call: must
    /// be cheap.
    fn wants(&self, service: &str, operation: &str, account: AccountId) -> Option<Wanted>;

    /// Takes the record of a call: it has its place when this returns. `None` when nobody need wait for more; else the
    /// call must not be answered before the record is durable, which the future tells.
    fn record(&self, call: Called<'_>) -> Option<BoxFuture<'static, Result<()>>>;
}

/// What is wanted of a call that is recorded, beside its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub response: bool,
}

/// A call, after it ran. Nothing in it is secret: whoever renders the parameters leaves secrets out.
pub struct Called<'a> {
    /// The name in services.toml.
    pub service: &'a str,
    pub operation: &'a str,
    pub cx: &'a Cx,
    /// The input as JSON, with names as AWS's records have them; `None` when it is empty, was not read or is too long.
    pub request: Option<Vec<u8>>,
    /// The output, likewise, where it was wanted.
    pub response: Option<Vec<u8>>,
    /// The ARNs that permission was asked for, with the account that owns each, where that is not the caller's.
    pub resources: Vec<(String, Option<AccountId>)>,
    /// Code and message.
    pub error: Option<(&'a str, &'a str)>,
}
