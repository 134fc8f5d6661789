use std::net::IpAddr;
use std::time::Duration;

use haneul_base::Region;
use haneul_kit::{ApiError, Caller};

/// Decides whether a call comes too soon after others.
pub trait Throttle: Send + Sync + 'static {
    /// # Errors
    /// The service's throttling error.
    fn admit(&self, caller: &Caller, region: Region, service: &str, operation: &str) -> Result<(), ApiError>;
}

/// Keeps a record of who did what.
pub trait Audit: Send + Sync + 'static {
    fn note(&self, record: &Record<'_>);
}

/// One call, after its answer. Nothing in it is secret.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub request_id: &'a str,
    pub service: &'a str,
    /// Empty where the request named none.
    pub operation: &'a str,
    /// `None` when the call failed before it was known.
    pub caller: Option<&'a Caller>,
    pub region: Option<Region>,
    pub source_ip: Option<IpAddr>,
    /// The HTTP status; 0 for a call over the bus.
    pub status: u16,
    pub error_code: Option<&'a str>,
    /// By the host's clock.
    pub duration: Duration,
}

/// Admits every call.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

impl Throttle for NoHook {
    fn admit(&self, _: &Caller, _: Region, _: &str, _: &str) -> Result<(), ApiError> {
        Ok(())
    }
}

/// Writes one line to the log for each call, under the target `haneul::audit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogAudit;

impl Audit for LogAudit {
    fn note(&self, record: &Record<'_>) {
        if !tracing::enabled!(target: "haneul::audit", tracing::Level::INFO) {
            return;
        }
        tracing::info!(
            target: "haneul::audit",
            request_id = record.request_id,
            service = record.service,
            operation = record.operation,
            account = record.caller.map(|caller| tracing::field::display(caller.account)),
            principal = record.caller.map(Caller::arn),
            access_key_id = record.caller.and_then(|caller| caller.access_key_id.as_deref()),
            region = record.region.map(Region::as_str),
            source_ip = record.source_ip.map(tracing::field::display),
            status = record.status,
            error_code = record.error_code,
            duration_us = record.duration.as_micros() as u64,
            "call"
        );
    }
}
