//! Functions from container images: an OCI layout that is made here, whose programs speak the Runtime API by themselves.

mod host;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use haneul_lambda_exec::Image;
use haneul_lambda_exec::image::{Reference, oci_layout};
use host::{Host, bash, function};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A runtime in bash.
const RUNTIME: &str = r#"
echo "begun with $*"
while :; do
  next
  shadow=no; [ -e /etc/shadow ] && shadow=yes
  usr=no; [ -e /usr/share ] && usr=yes
  written=no; echo x > /tmp/x && written=tmp; (echo x > /x) 2> /dev/null && written=root
  respond \
    "{\"arguments\":\"$*\",\"folder\":\"$PWD\",\"own\":\"$OWN\",\"handler\":\"$_HANDLER\",\"shadow\":\"$shadow\",\"usr\":\"$usr\",\"written\":\"$written\",\"event\":$body}"
done
"#;

/// The files that a program of the host needs, by what the loader says.
fn with_libraries(program: &str) -> BTreeSet<PathBuf> {
    let shown = std::process::Command::new("ldd").arg(program).output().expect("ldd runs");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let paths = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    paths.chain([PathBuf::from(program)]).collect()
}

/// Writes a layout with one image `1`: bash with its libraries in one layer, the runtime in another.
fn layout(folder: &Path, config: &Value) {
    let mut base = tar::Builder::new(Vec::new());
    for path in with_libraries("/bin/bash") {
        let bytes = std::fs::read(&path).unwrap();
        append(&mut base, path.strip_prefix("/").unwrap(), &bytes, 0o755);
    }
    let mut top = tar::Builder::new(Vec::new());
    append(&mut top, Path::new("app/runtime"), bash(RUNTIME).as_bytes(), 0o755);
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8], media: &str| {
        let digest = hex::encode(Sha256::digest(bytes));
        std::fs::write(blobs.join(&digest), bytes).unwrap();
        json!({ "mediaType": media, "digest": format!("sha256:{digest}"), "size": bytes.len() })
    };
    let media = "application/vnd.oci.image.layer.v1.tar";
    let layers = [put(&base.into_inner().unwrap(), media), put(&top.into_inner().unwrap(), media)];
    let config = put(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
    let mut manifest = put(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "1" });
    std::fs::write(folder.join("index.json"), json!({ "manifests": [manifest] }).to_string()).unwrap();
}

fn append(archive: &mut tar::Builder<Vec<u8>>, path: &Path, bytes: &[u8], mode: u32) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(mode);
    archive.append_data(&mut header, path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_runs_its_own_runtime_over_its_own_files() {
    let Some(host) = Host::new() else { return };
    if !Path::new("/bin/bash").exists() {
        println!("skipped: there is no bash to make an image of");
        return;
    }
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    layout(
        folder.path(),
        &json!({ "architecture": "amd64", "config": {
            "Entrypoint": ["/app/runtime"], "Cmd": ["app.handler"], "Env": ["OWN=of the image", "PATH=/bin"], "WorkingDir": "/app",
        } }),
    );
    let found = oci_layout(folder.path(), Reference::Name("1")).unwrap();
    let layers = found.unpack(folder.path(), store.path()).unwrap();
    let image = |words: &[&str], working_directory: &str| Image {
        layers: layers.clone(),
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        environment: vec![("OWN".into(), "of the image".into()), ("PATH".into(), "/bin".into())],
        working_directory: working_directory.into(),
    };
    let run = function("provided.al2023", "", &[])
        .with(|spec| spec.image = Some(image(&["/app/runtime", "app.handler"], "/app")))
        .done();
    let answer = host.invoke(&run, &json!({ "n": 1 })).await;
    assert_eq!(
        *answer.ok(),
        json!({
            "arguments": "app.handler", "folder": "/app", "own": "of the image", "handler": "", "shadow": "no", "usr": "no",
            "written": "tmp", "event": { "n": 1 },
        })
    );
    assert!(host.logs.text().contains("begun with app.handler\n"), "{}", host.logs.text());
    // Without a shell in it, the program is looked for in the image's PATH, and one that is not there is said.
    let lost =
        function("provided.al2023", "", &[]).with(|spec| spec.image = Some(image(&["nothing"], "/"))).done();
    let call = haneul_lambda_exec::Invocation::new("id".into(), "arn".into(), "{}".into());
    let error =
        haneul_lambda_exec::Executor::invoke(&host.executor, lost.spec.clone(), call).await.unwrap_err();
    assert!(error.to_string().contains("there is no nothing in the image"), "{error}");
}
