use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

/// A whole cloud in one binary: AWS's wire protocols in front, the real job behind.
#[derive(Parser)]
#[command(name = "haneul", version, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "`haneul` alone means `haneul serve`. Each flag of it can also be given as HANEUL_<FLAG> or in the --config file."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeOptions,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the cloud (the default)
    Serve(ServeOptions),
    /// Tell what this host offers and what is missing
    Doctor(DoctorOptions),
    /// Export, import or reset the state
    #[command(subcommand)]
    State(StateCommand),
    /// Read or move the clock of a running cloud
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Tell why a recent call was allowed or denied
    Explain(ExplainOptions),
    /// Write a policy that allows what a principal did, and no more
    LeastPrivilege(LeastPrivilegeOptions),
    /// Tell what was used, by the hour
    Usage(UsageOptions),
    /// List what is implemented, operation by operation
    Coverage(CoverageOptions),
}

#[derive(Args, Default, Clone)]
pub(crate) struct ServeOptions {
    /// Where to listen; anything but a loopback address is reachable from other machines [default: 127.0.0.1:4566]
    #[arg(long, env = "HANEUL_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where the state is kept [default: $XDG_DATA_HOME/haneul or ~/.local/share/haneul]
    #[arg(long, env = "HANEUL_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A storage pool (a disk, a mount) for the bytes of objects; give two or more, in the order of the first start, and
    /// each has a copy
    #[arg(long = "pool", env = "HANEUL_POOLS", value_name = "DIR", value_delimiter = ',')]
    pub(crate) pools: Vec<PathBuf>,
    /// Keep everything in memory; nothing survives a stop
    #[arg(long, env = "HANEUL_EPHEMERAL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) ephemeral: Option<bool>,
    /// Whether signatures and policies are enforced [default: enforce]
    #[arg(long, env = "HANEUL_AUTH", value_enum)]
    pub(crate) auth: Option<Auth>,
    /// The access key id of the default account's root user [default: test, on a loopback address]
    #[arg(long, env = "HANEUL_ROOT_ACCESS_KEY", value_name = "ID", requires = "root_secret_key")]
    pub(crate) root_access_key: Option<String>,
    /// Its secret key [default: test, on a loopback address]
    #[arg(
        long,
        env = "HANEUL_ROOT_SECRET_KEY",
        value_name = "KEY",
        requires = "root_access_key",
        hide_env_values = true
    )]
    pub(crate) root_secret_key: Option<String>,
    /// A file with 32 bytes (or their base64), outside the data directory, under which all keys in it are sealed; or
    /// give the base64 as HANEUL_MASTER_KEY
    #[arg(long, env = "HANEUL_MASTER_KEY_FILE", value_name = "FILE")]
    pub(crate) master_key_file: Option<PathBuf>,
    /// A TOML file with the same settings
    #[arg(long, env = "HANEUL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Answer TLS too, on the same port, with a certificate of our own or the given one [default: off]
    #[arg(long, env = "HANEUL_TLS", value_enum)]
    pub(crate) tls: Option<Tls>,
    /// Certificate chain in PEM, for --tls files
    #[arg(long, env = "HANEUL_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key in PEM, for --tls files
    #[arg(long, env = "HANEUL_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A folder of what AWS keeps to itself of IAM: partners that may ask for delegated access (partners/*.toml), role
    /// templates (role-templates/*.toml)
    #[arg(long, env = "HANEUL_IAM_CATALOG", value_name = "DIR")]
    pub(crate) iam_catalog: Option<PathBuf>,
    /// What keeps programs of users (functions) from this host: namespaces, or nothing at all [default: namespaces]
    #[arg(long, env = "HANEUL_SANDBOX", value_enum)]
    pub(crate) sandbox: Option<Sandbox>,
    /// How the log is written [default: text]
    #[arg(long, env = "HANEUL_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, or a filter such as haneul_front=debug [default: info]
    #[arg(long, env = "HANEUL_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auth {
    /// Verify every signature, evaluate every policy
    #[default]
    Enforce,
    /// Let any key in; a 12-digit access key id selects the account of that number
    Relaxed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    #[default]
    Off,
    /// Make a certificate authority in the data directory and use it
    Own,
    /// Use --tls-cert and --tls-key
    Files,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sandbox {
    /// Namespaces, a filter of system calls, control groups; needs bubblewrap
    #[default]
    Namespaces,
    /// None: programs run with our own rights, only for who trusts all of them; functions are refused
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Args)]
pub(crate) struct DoctorOptions {
    /// The data directory that would be used
    #[arg(long, env = "HANEUL_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum StateCommand {
    /// Write all state to a file; the cloud must not be running
    Export {
        /// The file to write
        file: PathBuf,
        #[arg(long, env = "HANEUL_DATA_DIR", value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Read an exported file into an empty data directory
    Import {
        /// The file to read
        file: PathBuf,
        #[arg(long, env = "HANEUL_DATA_DIR", value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Delete all state; the cloud must not be running
    Reset {
        #[arg(long, env = "HANEUL_DATA_DIR", value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Really do it
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum ClockCommand {
    /// Print the cloud's time
    Now(EndpointOptions),
    /// Move the clock forward: 90, 15m, 12h, 30d
    Advance {
        /// A number of seconds, or a number with s, m, h or d
        span: String,
        #[command(flatten)]
        endpoint: EndpointOptions,
    },
    /// Stop the clock, or let it run on
    Freeze {
        /// Let a stopped clock run on
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        endpoint: EndpointOptions,
    },
}

#[derive(Args)]
pub(crate) struct ExplainOptions {
    /// The request's id: x-amzn-RequestId, x-amz-request-id, or from an SDK's error
    pub(crate) request_id: String,
    /// As JSON, with all context keys
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
}

#[derive(Args)]
pub(crate) struct UsageOptions {
    /// From this time on, as 2026-11-24T02:00:00Z
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Before this time
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Only this account
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// Only this service
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
}

#[derive(Args)]
pub(crate) struct LeastPrivilegeOptions {
    /// The ARN of a user or role
    pub(crate) principal: String,
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
}

#[derive(Args)]
pub(crate) struct EndpointOptions {
    /// The running cloud
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566", value_name = "URL")]
    pub(crate) endpoint: String,
}

#[derive(Args)]
pub(crate) struct CoverageOptions {
    /// Only this service
    pub(crate) service: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_fixed_forms_parse() {
        for line in [
            "haneul",
            "haneul serve",
            "haneul --ephemeral",
            "haneul serve --listen 127.0.0.1:0 --data-dir /tmp/x --auth relaxed",
            "haneul serve --ephemeral --root-access-key A --root-secret-key B --config f.toml",
            "haneul doctor",
            "haneul state export f",
            "haneul state import f --data-dir d",
            "haneul state reset --yes",
            "haneul clock now",
            "haneul clock advance 30d",
            "haneul clock freeze",
            "haneul explain 5ab8fd5a-5d0e-5a6f --json",
            "haneul least-privilege arn:aws:iam::000000000000:user/ann",
            "haneul usage --service sqs --from 2026-11-24T02:00:00Z --json",
            "haneul coverage sqs --json",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        assert!(Cli::try_parse_from(["haneul", "--root-access-key", "A"]).is_err());
    }
}
