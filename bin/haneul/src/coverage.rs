use std::collections::BTreeSet;
use std::io::Write;

use haneul_registry::MODELS;
use serde_json::json;

use crate::cli::CoverageOptions;
use crate::{Result, cloud};

/// Reads the dispatch tables themselves, so it cannot say what the program does not do.
pub(crate) fn run(options: &CoverageOptions) -> Result<()> {
    let services = cloud::in_memory()?;
    let mut report = Vec::new();
    for model in MODELS {
        if options.service.as_ref().is_some_and(|wanted| wanted != model.name) {
            continue;
        }
        let implemented: BTreeSet<&str> = services
            .iter()
            .filter(|service| service.model().name == model.name)
            .flat_map(|service| service.implemented())
            .collect();
        let operations: Vec<String> =
            haneul_wire::model(model).operations.iter().map(|operation| operation.name.to_owned()).collect();
        report.push((model.name, implemented, operations));
    }
    if report.is_empty() {
        let wanted = options.service.as_deref().unwrap_or_default();
        return Err(format!("there is no service {wanted}; `haneul coverage` lists all"));
    }
    let mut out = std::io::stdout().lock();
    let written = match options.json {
        true => writeln!(
            out,
            "{}",
            json!(
                report
                    .iter()
                    .map(|(name, implemented, operations)| json!({
                        "service": name,
                        "implemented": implemented,
                        "not_implemented": operations.iter().filter(|o| !implemented.contains(o.as_str())).collect::<Vec<_>>(),
                    }))
                    .collect::<Vec<_>>()
            )
        ),
        false => report.iter().try_for_each(|(name, implemented, operations)| {
            writeln!(out, "{name:26} {:4} of {:4}", implemented.len(), operations.len())?;
            if options.service.is_none() {
                return Ok(());
            }
            operations.iter().try_for_each(|operation| {
                let state = if implemented.contains(operation.as_str()) { "implemented" } else { "not implemented" };
                writeln!(out, "  {operation:50} {state}")
            })
        }),
    };
    // A reader that has seen enough (`| head`) is no error.
    let _ = written;
    Ok(())
}
