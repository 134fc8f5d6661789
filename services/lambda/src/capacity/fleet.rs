use crate::capacity::ProviderName;
use crate::exec::{Family, Fleet, Managed, Runtime};
use crate::model::capacity::{CapacityUse, ProviderRecord, Scaling};
use crate::model::function::VersionRecord;
use crate::names::FunctionName;

/// Gigabytes for each processor where nothing is said. Source: Developer Guide, "Scaling Lambda Managed Instances".
pub(crate) const MEMORY_PER_CPU: f64 = 2.0;
/// Environments of a version where nothing is said. Source: the same: three for three Availability Zones.
pub(crate) const ENVIRONMENTS_MIN: u32 = 3;
/// Invocations at a time of one environment. Source: API Reference, "LambdaManagedInstancesCapacityProviderConfig".
const CONCURRENCY_MAX: u32 = 1600;
/// Processors of a provider where nothing is said: as many as may be said.
const CPUS_MAX: u32 = 15_000;
/// The share of what is there that may be in use, so that traffic can double before more is there.
const TARGET: f64 = 0.5;
const TARGET_MIN: f64 = 0.01;

impl CapacityUse {
    /// Processors of one environment, in thousandths.
    pub(crate) fn cpu_millis(&self, memory_mb: u32) -> u32 {
        let per_cpu = self.memory_per_cpu.unwrap_or(MEMORY_PER_CPU);
        (f64::from(memory_mb) / 1024.0 / per_cpu * 1000.0).round() as u32
    }

    /// Invocations at a time of one environment.
    pub(crate) fn concurrency(&self, memory_mb: u32, runtime: Option<&Runtime>) -> u32 {
        // Source: Developer Guide, the runtimes of Lambda Managed Instances; for others that of Rust.
        let each = match runtime.map(Runtime::family) {
            Some(Family::Python) => 16,
            Some(Family::Node) => 64,
            Some(Family::Java | Family::DotNet) => 32,
            Some(Family::Ruby | Family::Provided) | None => 8,
        };
        let otherwise = self.cpu_millis(memory_mb).saturating_mul(each) / 1000;
        self.concurrency.unwrap_or(otherwise).clamp(1, CONCURRENCY_MAX)
    }

    pub(crate) fn managed(&self, memory_mb: u32, runtime: Option<&Runtime>) -> Managed {
        Managed { concurrency: self.concurrency(memory_mb, runtime), cpu_millis: self.cpu_millis(memory_mb) }
    }
}

impl VersionRecord {
    /// How its environments take invocations, if they are of a capacity provider.
    pub(crate) fn managed(&self) -> Option<Managed> {
        let runtime = Runtime::parse(&self.runtime);
        self.capacity.as_ref().map(|capacity| capacity.managed(self.memory_mb, runtime.as_ref()))
    }
}

impl Scaling {
    pub(crate) fn max(self) -> u32 {
        self.max.unwrap_or(u32::MAX)
    }

    pub(crate) fn min(self) -> u32 {
        self.min.unwrap_or(ENVIRONMENTS_MIN).min(self.max())
    }

    /// None at all.
    pub(crate) fn is_off(self) -> bool {
        self.max() == 0
    }
}

/// What the executor is to keep of a version.
pub(crate) fn fleet(
    function: &FunctionName,
    capacity: &CapacityUse,
    provider: &ProviderRecord,
    scaling: Scaling,
) -> Fleet {
    let policy = provider.scaling.policies.first().filter(|_| provider.scaling.manual == Some(true));
    Fleet {
        min: scaling.min(),
        max: scaling.max(),
        provider: ProviderName::of(function, &capacity.provider).arn().to_string(),
        cpu_millis_max: u64::from(provider.scaling.cpus_max.unwrap_or(CPUS_MAX)) * 1000,
        target: policy.map_or(TARGET, |(_, percent)| (percent / 100.0).clamp(TARGET_MIN, 1.0)),
    }
}
