use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

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
    pub(crate) handlers: bool,
    /// The service whose crate has this one's handlers, because they are two APIs of one state.
    #[serde(default)]
    pub(crate) with: Option<String>,
}

impl Service {
    pub(crate) fn has_handlers(&self) -> bool {
        self.handlers || self.with.is_some()
    }
}

/// `services/<name>/service.toml`: what a service says of itself. Its README tells the rest.
#[derive(Deserialize, Default)]
pub(crate) struct ServiceToml {
    /// What does the job behind the API, in a few words.
    #[serde(default)]
    pub(crate) real_part: String,
    /// The operations with a real effect; a test holds them against the dispatch table.
    #[serde(default)]
    pub(crate) implemented: BTreeSet<String>,
    /// Operations that will not come, each with the reason.
    #[serde(default)]
    pub(crate) never: BTreeMap<String, String>,
    /// Differences from AWS, by operation.
    #[serde(default)]
    pub(crate) notes: BTreeMap<String, String>,
}

/// The root of the checkout, from where xtask itself was built.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

impl Services {
    pub(crate) fn read() -> Result<Services> {
        parse_toml(&root().join("services.toml"))
    }
}

impl ServiceToml {
    /// Empty for a service without handlers, which needs no such file.
    pub(crate) fn read(name: &str) -> Result<ServiceToml> {
        let path = root().join(format!("services/{name}/service.toml"));
        if path.exists() { parse_toml(&path) } else { Ok(ServiceToml::default()) }
    }
}

/// The names of the operations in a service's model.
pub(crate) fn operations(name: &str) -> Result<Vec<String>> {
    let path = root().join(format!("services/{name}/wire/model.json"));
    let model: serde_json::Value =
        serde_json::from_str(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(model["operations"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect())
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Every file that git tracks or would, as paths relative to the root.
pub(crate) fn files() -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    let text = String::from_utf8_lossy(&listed.stdout);
    Ok(text.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect())
}

fn parse_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    toml::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}
