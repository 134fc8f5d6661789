//! Measures what running a function costs: `cargo run --release -p haneul-lambda-exec --example functions_bench`.
//!
//! For each runtime of this host: the interpreter's own start (an empty program, as the floor; of `provided.al2023` a static
//! program's bare start), a cold start (a function
//! that answers `null`, from the call to the answer), the overhead of a warm invocation one after the other, invocations per
//! second by 16 at a time, and the resident memory of an idle environment.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haneul_env::{Env, clock::monotonic};
use haneul_lambda_exec::{
    BoxFuture, CredentialSource, Credentials, Executor, HostExecutor, Invocation, Logging, NoEndpoint,
    NoLogs, Runtime, Settings, Spec,
};

/// Runtime, handler, file, its text, and what runs nothing with the same interpreter.
const CASES: &[(&str, &str, &str, &str, &[&str])] = &[
    ("provided.al2023", "x", "bootstrap", "", &[]),
    (
        "python3.13",
        "app.handler",
        "app.py",
        "def handler(event, context): return None\n",
        &["python3.13", "-c", ""],
    ),
    (
        "python3.11",
        "app.handler",
        "app.py",
        "def handler(event, context): return None\n",
        &["python3.11", "-c", ""],
    ),
    ("nodejs20.x", "app.handler", "app.js", "exports.handler = async () => null;\n", &["node", "-e", ""]),
    (
        "java17",
        "App::handle",
        "App.class",
        "",
        &["java", "-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-version"],
    ),
];

const JAVA: &str = "public class App { public Object handle(Object event) { return null; } }";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    println!(
        "{:16} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8}",
        "", "floor ms", "cold p50", "cold min", "warm p50", "at 16, /s", "idle MB"
    );
    for (runtime, handler, file, text, floor) in CASES {
        if !chosen.is_empty() && !chosen.iter().any(|name| runtime.starts_with(name.as_str())) {
            continue;
        }
        if let Err(why) = measure(runtime, handler, file, text, floor).await {
            println!("{runtime:16} {why}");
        }
    }
    Ok(())
}

async fn measure(
    runtime: &str,
    handler: &str,
    file: &str,
    text: &str,
    floor: &[&str],
) -> std::io::Result<()> {
    let (env, state, code) = (Env::real(), temporary("state")?, temporary("code")?);
    if runtime.starts_with("provided") {
        static_program(&code.join(file))?;
    } else if runtime.starts_with("java") {
        std::fs::write(code.join("App.java"), JAVA)?;
        Command::new("javac").arg("-d").arg(&code).arg(code.join("App.java")).status()?;
    } else {
        std::fs::write(code.join(file), text)?;
    }
    let sandbox = haneul_sandbox::detect(&env, haneul_sandbox::Options::new(state.clone()));
    let settings = Settings::new(&env, sandbox, Arc::new(NoLogs), Arc::new(NoEndpoint), state.clone());
    let executor = Arc::new(HostExecutor::new(settings)?);
    if let Some(why) = executor.missing(&Runtime::parse(runtime).expect("a runtime")) {
        return Err(std::io::Error::other(why));
    }
    let floor = match runtime.starts_with("provided") {
        // Its own bare start: without a Runtime API it ends at once.
        true => vec![code.join(file).display().to_string()],
        false => direct(floor),
    };
    let floor =
        median((0..15).map(|_| time(|| drop(Command::new(&floor[0]).args(&floor[1..]).output()))).collect());
    let spec = |number: u32| {
        Arc::new(Spec {
            id: format!("arn:aws:lambda:eu-west-1:111122223333:function:f:{number}"),
            function_arn: "arn:aws:lambda:eu-west-1:111122223333:function:f".into(),
            function_name: "f".into(),
            version: "$LATEST".into(),
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            runtime: Runtime::parse(runtime).expect("a runtime"),
            handler: handler.into(),
            architecture: if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.into(),
            memory_mb: 256,
            timeout: Duration::from_secs(60),
            ephemeral_mb: 512,
            code: code.clone(),
            layers: Vec::new(),
            image: None,
            environment: BTreeMap::new(),
            credentials: Arc::new(Keys),
            logging: Logging::default(),
            tracing: false,
            provisioned: false,
            managed: None,
        })
    };
    let invoke = async |executor: &HostExecutor, spec: Arc<Spec>| {
        let call = Invocation::new("id".into(), "arn".into(), "{}".into());
        let outcome = executor.invoke(spec, call).await.expect("it runs");
        assert_eq!(outcome.function_error, None, "{:?}", outcome.body);
    };
    invoke(&executor, spec(0)).await;
    let mut cold = Vec::new();
    for number in 1..=15 {
        let spec = spec(number);
        let began = monotonic();
        invoke(&executor, spec.clone()).await;
        cold.push(began.elapsed());
        executor.retire(&spec.id).await;
    }
    let (least, cold) = (*cold.iter().min().expect("some"), median(cold));
    let warm = spec(100);
    for _ in 0..200 {
        invoke(&executor, warm.clone()).await;
    }
    let mut one = Vec::new();
    for _ in 0..2000 {
        let began = monotonic();
        invoke(&executor, warm.clone()).await;
        one.push(began.elapsed());
    }
    let one = median(one);
    let many = spec(101);
    let run = |each: u32| {
        let callers = (0..16).map(|_| {
            let (executor, many) = (executor.clone(), many.clone());
            env.spawn("caller", async move {
                for _ in 0..each {
                    let call = Invocation::new("id".into(), "arn".into(), "{}".into());
                    executor.invoke(many.clone(), call).await.expect("it runs");
                }
            })
        });
        callers.collect::<Vec<_>>()
    };
    for caller in run(20) {
        let _ = caller.await;
    }
    let began = monotonic();
    for caller in run(300) {
        let _ = caller.await;
    }
    let rate = 16.0 * 300.0 / began.elapsed().as_secs_f64();
    let call = Invocation::new("id".into(), "arn".into(), "{}".into());
    let idle = executor.invoke(warm, call).await.expect("it runs").report.memory_mb_max;
    println!(
        "{runtime:16} {:9.1} {:9.1} {:9.1} {:9.3} {rate:10.0} {idle:8}",
        ms(floor),
        ms(cold),
        ms(least),
        ms(one)
    );
    std::fs::remove_dir_all(&state)?;
    std::fs::remove_dir_all(&code)
}

/// Compiles the smallest runtime of one's own, without a shared library.
fn static_program(to: &std::path::Path) -> std::io::Result<()> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bare_bootstrap.rs");
    let options =
        ["--edition", "2024", "-C", "opt-level=3", "-C", "target-feature=+crt-static", "-C", "strip=symbols"];
    let done = Command::new("rustc").args(options).arg(source).arg("-o").arg(to).status()?;
    if done.success() {
        Ok(())
    } else {
        Err(std::io::Error::other("rustc did not compile bare_bootstrap.rs"))
    }
}

/// The command with the interpreter itself, not what a version manager has in its place.
fn direct(command: &[&str]) -> Vec<String> {
    let mut direct: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let kept = std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".pyenv/versions"));
    let versions = kept.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let found = versions.map(|entry| entry.path().join("bin").join(command[0])).find(|path| path.exists());
    if let Some(found) = found {
        direct[0] = found.display().to_string();
    }
    direct
}

fn temporary(name: &str) -> std::io::Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("haneul-bench-{name}-{}", Env::real().rng.uuid()));
    std::fs::create_dir(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn time(work: impl FnOnce()) -> Duration {
    let began: Instant = monotonic();
    work();
    began.elapsed()
}

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans[spans.len() / 2]
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
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
