use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use haneul_kit::{ByteStream, Cx, Platform, RequestHead, Service, reconcile};
use haneul_shape::{BoxError, ServiceModel};
use http::{HeaderValue, Method, Request, Response, header};
use http_body::Body;

use crate::catalog::Catalog;
use crate::control::{self, Control};
use crate::cors::{self, Cors};
use crate::date::DateHeader;
use crate::decisions::Decisions;
use crate::layers::authn::Authn;
use crate::layers::hooks::{Audit, LogAudit, NoHook, Throttle};
use crate::metering::Metering;
use crate::route::Hosts;

/// All services behind one door. Made once; shared by the listener, the bus and tests.
pub struct Cloud {
    pub(crate) platform: Platform,
    pub(crate) catalog: Catalog,
    pub(crate) hosts: Hosts,
    pub(crate) cors: Cors,
    pub(crate) authn: Authn,
    pub(crate) date: DateHeader,
    pub(crate) decisions: Decisions,
    pub(crate) metering: Arc<Metering>,
    pub(crate) options: Options,
}

/// What the binary decides.
pub struct Options {
    /// Names by which we are reached beside `localhost` and AWS's own, with or without a port.
    pub hosts: Vec<String>,
    /// Origins whose pages may read answers, beside pages from this machine; `*` for all.
    pub origins: Vec<String>,
    /// Of the program, for the health page.
    pub version: &'static str,
    /// What `/_haneul/reset` does.
    pub control: Arc<dyn Control>,
    pub throttle: Arc<dyn Throttle>,
    pub audit: Arc<dyn Audit>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            hosts: Vec::new(),
            origins: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
            control: Arc::new(control::NoControl),
            throttle: Arc::new(NoHook),
            audit: Arc::new(LogAudit),
        }
    }
}

/// What is known of a request beside its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnInfo {
    /// `None` for a call within the process.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl Cloud {
    /// Joins services and models, and connects the platform's bus to them.
    ///
    /// # Panics
    /// When the platform's bus was connected before.
    pub fn new(
        platform: Platform,
        models: &[&'static ServiceModel],
        services: Vec<Service>,
        options: Options,
    ) -> Arc<Cloud> {
        let cloud = Arc::new(Cloud {
            catalog: Catalog::new(models, services),
            hosts: Hosts::new(&options.hosts),
            cors: Cors::new(options.origins.clone()),
            authn: Authn::default(),
            date: DateHeader::default(),
            decisions: Decisions::new(&platform),
            metering: Metering::new(&platform),
            platform,
            options,
        });
        cloud.platform.bus.connect(cloud.clone());
        cloud.platform.set_authorizer(Arc::downgrade(&cloud) as _);
        cloud.platform.set_guests(Arc::downgrade(&cloud) as _);
        cloud
    }

    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Starts the reconcilers of all services, and ours; they run until the platform's tasks stop.
    pub fn start_reconcilers(&self) {
        self.decisions.start(&self.platform.env);
        self.metering.start();
        for service in self.catalog.entries().iter().filter_map(|entry| entry.service.as_ref()) {
            for reconciler in service.reconcilers() {
                reconcile::start(&self.platform.env, reconciler.clone());
            }
        }
    }

    /// Answers one request. Never fails: whatever is wrong is said in the protocol that the client speaks.
    pub async fn handle<B>(&self, request: Request<B>, conn: ConnInfo) -> Response<ByteStream>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let (parts, body) = request.into_parts();
        let head = RequestHead::new(parts.method, parts.uri, parts.headers);
        let is_head = head.method == Method::HEAD;
        let now = self.platform.env.now();
        let mut answer = if control::is_control(head.uri.path()) {
            control::answer(self, &head, body, conn).await
        } else if cors::is_preflight(&head) && !self.has_own_rules(&head) {
            self.cors.preflight(&head)
        } else {
            self.answer(head, body, conn, now).await
        };
        answer.headers_mut().insert(header::DATE, self.date.at(now));
        if is_head || matches!(answer.status().as_u16(), 204 | 304) {
            *answer.body_mut() = ByteStream::from_bytes(Bytes::new());
            if !is_head {
                answer.headers_mut().remove(header::CONTENT_LENGTH);
            }
        }
        answer
    }

    /// Whether a preflight is about a bucket or a function's URL, whose own rules then answer it. A preflight carries neither signature nor
    /// target, only the names of headers that the request will have.
    fn has_own_rules(&self, head: &RequestHead) -> bool {
        let route = crate::route::route(&self.catalog, &self.hosts, head, None);
        if crate::route::is_function_url(&route) {
            return true;
        }
        let s3 = route.entry.is_some_and(|entry| entry.name() == "s3");
        let asked = head.header(header::ACCESS_CONTROL_REQUEST_HEADERS.as_str()).unwrap_or_default();
        let rpc = asked.to_ascii_lowercase().contains("x-amz-target");
        let path = head.uri.path();
        s3 && !rpc
            && (route.bucket.is_some() || path.len() > 1)
            && !crate::route::queue_url::is_queue_path(path)
    }

    /// Says to the browser who may read the answer: by the rules of a bucket or a function's URL, or by ours.
    pub(crate) fn allow_origin(
        &self,
        origin: Option<&HeaderValue>,
        has_own_rules: bool,
        answer: &mut Response<ByteStream>,
    ) {
        if !has_own_rules {
            self.cors.decorate(origin, answer.headers_mut());
        }
    }

    /// Answers a page that is nobody's call yet: for extensions that have to look at a request that was refused.
    pub(crate) fn anonymous_cx(
        &self,
        head: RequestHead,
        conn: ConnInfo,
        now: haneul_base::Instant,
        request_id: &str,
    ) -> Cx {
        Cx::new(haneul_kit::cx::Parts {
            request_id: request_id.to_owned(),
            caller: haneul_kit::Caller::anonymous(haneul_base::AccountId::DEFAULT),
            region: haneul_base::Region::US_EAST_1,
            now,
            source_ip: conn.peer,
            secure: conn.secure,
            http: Some(head),
            called_via: Vec::new(),
            source_arn: None,
            answer: Default::default(),
        })
    }
}
