use haneul_kit::Result;
use haneul_lambda_wire::shapes as s;
use haneul_lambda_wire::values::capacity_provider_predefined_metric_type as metric;

use super::fleet::MEMORY_PER_CPU;
use crate::exec::{Family, Runtime};
use crate::model::capacity::{CapacityUse, ProviderRecord, ProviderScaling, Scaling};
use crate::{Lambda, error, settings};

/// Source: Developer Guide, "Scaling Lambda Managed Instances": the smallest function, and invocations for each processor.
const MEMORY_MB_MIN: u32 = 2048;
pub(crate) const MEMORY_MB: i32 = 2048;
const CONCURRENCY_PER_CPU_MAX: u32 = 64;
/// Source: Developer Guide, "Lambda Managed Instances".
pub(crate) const MEMORY_MB_MAX: i32 = 32_768;
const MEMORY_PER_CPU_CHOICES: [f64; 3] = [2.0, 4.0, 8.0];

/// Reads what an instance may be. There are none, so that only the form can be checked, and the architecture.
pub(crate) fn requirements(
    given: Option<s::InstanceRequirements>,
    record: &mut ProviderRecord,
) -> Result<()> {
    let Some(given) = given else { return Ok(()) };
    if given.architectures.is_some() {
        settings::architecture(given.architectures.clone())?;
    }
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    if some(&given.allowed_instance_types) && some(&given.excluded_instance_types) {
        return Err(error::parameter(
            "AllowedInstanceTypes and ExcludedInstanceTypes cannot be specified together.",
        ));
    }
    let all = given.allowed_instance_types.iter().chain(&given.excluded_instance_types).flatten();
    for name in all {
        instance_type(name)?;
    }
    record.architectures = given.architectures;
    (record.allowed, record.excluded) = (given.allowed_instance_types, given.excluded_instance_types);
    Ok(())
}

/// `m7g.large`, or a pattern as `c8*` or `*.metal`.
fn instance_type(name: &str) -> Result<()> {
    let wrong = || error::parameter(format!("The instance type {name} is not well formed."));
    if name.contains('*') {
        return Ok(());
    }
    let (family, size) = name.split_once('.').ok_or_else(wrong)?;
    let letters = family.bytes().take_while(u8::is_ascii_lowercase).count();
    let generation = family.as_bytes().get(letters).is_some_and(u8::is_ascii_digit);
    if letters == 0 || !generation || size.is_empty() || size.contains('.') {
        return Err(wrong());
    }
    Ok(())
}

/// How a provider scales; what is not said stays as it is in `before`.
pub(crate) fn scaling(
    given: s::CapacityProviderScalingConfig,
    before: &ProviderScaling,
) -> Result<ProviderScaling> {
    let manual = given.scaling_mode.as_deref().map(|mode| mode == "Manual").or(before.manual);
    let cpus_max = given.max_v_cpu_count.map(i32::unsigned_abs).or(before.cpus_max);
    let policies = given.scaling_policies.map(|policies| {
        let pair =
            |policy: s::TargetTrackingScalingPolicy| (policy.predefined_metric_type, policy.target_value);
        policies.into_iter().map(pair).collect::<Vec<_>>()
    });
    let policies = match (manual, policies) {
        (Some(true), given) => given.unwrap_or_else(|| before.policies.clone()),
        // Those of before go with their mode.
        (_, given) => given.unwrap_or_default(),
    };
    match (manual, policies.is_empty()) {
        (Some(true), true) => {
            return Err(error::parameter("ScalingPolicies are required when ScalingMode is Manual."));
        }
        (Some(false) | None, false) => {
            return Err(error::parameter("ScalingPolicies are only supported when ScalingMode is Manual."));
        }
        _ => {}
    }
    if policies.len() > 1 {
        return Err(error::parameter("There can be one scaling policy for each metric."));
    }
    let other = metric::LAMBDA_CAPACITY_PROVIDER_AVERAGE_CPU_UTILIZATION;
    if policies.iter().any(|(metric, _)| metric != other) {
        return Err(error::unsupported("A scaling policy by a metric other than processor utilization"));
    }
    if policies.iter().any(|(_, target)| *target <= 0.0) {
        return Err(error::parameter("The TargetValue of a scaling policy must be greater than 0."));
    }
    Ok(ProviderScaling { cpus_max, manual, policies })
}

