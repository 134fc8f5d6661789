//! Programs to try a sandbox with; each test file uses its part.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use haneul_env::{Clock, Env};
use haneul_sandbox::{
    Exit, Guard, Limits, Listener, Mount, Network, Options, Process, Program, Root, Sandbox, Started, detect,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

pub(crate) const TMP_BYTES: u64 = 16 << 20;

/// The real sandbox, or `None` with a word about why not.
pub(crate) fn sandbox() -> Option<Arc<dyn Sandbox>> {
    static SANDBOX: OnceLock<(Arc<dyn Sandbox>, tempfile::TempDir)> = OnceLock::new();
    let (sandbox, _) = SANDBOX.get_or_init(|| {
        let state = tempfile::tempdir().unwrap();
        (detect(&Env::real(), Options::new(state.path().to_owned())), state)
    });
    there(sandbox)
}

fn there(sandbox: &Arc<dyn Sandbox>) -> Option<Arc<dyn Sandbox>> {
    match sandbox.missing() {
        None => Some(sandbox.clone()),
        Some(why) => {
            assert!(std::env::var_os("HANEUL_REQUIRE_SANDBOX").is_none(), "{why}");
            println!("skipped: {why}");
            None
        }
    }
}

/// Runs a script by the host's own shell, as the control of what must not work inside: what it wrote.
pub(crate) fn on_the_host(shell: &str, script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(shell);
    let shown =
        command.args(["-c", script]).current_dir(folder.path()).stdin(std::process::Stdio::null()).output();
    String::from_utf8_lossy(&shown.unwrap().stdout).into_owned()
}

pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|known| known.uid() == 0)
}

/// A Python that every user can run.
pub(crate) fn python() -> Option<String> {
    let found = std::fs::read_dir("/usr/bin").ok()?.flatten().find(|entry| entry.file_name() == "python3");
    if found.is_none() {
        println!("skipped: there is no /usr/bin/python3");
    }
    found.map(|entry| entry.path().display().to_string())
}

pub(crate) fn readable(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) struct Trial {
    pub(crate) program: Program,
    answer: Option<&'static str>,
    without: Vec<Guard>,
}

pub(crate) fn sh(script: &str) -> Trial {
    Trial::new(&["/bin/sh", "-c", script])
}

impl Trial {
    pub(crate) fn new(command: &[&str]) -> Trial {
        let path = (String::from("PATH"), String::from("/usr/bin:/bin"));
        let program = Program {
            name: "trial".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            environment: BTreeMap::from([path]),
            working_directory: "/tmp".into(),
            root: Root::Host,
            mounts: vec![Mount::Memory { target: "/tmp".into(), bytes: TMP_BYTES }],
            limits: Limits { memory_bytes: 256 << 20, ..Limits::default() },
            network: Network::None,
            merge_output: false,
            pipes: 0,
        };
        Trial { program, answer: None, without: Vec::new() }
    }

    pub(crate) fn limit(mut self, change: impl FnOnce(&mut Limits)) -> Trial {
        change(&mut self.program.limits);
        self
    }

    /// In a sandbox that lacks these.
    pub(crate) fn without(mut self, guards: &[Guard]) -> Trial {
        self.without = guards.to_vec();
        self
    }

    /// To the first connection.
    pub(crate) fn answering(mut self, answer: &'static str) -> Trial {
        self.answer = Some(answer);
        self
    }

    pub(crate) async fn start(self) -> Option<Going> {
        let (sandbox, _state) = match self.without.as_slice() {
            [] => (sandbox()?, None),
            _ => {
                let state = tempfile::tempdir().unwrap();
                let options = Options { without: self.without, ..Options::new(state.path().to_owned()) };
                (there(&detect(&Env::real(), options))?, Some(state))
            }
        };
        let started = sandbox.start(self.program).await.unwrap();
        let Started { process, stdout, stderr, mut listeners, .. } = started;
        if let (Some(answer), Some(listener)) = (self.answer, listeners.pop()) {
            Env::real().spawn("answer", answer_once(listener, answer));
        }
        Some(Going { _sandbox: sandbox, process, stdout: BufReader::new(stdout), stderr })
    }

    pub(crate) async fn run(self) -> Option<Outcome> {
        let mut going = self.start().await?;
        let pid = going.process.id();
        let host_uid = std::fs::metadata(format!("/proc/{pid}")).ok().map(|known| known.uid());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = Clock::real();
        let ended = clock.timeout(std::time::Duration::from_secs(60), async {
            let exit = going.process.wait().await;
            // What it left running holds no pipe: all of it has ended.
            let _ = tokio::join!(going.stdout.read_to_end(&mut out), going.stderr.read_to_end(&mut err));
            exit
        });
        let exit = ended.await.expect("it ends");
        Some(Outcome { exit, out, err, pid, host_uid })
    }
}

async fn answer_once(listener: Listener, answer: &'static str) {
    if let Some(mut connection) = listener.accept().await {
        let mut asked = [0; 4];
        let _ = connection.read_exact(&mut asked).await;
        let _ = connection.write_all(answer.as_bytes()).await;
    }
}

/// A program that runs.
pub(crate) struct Going {
    /// Its thread is the parent of what runs.
    _sandbox: Arc<dyn Sandbox>,
    pub(crate) process: Box<dyn Process>,
    stdout: BufReader<haneul_sandbox::process::Reader>,
    stderr: haneul_sandbox::process::Reader,
}

impl Going {
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).await.unwrap();
        line
    }

    /// Takes what was written already.
    pub(crate) async fn drain(&mut self) {
        while Clock::real().timeout(std::time::Duration::from_millis(60), self.line()).await.is_some() {}
    }
}

pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    out: Vec<u8>,
    err: Vec<u8>,
    pub(crate) pid: u32,
    pub(crate) host_uid: Option<u32>,
}

impl Outcome {
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.err).into_owned()
    }
}

/// No process is left in the sandbox whose first process was `pid`.
pub(crate) async fn assert_gone(pid: u32) {
    let there = || Path::new("/proc").join(pid.to_string()).exists();
    for _ in 0..200 {
        if !there() {
            return;
        }
        Clock::real().sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("process {pid} is still there");
}
