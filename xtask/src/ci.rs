use std::process::Command;

use clap::Args;

use crate::project::{Result, root};

#[derive(Args)]
pub(crate) struct TestOptions {
    /// Passed on to the test runner, as `-p haneul-sqs`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run() -> Result<()> {
    step("formatting", "cargo", &["fmt", "--all", "--check"])?;
    step("generated code", "cargo", &["xtask", "codegen", "--check"])?;
    step("coverage tables", "cargo", &["xtask", "coverage", "--check"])?;
    step("tidy", "cargo", &["xtask", "tidy"])?;
    step("lints", "cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    test(&TestOptions { rest: Vec::new() })
}

/// cargo-nextest where it is installed, because it isolates tests and retries none; cargo's own runner otherwise.
pub(crate) fn test(options: &TestOptions) -> Result<()> {
    let nextest = Command::new("cargo")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|shown| shown.status.success());
    let mut arguments = if nextest { vec!["nextest", "run"] } else { vec!["test"] };
    if !options.rest.iter().any(|option| option == "-p" || option == "--package") {
        arguments.push("--workspace");
    }
    arguments.extend(options.rest.iter().map(String::as_str));
    step("tests", "cargo", &arguments)
}

fn step(what: &str, program: &str, arguments: &[&str]) -> Result<()> {
    println!("== {what}: {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{what} failed; repeat it with `{program} {}`", arguments.join(" ")))
    }
}