/// How many environments a version is to have.
pub(crate) fn environments(given: Option<&s::FunctionScalingConfig>) -> Result<Scaling> {
    let Some(given) = given else { return Ok(Scaling::default()) };
    let number = |given: Option<i32>| given.map(|given| u32::try_from(given).unwrap_or(0));
    let (min, max) = (number(given.min_execution_environments), number(given.max_execution_environments));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err(error::parameter(
            "MinExecutionEnvironments must be less than or equal to MaxExecutionEnvironments.",
        ));
    }
    Ok(Scaling { min, max })
}

/// How a function runs on its provider; `before` is what holds where nothing is said.
pub(crate) fn usage(
    given: &s::LambdaManagedInstancesCapacityProviderConfig,
    provider: String,
    before: Option<&CapacityUse>,
) -> CapacityUse {
    let concurrency = given.per_execution_environment_max_concurrency.map(i32::unsigned_abs);
    CapacityUse {
        provider,
        concurrency: concurrency.or(before.and_then(|before| before.concurrency)),
        memory_per_cpu: given
            .execution_environment_memory_gi_b_per_v_cpu
            .or(before.and_then(|before| before.memory_per_cpu)),
    }
}

/// Checks what a function on a provider is otherwise.
pub(crate) fn check(capacity: &CapacityUse, memory_mb: u32) -> Result<()> {
    if memory_mb < MEMORY_MB_MIN {
        return Err(error::parameter(format!(
            "'MemorySize' value failed to satisfy constraint: functions with a capacity provider have at least {MEMORY_MB_MIN} MB"
        )));
    }
    let per_cpu = capacity.memory_per_cpu.unwrap_or(MEMORY_PER_CPU);
    if !MEMORY_PER_CPU_CHOICES.contains(&per_cpu) {
        return Err(error::parameter(
            "ExecutionEnvironmentMemoryGiBPerVCpu must be one of 2.0, 4.0 and 8.0.",
        ));
    }
    let cpu_millis = capacity.cpu_millis(memory_mb);
    if cpu_millis < 1000 {
        return Err(error::parameter(format!(
            "With {memory_mb} MB of memory and {per_cpu} GiB for each vCPU an execution environment has less than 1 vCPU."
        )));
    }
    let most = cpu_millis.saturating_mul(CONCURRENCY_PER_CPU_MAX) / 1000;
    if capacity.concurrency.is_some_and(|concurrency| concurrency > most) {
        return Err(error::parameter(format!(
            "PerExecutionEnvironmentMaxConcurrency must be at most {CONCURRENCY_PER_CPU_MAX} for each vCPU, here {most}."
        )));
    }
    Ok(())
}

/// Functions on a provider say what they say as JSON, so that lines of invocations that run at the same time can be told apart.
pub(crate) fn logging(given: Option<s::LoggingConfig>) -> Result<s::LoggingConfig> {
    let given = given.unwrap_or_default();
    if given.log_format.as_deref() == Some("Text") {
        return Err(error::parameter("LogFormat must be JSON for functions with a capacity provider."));
    }
    Ok(s::LoggingConfig { log_format: Some("JSON".into()), ..given })
}

impl Lambda {
    /// Which runtimes work on several events at a time. Source: Developer Guide, "Lambda Managed Instances runtimes".
    pub(crate) fn check_managed_runtime(&self, runtime: &str) -> Result<()> {
        let known = Runtime::parse(runtime);
        let least = known.as_ref().and_then(|known| match known.family() {
            Family::Python => Some((3, 13)),
            Family::Node => Some((22, 0)),
            Family::Java => Some((21, 0)),
            Family::DotNet => Some((8, 0)),
            Family::Ruby | Family::Provided => None,
        });
        let fits = match (&known, least) {
            (Some(known), Some(least)) => {
                let mut parts = known.version().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
                (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= least
            }
            _ => runtime == crate::images::RUNTIME,
        };
        match fits {
            true => Ok(()),
            false => Err(error::parameter(format!(
                "The runtime {runtime} is not supported for functions with a capacity provider. Use Python 3.13, Node.js 22, \
                 Java 21 or later, or provided.al2023."
            ))),
        }
    }
}
