use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use haneul_shape::{Operation, ServiceModel, Shape};

use crate::{Access, ApiError, BoxFuture, Cx, Extension, Handle, Reconciler, Result, Watch};

/// The dispatch table of one service.
pub struct Service {
    model: &'static ServiceModel,
    operations: BTreeMap<&'static str, Box<dyn Erased>>,
    extension: Option<Arc<dyn Extension>>,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    watch: Option<Arc<dyn Watch>>,
}

/// Collects the handlers of `S`: `Service::of(&wire::SERVICE, sqs).op::<SendMessage>().op::<…>().build()`.
pub struct Builder<S> {
    service: Service,
    state: Arc<S>,
}

/// A handler whose types are erased.
pub trait Erased: Send + Sync {
    fn new_input(&self) -> Box<dyn Shape>;
    fn new_output(&self) -> Box<dyn Shape>;
    fn access<'a>(&'a self, cx: &'a Cx, input: &'a dyn Shape) -> BoxFuture<'a, Result<Vec<Access>>>;
    fn call<'a>(&'a self, cx: &'a Cx, input: Box<dyn Shape>) -> BoxFuture<'a, Result<Box<dyn Shape>>>;
}

impl Service {
    pub fn of<S: Send + Sync + 'static>(model: &'static ServiceModel, state: Arc<S>) -> Builder<S> {
        let service = Service {
            model,
            operations: BTreeMap::new(),
            extension: None,
            reconcilers: Vec::new(),
            watch: None,
        };
        Builder { service, state }
    }

    pub fn model(&self) -> &'static ServiceModel {
        self.model
    }

    pub fn operation(&self, name: &str) -> Option<&dyn Erased> {
        self.operations.get(name).map(|operation| &**operation)
    }

    /// The names of what is implemented, sorted; the coverage table is made from them.
    pub fn implemented(&self) -> impl Iterator<Item = &'static str> {
        self.operations.keys().copied()
    }

    pub fn extension(&self) -> Option<&Arc<dyn Extension>> {
        self.extension.as_ref()
    }

    pub fn reconcilers(&self) -> &[Arc<dyn Reconciler>] {
        &self.reconcilers
    }

    pub fn watch(&self) -> Option<&Arc<dyn Watch>> {
        self.watch.as_ref()
    }
}

impl<S: Send + Sync + 'static> Builder<S> {
    /// Implements the operation `O`.
    ///
    /// # Panics
    /// When `O` is of another service or registered twice: mistakes that the first test finds.
    pub fn op<O: Operation>(mut self) -> Self
    where
        S: Handle<O>,
    {
        assert_eq!(O::SERVICE.name, self.service.model.name, "{} is of another service", O::NAME);
        let handler = Typed::<S, O> { state: self.state.clone(), operation: PhantomData };
        let before = self.service.operations.insert(O::NAME, Box::new(handler));
        assert!(before.is_none(), "{} is registered twice", O::NAME);
        self
    }

    /// Answers what no model describes.
    pub fn extension(mut self, extension: Arc<dyn Extension>) -> Self {
        self.service.extension = Some(extension);
        self
    }

    /// Runs beside the operations, from start to stop.
    pub fn reconciler(mut self, reconciler: Arc<dyn Reconciler>) -> Self {
        self.service.reconcilers.push(reconciler);
        self
    }

    /// Is told how each call ended.
    pub fn watched(mut self, watch: Arc<dyn Watch>) -> Self {
        self.service.watch = Some(watch);
        self
    }

    pub fn build(self) -> Service {
        self.service
    }
}

struct Typed<S, O> {
    state: Arc<S>,
    operation: PhantomData<fn() -> O>,
}

impl<S: Handle<O>, O: Operation> Erased for Typed<S, O> {
    fn new_input(&self) -> Box<dyn Shape> {
        Box::new(O::Input::default())
    }

    fn new_output(&self) -> Box<dyn Shape> {
        Box::new(O::Output::default())
    }

    fn access<'a>(&'a self, cx: &'a Cx, input: &'a dyn Shape) -> BoxFuture<'a, Result<Vec<Access>>> {
        Box::pin(async move {
            let input = input.downcast_ref().ok_or_else(|| mismatch::<O>())?;
            self.state.access(cx, input).await
        })
    }

    fn call<'a>(&'a self, cx: &'a Cx, input: Box<dyn Shape>) -> BoxFuture<'a, Result<Box<dyn Shape>>> {
        Box::pin(async move {
            let input = input.downcast().ok_or_else(|| mismatch::<O>())?;
            let output = self.state.call(cx, input).await?;
            Ok(Box::new(output) as Box<dyn Shape>)
        })
    }
}

fn mismatch<O: Operation>() -> ApiError {
    ApiError::internal(format_args!("{} was called with another operation's input", O::NAME))
}
