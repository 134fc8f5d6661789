use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) type Result<T> = std::result::Result<T, String>;

/// `services.toml`.
#[derive(Deserialize)]
pub(crate) struct Services {
    /// The version of the PyPI package that the models come from.
    pub(crate) botocore: String,
    pub(crate) services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
pub(crate) struct Service {
    pub(crate) version: String,
    pub(crate) iam: String,
    /// Whether `services/<name>` has a crate of handlers.
    #[serde(default)]
    #[expect(dead_code, reason = "read once the registry lists handlers")]
    pub(crate) handlers: bool,
}

/// The root of the checkout, from where xtask itself was built.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

impl Services {
    pub(crate) fn read() -> Result<Services> {
        let path = root().join("services.toml");
        toml::from_str(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))
    }
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
