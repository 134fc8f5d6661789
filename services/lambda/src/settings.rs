//! What a function may be configured as: the checks that creating and updating share.

use haneul_kit::{Access, Arn, Cx, Policy, Region, Result};
use haneul_lambda_wire::shapes as s;

use crate::code::UNZIPPED_MAX;
use crate::exec::Runtime;
use crate::model::durable::DurableConfig;
use crate::model::function::{CodeRecord, LayerUse, Logging};
use crate::names::{FunctionName, LayerName};
use crate::store::layers::no_layer;
use crate::{Lambda, error};

/// What Lambda offers for new functions. Source: Developer Guide, "Lambda runtimes".
const OFFERED: [&str; 20] = [
    "nodejs24.x",
    "nodejs22.x",
    "nodejs20.x",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "java25",
    "java21",
    "java17",
    "java11",
    "java8.al2",
    "dotnet10",
    "dotnet8",
    "ruby3.4",
    "ruby3.3",
    "ruby3.2",
    "provided.al2023",
    "provided.al2",
];

/// What it offered once.
const RETIRED: [&str; 24] = [
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "java8",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "go1.x",
    "ruby2.7",
    "provided",
];

/// Source: Developer Guide, "Lambda quotas".
const TIMEOUT_S_MAX: i32 = 900;
const MEMORY_MB_MAX: i32 = 10_240;
const LAYERS_MAX: usize = 5;
const TAGS_MAX: usize = 50;

pub(crate) const TIMEOUT_S: i32 = 3;
pub(crate) const MEMORY_MB: i32 = 128;
pub(crate) const EPHEMERAL_MB: i32 = 512;

pub(crate) fn timeout(given: i32) -> Result<u32> {
    if given > TIMEOUT_S_MAX {
        return Err(error::parameter(format!(
            "1 validation error detected: Value '{given}' at 'timeout' failed to satisfy constraint: Member must have \
             value less than or equal to {TIMEOUT_S_MAX}"
        )));
    }
    Ok(given.max(1).unsigned_abs())
}

pub(crate) fn memory(given: i32) -> Result<u32> {
    memory_within(given, MEMORY_MB_MAX)
}

pub(crate) fn memory_within(given: i32, most: i32) -> Result<u32> {
    if given > most {
        return Err(error::parameter(format!(
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to {most}"
        )));
    }
    Ok(given.max(MEMORY_MB).unsigned_abs())
}

pub(crate) fn ephemeral(given: Option<s::EphemeralStorage>) -> Result<u32> {
    let size = given.map_or(EPHEMERAL_MB, |given| given.size);
    if !(EPHEMERAL_MB..=10_240).contains(&size) {
        return Err(error::parameter(format!(
            "1 validation error detected: Value '{size}' at 'ephemeralStorage.size' failed to satisfy constraint: Member \
             must have value between 512 and 10240"
        )));
    }
    Ok(size.unsigned_abs())
}

/// The one architecture of a function, which must be this host's.
pub(crate) fn architecture(given: Option<Vec<String>>) -> Result<String> {
    let host = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let asked = given.and_then(|given| given.into_iter().next()).unwrap_or_else(|| String::from("x86_64"));
    if asked != host {
        return Err(error::parameter(format!(
            "The architecture {asked} cannot be run: this host's is {host}."
        )));
    }
    Ok(asked)
}

pub(crate) fn logging(given: s::LoggingConfig) -> Result<Logging> {
    let json = given.log_format.as_deref() == Some("JSON");
    if !json && (given.application_log_level.is_some() || given.system_log_level.is_some()) {
        return Err(error::parameter(
            "ApplicationLogLevel and SystemLogLevel are only supported when LogFormat is JSON.",
        ));
    }
    let level = |given: Option<String>| json.then(|| given.unwrap_or_else(|| String::from("INFO")));
    Ok(Logging {
        json,
        application_level: level(given.application_log_level),
        system_level: level(given.system_log_level),
        group: given.log_group,
    })
}

pub(crate) fn show_logging(logging: &Logging, group: String) -> s::LoggingConfig {
    s::LoggingConfig {
        log_format: Some(String::from(if logging.json { "JSON" } else { "Text" })),
        application_log_level: logging.application_level.clone(),
        system_log_level: logging.system_level.clone(),
        log_group: Some(group),
    }
}

