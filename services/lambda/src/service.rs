use std::path::PathBuf;
use std::sync::Arc;

use haneul_kit::{Platform, Result, Service};
use haneul_lambda_wire as wire;
use wire::operations as op;

use crate::Lambda;
use crate::absent::Absent;
use crate::cache::Cache;
use crate::code::CodeStore;
use crate::exec::{Executor, HostExecutor, LogSink};
use crate::images::{self, Images};
use crate::logs::Logs;
use crate::mappings::manage::Mappings;
use crate::store::Records;
use crate::tasks::capacity::Capacity;
use crate::tasks::code::Code;
use crate::tasks::durable::Executions;
use crate::tasks::events::Events;
use crate::tasks::provision::Provision;
use crate::url::Urls;

/// The service with the executor of this host.
///
/// # Errors
/// When the packages cannot be opened.
pub async fn service(platform: &Platform) -> Result<Service> {
    Ok(table(lambda(platform, images::folder_of_environment(), |logs| executor(platform, logs))?))
}

/// A cloud without a sandbox has functions of no runtime.
fn executor(platform: &Platform, logs: Arc<dyn LogSink>) -> Arc<dyn Executor> {
    match HostExecutor::on(platform, logs) {
        Ok(executor) => Arc::new(executor),
        Err(error) => {
            tracing::info!(%error, "functions cannot be run");
            Arc::new(Absent(error.to_string()))
        }
    }
}

/// `images` is the operator's folder of container images.
pub(crate) fn lambda(
    platform: &Platform,
    images: Option<PathBuf>,
    make: impl FnOnce(Arc<dyn LogSink>) -> Arc<dyn Executor>,
) -> Result<Arc<Lambda>> {
    platform.tagged.add("lambda", crate::resources::KINDS, crate::resources::list);
    let code = CodeStore::open(platform)?;
    let images = Images::new(images, code.image_store());
    let logs = Arc::new(Logs::default());
    let executor = make(logs.clone());
    let lambda = Arc::new_cyclic(|this| Lambda {
        platform: platform.clone(),
        records: Records { store: platform.store.clone() },
        code,
        images,
        executor,
        concurrency: Arc::default(),
        cache: Cache::new(&platform.store),
        sessions: Default::default(),
        specs: Default::default(),
        provisioned: Default::default(),
        fleets: Default::default(),
        waiters: Default::default(),
        wake: Default::default(),
        this: this.clone(),
    });
    logs.connect(&lambda);
    platform.meter.holds("lambda", &lambda, crate::held::held);
    Ok(lambda)
}

