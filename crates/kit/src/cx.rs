use std::any::Any;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use haneul_base::{AccountId, Arn, Instant, Region};
use haneul_bus::{Caller, Principal};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;

use crate::extension::RequestHead;

/// Who, where and when of one call. Cheap to clone; clones share what is said of the answer.
#[derive(Clone)]
pub struct Cx(Arc<Shared>);

struct Shared {
    parts: Parts,
    /// Most calls are about one thing, for which nothing is allocated.
    about: OnceLock<About>,
    also_about: Mutex<Vec<About>>,
}

/// What a service knows a resource by.
type About = Arc<dyn Any + Send + Sync>;

/// What a [`Cx`] is made of; filled by the front door, the bus and the harness.
pub struct Parts {
    pub request_id: String,
    pub caller: Caller,
    pub region: Region,
    /// The cloud's time when the request was accepted: one call sees one instant.
    pub now: Instant,
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// The request as it came over HTTP; `None` for a call over the bus.
    pub http: Option<RequestHead>,
    /// The services through which the call came (`aws:CalledVia`), first to last.
    pub called_via: Vec<String>,
    /// For a service's call: the resource on whose account it is made (`aws:SourceArn`).
    pub source_arn: Option<String>,
    pub answer: Mutex<Answer>,
}

impl Parts {
    /// Of a call that comes from nowhere outside.
    pub fn within(request_id: impl Into<String>, caller: Caller, region: Region, now: Instant) -> Parts {
        Parts {
            request_id: request_id.into(),
            caller,
            region,
            now,
            source_ip: None,
            secure: true,
            http: None,
            called_via: Vec::new(),
            source_arn: None,
            answer: Mutex::default(),
        }
    }
}

/// What a handler wants of the HTTP answer beyond its output, as S3 does: a status, more headers.
#[derive(Default)]
pub struct Answer {
    pub status: Option<StatusCode>,
    pub headers: HeaderMap,
}

impl Cx {
    pub fn new(parts: Parts) -> Cx {
        let shared = Shared { parts, about: OnceLock::new(), also_about: Mutex::default() };
        Cx(Arc::new(shared))
    }

    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// Names the caller as narrowly as what callers may do can differ: the principal by its id, its session, and for a
    /// service the resource on whose account it calls. What was opened for one holder may serve it again for a while, and
    /// nobody else. `None` where this call cannot be told from others.
    pub fn holder(&self) -> Option<String> {
        let caller = self.caller();
        let (account, id) = (caller.account, caller.user_id());
        let apart = match &caller.principal {
            Principal::Anonymous => return None,
            Principal::Service { .. } => self.source_arn()?,
            // A session has an access key of its own.
            _ => match (caller.access_key_id.as_deref(), &caller.session) {
                (Some(key), _) => key,
                (None, None) => "",
                (None, Some(_)) => return None,
            },
        };
        Some(format!("{account} {id} {apart}"))
    }

    /// The caller's account, in which new resources are made.
    pub fn account(&self) -> AccountId {
        self.0.caller.account
    }

    pub fn region(&self) -> Region {
        self.0.region
    }

    pub fn now(&self) -> Instant {
        self.0.now
    }

    pub fn source_ip(&self) -> Option<IpAddr> {
        self.0.source_ip
    }

    pub fn secure(&self) -> bool {
        self.0.secure
    }

    pub fn http(&self) -> Option<&RequestHead> {
        self.0.http.as_ref()
    }

    pub fn called_via(&self) -> &[String] {
        &self.0.called_via
    }

    pub fn source_arn(&self) -> Option<&str> {
        self.0.source_arn.as_deref()
    }

    /// The ARN of a resource of the caller's account and Region.
    pub fn arn(&self, service: &str, resource: impl std::fmt::Display) -> Arn {
        Arn::new(service, self.region(), self.account(), resource)
    }

    /// `http://localhost:4566`: where the client reached us, so that it can use the URLs that we return.
    pub fn endpoint(&self) -> String {
        let scheme = if self.0.secure { "https" } else { "http" };
        let host = self.0.http.as_ref().and_then(|http| http.host()).unwrap_or("localhost:4566");
        format!("{scheme}://{host}")
    }

    /// Says what the call is about, for the [`Watch`](crate::Watch) of its service; a second time is none.
    pub fn concerns<T: Any + Send + Sync>(&self, resource: &Arc<T>) {
        let first = self.0.about.get_or_init(|| resource.clone());
        let is = |other: &About| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(resource));
        if is(first) {
            return;
        }
        let mut others = self.0.also_about.lock();
        if !others.iter().any(is) {
            others.push(resource.clone());
        }
    }

    /// Looks at all that the call turned out to be about, of one type.
    pub fn each_concern<T: Any>(&self, mut look: impl FnMut(&T)) {
        let Some(first) = self.0.about.get() else { return };
        let others = self.0.also_about.lock();
        std::iter::once(first).chain(&*others).filter_map(|one| one.downcast_ref()).for_each(&mut look);
    }

    /// Answers with this status instead of the model's.
    pub fn set_status(&self, status: StatusCode) {
        self.0.answer.lock().status = Some(status);
    }

    /// Adds a header to the answer, beyond those of the output.
    pub fn add_header(&self, name: HeaderName, value: HeaderValue) {
        self.0.answer.lock().headers.append(name, value);
    }

    /// For the front door, after the call.
    pub fn take_answer(&self) -> Answer {
        std::mem::take(&mut self.0.answer.lock())
    }
}

impl Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
