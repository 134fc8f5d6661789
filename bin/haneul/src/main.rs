//! The program: flags, configuration, wiring, signals. It sees the concrete engines, and nothing of any service.
//!
//! Reading order: [`cli`] (what can be said on the command line), [`config`] (flags, environment and file as one),
//! [`cloud`] (the parts put together), [`data`] (the directory), [`serve`] (the listener and the signals), [`banner`] (what a person reads first);
//! then the small commands: [`doctor`], [`state`], [`clock`], [`explain`] (which ask a running cloud through [`control`]), [`coverage`].

mod banner;
mod cli;
mod clock;
mod cloud;
mod code_pages;
mod config;
mod control;
mod coverage;
mod data;
mod doctor;
mod explain;
mod logging;
mod master_key;
mod pools;
mod root;
mod serve;
mod state;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

/// The system's allocator gives pages back and asks for them again at the pace of requests, and keeps what large bodies
/// used.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What a command fails with: a sentence for a person, which says what to do next.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if !matches!(cli.command, None | Some(Command::Serve(_))) {
        // A reader that has seen enough (`haneul usage | head`) ends a small command, as it ends any other program.
        sigpipe::reset();
    }
    let done = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(options)) => serve::run(options),
        Some(Command::Doctor(options)) => doctor::run(&options),
        Some(Command::State(command)) => state::run(&command),
        Some(Command::Clock(command)) => clock::run(&command),
        Some(Command::Explain(options)) => explain::run(&options),
        Some(Command::LeastPrivilege(options)) => explain::least_privilege(&options),
        Some(Command::Usage(options)) => usage::run(&options),
        Some(Command::Coverage(options)) => coverage::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("haneul: {error}");
            ExitCode::FAILURE
        }
    }
}
