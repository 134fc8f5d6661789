//! Unmodified clients against the program: the AWS CLI, boto3, Terraform, the JavaScript SDK.
//!
//! Each test starts the built `haneul` on a port of its own, with a data directory of its own, and runs a script in
//! `scripts` against it, as a user would. A client that is not installed is skipped with a printed reason, or is a
//! failure where `HANEUL_REQUIRE_CLIENTS` is set, as in CI.
//!
//! What must never happen here: knowledge of how the program works inside.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// A running cloud, stopped when dropped.
pub struct Server {
    process: Child,
    pub endpoint: String,
    folder: Arc<tempfile::TempDir>,
}

impl Server {
    /// Starts with durable state and enforced authorisation; `more` are further flags of `haneul serve`.
    pub fn start(more: &[&str]) -> Server {
        Server::start_in(Arc::new(tempfile::tempdir().expect("a temporary folder")), more)
    }

    /// As [`Server::start`], with more in its environment.
    pub fn start_with(environment: &[(&str, &str)]) -> Server {
        Server::within(Arc::new(tempfile::tempdir().expect("a temporary folder")), environment)
    }

    /// As [`Server::restart`] for one that came of [`Server::start_with`].
    pub fn restart_with(self, environment: &[(&str, &str)]) -> Server {
        let folder = self.folder.clone();
        drop(self);
        Server::within(folder, environment)
    }

    fn within(folder: Arc<tempfile::TempDir>, environment: &[(&str, &str)]) -> Server {
        let mut command = serve(&folder, &[]);
        command.envs(environment.iter().copied());
        Server::of(command, folder)
    }

    /// As [`Server::start`], and what the program says at this level, in all its lives, goes to [`Server::log`].
    pub fn start_saying(level: &str) -> Server {
        Server::saying_in(Arc::new(tempfile::tempdir().expect("a temporary folder")), level)
    }

    /// As [`Server::restart`] for one that came of [`Server::start_saying`].
    pub fn restart_saying(self, level: &str) -> Server {
        let folder = self.folder.clone();
        drop(self);
        Server::saying_in(folder, level)
    }

    fn saying_in(folder: Arc<tempfile::TempDir>, level: &str) -> Server {
        let log = folder.path().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log).expect("a log file");
        let mut command = serve(&folder, &[]);
        command.env("HANEUL_LOG", level).stderr(log);
        Server::of(command, folder)
    }

    /// Kills the program as a power cut would and starts it again on the same data, with these flags.
    pub fn restart(self, more: &[&str]) -> Server {
        let folder = self.folder.clone();
        drop(self);
        Server::start_in(folder, more)
    }

    /// Kills the program and runs it with these flags on the same data, which it must refuse; what it says.
    pub fn refusal(self, more: &[&str]) -> (String, Server) {
        let folder = self.folder.clone();
        drop(self);
        let refused = serve(&folder, more).output().expect("the program starts");
        assert!(!refused.status.success(), "it started with {more:?}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        let ended = serve(&folder, &["--help"]).stdout(Stdio::null()).spawn().expect("the program starts");
        (said, Server { process: ended, endpoint: String::new(), folder })
    }

    fn start_in(folder: Arc<tempfile::TempDir>, more: &[&str]) -> Server {
        let command = serve(&folder, more);
        Server::of(command, folder)
    }

    fn of(mut command: Command, folder: Arc<tempfile::TempDir>) -> Server {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let endpoint = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.trim().strip_prefix("endpoint").map(|rest| rest.trim().to_owned()))
            .expect("the program prints its endpoint");
        // Keeps reading, so that the program never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server { process, endpoint, folder }
    }

    /// For a client that kills the program in the middle of what it does.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where the program keeps its state.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the program of [`Server::start_saying`] said.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A folder for what a client writes.
    pub fn scratch(&self) -> PathBuf {
        let scratch = self.folder.path().join("scratch");
        std::fs::create_dir_all(&scratch).expect("a temporary folder");
        scratch
    }

    /// Runs `program` with the environment that a user would set, and panics with its output when it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().expect("the client starts");
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{text}");
        assert!(output.status.success(), "{program} {arguments:?} failed: {}\n{text}", output.status);
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.scratch())
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", self.folder.path().join("no-config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.folder.path().join("no-credentials"))
            .env("AWS_PAGER", "")
            .env("HANEUL_BIN", binary());
        command
    }
}

