//! What must hold for every operation of every service, whether or not it is implemented.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use haneul_harness::Cloud;
use haneul_registry::MODELS;
use haneul_wire::Protocol;
use http::{Request, StatusCode};
use serde::Deserialize;

#[derive(Deserialize)]
struct ServiceToml {
    implemented: BTreeSet<String>,
}

/// The table of what is implemented is made from service.toml, so that file must say what the program does.
#[tokio::test]
async fn service_toml_says_what_the_dispatch_table_says() {
    let cloud = Cloud::in_process(1).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    for entry in cloud.inside().catalog().entries() {
        let Some(service) = &entry.service else { continue };
        let path = root.join(entry.name()).join("service.toml");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let said: ServiceToml =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let done: BTreeSet<String> = service.implemented().map(str::to_owned).collect();
        assert_eq!(said.implemented, done, "{}", path.display());
    }
}

/// An operation that we do not have is refused by its name, in the client's protocol: never HTML, never a hang.
#[tokio::test]
async fn what_is_not_implemented_says_so_by_name() {
    let cloud = Cloud::in_process(2).await;
    let mut asked = BTreeMap::new();
    for service in MODELS {
        let model = haneul_wire::model(service);
        let entry = cloud.inside().catalog().entries().iter().find(|entry| entry.name() == service.name);
        let implemented: BTreeSet<&str> = entry
            .and_then(|entry| entry.service.as_ref())
            .map(|service| service.implemented().collect())
            .unwrap_or_default();
        for protocol in &model.metadata.protocols {
            for operation in model.operations.iter().filter(|operation| !implemented.contains(operation.name))
            {
                // REST operations are found by their path, which an empty input cannot give; they are checked by
                // the routing tables.
                if protocol.is_rest() {
                    continue;
                }
                let request = rpc(
                    model.metadata.target_prefix.unwrap_or(service.name),
                    model,
                    operation.name,
                    *protocol,
                );
                let answer = cloud.send(model.metadata.signing_name, request).await;
                let what = format!("{} {} {protocol:?}", service.name, operation.name);
                assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED, "{what}: {:?}", answer.body());
                let error =
                    haneul_wire::decode_error(*protocol, answer.status(), answer.headers(), answer.body());
                assert_eq!(error.code, "NotImplemented", "{what}");
                assert!(error.message.contains(operation.name), "{what}: {}", error.message);
                *asked.entry(service.name).or_insert(0) += 1;
            }
        }
    }
    // Services of which there is only the model.
    assert!(asked["ec2"] > 700 && asked["cloudformation"] > 50, "{asked:?}");
}

fn rpc(
    target_prefix: &str,
    model: &haneul_wire::Model,
    operation: &str,
    protocol: Protocol,
) -> Request<Bytes> {
    let request = Request::builder().method("POST");
    let (request, body) = match protocol {
        Protocol::AwsJson => {
            let target = format!("{}.{operation}", target_prefix);
            let version = model.metadata.json_version;
            let kind = format!("application/x-amz-json-{version}");
            (request.uri("/").header("x-amz-target", target).header("content-type", kind), "{}".to_owned())
        }
        Protocol::RpcV2Cbor => {
            let path = format!("/service/{}/operation/{operation}", target_prefix);
            let request = request.uri(path).header("smithy-protocol", "rpc-v2-cbor");
            // An empty map.
            return request
                .header("content-type", "application/cbor")
                .body(Bytes::from_static(&[0xa0]))
                .expect("a request");
        }
        _ => {
            let kind = "application/x-www-form-urlencoded; charset=utf-8";
            let body = format!("Action={operation}&Version={}", model.metadata.api_version);
            (request.uri("/").header("content-type", kind), body)
        }
    };
    request.body(Bytes::from(body)).expect("a request")
}
