//! `provided` runtimes, extensions, and what becomes of environments.

mod host;

use std::sync::Arc;
use std::time::Duration;

use haneul_lambda_exec::{BoxFuture, Endpoint, ExecError, Executor, Invocation};
use haneul_sandbox::Connection;
use host::{Host, bash, function};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A bootstrap in bash, which has sockets of its own: answers each event with its number, the environment's and itself.
const BOOTSTRAP: &str = r#"
number=$RANDOM$RANDOM count=0
while :; do
  next
  count=$((count + 1))
  case $body in
    *'"sleep"'*) sleep 0.3 ;;
    *'"background"'*) (while :; do echo beat; sleep 0.005; done) & ;;
    *'"endpoint"'*) exec 4<>/dev/tcp/127.0.0.1/4566; printf 'ping' >&4; read -r answer <&4 ;;
  esac
  respond "{\"number\":$number,\"count\":$count,\"answer\":\"$answer\",\"event\":${body:-null}}"
done
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_of_the_package_or_of_a_layer_runs() {
    let Some(host) = Host::new() else { return };
    let own = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))]).done();
    let answer = host.invoke(&own, &json!({ "a": 1 })).await;
    assert_eq!(answer.ok()["event"], json!({ "a": 1 }));
    let layer =
        function("provided.al2", "any", &[("x", "y")]).layer(&[("bootstrap", &bash(BOOTSTRAP))]).done();
    assert_eq!(host.invoke(&layer, &json!(2)).await.ok()["event"], 2);
    let none = function("provided.al2023", "any", &[("x", "y")]).done();
    let call = Invocation::new("id".into(), "arn".into(), "{}".into());
    let error = host.executor.invoke(none.spec.clone(), call).await.unwrap_err();
    assert!(matches!(&error, ExecError::CodeUnusable(why) if why.contains("bootstrap")), "{error}");
    let broken = function("provided.al2023", "any", &[("bootstrap", "#!/no/such/program\n")]).done();
    let answer = host.invoke(&broken, &json!({})).await;
    assert_eq!(answer.failed().0, "Runtime.InvalidEntrypoint", "{}", answer.value);
    let arm = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))])
        .with(|spec| spec.architecture = if spec.architecture == "arm64" { "x86_64" } else { "arm64" }.into())
        .done();
    let call = Invocation::new("id".into(), "arn".into(), "{}".into());
    let error = host.executor.invoke(arm.spec.clone(), call).await.unwrap_err();
    assert!(matches!(error, ExecError::RuntimeUnavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn between_invocations_nothing_runs() {
    let Some(host) = Host::new() else { return };
    let function = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))]).done();
    let first = host.invoke(&function, &json!({ "do": "background" })).await;
    let beats = || host.logs.text().matches("beat\n").count();
    let clock = haneul_env::Clock::real();
    // It beats on for ever, unless it is frozen.
    let silent = async {
        loop {
            let before = beats();
            clock.sleep(Duration::from_millis(500)).await;
            if beats() == before {
                return before;
            }
        }
    };
    let before = clock.timeout(Duration::from_secs(20), silent).await.expect("it is frozen");
    let after = host.invoke(&function, &json!({ "do": "sleep" })).await;
    assert_eq!(first.ok()["number"], after.ok()["number"], "it is the same environment");
    assert!(beats() > before, "it goes on where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_events_at_once_share_little_memory_fairly() {
    // Room for four environments.
    let Some(host) =
        Host::with(|settings| settings.memory_mb_max = Some(1024), Arc::new(haneul_lambda_exec::NoEndpoint))
    else {
        return;
    };
    let functions: Vec<_> = (0..3)
        .map(|_| function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))]).done())
        .collect();
    let (host, functions) = (Arc::new(host), Arc::new(functions));
    let calls = (0..100).map(|n: usize| {
        let (host, functions) = (host.clone(), functions.clone());
        let env = host.env.clone();
        env.spawn("call", async move {
            // The first function floods; the others come last and are not starved.
            let which = if n < 90 { 0 } else { 1 + n % 2 };
            let answer = host.invoke(&functions[which], &json!({ "n": n })).await;
            assert_eq!(answer.ok()["event"]["n"], n);
            let (idle, busy) = host.executor.environments();
            assert!(idle + busy <= 4, "{idle} {busy}");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let large = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))])
        .with(|spec| spec.memory_mb = 2048)
        .done();
    let call = Invocation::new("id".into(), "arn".into(), "{}".into());
    let error = host.executor.invoke(large.spec.clone(), call).await.unwrap_err();
    assert!(matches!(error, ExecError::NoCapacity(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_provisioned_reaped_and_retired() {
    let Some(host) = Host::with(
        |settings| settings.idle_max = Duration::from_secs(600),
        Arc::new(haneul_lambda_exec::NoEndpoint),
    ) else {
        return;
    };
    let warm = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))])
        .with(|spec| spec.provisioned = true)
        .done();
    host.executor.provision(warm.spec.clone(), 2).await.unwrap();
    assert_eq!((host.executor.provisioned(&warm.spec.id), host.executor.environments()), (2, (2, 0)));
    let answer = host.invoke(&warm, &json!({})).await;
    answer.ok();
    assert_eq!(answer.outcome.report.init, None, "it was warm already");

    let cold = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))]).done();
    host.invoke(&cold, &json!({})).await.ok();
    assert_eq!(host.executor.environments().0, 3);
    // An hour passes on the cloud's clock: what is not provisioned goes.
    host.env.clock.advance(Duration::from_secs(3600));
    let reaped = async {
        while host.executor.environments().0 > 2 {
            haneul_env::Clock::real().sleep(Duration::from_millis(5)).await;
        }
    };
    haneul_env::Clock::real().timeout(Duration::from_secs(20), reaped).await.expect("it is reaped");
    host.executor.retire(&warm.spec.function_arn).await;
    assert_eq!((host.executor.provisioned(&warm.spec.id), host.executor.environments()), (0, (0, 0)));
    assert!(host.invoke(&warm, &json!({})).await.ok()["count"] == 1);

    let bad = function("provided.al2023", "any", &[("bootstrap", "#!/bin/sh\nexit 4\n")]).done();
    let error = host.executor.provision(bad.spec.clone(), 1).await.unwrap_err();
    assert!(matches!(&error, ExecError::InitFailed(said) if said.contains("exit status 4")), "{error}");
    assert_eq!(host.executor.provisioned(&bad.spec.id), 0);
}

