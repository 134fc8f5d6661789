//! Compiles the last step into a sandbox (`step/step.rs`), which the crate carries as bytes: it has no dependency, not
//! even the standard library, so the compiler alone does it.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=step/step.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let out = PathBuf::from(variable("OUT_DIR")).join("step");
    let known = matches!(variable("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64")
        && variable("CARGO_CFG_TARGET_OS") == "linux";
    if !known {
        // Nothing is carried, and Landlock is not used.
        std::fs::write(&out, b"").expect("OUT_DIR can be written to");
        return;
    }
    let mut command = Command::new(variable("RUSTC"));
    command.args(["--edition", "2024", "--crate-type", "bin", "--crate-name", "step"]);
    command.args(["--target", &variable("TARGET"), "-C", "opt-level=s", "-C", "panic=abort"]);
    command.args(["-C", "relocation-model=static", "-C", "strip=symbols"]);
    if variable("CARGO_CFG_TARGET_ENV") == "musl" {
        // Its own start files have a second `_start`.
        command.args(["-C", "link-self-contained=no"]);
    }
    let linker = variable("RUSTC_LINKER");
    if !linker.is_empty() {
        command.arg("-C").arg(format!("linker={linker}"));
    }
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-Wl,--build-id=none"] {
        command.arg("-C").arg(format!("link-arg={argument}"));
    }
    let done = command.arg("step/step.rs").arg("-o").arg(&out).status();
    assert!(done.is_ok_and(|done| done.success()), "the step into a sandbox does not compile");
}
