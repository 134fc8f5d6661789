//! Functions with PackageType Image, from a folder of OCI layouts.

use std::path::Path;

use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::cloud::{Cloud, answer, create, invocation};

const URI: &str = "111111111111.dkr.ecr.us-east-1.amazonaws.com/team/app:1";

/// Writes an image whose one layer is empty; gives the digest of its manifest.
fn layout(folder: &Path, tag: &str, config: &Value) -> String {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| {
        let digest = hex::encode(Sha256::digest(bytes));
        std::fs::write(blobs.join(&digest), bytes).unwrap();
        json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": format!("sha256:{digest}"), "size": bytes.len() })
    };
    let layer = put(&[0; 1024]);
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = put(json!({ "architecture": processor, "config": config }).to_string().as_bytes());
    let manifest =
        put(json!({ "schemaVersion": 2, "config": config, "layers": [layer] }).to_string().as_bytes());
    let digest = manifest["digest"].as_str().unwrap().to_owned();
    let mut named = manifest;
    named["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    std::fs::write(folder.join("index.json"), json!({ "manifests": [named] }).to_string()).unwrap();
    digest
}

fn image(name: &str, role: &str, uri: &str) -> s::CreateFunctionRequest {
    s::CreateFunctionRequest {
        package_type: Some("Image".into()),
        runtime: None,
        handler: None,
        architectures: Some(vec![if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.into()]),
        code: s::FunctionCode { image_uri: Some(uri.into()), ..Default::default() },
        ..create(name, role)
    }
}

fn named(name: &str) -> s::GetFunctionRequest {
    s::GetFunctionRequest { function_name: name.into(), ..Default::default() }
}

#[tokio::test]
async fn an_image_is_pinned_configured_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let first =
        layout(&folder.path().join("team/app"), "1", &json!({ "Entrypoint": ["/app"], "Cmd": ["a"] }));
    let cloud = Cloud::with_images(Some(folder.path())).await;
    let role = cloud.role("runner", "").await;
    let made = cloud.ok::<op::CreateFunction>(image("f", &role, URI)).await;
    let hex = first.trim_start_matches("sha256:");
    assert_eq!((made.package_type.as_deref(), made.code_sha256.as_deref()), (Some("Image"), Some(hex)));
    assert!(made.runtime.is_none() && made.handler.is_none() && made.image_config_response.is_none());
    cloud.settle().await;
    let got = cloud.ok::<op::GetFunction>(named("f")).await;
    let code = got.code.unwrap();
    let resolved = format!("111111111111.dkr.ecr.us-east-1.amazonaws.com/team/app@{first}");
    assert_eq!(
        (
            code.repository_type.as_deref(),
            code.image_uri.as_deref(),
            code.resolved_image_uri.as_deref(),
            code.location
        ),
        (Some("ECR"), Some(URI), Some(resolved.as_str()), None)
    );
    let invoked = cloud.ok::<op::Invoke>(invocation("f", json!({ "n": 1 }))).await;
    assert_eq!(answer(&invoked), json!({ "n": 1 }));

    // The tag moves on; the function does not, whatever else of it changes.
    let second = layout(&folder.path().join("team/app"), "1", &json!({ "Entrypoint": ["/other"] }));
    let configured = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        image_config: Some(s::ImageConfig {
            command: Some(vec!["b".into()]),
            working_directory: Some("/w".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let shown = cloud.ok::<op::UpdateFunctionConfiguration>(configured).await;
    let config = shown.image_config_response.unwrap().image_config.unwrap();
    assert_eq!((config.command, config.working_directory.as_deref()), (Some(vec!["b".into()]), Some("/w")));
    assert_eq!(shown.code_sha256.as_deref(), Some(hex));
    let code = s::UpdateFunctionCodeRequest {
        function_name: "f".into(),
        image_uri: Some(URI.into()),
        ..Default::default()
    };
    let updated = cloud.ok::<op::UpdateFunctionCode>(code).await;
    assert_eq!(updated.code_sha256.as_deref(), Some(second.trim_start_matches("sha256:")));
    assert!(updated.image_config_response.is_some(), "it stays as it was configured");
}

#[tokio::test]
async fn what_is_no_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    layout(&folder.path().join("team/app"), "1", &json!({ "Entrypoint": ["/app"] }));
    layout(&folder.path().join("empty"), "latest", &json!({}));
    let cloud = Cloud::with_images(Some(folder.path())).await;
    let role = cloud.role("runner", "").await;
    let with = |change: &dyn Fn(&mut s::CreateFunctionRequest)| {
        let mut input = image("f", &role, URI);
        change(&mut input);
        input
    };
    for (input, said) in [
        (image("f", &role, "team/app:2"), "does not exist"),
        (image("f", &role, "nothing"), "does not exist"),
        (image("f", &role, "../team/app:1"), "is not valid"),
        (image("f", &role, &format!("{}/team/app:1", folder.path().display())), "is not valid"),
        (image("f", &role, "empty"), "no entry point"),
        (with(&|input| input.runtime = Some("python3.12".into())), "don't provide handler or runtime"),
        (with(&|input| input.handler = Some("x".into())), "don't provide handler or runtime"),
        (with(&|input| input.code.image_uri = None), "Please provide ImageUri"),
        (with(&|input| input.code.s3_bucket = Some("bucket".into())), "do not provide other FunctionCode"),
        (with(&|input| input.package_type = None), "Runtime and Handler are mandatory"),
        (
            with(&|input| {
                let config = s::ImageConfig { working_directory: Some("w".into()), ..Default::default() };
                input.image_config = Some(config);
            }),
            "absolute",
        ),
    ] {
        let refused = cloud.err::<op::CreateFunction>(input).await;
        assert!(
            refused.starts_with("InvalidParameterValueException") && refused.contains(said),
            "{said}: {refused}"
        );
    }
    // Code of the other kind is no update.
    cloud.ok::<op::CreateFunction>(create("zip", &role)).await;
    let code = s::UpdateFunctionCodeRequest {
        function_name: "zip".into(),
        image_uri: Some(URI.into()),
        ..Default::default()
    };
    let refused = cloud.err::<op::UpdateFunctionCode>(code).await;
    assert!(refused.contains("packageType Zip"), "{refused}");

    let without = Cloud::new().await;
    let role = without.role("runner", "").await;
    let refused = without.err::<op::CreateFunction>(image("f", &role, URI)).await;
    assert!(refused.contains("HANEUL_LAMBDA_IMAGES"), "{refused}");
}
