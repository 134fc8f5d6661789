use haneul_base::AccountId;
use haneul_env::Rng;
use haneul_kit::platform::RootKey;
use haneul_store::{Reads, Record, Store, StoreError, Table};
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// The root user's key of the default account.
pub(crate) struct RootAccess {
    pub(crate) key: RootKey,
    /// The secret, where it may be shown: the well-known one, and a fresh one this once.
    pub(crate) shown_secret: Option<String>,
    pub(crate) made_now: bool,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    access_key_id: String,
    secret_access_key: String,
}

impl Record for Kept {}

static ROOT: Table<String, Kept> = Table::new("haneul.root");

/// The configured key; else `test`/`test` on a loopback address; else one that was made at the first start.
pub(crate) async fn access(config: &Config, store: &Store, rng: &Rng) -> Result<RootAccess, StoreError> {
    if let Some(key) = config.root_keys.iter().find(|key| key.account == AccountId::DEFAULT) {
        return Ok(RootAccess { key: key.clone(), shown_secret: None, made_now: false });
    }
    let key = |id: &str, secret: &str| RootKey {
        account: AccountId::DEFAULT,
        access_key_id: id.to_owned(),
        secret_access_key: secret.to_owned(),
    };
    if config.listen.ip().is_loopback() {
        return Ok(RootAccess {
            key: key("test", "test"),
            shown_secret: Some("test".into()),
            made_now: false,
        });
    }
    if let Some(kept) = store.get(&ROOT, "default").await? {
        let key = key(&kept.access_key_id, &kept.secret_access_key);
        return Ok(RootAccess { key, shown_secret: None, made_now: false });
    }
    // The form of AWS's own: AKIA and 16 of base32, 40 of base64's alphabet.
    let id = format!("AKIA{}", rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    let secret = rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40);
    store
        .put(&ROOT, "default", &Kept { access_key_id: id.clone(), secret_access_key: secret.clone() })
        .await?;
    Ok(RootAccess { key: key(&id, &secret), shown_secret: Some(secret), made_now: true })
}
