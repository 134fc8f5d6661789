use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use clap::Args;
use serde_json::Value;

use crate::output::Output;
use crate::project::{Result, Services, files, read, root};

#[derive(Args)]
pub(crate) struct Options {
    /// Write docs/crate-graph.txt and shrink the list of long files, instead of comparing
    #[arg(long)]
    bless: bool,
}

/// Longest hand-written file, in lines.
const LINES_MAX: usize = 600;

/// Files that are longer, for now. The list may only shrink.
const LONG_FILES: &[&str] = &[];

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut output = Output::new(!options.bless);
    output.file("docs/crate-graph.txt", &crate_graph()?)?;
    let files = files()?;
    let mut faults = Vec::new();
    lengths(&files, &mut faults)?;
    names(&files, &mut faults);
    paths_in_docs(&files, &mut faults)?;
    places(&files, &mut faults)?;
    service_folders(&mut faults)?;
    if !faults.is_empty() {
        return Err(format!("tidy found\n  {}", faults.join("\n  ")));
    }
    output.finish("tidy --bless")
}

/// Which crate of ours depends on which, one line each; the file is the rule, and a change of it is seen in review.
fn crate_graph() -> Result<String> {
    let shown = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    let metadata: Value = serde_json::from_slice(&shown.stdout)
        .map_err(|_| format!("cargo metadata: {}", String::from_utf8_lossy(&shown.stderr)))?;
    let mut graph = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let mut needs = BTreeSet::new();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let name = dependency["name"].as_str().unwrap_or_default();
            if name.starts_with("haneul") && dependency["kind"].is_null() {
                needs.insert(short(name).to_owned());
            }
        }
        graph.insert(short(package["name"].as_str().unwrap_or_default()).to_owned(), needs);
    }
    // The wire crates are all alike, and the registry needs them all: a line for each would hide the rest.
    let mut text = String::from(
        "# Which crate depends on which (dev-dependencies left out). `cargo xtask tidy --bless` writes this.\n",
    );
    for (name, needs) in graph.iter().filter(|(name, _)| !name.ends_with("-wire")) {
        let needs: Vec<&str> = needs
            .iter()
            .map(String::as_str)
            .filter(|need| name != "registry" || !need.ends_with("-wire"))
            .collect();
        text.push_str(&format!("{name}: {}\n", needs.join(" ")));
    }
    Ok(text)
}

fn short(name: &str) -> &str {
    name.strip_prefix("haneul-").unwrap_or(name)
}

fn lengths(files: &[String], faults: &mut Vec<String>) -> Result<()> {
    for path in files.iter().filter(|path| path.ends_with(".rs") && !path.contains("/wire/")) {
        let lines = read(&root().join(path))?.lines().count();
        let listed = LONG_FILES.contains(&path.as_str());
        if lines > LINES_MAX && !listed {
            faults.push(format!("{path} has {lines} lines; split it by what it does (limit {LINES_MAX})"));
        }
        if lines <= LINES_MAX && listed {
            faults.push(format!("{path} is short enough now: take it off LONG_FILES in xtask/src/tidy.rs"));
        }
    }
    Ok(())
}

fn names(files: &[String], faults: &mut Vec<String>) {
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        if path.split(['/', '.']).any(|part| matches!(part, "utils" | "util" | "helpers" | "misc" | "common"))
        {
            faults.push(format!("{path}: name it after what it does"));
        }
    }
}

/// Paths that the documents quote, in backquotes or as links, must exist.
fn paths_in_docs(files: &[String], faults: &mut Vec<String>) -> Result<()> {
    for path in files.iter().filter(|path| path.ends_with(".md")) {
        let folder = root().join(path).parent().expect("a file has a folder").to_path_buf();
        for quoted in quoted_paths(&read(&root().join(path))?) {
            let plain = quoted.split(['#', ':']).next().unwrap_or_default();
            if plain.is_empty() || root().join(plain).exists() || folder.join(plain).exists() {
                continue;
            }
            faults.push(format!("{path} names {quoted}, which does not exist"));
        }
    }
    Ok(())
}

fn quoted_paths(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // Every second piece between backquotes is inside them.
    for quoted in text.split('`').skip(1).step_by(2) {
        let known =
            ["crates/", "services/", "bin/", "docs/", "testing/", "xtask/", ".ci/", ".config/", "fuzz/"];
        let plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        if plain && known.iter().any(|start| quoted.starts_with(start)) {
            found.insert(quoted.to_owned());
        }
    }
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.contains("://") && !link.starts_with('#') && !link.contains(' ') && !link.is_empty() {
            found.insert(link.to_owned());
        }
    }
    found
}

/// No file names a place on one machine.
fn places(files: &[String], faults: &mut Vec<String>) -> Result<()> {
    for path in files.iter().filter(|path| !path.ends_with("xtask/src/tidy.rs") && !path.contains("/wire/")) {
        let Ok(text) = std::fs::read_to_string(root().join(path)) else { continue };
        for place in ["/work/", "/root/", "/opt/tf-plugins"] {
            if text.contains(place) {
                faults.push(format!("{path} names a place on one machine ({place})"));
            }
        }
    }
    Ok(())
}

fn service_folders(faults: &mut Vec<String>) -> Result<()> {
    for (name, service) in Services::read()?.services {
        if !service.handlers {
            continue;
        }
        for needed in ["service.toml", "README.md", "Cargo.toml", "src/lib.rs"] {
            let path = format!("services/{name}/{needed}");
            if !root().join(&path).exists() {
                faults.push(format!("{path} is missing; see CONTRIBUTING.md"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_paths_of_a_document() {
        let text = "See `crates/base/src/lib.rs`, `not a path`, [a](docs/x.md#part), [b](https://example.com), `services/<svc>/`.";
        let found: Vec<_> = quoted_paths(text).into_iter().collect();
        assert_eq!(found, ["crates/base/src/lib.rs", "docs/x.md#part"]);
    }
}