/// Answers `ping` with `pong`.
struct Pong;

impl Endpoint for Pong {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut asked = [0; 4];
            connection.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"ping");
            connection.write_all(b"pong\n").await.unwrap();
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_reach_our_endpoint() {
    let Some(host) = Host::with(|_| {}, Arc::new(Pong)) else { return };
    let function = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))]).done();
    assert_eq!(host.invoke(&function, &json!({ "do": "endpoint" })).await.ok()["answer"], "pong");
}

const EXTENSION: &str = r#"
ask POST /2020-01-01/extension/register '{"events":["INVOKE","SHUTDOWN"]}' "Lambda-Extension-Name: watcher.sh"
echo "registered: $body"
own=$id
while :; do
  ask GET /2020-01-01/extension/event/next '' "Lambda-Extension-Identifier: $own"
  echo "event: $body"
  case $body in *SHUTDOWN*) exit 0 ;; esac
done
"#;

#[tokio::test(flavor = "multi_thread")]
async fn extensions_are_told_of_events_and_of_the_end() {
    let Some(host) = Host::new() else { return };
    let function = function("provided.al2023", "any", &[("bootstrap", &bash(BOOTSTRAP))])
        .layer(&[("extensions/watcher.sh", &bash(EXTENSION))])
        .done();
    let answer = host.invoke(&function, &json!({})).await;
    answer.ok();
    host.executor.retire(&function.spec.function_arn).await;
    let told = async {
        while !host.logs.text().contains("\"eventType\":\"SHUTDOWN\"") {
            haneul_env::Clock::real().sleep(Duration::from_millis(5)).await;
        }
    };
    haneul_env::Clock::real().timeout(Duration::from_secs(10), told).await.expect("it is told of the end");
    let text = host.logs.text();
    assert!(text.contains("registered: {") && text.contains("\"eventType\":\"INVOKE\""), "{text}");
    assert!(text.contains(&format!("\"requestId\":\"{}\"", answer.request_id)), "{text}");
    assert!(text.contains("\"shutdownReason\":\"spindown\""), "{text}");
}

/// A server that is killed leaves nothing behind: neither a frozen environment nor a busy one.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_no_process() {
    let Some(_) = Host::new() else { return };
    // Its arguments tell its processes from all others of this machine.
    let mark = format!("mark-{}", haneul_env::Env::real().rng.uuid());
    let bootstrap = format!(
        "{}# {mark}\n",
        bash(BOOTSTRAP)
            .replace("*'\"sleep\"'*) sleep 0.3 ;;", "'\"busy\"') sleep 1000 ;;")
            .replace("number=", &format!("mark={mark} number="))
    );
    let bootstrap =
        bootstrap.replace("count=0\n", &format!("count=0\n[ \"$1\" ] || exec /bin/bash \"$0\" {mark}\n"));
    let draft = function("provided.al2023", "any", &[("bootstrap", &bootstrap)]);
    let state = tempfile::tempdir().unwrap();
    let mut server = std::process::Command::new(example("serve_one"))
        .arg(draft.code())
        .arg(state.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    let clock = haneul_env::Clock::real();
    let two = async {
        while marked(&mark).len() < 2 {
            clock.sleep(Duration::from_millis(5)).await;
        }
    };
    clock.timeout(Duration::from_secs(20), two).await.expect("one is frozen, one is busy");
    server.kill().unwrap();
    server.wait().unwrap();
    let none = async {
        while !marked(&mark).is_empty() {
            clock.sleep(Duration::from_millis(5)).await;
        }
    };
    clock.timeout(Duration::from_secs(10), none).await.expect("all are gone");
}

/// The processes of this machine with `mark` among their arguments.
fn marked(mark: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let text = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        text.windows(mark.len()).any(|part| part == mark.as_bytes())
    })
    .collect()
}

/// Built beside the tests.
fn example(name: &str) -> std::path::PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples").join(name)
}
