use std::pin::Pin;

use haneul_base::Instant;
use haneul_bus::{Call, Dispatch};
use haneul_kit::service::Erased;
use haneul_kit::{Access, ApiError, Arriving, Authorizer, BoxFuture, Cx, cx};
use haneul_shape::Shape;
use haneul_wire::{Missing, OperationDef, Payload, Protocol};

use crate::Cloud;
use crate::catalog::Entry;
use crate::layers::denial::Speaker;
use crate::layers::hooks::Record;
use crate::layers::{authn, authz};
use crate::metering::Used;
use crate::noted::Noted;
use crate::reply;

/// What a service has to say of a call over HTTP before its input is read.
pub(crate) fn check_arriving(
    entry: &Entry,
    operation: &OperationDef,
    cx: &Cx,
    body: &Payload,
) -> Result<(), ApiError> {
    let Some(extension) = entry.service.as_ref().and_then(|service| service.extension()) else {
        return Ok(());
    };
    let body = match body {
        Payload::Bytes(bytes) => Some(&bytes[..]),
        Payload::Stream(_) => None,
    };
    let checksum_required = operation.checksum_required;
    extension.check(cx, &Arriving { operation: operation.name, checksum_required, body })
}

impl Cloud {
    /// The innermost layers, common to HTTP and the bus: may the caller, and then the operation itself.
    pub(crate) async fn perform(
        &self,
        handler: &dyn Erased,
        cx: &Cx,
        input: Box<dyn Shape>,
        speaker: &Speaker<'_>,
        noted: &mut Noted,
    ) -> Result<Box<dyn Shape>, ApiError> {
        let accesses = handler.access(cx, &*input).await?;
        noted.accesses(&accesses);
        authz::check(&self.platform, &self.decisions, cx, accesses, speaker).await?;
        let output = handler.call(cx, input).await?;
        noted.response(&*output);
        Ok(output)
    }

    async fn call_on_bus(&self, call: Call) -> Result<Box<dyn Shape>, ApiError> {
        let Call { service, operation, caller, region, input, source_arn, called_via } = call;
        let started = haneul_env::clock::monotonic();
        let env = &self.platform.env;
        let cx = Cx::new(cx::Parts {
            request_id: env.rng.uuid(),
            caller,
            region,
            now: env.now(),
            source_ip: None,
            // It never leaves the process.
            secure: true,
            http: None,
            called_via,
            source_arn,
            answer: Default::default(),
        });
        let mut noted = Noted::default();
        let mut result = self.validated(service.name, operation, &cx, input, &mut noted).await;
        let ended = haneul_env::clock::monotonic();
        if let Some(recorded) = noted.finish(result.as_ref().err(), ended)
            && let Err(error) = recorded.await
        {
            result = Err(error);
        }
        let record = Record {
            request_id: cx.request_id(),
            service: service.name,
            operation,
            caller: Some(cx.caller()),
            region: Some(region),
            source_ip: None,
            status: 0,
            error_code: result.as_ref().err().map(ApiError::code),
            duration: ended.duration_since(started),
        };
        let failed = record.error_code.is_some();
        let resource = noted.resource.as_deref();
        let used = Used { service: service.name, operation, resource, failed, bytes_in: 0, bytes_out: 0 };
        self.metering.note(&cx, &used);
        self.options.audit.note(&record);
        result
    }

    async fn validated(
        &self,
        service: &str,
        operation: &'static str,
        cx: &Cx,
        input: Box<dyn Shape>,
        noted: &mut Noted,
    ) -> Result<Box<dyn Shape>, ApiError> {
        let not_here = || ApiError::not_implemented(service, operation);
        let entry = self.catalog.named(service).ok_or_else(not_here)?;
        let handler = entry.service.as_ref().and_then(|s| s.operation(operation)).ok_or_else(not_here)?;
        let model = haneul_wire::model(entry.model);
        let protocol = entry.facts.protocols.first().copied().ok_or_else(not_here)?;
        *noted = Noted::begin(&self.platform, entry, model, operation, cx);
        noted.request(&*input);
        // Built in Rust: a required member cannot be missing, only wrong.
        haneul_wire::validate(model, protocol, &*input, &Missing::default()).map_err(reply::api_error)?;
        let speaker = Speaker { service: entry.name(), family: authn::family_of(Some(entry), protocol) };
        self.perform(handler, cx, input, &speaker, noted).await
    }
}

impl Authorizer for Cloud {
    fn authorize<'a>(
        &'a self,
        cx: &'a Cx,
        service: &'a str,
        accesses: &'a [Access],
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let family = match self.catalog.named(service) {
                Some(entry) => {
                    let protocol = entry.facts.protocols.first().copied().unwrap_or(Protocol::RestXml);
                    authn::family_of(Some(entry), protocol)
                }
                None => return Err(ApiError::internal(format_args!("{service} is no service"))),
            };
            let speaker = Speaker { service, family };
            authz::check(&self.platform, &self.decisions, cx, accesses.to_vec(), &speaker).await
        })
    }

    fn used<'a>(
        &'a self,
        principal: &'a str,
        since: Instant,
        until: Instant,
    ) -> BoxFuture<'a, Result<Vec<(String, String)>, ApiError>> {
        Box::pin(self.decisions.used(principal, since, until))
    }
}

impl Dispatch for Cloud {
    fn dispatch(
        &self,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Result<Box<dyn Shape>, ApiError>> + Send + '_>> {
        Box::pin(self.call_on_bus(call))
    }
}
