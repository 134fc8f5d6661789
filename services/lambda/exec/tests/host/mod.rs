//! Functions and an executor of this host, for the tests of all runtimes; each uses its part.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use haneul_env::Env;
use haneul_lambda_exec::{
    Body, BoxFuture, CredentialSource, Credentials, Endpoint, Executor, FunctionError, HostExecutor,
    Invocation, LogEvent, LogSink, LogTarget, Logging, NoEndpoint, Outcome, Runtime, Settings, Spec,
};
use haneul_sandbox::{Options, Sandbox, detect};
use parking_lot::Mutex;
use serde_json::Value;

/// The real sandbox, or `None` with a word about why not.
pub(crate) fn sandbox(env: &Env) -> Option<Arc<dyn Sandbox>> {
    static STATE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let state = STATE.get_or_init(|| tempfile::tempdir().unwrap());
    let sandbox = detect(env, Options::new(state.path().to_owned()));
    match sandbox.missing() {
        None => Some(sandbox),
        Some(why) => {
            assert!(std::env::var_os("HANEUL_REQUIRE_SANDBOX").is_none(), "{why}");
            println!("skipped: {why}");
            None
        }
    }
}

/// An executor of this host, with what it logs.
pub(crate) struct Host {
    pub(crate) env: Env,
    pub(crate) executor: HostExecutor,
    pub(crate) logs: Arc<Logs>,
    _state: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new() -> Option<Host> {
        Host::with(|_| {}, Arc::new(NoEndpoint))
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings), endpoint: Arc<dyn Endpoint>) -> Option<Host> {
        let env = Env::real();
        let sandbox = sandbox(&env)?;
        let (logs, state) = (Arc::new(Logs::default()), tempfile::tempdir().unwrap());
        let mut settings = Settings::new(&env, sandbox, logs.clone(), endpoint, state.path().to_owned());
        change(&mut settings);
        let executor = HostExecutor::new(settings).unwrap();
        Some(Host { env, executor, logs, _state: state })
    }

    /// False, with a word, when this host has no such runtime.
    pub(crate) fn has(&self, runtime: &str) -> bool {
        let missing = self.executor.missing(&Runtime::parse(runtime).unwrap());
        if let Some(why) = &missing {
            println!("skipped: {why}");
        }
        missing.is_none()
    }

    pub(crate) async fn invoke(&self, function: &Function, event: &Value) -> Answer {
        self.invoke_with(function, event, |_| {}).await
    }

    pub(crate) async fn invoke_with(
        &self,
        function: &Function,
        event: &Value,
        change: impl FnOnce(&mut Invocation),
    ) -> Answer {
        let payload = event.to_string().into();
        let mut call = Invocation::new(self.env.rng.uuid(), function.spec.function_arn.clone(), payload);
        change(&mut call);
        let id = call.request_id.clone();
        let outcome = self.executor.invoke(function.spec.clone(), call).await.unwrap();
        Answer::of(id, outcome)
    }
}

pub(crate) struct Answer {
    pub(crate) request_id: String,
    pub(crate) value: Value,
    pub(crate) error: Option<FunctionError>,
    pub(crate) log: String,
    pub(crate) outcome: Outcome,
}

impl Answer {
    fn of(request_id: String, outcome: Outcome) -> Answer {
        let value = match &outcome.body {
            Body::Whole(body) => serde_json::from_slice(body)
                .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body).into_owned())),
            Body::Stream(_) => Value::Null,
        };
        let log = String::from_utf8_lossy(&outcome.log_tail).into_owned();
        Answer { request_id, value, error: outcome.function_error, log, outcome }
    }

    /// The value of a function that did well.
    #[track_caller]
    pub(crate) fn ok(&self) -> &Value {
        assert_eq!(self.error, None, "{} {}", self.value, self.log);
        &self.value
    }

    /// Type and message of a function that did not.
    #[track_caller]
    pub(crate) fn failed(&self) -> (&str, &str) {
        assert_eq!(self.error, Some(FunctionError::Unhandled), "{} {}", self.value, self.log);
        (
            self.value["errorType"].as_str().unwrap_or_default(),
            self.value["errorMessage"].as_str().unwrap_or_default(),
        )
    }
}

/// A function and the folders of its code.
pub(crate) struct Function {
    pub(crate) spec: Arc<Spec>,
    _folders: Vec<tempfile::TempDir>,
}

