//! The project's own tools: `cargo xtask --help`.
//!
//! Reading order: [`codegen`] (models into wire crates).

mod codegen;
mod project;

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
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Codegen(options) => codegen::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
