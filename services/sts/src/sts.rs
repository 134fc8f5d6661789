use haneul_kit::session_token::{self, Credentials};
use haneul_kit::{Caller, Platform, Result};
use haneul_sts_wire::shapes as s;

use crate::error;

/// The state of the service: none of its own.
pub struct Sts {
    pub(crate) platform: Platform,
}

impl Sts {
    /// Credentials for `caller`, whose session says until when.
    pub(crate) fn issue(&self, caller: Caller, size_min: Option<i32>) -> Result<Credentials> {
        let made = session_token::issue(&self.platform.seal, &self.platform.env.rng, caller);
        if size_min.is_some_and(|min| made.session_token.len() < min.max(0) as usize) {
            return Err(error::token_size());
        }
        Ok(made)
    }
}

pub(crate) fn credentials(made: Credentials) -> s::Credentials {
    s::Credentials {
        access_key_id: made.access_key_id,
        secret_access_key: made.secret_access_key,
        session_token: made.session_token,
        expiration: made.expiration,
    }
}
