use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{Env, Instant, OidcProvider};
use parking_lot::Mutex;
use serde::Deserialize;

use super::fetch::{Fetch, Url};
use super::keys::KeySet;

/// Keys are kept so long.
const KEPT: Duration = Duration::from_secs(3600);
/// A key that is not known makes us ask again, but not sooner than this after the last time: tokens are made by anybody.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);
const ISSUERS_MAX: usize = 256;

/// The keys of issuers.
pub(crate) struct Issuers {
    env: Env,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<KeySet>,
    fetched_at: Instant,
}

/// The keys could not be had; whether the issuer was not reached, or said something that is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKeys {
    Unreachable,
    Useless,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuers {
    pub(crate) fn new(env: Env) -> Issuers {
        Issuers { env, known: Mutex::default() }
    }

    /// The keys of a provider, among which one of `key_id` is hoped for.
    pub(crate) async fn keys(
        &self,
        provider: &OidcProvider,
        key_id: Option<&str>,
    ) -> Result<Arc<KeySet>, NoKeys> {
        let now = self.env.now();
        // With the thumbprints, which decide whom we believe to be the issuer.
        let name = format!("{} {}", provider.url, provider.thumbprints.join(" "));
        let known = self.known.lock().get(&name).cloned();
        if let Some(known) = known {
            let age = now.since(known.fetched_at);
            let is_good = age < KEPT && (known.keys.has(key_id) || age < ASKED_AGAIN_AFTER);
            if is_good {
                return Ok(known.keys);
            }
        }
        let keys = Arc::new(self.fetch(provider).await?);
        let mut known = self.known.lock();
        if known.len() >= ISSUERS_MAX {
            known.clear();
        }
        known.insert(name, Known { keys: keys.clone(), fetched_at: now });
        Ok(keys)
    }

    async fn fetch(&self, provider: &OidcProvider) -> Result<KeySet, NoKeys> {
        let fetch = Fetch { env: &self.env, thumbprints: &provider.thumbprints };
        let base = provider.url.trim_end_matches('/');
        let discovery = Url::parse(&format!("{base}/.well-known/openid-configuration"));
        let discovery = discovery.ok_or(NoKeys::Unreachable)?;
        let page = fetch.get(&discovery).await.ok_or(NoKeys::Unreachable)?;
        let found: Discovery = serde_json::from_slice(&page).map_err(|_| NoKeys::Useless)?;
        // Discovery 1.0, 4.3.
        if found.issuer.trim_end_matches('/') != base {
            return Err(NoKeys::Useless);
        }
        let keys = Url::parse(&found.jwks_uri).ok_or(NoKeys::Useless)?;
        // Who is asked over TLS does not send us into the clear, nor to this machine.
        if discovery.is_secure() && !keys.is_secure() {
            return Err(NoKeys::Useless);
        }
        let page = fetch.get(&keys).await.ok_or(NoKeys::Unreachable)?;
        KeySet::parse(&page).filter(|keys| !keys.is_empty()).ok_or(NoKeys::Useless)
    }
}
