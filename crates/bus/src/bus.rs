use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use haneul_base::Region;
use haneul_shape::{Operation, ServiceModel, Shape};

use crate::{ApiError, Caller};

/// The way from one service to another. Cheap to clone; every clone reaches the same cloud.
#[derive(Clone, Default)]
pub struct Bus {
    dispatch: Arc<OnceLock<Arc<dyn Dispatch>>>,
}

/// One call, its types erased.
pub struct Call {
    pub service: &'static ServiceModel,
    pub operation: &'static str,
    pub caller: Caller,
    pub region: Region,
    pub input: Box<dyn Shape>,
    /// The ARN of the resource on whose account the call is made, for `aws:SourceArn` (confused deputy).
    pub source_arn: Option<String>,
    /// The services through which a user's call came, first to last (`aws:CalledVia`); empty when a service calls as
    /// itself.
    pub called_via: Vec<String>,
}

/// The output of a call to come, its type erased.
pub type Dispatched<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Shape>, ApiError>> + Send + 'a>>;

/// Where calls go: the front door's layers behind the listener.
pub trait Dispatch: Send + Sync + 'static {
    fn dispatch(&self, call: Call) -> Dispatched<'_>;
}

impl Bus {
    /// Joins the bus to its cloud, once, when all services are there.
    ///
    /// # Panics
    /// When it was joined before.
    pub fn connect(&self, dispatch: Arc<dyn Dispatch>) {
        assert!(self.dispatch.set(dispatch).is_ok(), "the bus was connected twice");
    }

    /// Calls `O` as `caller`, through all layers.
    pub async fn call<O: Operation>(
        &self,
        caller: Caller,
        region: Region,
        source_arn: Option<String>,
        input: O::Input,
    ) -> Result<O::Output, ApiError> {
        self.call_via::<O>(caller, region, source_arn, Vec::new(), input).await
    }

    /// Calls `O` as the user `caller`, who called the services of `called_via` (forward access session): the user's own
    /// permissions decide, with `aws:CalledVia` in the context.
    pub async fn call_via<O: Operation>(
        &self,
        caller: Caller,
        region: Region,
        source_arn: Option<String>,
        called_via: Vec<String>,
        input: O::Input,
    ) -> Result<O::Output, ApiError> {
        let call = Call {
            service: O::SERVICE,
            operation: O::NAME,
            caller,
            region,
            input: Box::new(input),
            source_arn,
            called_via,
        };
        let dispatch =
            self.dispatch.get().ok_or_else(|| ApiError::internal("the bus is not connected yet"))?;
        let output = dispatch.dispatch(call).await?;
        output.downcast().ok_or_else(|| ApiError::internal("an operation answered with another one's output"))
    }
}
