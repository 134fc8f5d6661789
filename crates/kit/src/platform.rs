use std::path::Path;
use std::sync::{Arc, OnceLock};

use haneul_base::AccountId;
use haneul_blob::Blobs;
use haneul_bus::Bus;
use haneul_env::Env;
use haneul_store::Store;

use crate::{Directory, Seal};

/// What a service is given to work with. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Platform {
    pub env: Env,
    pub store: Store,
    /// The bytes of objects.
    pub blobs: Blobs,
    /// Where services with an access path of their own keep their journals, each in a folder of its name; `None`
    /// keeps everything in memory.
    pub data_dir: Option<Arc<Path>>,
    pub bus: Bus,
    pub seal: Seal,
    pub config: Arc<Config>,
    directory: Arc<OnceLock<Arc<dyn Directory>>>,
}

/// Settings that services may look at.
#[derive(Clone, Debug)]
pub struct Config {
    /// The root users that exist from the first start: the default account's, and any others of the configuration.
    pub root_keys: Vec<RootKey>,
    /// `--auth relaxed`: any key id is let in, a 12-digit one selects the account of that number.
    pub relaxed: bool,
}

#[derive(Clone)]
pub struct RootKey {
    pub account: AccountId,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RootKey({}, {}, secret withheld)", self.account, self.access_key_id)
    }
}

impl Platform {
    pub fn new(
        env: Env,
        store: Store,
        blobs: Blobs,
        data_dir: Option<&Path>,
        seal: Seal,
        config: Config,
    ) -> Platform {
        Platform {
            env,
            store,
            blobs,
            data_dir: data_dir.map(Arc::from),
            bus: Bus::default(),
            seal,
            config: Arc::new(config),
            directory: Arc::default(),
        }
    }

    /// Said once, by the IAM service when it is made.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_directory(&self, directory: Arc<dyn Directory>) {
        assert!(self.directory.set(directory).is_ok(), "the platform has a directory already");
    }

    /// # Panics
    /// Before [`Platform::set_directory`]: IAM is made first.
    pub fn directory(&self) -> &Arc<dyn Directory> {
        self.directory.get().expect("the IAM service is made before any call")
    }
}
