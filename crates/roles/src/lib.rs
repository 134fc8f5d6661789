//! Roles that services assume, to act for whoever named the role: a bucket's replication, a function's code, a stream's delivery.
//!
//! [`assume`] asks STS, as everybody does, so that the role's trust policy decides and the call is written to the trail;
//! [`Sessions`] keeps what came of it for as long as it is good, for those who act often.
//!
//! What must never happen here: a session for somebody whom the role does not trust; one that is used after it ended, or
//! by another owner than the one it was made for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::session_token::Credentials;
use haneul_kit::{AccountId, ApiError, Caller, Instant, Platform, Region, Result, session_token};
use haneul_sts_wire::operations as sts;
pub use haneul_sts_wire::shapes::AssumeRoleRequest;
use parking_lot::Mutex;

/// A session is renewed when less than this is left of it, where nobody is handed it for longer.
pub const LEFT: Duration = Duration::from_secs(5 * 60);

/// Sessions that are kept; beyond it all are forgotten and made again.
const KEPT_MAX: usize = 4096;

/// A session of a role.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who acts.
    pub caller: Caller,
    /// For code that calls by itself.
    pub credentials: Credentials,
}

/// The service that assumes a role, and on whose account.
#[derive(Clone, Debug)]
pub struct By<'a> {
    /// The service principal, as in `lambda.amazonaws.com`.
    pub service: &'a str,
    pub account: AccountId,
    pub region: Region,
    /// The ARN of what it acts for: `aws:SourceArn` in the trust policy.
    pub source: Option<String>,
}

/// What is asked of STS when nothing but the role and the session's name matter.
pub fn request(role: &str, session: &str) -> AssumeRoleRequest {
    AssumeRoleRequest {
        role_arn: role.to_owned(),
        role_session_name: session.to_owned(),
        ..Default::default()
    }
}

/// Assumes a role.
///
/// # Errors
/// Those of STS: AccessDenied when the role does not trust the service or is not there.
pub async fn assume(platform: &Platform, by: By<'_>, request: AssumeRoleRequest) -> Result<Session> {
    let caller = Caller::service(by.service, by.account);
    let made = platform.bus.call::<sts::AssumeRole>(caller, by.region, by.source, request).await?;
    let made =
        made.credentials.ok_or_else(|| ApiError::internal("a role was assumed without credentials"))?;
    let now = platform.env.now();
    let opened = session_token::open(&platform.seal, &made.session_token, &made.access_key_id, now);
    let opened = opened.map_err(|_| ApiError::internal("a session's token does not open"))?;
    let credentials = Credentials {
        access_key_id: made.access_key_id,
        secret_access_key: made.secret_access_key,
        session_token: made.session_token,
        expiration: made.expiration,
    };
    Ok(Session { caller: opened.caller, credentials })
}

/// Whether a refusal is for want of a permission: of a kept session that may be because its role was made anew.
pub fn is_denial(refused: &ApiError) -> bool {
    refused.code().starts_with("AccessDenied") || refused.code() == "AllAccessDisabled"
}

/// Sessions by owner (whose role it is: a stream, a function, a table) and the ARN of the role.
#[derive(Debug)]
pub struct Sessions<K>(Mutex<HashMap<(K, String), Arc<Session>>>);

impl<K> Default for Sessions<K> {
    fn default() -> Sessions<K> {
        Sessions(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone> Sessions<K> {
    /// A session with more than `left` to go: the one that is kept, or one that `make` makes.
    ///
    /// # Errors
    /// Those of `make`; nothing is kept of them.
    pub async fn get(
        &self,
        owner: &K,
        role: &str,
        (now, left): (Instant, Duration),
        make: impl Future<Output = Result<Session>>,
    ) -> Result<Arc<Session>> {
        let place = (owner.clone(), role.to_owned());
        let kept = self.0.lock().get(&place).cloned();
        if let Some(kept) = kept.filter(|kept| now + left < kept.credentials.expiration) {
            return Ok(kept);
        }
        let made = Arc::new(make.await?);
        let mut all = self.0.lock();
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(place, made.clone());
        Ok(made)
    }

    /// Acts as a role. When it is denied the session is forgotten: the role may have been made anew.
    ///
    /// # Errors
    /// Those of assuming the role and of `act`.
    pub async fn acting<T>(
        &self,
        platform: &Platform,
        owner: &K,
        by: By<'_>,
        request: AssumeRoleRequest,
        act: impl AsyncFnOnce(Caller) -> Result<T>,
    ) -> Result<T> {
        let role = request.role_arn.clone();
        let session =
            self.get(owner, &role, (platform.env.now(), LEFT), assume(platform, by, request)).await?;
        act(session.caller.clone()).await.inspect_err(|refused| {
            if is_denial(refused) {
                self.forget(owner);
            }
        })
    }

    /// Forgets an owner's sessions: its role may no longer trust the service, or have been made anew.
    pub fn forget(&self, owner: &K) {
        self.0.lock().retain(|(of, _), _| of != owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(ends_ms: i64) -> Session {
        let text = String::new;
        let expiration = Instant::from_millis(ends_ms);
        let credentials = Credentials {
            access_key_id: text(),
            secret_access_key: text(),
            session_token: text(),
            expiration,
        };
        Session { caller: Caller::root(AccountId::DEFAULT), credentials }
    }

    #[tokio::test]
    async fn a_session_is_kept_until_little_is_left_of_it() {
        let sessions = Sessions::default();
        let get = async |owner: &str, role: &str, now_ms: i64, ends_ms: i64| {
            let when = (Instant::from_millis(now_ms), Duration::from_millis(100));
            let owner = owner.to_owned();
            let got = sessions.get(&owner, role, when, async { Ok(session(ends_ms)) }).await.unwrap();
            got.credentials.expiration.millis()
        };
        assert_eq!(get("a", "r", 0, 1000).await, 1000);
        assert_eq!(get("a", "r", 899, 2000).await, 1000);
        assert_eq!(get("a", "other", 899, 2000).await, 2000);
        assert_eq!(get("b", "r", 899, 3000).await, 3000);
        assert_eq!(get("a", "r", 900, 4000).await, 4000);
        sessions.forget(&"a".to_owned());
        assert_eq!(get("a", "r", 900, 5000).await, 5000);
        assert_eq!(get("b", "r", 900, 5000).await, 3000);
        let (owner, when) = ("c".to_owned(), (Instant::EPOCH, Duration::ZERO));
        let refused = sessions.get(&owner, "r", when, async { Err(ApiError::internal("no")) });
        assert!(refused.await.is_err());
        assert_eq!(get("c", "r", 0, 6000).await, 6000);
    }
}
