//! Building the shim, and starting a program under it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles the shim into `dir`; `None` where there is no C compiler, or a processor that it does not know.
pub fn build(dir: &Path) -> Option<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/disk.c");
    let library = dir.join("libdisk.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    Command::new(&compiler).arg("--version").output().ok()?;
    let output = Command::new(&compiler)
        .args(["-std=gnu11", "-O2", "-Wall", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .output()
        .expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(library)
}

/// Has `command` record in `log` what it does below `dir`, which has to exist. Syncs are recorded, not made.
pub fn preload(command: &mut Command, library: &Path, dir: &Path, log: &Path) {
    let dir = dir.canonicalize().expect("the directory exists");
    command
        .env("LD_PRELOAD", library)
        .env("HANEUL_DISK_DIR", dir)
        .env("HANEUL_DISK_LOG", log)
        .env("HANEUL_DISK_NOSYNC", "1");
}