impl Function {
    pub(crate) fn into_draft(self) -> Draft {
        let Function { spec, mut _folders } = self;
        let code = _folders.pop().unwrap();
        Draft { spec: Arc::into_inner(spec).unwrap(), code, layers: _folders }
    }
}

pub(crate) struct Draft {
    spec: Spec,
    code: tempfile::TempDir,
    layers: Vec<tempfile::TempDir>,
}

pub(crate) fn function(runtime: &str, handler: &str, files: &[(&str, &str)]) -> Draft {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let code = folder(files);
    let arn = format!("arn:aws:lambda:eu-west-1:111122223333:function:f{number}");
    let spec = Spec {
        id: format!("{arn}:$LATEST:1"),
        function_arn: arn,
        function_name: format!("f{number}"),
        version: "$LATEST".into(),
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        runtime: Runtime::parse(runtime).unwrap(),
        handler: handler.into(),
        architecture: if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.into(),
        memory_mb: 256,
        timeout: Duration::from_secs(10),
        ephemeral_mb: 512,
        code: code.path().to_owned(),
        layers: Vec::new(),
        image: None,
        environment: BTreeMap::new(),
        credentials: Arc::new(Keys),
        logging: Logging { group: format!("/aws/lambda/f{number}"), ..Logging::default() },
        tracing: false,
        provisioned: false,
        managed: None,
    };
    Draft { spec, code, layers: Vec::new() }
}

impl Draft {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Spec)) -> Draft {
        change(&mut self.spec);
        self
    }

    pub(crate) fn layer(mut self, files: &[(&str, &str)]) -> Draft {
        let layer = folder(files);
        self.spec.layers.push(layer.path().to_owned());
        self.layers.push(layer);
        self
    }

    pub(crate) fn layers_of(&self) -> &[PathBuf] {
        &self.spec.layers
    }

    pub(crate) fn code(&self) -> PathBuf {
        self.code.path().to_owned()
    }

    pub(crate) fn done(self) -> Function {
        let mut folders = self.layers;
        folders.push(self.code);
        Function { spec: Arc::new(self.spec), _folders: folders }
    }
}

/// Files, as a zip would have left them; those that begin with `#!` can be run.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path());
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    folder
}

fn open(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A program in bash, which has sockets of its own. `ask METHOD PATH BODY [HEADER]` speaks with the APIs: the answer is in `$head`
/// and `$body`, and the id of an event or an extension that it names in `$id`.
pub(crate) fn bash(program: &str) -> String {
    const ASK: &str = r#"#!/bin/bash
ask() {
  exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
  printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %s\r\n\r\n%s' "$1" "$2" "${4:+$4$'\r\n'}" "${#3}" "$3" >&3
  head='' body='' id=''
  while IFS= read -r line <&3; do
    line=${line%$'\r'}
    [ -z "$line" ] && break
    head+="$line"$'\n'
    case $line in lambda-runtime-aws-request-id:* | lambda-extension-identifier:*) id=${line#*: } ;; esac
  done
  IFS= read -r -d '' body <&3
  exec 3>&-
}
next() { ask GET /2018-06-01/runtime/invocation/next ''; }
respond() { ask POST "/2018-06-01/runtime/invocation/$id/response" "$1"; }
"#;
    format!("{ASK}{program}")
}

struct Keys;

impl CredentialSource for Keys {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, String>> {
        Box::pin(async {
            Ok(Credentials {
                access_key_id: "ASIAEXAMPLE".into(),
                secret_access_key: "secret".into(),
                session_token: "token".into(),
                expiration: Env::real().now() + Duration::from_secs(3600),
            })
        })
    }
}

#[derive(Default)]
pub(crate) struct Logs {
    lines: Mutex<Vec<(String, LogEvent)>>,
}

impl Logs {
    pub(crate) fn text(&self) -> String {
        self.lines.lock().iter().map(|(_, event)| event.message.clone()).collect()
    }
}

impl Logs {
    pub(crate) fn streams(&self) -> std::collections::BTreeSet<String> {
        self.lines.lock().iter().map(|(stream, _)| stream.clone()).collect()
    }
}

impl LogSink for Logs {
    fn write(&self, target: &Arc<LogTarget>, events: Vec<LogEvent>) {
        self.lines.lock().extend(events.into_iter().map(|event| (target.stream.clone(), event)));
    }
}