/// Parameters of which only the empty form can be honoured.
pub(crate) struct Unsupported<'a> {
    pub(crate) vpc: Option<&'a s::VpcConfig>,
    pub(crate) files: Option<&'a [s::FileSystemConfig]>,
    pub(crate) image: Option<&'a s::ImageConfig>,
    pub(crate) snap_start: Option<&'a s::SnapStart>,
    pub(crate) runtime: bool,
    pub(crate) accelerator: bool,
}

impl Unsupported<'_> {
    pub(crate) fn check(&self) -> Result<()> {
        let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        if self.vpc.is_some_and(|vpc| some(&vpc.subnet_ids) || some(&vpc.security_group_ids)) {
            return Err(error::unsupported("VpcConfig"));
        }
        if self.files.is_some_and(|files| !files.is_empty()) {
            return Err(error::unsupported("FileSystemConfigs"));
        }
        let of_image = |image: &s::ImageConfig| {
            some(&image.entry_point) || some(&image.command) || image.working_directory.is_some()
        };
        if self.image.is_some_and(of_image) {
            return Err(error::unsupported("ImageConfig"));
        }
        if self.snap_start.is_some_and(|snap| snap.apply_on.as_deref() == Some("PublishedVersions")) {
            return Err(error::unsupported("SnapStart for published versions"));
        }
        let more = [(self.runtime, "RuntimeConfig"), (self.accelerator, "AcceleratorConfig")];
        match more.iter().find(|(given, _)| *given) {
            Some((_, name)) => Err(error::unsupported(name)),
            None => Ok(()),
        }
    }
}

/// Seconds that a durable execution may take, and days that it is kept, unless said otherwise.
const EXECUTION_TIMEOUT_S: u32 = 86_400;
const RETENTION_DAYS: u32 = 14;

/// What durable executions of a function may do; `before` is what holds where nothing is said.
pub(crate) fn durable(given: s::DurableConfig, before: Option<&DurableConfig>) -> Result<DurableConfig> {
    if given.kms_key_arn.as_ref().is_some_and(|key| !key.is_empty()) {
        return Err(error::unsupported("KMSKeyArn of DurableConfig"));
    }
    let (timeout, days) = (given.execution_timeout, given.retention_period_in_days);
    let of = |given: Option<i32>, max: i32, what: &str, otherwise: u32| match given {
        Some(given) if (1..=max).contains(&given) => Ok(given.unsigned_abs()),
        Some(given) => Err(error::parameter(format!(
            "1 validation error detected: Value '{given}' at 'durableConfig.{what}' failed to satisfy constraint: Member \
             must have value between 1 and {max}"
        ))),
        None => Ok(otherwise),
    };
    let before = before
        .map_or((EXECUTION_TIMEOUT_S, RETENTION_DAYS), |before| (before.timeout_s, before.retention_days));
    let timeout_max = i32::try_from(crate::durable::TIMEOUT_MAX_S).unwrap_or(i32::MAX);
    Ok(DurableConfig {
        timeout_s: of(timeout, timeout_max, "executionTimeout", before.0)?,
        retention_days: of(days, 90, "retentionPeriodInDays", before.1)?,
    })
}

/// A dead-letter queue's ARN; empty takes it away.
pub(crate) fn dead_letter(given: Option<s::DeadLetterConfig>) -> Result<Option<String>> {
    let Some(target) = given.and_then(|given| given.target_arn).filter(|arn| !arn.is_empty()) else {
        return Ok(None);
    };
    let arn = Arn::parse(&target).ok();
    match arn.as_ref().map(Arn::service) {
        Some("sqs") => Ok(Some(target)),
        Some("sns") => Err(error::unsupported("An SNS topic as dead-letter queue")),
        _ => Err(error::parameter("The provided target ARN of the dead-letter queue is not supported.")),
    }
}

