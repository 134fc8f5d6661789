use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use haneul_sandbox::{Limits, Mount, Network, Program, Root};

use crate::interpreters::{self, Interpreter, Sdks};
use crate::{Credentials, ExecError, Family, LogFormat, Spec};

/// The port of the Runtime API inside, and of our own endpoint.
pub(crate) const RUNTIME_PORT: u16 = 9001;
pub(crate) const ENDPOINT_PORT: u16 = 4566;

/// File descriptors, processes and threads of a function (Lambda quotas).
const OPEN_FILES_MAX: u64 = 1024;
const PROCESSES_MAX: u32 = 1024;

/// For each invocation that may run at the same time: its worker, connections and what it opens.
const OPEN_FILES_EACH: u64 = 16;
const PROCESSES_EACH: u32 = 4;

/// One full processor for so many megabytes (Lambda, "Configure memory").
const MEGABYTES_PER_CPU: u32 = 1769;

/// Files of ours that programs see: the bootstraps.
pub(crate) struct Parts {
    pub(crate) sdks: Sdks,
    /// At `/var/runtime/haneul`.
    pub(crate) bootstraps: PathBuf,
}

impl Parts {
    /// Writes the bootstraps under `state`.
    pub(crate) fn write(state: &Path, sdks: Sdks) -> std::io::Result<Parts> {
        let bootstraps = state.join("bootstraps");
        std::fs::create_dir_all(&bootstraps)?;
        for (name, text) in BOOTSTRAPS {
            let file = bootstraps.join(name);
            if std::fs::read_to_string(&file).is_ok_and(|there| there == *text) {
                continue;
            }
            let fresh = bootstraps.join(format!(".{name}.{}", std::process::id()));
            std::fs::write(&fresh, text)?;
            std::fs::rename(&fresh, &file)?;
        }
        Ok(Parts { sdks, bootstraps })
    }
}

const BOOTSTRAPS: &[(&str, &str)] = &[
    ("bootstrap.py", include_str!("bootstraps/python.py")),
    ("bootstrap.rb", include_str!("bootstraps/ruby.rb")),
    ("bootstrap.mjs", include_str!("bootstraps/node.mjs")),
    ("Bootstrap.java", include_str!("bootstraps/Bootstrap.java")),
    ("Json.java", include_str!("bootstraps/Json.java")),
];

/// Starts the extensions, then becomes the runtime. What extensions write goes into a pipe of its own.
const WITH_EXTENSIONS: &str = r#"for extension in /opt/extensions/*; do if [ -f "$extension" ] && [ -x "$extension" ]; then "$extension" >&3 2>&3 3>&- & fi; done; exec 3>&-; exec "$@""#;

/// The program of one environment.
pub(crate) fn program(
    spec: &Spec,
    interpreter: Option<&Interpreter>,
    parts: &Parts,
    credentials: &Credentials,
    stream: &str,
    cpu_hard: bool,
) -> Result<Program, ExecError> {
    if spec.image.is_none() && !spec.code.is_dir() {
        return Err(ExecError::CodeUnusable("the deployment package is not there".into()));
    }
    if spec.architecture != host_architecture() {
        return Err(ExecError::RuntimeUnavailable(format!(
            "this host is {}, the function is for {}",
            host_architecture(),
            spec.architecture
        )));
    }
    let mut command = command(spec, interpreter)?;
    let has_extensions = !extensions(spec).is_empty();
    if has_extensions {
        command.splice(0..0, ["/bin/sh", "-c", WITH_EXTENSIONS, "runtime"].map(String::from));
    }
    let cpu_millis = match &spec.managed {
        Some(managed) => managed.cpu_millis,
        None => spec.memory_mb.saturating_mul(1000) / MEGABYTES_PER_CPU,
    };
    let at_once = spec.managed.map_or(1, |managed| managed.concurrency);
    let limits = Limits {
        memory_bytes: u64::from(spec.memory_mb) << 20,
        processes_max: PROCESSES_MAX.max(at_once.saturating_mul(PROCESSES_EACH)),
        open_files_max: OPEN_FILES_MAX.max(u64::from(at_once) * OPEN_FILES_EACH),
        file_bytes_max: None,
        cpu_weight: (cpu_millis.saturating_mul(1024) / 1000).max(16),
        cpu_millis: cpu_hard.then_some(cpu_millis.max(10)),
    };
    Ok(Program {
        name: spec.function_name.clone(),
        command,
        environment: environment(spec, credentials, stream),
        working_directory: spec.image.as_ref().map_or("/var/task", |image| &image.working_directory).into(),
        root: spec.image.as_ref().map_or(Root::Host, |image| Root::Layers(image.layers.clone())),
        mounts: mounts(spec, interpreter, parts),
        limits,
        network: Network::Loopback(vec![RUNTIME_PORT, ENDPOINT_PORT]),
        merge_output: true,
        pipes: usize::from(has_extensions),
    })
}

