use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::interpreters::{self, Interpreter, Sdks};
use crate::program::Parts;
use crate::{Available, Family, Runtime};

/// The runtimes of this host: looked for when first asked for, and again when one was not there.
#[derive(Clone)]
pub(crate) struct Runtimes {
    state: Arc<Path>,
    sdks: Sdks,
    parts: Arc<OnceLock<Parts>>,
    writing: Arc<Mutex<()>>,
    found: Arc<Mutex<BTreeMap<Runtime, Option<Interpreter>>>>,
}

impl Runtimes {
    pub(crate) fn new(state: &Path, sdks: Sdks) -> Runtimes {
        let (parts, writing, found) = (Arc::default(), Arc::default(), Arc::default());
        Runtimes { state: state.into(), sdks, parts, writing, found }
    }

    /// Written when they are first wanted.
    pub(crate) fn parts(&self) -> Result<&Parts, String> {
        if let Some(parts) = self.parts.get() {
            return Ok(parts);
        }
        // Who comes at the same time would find half of it, and take away what the other puts into place.
        let _one = self.writing.lock();
        if self.parts.get().is_none() {
            let state = &self.state;
            let written = Parts::write(state, self.sdks.clone())
                .map_err(|error| format!("{}: {error}", state.display()))?;
            let _ = self.parts.set(written);
        }
        self.parts.get().ok_or_else(|| "the bootstraps were not written".into())
    }

    /// `None` for a runtime that brings its own.
    pub(crate) async fn interpreter(&self, runtime: &Runtime) -> Result<Option<Interpreter>, String> {
        if let Some(known) = self.found.lock().get(runtime) {
            return Ok(known.clone());
        }
        let (this, runtime) = (self.clone(), runtime.clone());
        let looked = tokio::task::spawn_blocking(move || this.look(&runtime)).await;
        looked.map_err(|error| error.to_string())?
    }

    fn look(&self, runtime: &Runtime) -> Result<Option<Interpreter>, String> {
        if let Some(known) = self.found.lock().get(runtime) {
            return Ok(known.clone());
        }
        let found = interpreters::find(runtime)?;
        if let (Family::Java, Some(java)) = (runtime.family(), &found) {
            compile_java(java, &self.parts()?.bootstraps)?;
        }
        self.found.lock().insert(runtime.clone(), found.clone());
        Ok(found)
    }

    pub(crate) fn missing(&self, runtime: &Runtime) -> Option<String> {
        if self.found.lock().contains_key(runtime) {
            return None;
        }
        interpreters::find(runtime).err()
    }

    pub(crate) fn available(&self) -> Vec<Available> {
        let one = |runtime: Runtime| {
            let missing = self.missing(&runtime);
            Available { runtime, missing }
        };
        Runtime::all().map(one).collect()
    }
}

/// Compiles our bootstrap with the host's compiler, once for all versions: its classes are for Java 8.
fn compile_java(java: &Interpreter, bootstraps: &Path) -> Result<(), String> {
    let target = bootstraps.join("java");
    let sources = ["Bootstrap.java", "Json.java"].map(|name| bootstraps.join(name));
    let stamp = target.join("source");
    let mut text = Vec::new();
    for source in &sources {
        text.extend(std::fs::read(source).map_err(|error| error.to_string())?);
    }
    if std::fs::read(&stamp).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let fresh = bootstraps.join(format!(".java.{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&fresh);
    std::fs::create_dir_all(&fresh).map_err(|error| error.to_string())?;
    let compiler: PathBuf = java.program.with_file_name("javac");
    let release = if java.version.starts_with("1.8") { vec!["-source", "8"] } else { vec!["--release", "8"] };
    let shown = std::process::Command::new(&compiler)
        .args(release)
        .args(["-nowarn", "-Xlint:none", "-d"])
        .arg(&fresh)
        .args(&sources)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", compiler.display()))?;
    if !shown.status.success() {
        return Err(format!("the bootstrap for Java: {}", String::from_utf8_lossy(&shown.stderr)));
    }
    std::fs::write(fresh.join("source"), text).map_err(|error| error.to_string())?;
    let _ = std::fs::remove_dir_all(&target);
    if std::fs::rename(&fresh, &target).is_err() {
        // Another process was quicker.
        let _ = std::fs::remove_dir_all(&fresh);
    }
    Ok(())
}
