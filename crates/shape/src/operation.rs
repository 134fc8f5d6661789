use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::Shape;

/// One operation of a model, as a type: what ties a handler to its input, its output and its name.
pub trait Operation: Send + Sync + 'static {
    type Input: Shape + Default;
    type Output: Shape + Default;
    const NAME: &'static str;
    const SERVICE: &'static ServiceModel;
}

/// The model that a wire crate carries as text. It is parsed when the service is first called, so that a service that
/// nobody uses costs neither time nor memory.
pub struct ServiceModel {
    /// botocore's name of the service, which is also the folder's: `sqs`, `application-autoscaling`.
    pub name: &'static str,
    /// `model.json` of the wire crate.
    pub json: &'static str,
    /// What `haneul-wire` made of the text; this crate does not know the type.
    pub parsed: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl ServiceModel {
    pub const fn new(name: &'static str, json: &'static str) -> ServiceModel {
        ServiceModel { name, json, parsed: OnceLock::new() }
    }
}

/// Defines the operation types of a service: `operations! { SERVICE; SendMessage(Input) -> Output, }`.
#[macro_export]
macro_rules! operations {
    ($service:path; $($name:ident($input:ty) -> $output:ty,)*) => {$(
        pub struct $name;
        impl $crate::Operation for $name {
            type Input = $input;
            type Output = $output;
            const NAME: &'static str = stringify!($name);
            const SERVICE: &'static $crate::ServiceModel = &$service;
        }
    )*};
}
