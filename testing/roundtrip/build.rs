//! Lists the operations of all wire crates that the manifest names. No table in the wire crates themselves: it would
//! make every one of them instantiate what only this test needs.

use std::fmt::Write;
use std::path::Path;

fn main() {
    let manifest = std::fs::read_to_string("Cargo.toml").expect("the manifest is readable");
    println!("cargo::rerun-if-changed=Cargo.toml");
    let mut out = String::from("pub static OPERATIONS: &[Operation] = &[\n");
    let services = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("haneul-")?.split_once("-wire = { path"))
        .map(|(name, _)| name);
    for service in services {
        let path = format!("../../services/{service}/wire/src/operations.rs");
        println!("cargo::rerun-if-changed={path}");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let krate = format!("haneul_{}_wire", service.replace('-', "_"));
        for line in text.lines() {
            // `    Name(s::Input) -> s::Output,`
            let Some((name, _)) = line.strip_prefix("    ").and_then(|line| line.split_once('(')) else {
                continue;
            };
            let value = |side: &str| {
                format!(
                    "|| Box::<<{krate}::operations::{name} as haneul_shape::Operation>::{side}>::default()"
                )
            };
            writeln!(
                out,
                "    Operation {{ service: &{krate}::SERVICE, name: \"{name}\", input: {}, output: {} }},",
                value("Input"),
                value("Output")
            )
            .expect("writing to a string");
        }
    }
    out.push_str("];\n");
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&folder).join("operations.rs"), out).expect("the output folder is writable");
}
