//! The AWS SDK for JavaScript v3, from npm.

use haneul_clients::{Server, available, missing, script};

#[test]
fn s3_sqs_sts() {
    run("javascript.mjs");
}

#[test]
fn dynamodb_documents() {
    run("javascript_dynamodb.mjs");
}

fn run(name: &str) {
    let Ok(modules) = std::env::var("HANEUL_NODE_MODULES") else {
        missing(
            "HANEUL_NODE_MODULES does not name a node_modules with @aws-sdk/client-s3, -sqs, -sts, -dynamodb and lib-dynamodb",
            "javascript",
        );
        return;
    };
    if available("node", &["--version"], "javascript") {
        let server = Server::start(&[]);
        // Modules are looked for beside the script, so it runs from a copy there.
        let copy = server.scratch().join(name);
        std::fs::copy(script(name), &copy).expect("the script can be copied");
        std::os::unix::fs::symlink(modules, server.scratch().join("node_modules")).expect("a link");
        server.run("node", &[name]);
    }
}
