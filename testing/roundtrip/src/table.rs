use haneul_shape::{ServiceModel, Shape};

/// One operation: where its model is, and how to make an empty input and output.
pub struct Operation {
    pub service: &'static ServiceModel,
    pub name: &'static str,
    pub input: fn() -> Box<dyn Shape>,
    pub output: fn() -> Box<dyn Shape>,
}

include!(concat!(env!("OUT_DIR"), "/operations.rs"));
