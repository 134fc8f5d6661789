use std::path::{Path, PathBuf};
use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud, Options};
use haneul_kit::platform::{Config as Settings, RootKey};
use haneul_kit::{Platform, Seal, Service};
use haneul_sandbox::{Isolation, Sandbox};
use haneul_store::Store;

use crate::master_key::{MasterKey, seal_key};
use crate::{Result, cli, pools};

/// Opens the engines: in memory, or under `dir`, with objects' bytes in `pools` where there are some.
pub(crate) async fn open_engines(env: &Env, dir: Option<&Path>, pools: &[PathBuf]) -> Result<(Store, Blobs)> {
    let Some(dir) = dir.map(Path::to_path_buf) else { return Ok((Store::memory(), Blobs::memory(env))) };
    let (env, pools) = (env.clone(), pools.to_vec());
    let opening = tokio::task::spawn_blocking(move || {
        let store = Store::open(&env, &dir).map_err(|error| error.to_string())?;
        let blobs = pools::open_blobs(&env, &dir, &pools)?;
        Ok((store, blobs))
    });
    opening.await.map_err(|error| format!("opening the state failed: {error}"))?
}

/// What programs of users run in. Its folder is only written to when there is something to run.
pub(crate) fn sandbox(env: &Env, dir: Option<&Path>, chosen: cli::Sandbox) -> Arc<dyn Sandbox> {
    let folder = match dir {
        Some(dir) => dir.join("sandbox"),
        // A name that nobody can have put there before.
        None => std::env::temp_dir().join(format!("haneul-sandbox-{}", env.rng.uuid())),
    };
    let isolation = match chosen {
        cli::Sandbox::Namespaces => Isolation::Namespaces,
        cli::Sandbox::None => Isolation::None,
    };
    haneul_sandbox::detect(env, haneul_sandbox::Options { isolation, ..haneul_sandbox::Options::new(folder) })
}

/// Puts the parts together: platform, every service of the registry, the front door.
#[allow(clippy::too_many_arguments)]
pub(crate) async fn assemble(
    env: Env,
    (store, blobs): (Store, Blobs),
    dir: Option<&Path>,
    root_keys: Vec<RootKey>,
    relaxed: bool,
    options: Options,
    master: Option<&MasterKey>,
    sandbox: Arc<dyn Sandbox>,
    iam_catalog: Option<&Path>,
) -> Result<Arc<Cloud>> {
    let key = seal_key(&store, &env.rng, master).await?;
    let platform = platform(env, store, blobs, dir, root_keys, relaxed, &key);
    platform.set_sandbox(sandbox);
    if let Some(folder) = iam_catalog {
        platform.set_iam_catalog(folder);
    }
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
        let (store, blobs) = open_engines(&env, None, &[]).await?;
        let key = env.rng.bytes();
        let platform = platform(env, store, blobs, None, Vec::new(), false, &key);
        haneul_registry::services(&platform).await.map_err(|error| error.to_string())
    })
}

fn platform(
    env: Env,
    store: Store,
    blobs: Blobs,
    dir: Option<&Path>,
    root_keys: Vec<RootKey>,
    relaxed: bool,
    key: &[u8; 32],
) -> Platform {
    let seal = Seal::new(key, env.rng.clone());
    Platform::new(env, store, blobs, dir, seal, Settings { root_keys, relaxed })
}
