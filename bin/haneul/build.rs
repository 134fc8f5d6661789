//! Says how the program is linked.

use std::path::Path;
use std::process::Command;

/// The linker that Rust brings along for this platform can keep one of all functions with the same instructions, of
/// which generic code has very many: less to load, and less memory. Other linkers may not know how.
const ONE_OF_EACH: &str = "-Wl,--icf=all";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let target = set("TARGET");
    if set("PROFILE") == "release"
        && target == "x86_64-unknown-linux-gnu"
        && brings_linker(&set("RUSTC"), &target)
    {
        println!("cargo:rustc-link-arg-bins={ONE_OF_EACH}");
    }
}

fn brings_linker(rustc: &str, target: &str) -> bool {
    let Ok(found) = Command::new(rustc).args(["--print", "sysroot"]).output() else { return false };
    let root = String::from_utf8_lossy(&found.stdout);
    Path::new(root.trim()).join("lib/rustlib").join(target).join("bin/gcc-ld/ld.lld").exists()
}
