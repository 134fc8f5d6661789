//! The functions that calls run, in the order of `bin/haneul/hot.txt`: `bin/haneul/build.rs` says what for.
//!
//! From what `perf record` saw of a release build at work, one file for each kind of work. First those that all kinds run,
//! then those of fewer, and among these first the ones that take more of the time.
//!
//! A symbol ends in a hash, which changes with the versions of what it is made of. So it is left open, unless many functions
//! differ only by that (one function for many types).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::output::Output;
use crate::project::Result;

#[derive(Args)]
pub(crate) struct Options {
    /// The program that was recorded, with its symbols
    program: PathBuf,

    /// Files of `perf record -e cpu-clock -F 9999 --pid PID`, of one kind of work each
    #[arg(required = true)]
    recorded: Vec<PathBuf>,
}

/// So many functions of one name are named together.
const ALIKE_MAX: usize = 4;

#[derive(Default)]
struct Seen {
    kinds: usize,
    /// Sum of its parts of each kind's samples.
    part: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut all: HashMap<String, Seen> = HashMap::new();
    for file in &options.recorded {
        let samples = samples(file)?;
        let total: f64 = samples.values().sum();
        for (name, count) in samples {
            let seen = all.entry(name).or_default();
            seen.kinds += 1;
            seen.part += count / total;
        }
    }
    let mut all: Vec<(String, Seen)> = all.into_iter().collect();
    all.sort_by(|(name, a), (other, b)| {
        b.kinds.cmp(&a.kinds).then(b.part.total_cmp(&a.part)).then_with(|| name.cmp(other))
    });
    let alike = alike(&options.program)?;
    let mut lines: Vec<&str> = Vec::new();
    let mut open = HashSet::new();
    for (name, _) in &all {
        match hashless(name) {
            Some(rest) if alike.get(rest).is_some_and(|count| *count <= ALIKE_MAX) => {
                if open.insert(rest) {
                    lines.push(rest);
                }
            }
            _ => lines.push(name),
        }
    }
    let lines: String = lines
        .iter()
        .map(|name| if open.contains(name) { format!("{name}*\n") } else { format!("{name}\n") })
        .collect();
    let mut output = Output::new(false);
    output.file("bin/haneul/hot.txt", &lines)?;
    output.finish("hot")
}

/// A Rust symbol without its hash: `…17h0123456789abcdefE`.
fn hashless(name: &str) -> Option<&str> {
    let at = name.rfind("17h").filter(|_| name.starts_with("_ZN"))?;
    let hash = name[at + 3..].strip_suffix('E')?;
    (hash.len() == 16).then(|| &name[..at + 3])
}

/// How many functions of the program have each name that is left without its hash.
fn alike(program: &Path) -> Result<HashMap<String, usize>> {
    let output = Command::new("nm").arg(program).output().map_err(|error| format!("nm: {error}"))?;
    let mut alike = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(name) = line.rsplit(' ').next().and_then(hashless) {
            *alike.entry(name.to_owned()).or_default() += 1;
        }
    }
    Ok(alike)
}

/// How often each function of the program was seen, by its symbol.
fn samples(file: &Path) -> Result<HashMap<String, f64>> {
    let mut perf = Command::new("perf");
    perf.args([
        "report",
        "--no-demangle",
        "--no-children",
        "-g",
        "none",
        "-F",
        "sample,dso,symbol",
        "-t",
        "|",
        "-i",
    ]);
    let output = perf.arg(file).output().map_err(|error| format!("perf: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let samples: HashMap<String, f64> = text.lines().filter_map(sample).collect();
    match samples.is_empty() {
        true => Err(format!(
            "{}: no samples of haneul: {}",
            file.display(),
            String::from_utf8_lossy(&output.stderr)
        )),
        false => Ok(samples),
    }
}

/// `12 |haneul |[.] _ZN…  -      -`
fn sample(line: &str) -> Option<(String, f64)> {
    let mut columns = line.split('|').map(str::trim);
    let (count, program, symbol) = (columns.next()?, columns.next()?, columns.next()?);
    let name = symbol.strip_prefix("[.] ")?.split_whitespace().next()?;
    let is_ours = program.starts_with("haneul") && !name.starts_with("0x");
    is_ours.then_some((name.to_owned(), count.parse().ok()?))
}
