use std::net::SocketAddr;

use crate::config::Config;
use crate::root::RootAccess;

/// What a person reads first: where it is, who they are, what to type next.
pub(crate) fn print(config: &Config, listening: SocketAddr, root: &RootAccess, took_ms: u128) {
    let endpoint = format!("http://{listening}");
    let state = match &config.data_dir {
        Some(folder) => format!("kept in {}", folder.display()),
        None => String::from("in memory only (--ephemeral)"),
    };
    println!("Haneul {} is up in {took_ms} ms", env!("CARGO_PKG_VERSION"));
    println!("  endpoint  {endpoint}");
    println!("  state     {state}");
    println!("  account   000000000000, root user");
    println!();
    println!("  export AWS_ENDPOINT_URL={endpoint}");
    println!("  export AWS_ACCESS_KEY_ID={}", root.key.access_key_id);
    match (&root.shown_secret, root.made_now) {
        (Some(secret), made_now) => {
            println!("  export AWS_SECRET_ACCESS_KEY={secret}");
            if made_now {
                println!("  # this key was made now and is not shown again: keep it");
            }
        }
        (None, _) => {
            println!("  export AWS_SECRET_ACCESS_KEY=…   # as configured, or as shown at the first start")
        }
    }
    println!("  export AWS_DEFAULT_REGION=us-east-1");
    println!("  aws sts get-caller-identity");
    if !listening.ip().is_loopback() {
        println!();
        println!("  This address can be reached from other machines; see docs/guides/security.md.");
    }
}
