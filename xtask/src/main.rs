//! The project's own tools: `cargo xtask --help`.
//!
//! Reading order: [`codegen`] (models into wire crates), [`coverage`] (what is implemented, as tables), [`tidy`] (rules that
//! no compiler checks), [`new_service`], [`hot`] (where the linker puts what), [`ci`] (all of it, as the CI runs it), [`project`] (the files they share).

mod ci;
mod codegen;
mod coverage;
mod hot;
mod new_service;
mod output;
mod project;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The tools that build and check Haneul")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the wire crates and the registry from services.toml and the models
    Codegen(codegen::Options),
    /// Write the tables of what is implemented: docs/services/ and each service's README
    Coverage(coverage::Options),
    /// Check the rules that no compiler checks: crate graph, paths in the docs, file sizes, names
    Tidy(tidy::Options),
    /// Begin a service: its folder, its line in services.toml, its wire crate
    NewService(new_service::Options),
    /// Write bin/haneul/hot.txt, the functions that calls run, from what perf saw of them: see docs/performance/hot.sh
    Hot(hot::Options),
    /// Run every test, with cargo-nextest where it is installed
    Test(ci::TestOptions),
    /// All that CI checks: formatting, lints, generated files, tidy, tests
    Ci,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Codegen(options) => codegen::run(&options),
        Command::Coverage(options) => coverage::run(&options),
        Command::Tidy(options) => tidy::run(&options),
        Command::NewService(options) => new_service::run(&options),
        Command::Hot(options) => hot::run(&options),
        Command::Test(options) => ci::test(&options),
        Command::Ci => ci::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