pub(crate) fn tags(given: &Option<haneul_shape::value::Map<String>>) -> Result<()> {
    let given = given.iter().flat_map(|tags| tags.iter());
    let mut count = 0;
    for (key, value) in given {
        count += 1;
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(error::parameter("Tag keys have 1 to 128 characters, tag values at most 256."));
        }
        if key.len() >= 4 && key.as_bytes()[..4].eq_ignore_ascii_case(b"aws:") {
            return Err(error::parameter("Tag keys must not begin with aws:"));
        }
    }
    if count > TAGS_MAX { Err(too_many_tags()) } else { Ok(()) }
}

pub(crate) fn too_many_tags() -> haneul_kit::ApiError {
    error::parameter("The number of tags exceeds the limit of 50.")
}

impl Lambda {
    /// What using layers needs.
    pub(crate) async fn asks_for_layers(
        &self,
        region: Region,
        layers: &Option<Vec<String>>,
    ) -> Result<Vec<Access>> {
        let mut asked = Vec::new();
        for arn in layers.iter().flatten() {
            let (name, version) = LayerName::read_version(region, arn)?;
            let found = self.records.layer(&name, version).await?;
            asked.push(layer_access("lambda:GetLayerVersion", &name, version, found.as_ref()));
        }
        Ok(asked)
    }

    /// Finds layers, and keeps what is in them for the version that uses them.
    pub(crate) async fn use_layers(
        &self,
        cx: &Cx,
        layers: Vec<String>,
        code: &CodeRecord,
    ) -> Result<Vec<LayerUse>> {
        if layers.len() > LAYERS_MAX {
            return Err(error::parameter(format!("Cannot reference more than {LAYERS_MAX} layers.")));
        }
        let mut used: Vec<LayerUse> = Vec::with_capacity(layers.len());
        for arn in layers {
            let (name, version) = LayerName::read_version(cx.region(), &arn)?;
            let found = self.records.layer(&name, version).await?;
            let found = found.ok_or_else(|| error::parameter(no_layer(&name, version).message()))?;
            if used
                .iter()
                .any(|other| other.arn.rsplit_once(':').map(|(layer, _)| layer) == Some(name.arn().as_str()))
            {
                return Err(error::parameter(format!(
                    "Two different versions of the same layer are not allowed to be referenced in the same function. \
                     {arn} and another version"
                )));
            }
            used.push(LayerUse { arn, code: found.code });
        }
        check_size(code, &used)?;
        Ok(used)
    }

    /// Whether a runtime can be run here; the message says what is missing.
    pub(crate) fn check_runtime(&self, runtime: &str) -> Result<()> {
        let Some(known) = Runtime::parse(runtime) else {
            if !RETIRED.contains(&runtime) {
                return Err(error::parameter(format!(
                    "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a \
                     valid ARN",
                    OFFERED.join(", ")
                )));
            }
            return Err(error::parameter(format!(
                "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. \
                 We recommend you use a supported runtime while creating or updating functions."
            )));
        };
        match self.executor.missing(&known) {
            None => Ok(()),
            Some(missing) => {
                Err(error::parameter(format!("The runtime {runtime} cannot be run on this host: {missing}")))
            }
        }
    }

    /// Lambda's role checks for a dead-letter queue.
    pub(crate) async fn check_dead_letter(
        &self,
        function: &FunctionName,
        role: &str,
        queue: &str,
    ) -> Result<()> {
        self.check_destination(function, role, queue, |what| {
            format!("The provided execution role does not have permissions to call {what}")
        })
        .await
    }
}

pub(crate) fn check_size(code: &CodeRecord, layers: &[LayerUse]) -> Result<()> {
    let size = code.unzipped + layers.iter().map(|layer| layer.code.unzipped).sum::<u64>();
    if size > UNZIPPED_MAX {
        return Err(error::parameter(format!(
            "Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_MAX} bytes. The actual \
             size is {size} bytes."
        )));
    }
    Ok(())
}

/// An action on a layer's version, with its policy.
pub(crate) fn layer_access(
    action: &'static str,
    name: &LayerName,
    version: u64,
    found: Option<&crate::model::layer::LayerRecord>,
) -> Access {
    let policy = found.and_then(|layer| layer.policy.as_ref());
    let policy = policy.and_then(|policy| Policy::parse(&policy.document, &crate::policy::RULES).ok());
    Access::on(action, &name.version_arn(version)).with_policy(policy.map(std::sync::Arc::new))
}
