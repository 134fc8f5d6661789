use std::path::Path;
use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_env::{Env, Rng};
use haneul_front::{Cloud, Options};
use haneul_kit::platform::{Config as Settings, RootKey};
use haneul_kit::{Platform, Seal, Service};
use haneul_store::{Reads, Record, Store, StoreError, Table};
use serde::{Deserialize, Serialize};

use crate::Result;

/// The key under which this cloud seals its tokens; made at the first start.
#[derive(Serialize, Deserialize)]
struct SealKey {
    key: [u8; 32],
}

impl Record for SealKey {}

static SEAL_KEY: Table<String, SealKey> = Table::new("haneul.seal_key");

/// Opens the engines: in memory, or under `dir`.
pub(crate) async fn open_engines(env: &Env, dir: Option<&Path>) -> Result<(Store, Blobs)> {
    let Some(dir) = dir.map(Path::to_path_buf) else { return Ok((Store::memory(), Blobs::memory(env))) };
    let env = env.clone();
    let opening = tokio::task::spawn_blocking(move || {
        let store = Store::open(&env, &dir).map_err(|error| error.to_string())?;
        let blobs = Blobs::open(&env, &dir.join("blobs")).map_err(|error| error.to_string())?;
        Ok((store, blobs))
    });
    opening.await.map_err(|error| format!("opening the state failed: {error}"))?
}

/// Puts the parts together: platform, every service of the registry, the front door.
pub(crate) async fn assemble(
    env: Env,
    (store, blobs): (Store, Blobs),
    dir: Option<&Path>,
    root_keys: Vec<RootKey>,
    relaxed: bool,
    options: Options,
) -> Result<Arc<Cloud>> {
    let platform = platform(env, store, blobs, dir, root_keys, relaxed).await?;
    let services = haneul_registry::services(&platform).await.map_err(|error| error.to_string())?;
    let cloud = Cloud::new(platform, haneul_registry::MODELS, services, options);
    cloud.start_reconcilers();
    Ok(cloud)
}

/// The services over empty memory, to ask them what they implement.
pub(crate) fn in_memory() -> Result<Vec<Service>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let env = Env::real();
        let (store, blobs) = open_engines(&env, None).await?;
        let platform = platform(env, store, blobs, None, Vec::new(), false).await?;
        haneul_registry::services(&platform).await.map_err(|error| error.to_string())
    })
}

async fn platform(
    env: Env,
    store: Store,
    blobs: Blobs,
    dir: Option<&Path>,
    root_keys: Vec<RootKey>,
    relaxed: bool,
) -> Result<Platform> {
    let key = seal_key(&store, &env.rng).await.map_err(|error| error.to_string())?;
    let seal = Seal::new(&key, env.rng.clone());
    Ok(Platform::new(env, store, blobs, dir, seal, Settings { root_keys, relaxed }))
}

async fn seal_key(store: &Store, rng: &Rng) -> std::result::Result<[u8; 32], StoreError> {
    if let Some(kept) = store.get(&SEAL_KEY, "cloud").await? {
        return Ok(kept.key);
    }
    let key = rng.bytes();
    store.put(&SEAL_KEY, "cloud", &SealKey { key }).await?;
    Ok(key)
}
