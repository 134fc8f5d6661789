use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use haneul_kit::session_token::Credentials;

use crate::BoxFuture;

/// What one execution environment runs: an immutable version of a function, or `$LATEST` at one revision.
///
/// Environments are shared between invocations whose specs have the same [`Spec::id`], so it must differ whenever
/// anything else in the spec does.
pub struct Spec {
    /// Unique for each version and revision; begins with the function's ARN, by which [`crate::Executor::retire`] finds it:
    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION:REVISION`.
    pub id: String,
    /// As the context object shows it: qualified as the caller qualified it is not known here, so with the version, but
    /// for `$LATEST` without. [`crate::Invocation::function_arn`] wins over it.
    pub function_arn: String,
    pub function_name: String,
    /// `$LATEST` or a number.
    pub version: String,
    pub account: String,
    pub region: String,
    pub runtime: Runtime,
    pub handler: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    pub memory_mb: u32,
    pub timeout: Duration,
    /// Of `/tmp`.
    pub ephemeral_mb: u32,
    /// The unpacked deployment package. Files must be readable by others, as on AWS.
    pub code: PathBuf,
    /// The unpacked layers, in the order of the function's list: later ones over earlier ones.
    pub layers: Vec<PathBuf>,
    /// A container image in place of package and layers; the runtime is `provided.al2023` then.
    pub image: Option<Image>,
    /// The function's own variables, decrypted.
    pub environment: BTreeMap<String, String>,
    /// Of the execution role.
    pub credentials: Arc<dyn CredentialSource>,
    pub logging: Logging,
    /// `TracingConfig` is `Active`: an invocation without a trace header gets a sampled one.
    pub tracing: bool,
    /// Whether environments of it are provisioned: `AWS_LAMBDA_INITIALIZATION_TYPE`, and no limit of 10 s on the init.
    pub provisioned: bool,
    /// Its environments are of a capacity provider.
    pub managed: Option<Managed>,
}

/// What environments of a capacity provider are: they take several invocations at a time, are kept whether they have any or
/// not, and are never frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Invocations at a time in one environment: `AWS_LAMBDA_MAX_CONCURRENCY`.
    pub concurrency: u32,
    /// Processors of one environment, in thousandths.
    pub cpu_millis: u32,
}

/// How many environments of a spec a capacity provider keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    pub min: u32,
    pub max: u32,
    /// The capacity provider's ARN: all its fleets share its processors.
    pub provider: String,
    /// Processors that all environments of the provider may have together, in thousandths.
    pub cpu_millis_max: u64,
    /// The share of places or processors in use above which environments are added, between 0 and 1.
    pub target: f64,
}

/// How a fleet stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub ready: u32,
    pub starting: u32,
    /// Invocations under way.
    pub running: u32,
    /// Why the last environment could not be started, until one could.
    pub failed: Option<crate::ExecError>,
}

impl Spec {
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`.
    pub(crate) fn initialization_type(&self) -> &'static str {
        match (&self.managed, self.provisioned) {
            (Some(_), _) => "lambda-managed-instances",
            (None, true) => "provisioned-concurrency",
            (None, false) => "on-demand",
        }
    }
}

/// A container image, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The lowest first ([`haneul_sandbox::image::Image::unpack`]).
    pub layers: Vec<PathBuf>,
    /// Entry point and command, which speak the Runtime API.
    pub command: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub working_directory: String,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spec({}, {}, {} MB)", self.id, self.runtime, self.memory_mb)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Logging {
    pub group: String,
    pub format: LogFormat,
    /// `ApplicationLogLevel`, for the JSON format; `None` for AWS's default, INFO.
    pub application_level: Option<LogLevel>,
    /// `SystemLogLevel`, for the JSON format.
    pub system_level: Option<LogLevel>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    pub fn parse(text: &str) -> Option<LogLevel> {
        Some(match text.to_ascii_uppercase().as_str() {
            "TRACE" => LogLevel::Trace,
            "DEBUG" => LogLevel::Debug,
            "INFO" => LogLevel::Info,
            "WARN" | "WARNING" => LogLevel::Warn,
            "ERROR" => LogLevel::Error,
            "FATAL" | "CRITICAL" => LogLevel::Fatal,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Trace => "TRACE",
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERROR",
            LogLevel::Fatal => "FATAL",
        }
    }
}

/// Where the credentials of the execution role come from.
pub trait CredentialSource: Send + Sync {
    /// Good for the role's longest session; asked once for each environment, which ends before they do.
    ///
    /// # Errors
    /// A sentence, as when the role is gone or does not trust Lambda.
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, String>>;
}

/// A runtime by AWS's identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Runtime {
    identifier: &'static str,
    family: Family,
    /// As `3.12`, `20`, `17`; empty for `provided…`.
    version: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    Python,
    Node,
    Java,
    Ruby,
    DotNet,
    /// The package brings its own `bootstrap`.
    Provided,
}

/// All that AWS names and that can still be invoked, by family and version.
const RUNTIMES: &[(&str, Family, &str)] = &[
    ("python3.8", Family::Python, "3.8"),
    ("python3.9", Family::Python, "3.9"),
    ("python3.10", Family::Python, "3.10"),
    ("python3.11", Family::Python, "3.11"),
    ("python3.12", Family::Python, "3.12"),
    ("python3.13", Family::Python, "3.13"),
    ("python3.14", Family::Python, "3.14"),
    ("nodejs16.x", Family::Node, "16"),
    ("nodejs18.x", Family::Node, "18"),
    ("nodejs20.x", Family::Node, "20"),
    ("nodejs22.x", Family::Node, "22"),
    ("nodejs24.x", Family::Node, "24"),
    ("java8.al2", Family::Java, "8"),
    ("java11", Family::Java, "11"),
    ("java17", Family::Java, "17"),
    ("java21", Family::Java, "21"),
    ("java25", Family::Java, "25"),
    ("ruby3.2", Family::Ruby, "3.2"),
    ("ruby3.3", Family::Ruby, "3.3"),
    ("ruby3.4", Family::Ruby, "3.4"),
    ("dotnet6", Family::DotNet, "6"),
    ("dotnet8", Family::DotNet, "8"),
    ("provided", Family::Provided, ""),
    ("provided.al2", Family::Provided, ""),
    ("provided.al2023", Family::Provided, ""),
];

impl Runtime {
    /// `None` for what AWS does not know, or no longer runs.
    pub fn parse(identifier: &str) -> Option<Runtime> {
        Runtime::all().find(|runtime| runtime.identifier == identifier)
    }

    pub fn all() -> impl Iterator<Item = Runtime> {
        RUNTIMES.iter().map(|&(identifier, family, version)| Runtime { identifier, family, version })
    }

    pub fn identifier(&self) -> &'static str {
        self.identifier
    }

    pub fn family(&self) -> Family {
        self.family
    }

    pub fn version(&self) -> &'static str {
        self.version
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.identifier)
    }
}