/// `haneul serve` on the data of a folder.
fn serve(folder: &tempfile::TempDir, more: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .env("HANEUL_LOG", "warn")
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .args(more);
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The script `name` of this crate.
pub fn script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
    path.to_str().expect("the checkout's path is UTF-8").to_owned()
}

/// Whether `program` with `arguments` succeeds; if not, says what is skipped, or fails where clients are required.
pub fn available(program: &str, arguments: &[&str], skipped: &str) -> bool {
    let found = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        missing(&format!("`{program} {}` does not work here", arguments.join(" ")), skipped);
    }
    found
}

/// Says that `skipped` is skipped, and why.
pub fn missing(reason: &str, skipped: &str) {
    assert!(
        std::env::var_os("HANEUL_REQUIRE_CLIENTS").is_none(),
        "{reason}, and HANEUL_REQUIRE_CLIENTS is set"
    );
    println!("SKIPPED {skipped}: {reason}");
}

/// The filesystem mirror with Terraform's aws provider, of `HANEUL_TERRAFORM_MIRROR`, where Terraform itself is there too; if
/// not, says what is skipped.
pub fn terraform_mirror(skipped: &str) -> Option<String> {
    let Ok(mirror) = std::env::var("HANEUL_TERRAFORM_MIRROR") else {
        let reason = "HANEUL_TERRAFORM_MIRROR does not name a filesystem mirror with the aws provider";
        missing(reason, skipped);
        return None;
    };
    available("terraform", &["version"], skipped).then_some(mirror)
}

/// Takes the configuration in a folder of this crate through its life, against a cloud of its own: apply, a plan without
/// changes, a change in place, again a plan without changes, destroy. `variables` are for all of it, `changes` are what the
/// change sets, as `NAME=VALUE`.
pub fn terraform(folder: &str, variables: &[(&str, &str)], changes: &[&str]) {
    let Some(mirror) = terraform_mirror(folder) else { return };
    let server = Server::start(&[]);
    let mut command = server.command("bash");
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    command
        .args(["-eu", "-o", "pipefail", &script("terraform.sh")])
        .arg(configuration)
        .arg(mirror)
        .args(changes);
    for (name, value) in variables {
        command.env(format!("TF_VAR_{name}"), value);
    }
    let output = command.output().expect("bash starts");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&said));
}

/// The Python with boto3: of `HANEUL_PYTHON`, or the one on the path.
pub fn python() -> String {
    std::env::var("HANEUL_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// The Python with the CloudWatch Logs agent (awscli-cwlogs): of `HANEUL_LOGS_AGENT`, or the one on the path.
pub fn logs_agent() -> String {
    std::env::var("HANEUL_LOGS_AGENT").unwrap_or_else(|_| "python3".into())
}

/// The AWS CLI: of `HANEUL_AWS_CLI`, or the one on the path.
pub fn aws_cli() -> String {
    std::env::var("HANEUL_AWS_CLI").unwrap_or_else(|_| "aws".into())
}

/// The AWS CLI of version 2, of `HANEUL_AWS_CLI_2` or the one on the path, as a command that knows the endpoint.
pub fn aws_cli_2(skipped: &str) -> Option<String> {
    let program = std::env::var("HANEUL_AWS_CLI_2").unwrap_or_else(|_| "aws".into());
    let said = Command::new(&program).arg("--version").output().map(|output| output.stdout);
    if said.is_ok_and(|said| said.starts_with(b"aws-cli/2")) {
        return Some(script("aws2.sh"));
    }
    missing(&format!("`{program}` is no AWS CLI of version 2"), skipped);
    None
}

/// The program under test: of `HANEUL_BIN`, or the one that was built beside this test.
fn binary() -> PathBuf {
    if let Some(given) = std::env::var_os("HANEUL_BIN") {
        return given.into();
    }
    let test = std::env::current_exe().expect("a test knows its path");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let binary = profile.join("haneul");
    assert!(binary.exists(), "{} is not built: run `cargo build --package haneul` first", binary.display());
    binary
}