/// As Lambda names the host's processor.
pub(crate) fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// The external extensions, by file name, that must register before a function is ready.
pub(crate) fn extensions(spec: &Spec) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let folders: Vec<PathBuf> = match &spec.image {
        Some(image) => image.layers.iter().map(|layer| layer.join("opt/extensions")).collect(),
        None => spec.layers.iter().map(|layer| layer.join("extensions")).collect(),
    };
    let entries = folders.into_iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
    let programs = entries.flatten().filter(|entry| {
        let known = entry.metadata();
        known.is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o111 != 0)
    });
    let mut names: Vec<String> = programs.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names.dedup();
    names
}

fn command(spec: &Spec, interpreter: Option<&Interpreter>) -> Result<Vec<String>, ExecError> {
    if let Some(image) = &spec.image {
        return Ok(image.command.clone());
    }
    let lost = || ExecError::RuntimeUnavailable(format!("there is no interpreter for {}", spec.runtime));
    let inside = || interpreter.map(|found| found.inside().display().to_string()).ok_or_else(lost);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut command = match spec.runtime.family() {
        // Without `site`: what is installed on the host is not what is installed on AWS.
        Family::Python => {
            let mut command = vec![inside()?];
            command.extend(words(&["-S", "-B", "/var/runtime/haneul/bootstrap.py"]));
            command
        }
        Family::Node => {
            // What is left of the memory is for buffers and the engine itself.
            let heap = format!("--max-old-space-size={}", (spec.memory_mb * 9 / 10).max(64));
            let mut command = vec![inside()?, heap];
            command.extend(words(&["--max-semi-space-size=16", "/var/runtime/haneul/bootstrap.mjs"]));
            // As many worker threads as processors, unless AWS_LAMBDA_NODEJS_WORKER_COUNT says otherwise.
            command.extend(spec.managed.map(|managed| (managed.cpu_millis / 1000).max(1).to_string()));
            command
        }
        Family::Java => {
            let heap = format!("-Xmx{}m", (spec.memory_mb * 17 / 20).max(32));
            let mut command = vec![inside()?, heap];
            command.extend(words(&["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]));
            command.extend(words(&["-Xshare:auto", "-cp", "/var/runtime/haneul/java", "haneul.Bootstrap"]));
            command
        }
        Family::Provided => {
            let places = [spec.code.join("bootstrap")].into_iter();
            let layers = spec.layers.iter().rev().map(|layer| layer.join("bootstrap"));
            match places.chain(layers).find(|file| file.exists()) {
                Some(file) if file.starts_with(&spec.code) => words(&["/var/task/bootstrap"]),
                Some(_) => words(&["/opt/bootstrap"]),
                None => Vec::new(),
            }
        }
        Family::Ruby => {
            let mut command = vec![inside()?];
            command.extend(words(&["/var/runtime/haneul/bootstrap.rb"]));
            command
        }
        Family::DotNet => return Err(lost()),
    };
    // A wrapper of the user's around the runtime (Lambda, "Modifying the runtime environment"); not for provided ones.
    if let Some(wrapper) =
        spec.environment.get("AWS_LAMBDA_EXEC_WRAPPER").filter(|wrapper| !wrapper.is_empty())
        && spec.runtime.family() != Family::Provided
    {
        command.insert(0, wrapper.clone());
    }
    Ok(command)
}

fn mounts(spec: &Spec, interpreter: Option<&Interpreter>, parts: &Parts) -> Vec<Mount> {
    let read_only =
        |source: &Path, target: &str| Mount::ReadOnly { source: source.to_owned(), target: target.into() };
    let mut mounts = Vec::new();
    let temporary = Mount::Memory { target: "/tmp".into(), bytes: u64::from(spec.ephemeral_mb) << 20 };
    if spec.image.is_some() {
        // An image brings all but that.
        return vec![temporary];
    }
    if let Some(prefix) = interpreter.and_then(|interpreter| interpreter.prefix.as_deref()) {
        mounts.push(read_only(prefix, "/var/lang"));
    }
    if spec.runtime.family() != Family::Provided {
        mounts.push(read_only(&parts.bootstraps, "/var/runtime/haneul"));
    }
    if let Some((folder, interpreter)) =
        interpreter.and_then(|found| Some((interpreters::sdk(&spec.runtime, found, &parts.sdks)?, found)))
    {
        match spec.runtime.family() {
            Family::Node => {
                mounts.push(read_only(&folder, "/var/runtime/node_modules"));
                mounts.push(Mount::Symlink {
                    to: "/var/runtime/node_modules".into(),
                    at: "/node_modules".into(),
                });
            }
            _ => {
                tracing::trace!(?interpreter, "boto3 is shown to functions");
                for name in interpreters::BOTO {
                    let source = folder.join(name);
                    if source.exists() {
                        mounts.push(read_only(&source, &format!("/var/runtime/{name}")));
                    }
                }
            }
        }
    }
    // ES modules do not look at NODE_PATH, only upwards from the file: layers first, then the SDK.
    if spec.runtime.family() == Family::Node && !spec.layers.is_empty() {
        mounts.push(Mount::Symlink { to: "/opt/nodejs/node_modules".into(), at: "/var/node_modules".into() });
    }
    mounts.push(read_only(&spec.code, "/var/task"));
    if !spec.layers.is_empty() {
        mounts.push(Mount::Layers { sources: spec.layers.clone(), target: "/opt".into() });
    }
    mounts.push(temporary);
    mounts
}

/// The variables that AWS sets (Lambda, "Using environment variables"); the function's own win where AWS lets them.
fn environment(spec: &Spec, credentials: &Credentials, stream: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        all.insert(name.to_owned(), value.to_owned());
    };
    let family = spec.runtime.family();
    set("LANG", "en_US.UTF-8");
    set("TZ", ":UTC");
    set(
        "LD_LIBRARY_PATH",
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    );
    match family {
        Family::Provided => set("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        _ => set("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
    }
    set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
    set("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000");
    match family {
        Family::Python => set("PYTHONPATH", "/var/runtime"),
        Family::Node => {
            let version = spec.runtime.version();
            set(
                "NODE_PATH",
                &format!(
                    "/opt/nodejs/node{version}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:\
                     /var/runtime:/var/task"
                ),
            );
        }
        Family::Ruby => {
            let version = spec.runtime.version();
            let gems = format!("/var/task/vendor/bundle/ruby/{version}.0:/opt/ruby/gems/{version}.0");
            set("GEM_PATH", &gems);
            set("RUBYLIB", "/var/task:/var/runtime/lib:/opt/ruby/lib");
        }
        _ => {}
    }
    // An image's own, as where its programs lie.
    all.extend(spec.image.iter().flat_map(|image| image.environment.clone()));
    let mut set = |name: &str, value: &str| {
        all.insert(name.to_owned(), value.to_owned());
    };
    // SDKs of all languages read it; a function may point elsewhere.
    set("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{ENDPOINT_PORT}"));
    all.extend(spec.environment.clone());
    let mut set = |name: &str, value: &str| {
        all.insert(name.to_owned(), value.to_owned());
    };
    // Reserved: nobody sets these but we.
    if spec.image.is_none() {
        set("_HANDLER", &spec.handler);
    }
    set("AWS_DEFAULT_REGION", &spec.region);
    set("AWS_REGION", &spec.region);
    if family != Family::Provided {
        set("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{}", spec.runtime));
    }
    set("AWS_LAMBDA_FUNCTION_NAME", &spec.function_name);
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &spec.memory_mb.to_string());
    set("AWS_LAMBDA_FUNCTION_VERSION", &spec.version);
    set("AWS_LAMBDA_INITIALIZATION_TYPE", spec.initialization_type());
    if let Some(managed) = &spec.managed {
        set("AWS_LAMBDA_MAX_CONCURRENCY", &managed.concurrency.to_string());
    }
    set("AWS_LAMBDA_LOG_GROUP_NAME", &spec.logging.group);
    set("AWS_LAMBDA_LOG_STREAM_NAME", stream);
    if spec.logging.format == LogFormat::Json {
        set("AWS_LAMBDA_LOG_FORMAT", "JSON");
        set("AWS_LAMBDA_LOG_LEVEL", spec.logging.application_level.map_or("INFO", |level| level.name()));
    } else {
        set("AWS_LAMBDA_LOG_FORMAT", "Text");
    }
    set("AWS_ACCESS_KEY", &credentials.access_key_id);
    set("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
    set("AWS_SESSION_TOKEN", &credentials.session_token);
    set("AWS_LAMBDA_RUNTIME_API", &format!("127.0.0.1:{RUNTIME_PORT}"));
    set("LAMBDA_TASK_ROOT", "/var/task");
    set("LAMBDA_RUNTIME_DIR", "/var/runtime");
    all
}
