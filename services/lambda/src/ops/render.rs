use haneul_kit::{Arn, Cx, Instant, Result};
use haneul_lambda_wire::shapes as s;
use haneul_shape::value::Map;
use sha2::{Digest, Sha256};

use crate::Lambda;
use crate::capacity::ProviderName;
use crate::capacity::fleet::MEMORY_PER_CPU;
use crate::exec::Managed;
use crate::images;
use crate::model::capacity::CapacityUse;
use crate::model::function::{AliasRecord, State, Update, VersionRecord};
use crate::names::{FunctionName, LATEST};
use crate::settings::show_logging;

/// `2026-01-02T03:04:05.678+0000`
pub(super) fn time(at_ms: i64) -> String {
    format!("{}+0000", Instant::from_millis(at_ms).iso8601_millis().trim_end_matches('Z'))
}

/// The one version of each runtime that there is: the host's.
pub(super) fn runtime_version_arn(function: &FunctionName, runtime: &str) -> String {
    let digest = Sha256::digest(runtime.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("arn:{}:lambda:{}::runtime:{hex}", function.region.partition(), function.region)
}

impl Lambda {
    /// A version's configuration. `arn` is how it was asked for; `short` leaves out what listings do not tell.
    pub(super) async fn configuration(
        &self,
        cx: &Cx,
        function: &FunctionName,
        version: &VersionRecord,
        arn: Arn,
        short: bool,
    ) -> Result<s::FunctionConfiguration> {
        let mut shown = s::FunctionConfiguration {
            function_name: Some(function.name.clone()),
            function_arn: Some(arn.to_string()),
            runtime: Some(version.runtime.clone()).filter(|_| version.image.is_none()),
            role: Some(version.role.clone()),
            handler: Some(version.handler.clone()).filter(|_| version.image.is_none()),
            // Of an image AWS says nothing.
            code_size: i64::try_from(if version.image.is_some() { 0 } else { version.code.len }).ok(),
            description: Some(version.description.clone()),
            timeout: i32::try_from(version.timeout_s).ok(),
            memory_size: i32::try_from(version.memory_mb).ok(),
            last_modified: Some(time(version.modified_ms)),
            code_sha256: Some(version.code.sha256.clone()),
            version: Some(version.version.clone()),
            dead_letter_config: version
                .dead_letter
                .clone()
                .map(|target| s::DeadLetterConfig { target_arn: Some(target) }),
            environment: self.show_environment(cx, function, version).await?,
            kms_key_arn: version.kms_key.clone(),
            tracing_config: Some(s::TracingConfigResponse {
                mode: Some(String::from(if version.tracing_active { "Active" } else { "PassThrough" })),
            }),
            revision_id: Some(version.revision.clone()),
            package_type: Some(String::from(if version.image.is_some() { "Image" } else { "Zip" })),
            image_config_response: version.image.as_ref().and_then(|image| images::show(&image.config)),
            architectures: Some(vec![version.architecture.clone()]),
            ephemeral_storage: i32::try_from(version.ephemeral_mb)
                .ok()
                .map(|size| s::EphemeralStorage { size }),
            snap_start: Some(s::SnapStartResponse {
                apply_on: Some("None".into()),
                optimization_status: Some("Off".into()),
            }),
            capacity_provider_config: version
                .capacity
                .as_ref()
                .zip(version.managed())
                .map(|(capacity, managed)| show_capacity(function, capacity, managed)),
            durable_config: version.durable.as_ref().map(crate::durable::render::config),
            logging_config: Some(show_logging(&version.logging, version.log_group(&function.name))),
            ..Default::default()
        };
        if !version.layers.is_empty() {
            let layers = version.layers.iter().map(|layer| s::Layer {
                arn: Some(layer.arn.clone()),
                code_size: i64::try_from(layer.code.len).ok(),
                ..Default::default()
            });
            shown.layers = Some(layers.collect());
        }
        if !short {
            show_state(version, &mut shown);
            shown.runtime_version_config = version.image.is_none().then(|| s::RuntimeVersionConfig {
                runtime_version_arn: Some(runtime_version_arn(function, &version.runtime)),
                error: None,
            });
        }
        Ok(shown)
    }
}

fn show_state(version: &VersionRecord, shown: &mut s::FunctionConfiguration) {
    match &version.state {
        State::Pending => {
            shown.state = Some("Pending".into());
            shown.state_reason = Some("The function is being created.".into());
            shown.state_reason_code = Some("Creating".into());
            return;
        }
        State::Active | State::Deactivating | State::Deactivated => {
            shown.state = Some(state_of(version).into());
        }
        State::Failed { code, reason } => {
            shown.state = Some("Failed".into());
            shown.state_reason = Some(reason.clone());
            shown.state_reason_code = Some(code.clone());
        }
    }
    match &version.update {
        Update::Done => shown.last_update_status = Some("Successful".into()),
        Update::InProgress => {
            shown.last_update_status = Some("InProgress".into());
            shown.last_update_status_reason = Some("The function is being created.".into());
            shown.last_update_status_reason_code = Some("Creating".into());
        }
        Update::Failed { code, reason } => {
            shown.last_update_status = Some("Failed".into());
            shown.last_update_status_reason = Some(reason.clone());
            shown.last_update_status_reason_code = Some(code.clone());
        }
    }
}

/// With what holds where nothing was said.
fn show_capacity(
    function: &FunctionName,
    capacity: &CapacityUse,
    managed: Managed,
) -> s::CapacityProviderConfig {
    let provider = ProviderName::of(function, &capacity.provider);
    s::CapacityProviderConfig {
        lambda_managed_instances_capacity_provider_config: s::LambdaManagedInstancesCapacityProviderConfig {
            capacity_provider_arn: provider.arn().to_string(),
            per_execution_environment_max_concurrency: i32::try_from(managed.concurrency).ok(),
            execution_environment_memory_gi_b_per_v_cpu: Some(
                capacity.memory_per_cpu.unwrap_or(MEMORY_PER_CPU),
            ),
        },
    }
}

/// The unpublished version of a function on a capacity provider cannot be called.
pub(super) fn state_of(version: &VersionRecord) -> &'static str {
    match version.state {
        State::Active if version.capacity.is_some() && version.version == LATEST => "ActiveNonInvocable",
        ref other => state_name(other),
    }
}

pub(super) fn state_name(state: &State) -> &'static str {
    match state {
        State::Pending => "Pending",
        State::Active => "Active",
        State::Failed { .. } => "Failed",
        State::Deactivating => "Deactivating",
        State::Deactivated => "Deactivated",
    }
}

/// How a version is named in answers: the function alone for the unpublished one, unless it was asked for by name.
pub(super) fn arn_of(function: &FunctionName, version: &str, qualifier: Option<&str>) -> Arn {
    match qualifier {
        Some(qualifier) => function.qualified(qualifier),
        None if version == LATEST => function.arn(),
        None => function.qualified(version),
    }
}

pub(super) fn alias(function: &FunctionName, name: &str, record: AliasRecord) -> s::AliasConfiguration {
    let weights: Map<f64> = record.weights.into_iter().collect();
    s::AliasConfiguration {
        alias_arn: Some(function.qualified(name).to_string()),
        name: Some(name.to_owned()),
        function_version: Some(record.version),
        description: Some(record.description),
        routing_config: (!weights.is_empty())
            .then_some(s::AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
        revision_id: Some(record.revision),
    }
}
