//! Keeps one environment of a function in each state until it is killed: what a test of `kill -9` looks for afterwards.
//!
//! Prints the process ids of the environments' processes on the host, one line each, then `ready`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_env::Env;
use haneul_lambda_exec::{
    BoxFuture, CredentialSource, Credentials, Executor, HostExecutor, Invocation, Logging, NoEndpoint,
    NoLogs, Runtime, Settings, Spec,
};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, code, state] = arguments.as_slice() else {
        return Err(std::io::Error::other("serve_one CODE STATE"));
    };
    let env = Env::real();
    let sandbox = haneul_sandbox::detect(&env, haneul_sandbox::Options::new(state.into()));
    let settings = Settings::new(&env, sandbox, Arc::new(NoLogs), Arc::new(NoEndpoint), state.into());
    let executor = HostExecutor::new(settings)?;
    for name in ["frozen", "busy"] {
        let call = Invocation::new(name.into(), "arn".into(), format!("\"{name}\"").into());
        let invoking = executor.invoke(Arc::new(spec(name, code)), call);
        if name == "frozen" {
            invoking.await.map_err(std::io::Error::other)?;
            // Long enough to be frozen.
            env.clock.sleep(Duration::from_millis(300)).await;
            println!("ready");
        } else {
            // It never answers.
            let _ = invoking.await;
        }
    }
    Ok(())
}

fn spec(name: &str, code: &str) -> Spec {
    Spec {
        id: format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}:$LATEST:1"),
        function_arn: format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}"),
        function_name: name.into(),
        version: "$LATEST".into(),
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        runtime: Runtime::parse("provided.al2023").expect("it is in the list"),
        handler: "any".into(),
        architecture: if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.into(),
        memory_mb: 128,
        timeout: Duration::from_secs(900),
        ephemeral_mb: 512,
        code: code.into(),
        layers: Vec::new(),
        image: None,
        environment: BTreeMap::new(),
        credentials: Arc::new(Keys),
        logging: Logging::default(),
        tracing: false,
        provisioned: false,
        managed: None,
    }
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