/// The dispatch table.
pub(crate) fn table(lambda: Arc<Lambda>) -> Service {
    Service::of(&wire::SERVICE, lambda.clone())
        .op::<op::AddLayerVersionPermission>()
        .op::<op::AddPermission>()
        .op::<op::CheckpointDurableExecution>()
        .op::<op::CreateAlias>()
        .op::<op::CreateCapacityProvider>()
        .op::<op::CreateCodeSigningConfig>()
        .op::<op::CreateEventSourceMapping>()
        .op::<op::CreateFunction>()
        .op::<op::CreateFunctionUrlConfig>()
        .op::<op::DeleteAlias>()
        .op::<op::DeleteCapacityProvider>()
        .op::<op::DeleteCodeSigningConfig>()
        .op::<op::DeleteDurableExecution>()
        .op::<op::DeleteEventSourceMapping>()
        .op::<op::DeleteFunction>()
        .op::<op::DeleteFunctionCodeSigningConfig>()
        .op::<op::DeleteFunctionConcurrency>()
        .op::<op::DeleteFunctionEventInvokeConfig>()
        .op::<op::DeleteFunctionUrlConfig>()
        .op::<op::DeleteLayerVersion>()
        .op::<op::DeleteProvisionedConcurrencyConfig>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::GetAccountSettings>()
        .op::<op::GetAlias>()
        .op::<op::GetCapacityProvider>()
        .op::<op::GetCodeSigningConfig>()
        .op::<op::GetDurableExecution>()
        .op::<op::GetDurableExecutionHistory>()
        .op::<op::GetDurableExecutionState>()
        .op::<op::GetEventSourceMapping>()
        .op::<op::GetFunction>()
        .op::<op::GetFunctionCodeSigningConfig>()
        .op::<op::GetFunctionConcurrency>()
        .op::<op::GetFunctionConfiguration>()
        .op::<op::GetFunctionEventInvokeConfig>()
        .op::<op::GetFunctionRecursionConfig>()
        .op::<op::GetFunctionScalingConfig>()
        .op::<op::GetFunctionUrlConfig>()
        .op::<op::GetLayerVersion>()
        .op::<op::GetLayerVersionByArn>()
        .op::<op::GetLayerVersionPolicy>()
        .op::<op::GetPolicy>()
        .op::<op::GetProvisionedConcurrencyConfig>()
        .op::<op::GetResourcePolicy>()
        .op::<op::GetRuntimeManagementConfig>()
        .op::<op::Invoke>()
        .op::<op::InvokeAsync>()
        .op::<op::InvokeWithResponseStream>()
        .op::<op::ListAliases>()
        .op::<op::ListCapacityProviders>()
        .op::<op::ListCodeSigningConfigs>()
        .op::<op::ListDurableExecutionsByFunction>()
        .op::<op::ListEventSourceMappings>()
        .op::<op::ListFunctionEventInvokeConfigs>()
        .op::<op::ListFunctionUrlConfigs>()
        .op::<op::ListFunctionVersionsByCapacityProvider>()
        .op::<op::ListFunctions>()
        .op::<op::ListFunctionsByCodeSigningConfig>()
        .op::<op::ListLayerVersions>()
        .op::<op::ListLayers>()
        .op::<op::ListProvisionedConcurrencyConfigs>()
        .op::<op::ListTags>()
        .op::<op::ListVersionsByFunction>()
        .op::<op::PauseDurableExecution>()
        .op::<op::PublishLayerVersion>()
        .op::<op::PublishVersion>()
        .op::<op::PutFunctionCodeSigningConfig>()
        .op::<op::PutFunctionConcurrency>()
        .op::<op::PutFunctionEventInvokeConfig>()
        .op::<op::PutFunctionRecursionConfig>()
        .op::<op::PutFunctionScalingConfig>()
        .op::<op::PutProvisionedConcurrencyConfig>()
        .op::<op::PutResourcePolicy>()
        .op::<op::PutRuntimeManagementConfig>()
        .op::<op::RemoveLayerVersionPermission>()
        .op::<op::RemovePermission>()
        .op::<op::ResumeDurableExecution>()
        .op::<op::SendDurableExecutionCallbackFailure>()
        .op::<op::SendDurableExecutionCallbackHeartbeat>()
        .op::<op::SendDurableExecutionCallbackSuccess>()
        .op::<op::StopDurableExecution>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::UpdateAlias>()
        .op::<op::UpdateCapacityProvider>()
        .op::<op::UpdateCodeSigningConfig>()
        .op::<op::UpdateEventSourceMapping>()
        .op::<op::UpdateFunctionCode>()
        .op::<op::UpdateFunctionConfiguration>()
        .op::<op::UpdateFunctionEventInvokeConfig>()
        .op::<op::UpdateFunctionUrlConfig>()
        .extension(Arc::new(Urls(lambda.clone())))
        .reconciler(Arc::new(Code::new(lambda.clone())))
        .reconciler(Arc::new(Events::new(lambda.clone())))
        .reconciler(Arc::new(Executions::new(lambda.clone())))
        .reconciler(Arc::new(Provision(lambda.clone())))
        .reconciler(Arc::new(Capacity(lambda.clone())))
        .reconciler(Arc::new(Mappings::new(lambda)))
        .build()
}
