use std::path::Path;
use std::process::Command;

use haneul_env::Env;

use crate::cli::{self, DoctorOptions};
use crate::{Result, cloud, config};

/// Tells what this host offers. Nothing here is needed to start except a directory that can be written.
pub(crate) fn run(options: &DoctorOptions) -> Result<()> {
    let data_dir = config::data_dir(options.data_dir.clone())?;
    println!("haneul {}", env!("CARGO_PKG_VERSION"));
    println!();
    println!("this host");
    let writable = check_data_dir(&data_dir);
    line("data directory", &data_dir.display().to_string(), &writable);
    line("open files", &open_files_max(), &Ok(String::from("S3 and connections need a few thousand")));
    line(
        "processors",
        &std::thread::available_parallelism().map_or(1, usize::from).to_string(),
        &Ok(String::new()),
    );
    println!();
    println!("running functions");
    let sandbox = cloud::sandbox(&Env::real(), None, cli::Sandbox::Namespaces);
    match sandbox.missing() {
        None => line("sandbox", &sandbox.describe(), &Ok(String::new())),
        Some(why) => line("sandbox", MISSING, &Ok(why)),
    }
    let (there, lacking): (Vec<_>, Vec<_>) =
        haneul_lambda_exec::runtimes_of_this_host().into_iter().partition(|one| one.missing.is_none());
    let names = |of: &[haneul_lambda_exec::Available]| {
        of.iter().map(|one| one.runtime.identifier()).collect::<Vec<_>>().join(" ")
    };
    println!("  + runtimes         {}", names(&there));
    println!("  - not here         {}", names(&lacking));
    println!();
    println!("clients (none is needed to run; the tests use them when they are there)");
    for (program, argument, enables) in CLIENTS {
        line(program, &version(program, argument), &Ok(enables.to_string()));
    }
    println!();
    println!("what the platform secures and what is left to you: docs/guides/security.md");
    writable.map(|_| ())
}

const CLIENTS: &[(&str, &str, &str)] = &[
    ("aws", "--version", "the AWS CLI"),
    ("python3", "--version", "boto3"),
    ("terraform", "version", "Terraform with the aws provider"),
    ("node", "--version", "the AWS SDK for JavaScript"),
    ("curl", "--version", "presigned URLs by hand"),
];

fn line(what: &str, found: &str, note: &Result<String>) {
    let (mark, note) = match note {
        Ok(note) => (if found == MISSING { "-" } else { "+" }, note),
        Err(error) => ("!", error),
    };
    println!("  {mark} {what:16} {found:40} {note}");
}

const MISSING: &str = "not found";

fn version(program: &str, argument: &str) -> String {
    let Ok(shown) = Command::new(program).arg(argument).output() else { return MISSING.into() };
    let text = String::from_utf8_lossy(&shown.stdout);
    let first = text.lines().next().unwrap_or("found");
    first.chars().take(40).collect()
}

/// Writes, syncs and removes a file, because a directory that merely exists may be full or read-only.
fn check_data_dir(folder: &Path) -> Result<String> {
    let probe = folder.join(".doctor");
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"x"))
        .and_then(|()| std::fs::File::open(&probe)?.sync_all())
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Ok(String::from("can be written and synced")),
        Err(error) => Err(format!("{}: {error}; give another one with --data-dir", folder.display())),
    }
}

fn open_files_max() -> String {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    soft.unwrap_or("unknown").to_owned()
}
