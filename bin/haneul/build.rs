//! Lets the linker put the functions that calls run next to one another.
//!
//! A call runs some hundred kilobytes of the program, a few here and a few there of 46 megabytes: to find their pages costs
//! more than some of them do. `hot.txt` names them, as `cargo xtask hot` found them at work (`*` is any text). A name that
//! nothing has any more, or a linker that cannot do it, changes how fast the program is and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=hot.txt");
    if variable("PROFILE") != "release" || !links_with_lld() {
        return Ok(());
    }
    let hot = std::fs::read_to_string(Path::new(&variable("CARGO_MANIFEST_DIR")).join("hot.txt"))?;
    let sections: String = hot.lines().map(|name| format!("    *(.text.{name})\n")).collect();
    // Each function is a section of its own; the other ones go where they always go.
    let script = Path::new(&variable("OUT_DIR")).join("hot.ld");
    let text = format!("SECTIONS {{\n  .text.hot : {{\n{sections}  }}\n}} INSERT BEFORE .text;\n");
    std::fs::write(&script, text)?;
    // Two arguments: `-Wl` would part the path at its commas.
    println!("cargo::rustc-link-arg-bin=haneul=-T");
    println!("cargo::rustc-link-arg-bin=haneul={}", script.display());
    Ok(())
}

/// Whether this is where rustc links with the LLD that comes with it, and nobody wants another linker.
fn links_with_lld() -> bool {
    let wants_another =
        !variable("RUSTC_LINKER").is_empty() || variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if variable("TARGET") != "x86_64-unknown-linux-gnu" || wants_another {
        return false;
    }
    let asked = Command::new(variable("RUSTC")).args(["--print", "sysroot"]).output();
    let Some(sysroot) = asked.ok().and_then(|output| String::from_utf8(output.stdout).ok()) else {
        return false;
    };
    let host = PathBuf::from(sysroot.trim()).join("lib/rustlib").join(variable("HOST"));
    host.join("bin/gcc-ld/ld.lld").exists()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
