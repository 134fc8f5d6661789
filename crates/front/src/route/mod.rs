//! Whom a request is for, in which protocol, and which operation it names.
//!
//! Each form that names a service or an operation has a module: [`host`], [`target`] (`X-Amz-Target`), [`query`]
//! (`Action`), [`rpc`] (Smithy's RPC v2 paths), [`queue_url`]. [`route`] weighs what they find: what names the
//! operation outright comes first, then the signature's scope, then the host, and what is left is S3's by path.
//! REST paths are matched later, by the model of the service found here.

pub mod host;
pub mod query;
pub mod queue_url;
pub mod rpc;
pub mod target;

use std::borrow::Cow;

use haneul_base::Region;
use haneul_kit::RequestHead;
use haneul_wire::Protocol;
use http::{Method, header};

pub use host::{Hosts, Site};
pub use query::Action;

use crate::catalog::{Catalog, Entry};

/// Whom a request is for. `'c` is the catalog's life, `'h` that of the request's head.
#[derive(Clone)]
pub struct Route<'c, 'h> {
    /// `None` for a service that we do not know.
    pub entry: Option<&'c Entry>,
    /// The service as the request names it.
    pub service: Cow<'h, str>,
    pub protocol: Protocol,
    pub asked: Asked<'h>,
    /// The bucket that the host names.
    pub bucket: Option<Cow<'h, str>>,
    /// The Region that the host names.
    pub region: Option<Region>,
}

/// What a request says of the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<'h> {
    Operation(Cow<'h, str>),
    /// Method and path say it.
    Rest,
    /// The form in the body says it.
    Form,
    /// Nothing that a model describes: a preflight, a website's page, a function's URL.
    Unmodelled,
    /// Nothing at all.
    Nothing,
}

/// Where Lambda's links lead: packages to download. No bucket's name begins so.
const LAMBDA_PATH: &str = "/_lambda/";

/// Finds whom a request is for. `scope` is the service of its signature's scope, if it has a signature.
pub fn route<'c, 'h>(
    catalog: &'c Catalog,
    hosts: &Hosts,
    head: &'h RequestHead,
    scope: Option<&'h str>,
) -> Route<'c, 'h> {
    let site =
        head.host().map_or(Site::Plain, |host| hosts.read(host, |label| catalog.by_prefix(label).is_some()));
    let path = head.uri.path();
    if path.starts_with(TOKENS_PATH) || site == (Site::Service { prefix: TOKENS_HOST, region: None }) {
        return unmodelled(catalog, "sts", None);
    }
    // What a function's URL is asked for is the function's to understand, whatever it looks like.
    if let Site::LambdaUrl { region, .. } = site {
        return unmodelled(catalog, "lambda", region);
    }
    if LOG_PATHS.contains(&path) {
        let by_host = matches!(site, Site::Service { prefix: "logs", .. });
        if by_host || scope == Some("logs") || site == Site::Plain && has_bearer(head) {
            return unmodelled(catalog, "logs", region_of(site));
        }
    }
    if path.starts_with(LAMBDA_PATH) {
        return unmodelled(catalog, "lambda", None);
    }
    if let Some((service, operation)) = rpc::read(path)
        && (head.header("smithy-protocol") == Some("rpc-v2-cbor") || catalog.by_target(service).is_some())
    {
        return named(
            catalog.by_target(service),
            scope.unwrap_or(service),
            Protocol::RpcV2Cbor,
            operation,
            site,
        );
    }
    if let Some((prefix, operation)) = target::read(&head.headers) {
        let entry = catalog.by_target(prefix);
        if entry.is_none()
            && let Some(own) = scope.and_then(|scope| of_json(catalog, scope))
        {
            // The target is nobody's, but whom the request was signed for says so in its own words.
            let target = head.header("x-amz-target").unwrap_or(operation);
            return named(Some(own), own.name(), Protocol::AwsJson, target, site);
        }
        return named(entry, scope.unwrap_or(prefix), Protocol::AwsJson, operation, site);
    }
    let form = Form::of(head);
    if let Some(scope) = scope {
        return by_scope(catalog, head, form, scope, site);
    }
    match site {
        Site::Plain => by_form(catalog, form, path).unwrap_or_else(|| s3(catalog, None, None)),
        Site::Service { prefix, region } => {
            let mut route = match catalog.by_prefix(prefix) {
                Some(entry) => of_entry(entry, form),
                None => unknown(prefix, form),
            };
            route.region = region;
            route
        }
        Site::Name { name } => by_form(catalog, form, path).unwrap_or_else(|| s3(catalog, Some(name), None)),
        site => of_site(catalog, site),
    }
}

/// The service of a signature's scope that is called by targets.
fn of_json<'c>(catalog: &'c Catalog, scope: &str) -> Option<&'c Entry> {
    catalog.by_signing_name(scope).find(|entry| entry.facts.protocols.contains(&Protocol::AwsJson))
}

/// Under which the issuers of STS's web identity tokens show their keys, to anybody.
pub const TOKENS_PATH: &str = "/_haneul/tokens/";
/// `id.tokens.sts.global.api.aws`, where AWS's issuers are.
const TOKENS_HOST: &str = "tokens.sts.global";

/// Where CloudWatch Logs takes events by plain HTTP. Under a name that is nobody's they are S3's, unless an API key comes along.
const LOG_PATHS: &[&str] = &["/ingest/json", "/ingest/bulk", "/services/collector/event", "/v1/logs"];

fn has_bearer(head: &RequestHead) -> bool {
    let scheme = head.header("authorization").and_then(|value| value.get(..7));
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "))
}

/// What of the query protocol there is to see before the body has come.
struct Form<'h> {
    in_query: Action<'h>,
    in_body: bool,
}

impl<'h> Form<'h> {
    fn of(head: &'h RequestHead) -> Form<'h> {
        let in_query = head.uri.query().map_or_else(Action::default, Action::read);
        let content_type =
            head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let in_body = head.method == Method::POST
            && content_type
                .trim_start()
                .get(..FORM.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(FORM));
        Form { in_query, in_body }
    }

    fn asked(self) -> Asked<'h> {
        match self.in_query.action {
            Some(action) => Asked::Operation(action),
            None if self.in_body => Asked::Form,
            None => Asked::Nothing,
        }
    }

    fn is_query(&self) -> bool {
        self.in_body || self.in_query.action.is_some()
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn named<'c, 'h>(
    entry: Option<&'c Entry>,
    service: &'h str,
    protocol: Protocol,
    operation: &'h str,
    site: Site<'h>,
) -> Route<'c, 'h> {
    Route {
        entry,
        service: entry.map_or(Cow::Borrowed(service), |entry| Cow::Borrowed(entry.name())),
        protocol,
        asked: Asked::Operation(Cow::Borrowed(operation)),
        bucket: None,
        region: region_of(site),
    }
}

fn by_scope<'c, 'h>(
    catalog: &'c Catalog,
    head: &'h RequestHead,
    form: Form<'h>,
    scope: &'h str,
    site: Site<'h>,
) -> Route<'c, 'h> {
    let mut candidates = catalog.by_signing_name(scope);
    let Some(first) = candidates.next() else { return unknown(scope, form) };
    if first.is_s3() {
        if scope == OBJECT_LAMBDA {
            return object_lambda(catalog, head, site);
        }
        if matches!(site, Site::S3Control { .. }) || head.uri.path().starts_with("/v20180820/") {
            return Route { region: region_of(site), ..s3control(catalog) };
        }
        return of_site(catalog, site);
    }
    // Services that share a name and a protocol are told apart by their hosts.
    let by_host = match site {
        Site::Service { prefix, .. } => {
            catalog.by_prefix(prefix).filter(|e| e.facts.signing_name == first.facts.signing_name)
        }
        _ => None,
    };
    Route { region: region_of(site), ..of_entry(by_host.unwrap_or(first), form) }
}

/// What requests by an Object Lambda access point, and the answers of its functions, are signed for.
const OBJECT_LAMBDA: &str = "s3-object-lambda";
const RESPONSES_PATH: &str = "/WriteGetObjectResponse";

fn object_lambda<'c, 'h>(catalog: &'c Catalog, head: &RequestHead, site: Site<'h>) -> Route<'c, 'h> {
    if head.method == Method::POST && head.uri.path() == RESPONSES_PATH {
        // The host begins with the route, which is in a header too.
        return s3(catalog, None, region_of(site));
    }
    match site {
        Site::Name { name } => of_site(catalog, Site::ObjectLambda { point: name, region: None }),
        site => of_site(catalog, site),
    }
}

/// An unsigned request with `Action`: its version tells the service, or the path does, if it is a queue's.
fn by_form<'c, 'h>(catalog: &'c Catalog, form: Form<'h>, path: &str) -> Option<Route<'c, 'h>> {
    if !form.is_query() {
        return None;
    }
    let by_version = form.in_query.version.as_deref().and_then(|version| catalog.by_version(version));
    let by_path = || catalog.named("sqs").filter(|_| queue_url::is_queue_path(path));
    if let Some(entry) = by_version.or_else(by_path) {
        return Some(of_entry(entry, form));
    }
    // `?Action=` with a version of nobody, or a form to `/` whose body has to be read first.
    let named = form.in_query.action.is_some() && form.in_query.version.is_some();
    (named || (form.in_body && path == "/")).then(|| unknown("", form))
}

fn of_entry<'c, 'h>(entry: &'c Entry, form: Form<'h>) -> Route<'c, 'h> {
    let facts = &entry.facts;
    let (protocol, asked) = match (facts.query().filter(|_| form.is_query()), facts.rest()) {
        (Some(protocol), _) => (protocol, form.asked()),
        (None, Some(protocol)) => (protocol, Asked::Rest),
        (None, None) => (facts.protocols.first().copied().unwrap_or(Protocol::AwsJson), Asked::Nothing),
    };
    Route {
        entry: Some(entry),
        service: Cow::Borrowed(entry.name()),
        protocol,
        asked,
        bucket: None,
        region: None,
    }
}

fn unknown<'c, 'h>(service: &'h str, form: Form<'h>) -> Route<'c, 'h> {
    let (protocol, asked) =
        if form.is_query() { (Protocol::AwsQuery, form.asked()) } else { (Protocol::RestJson, Asked::Rest) };
    Route { entry: None, service: Cow::Borrowed(service), protocol, asked, bucket: None, region: None }
}

/// A request to S3, or to one of the hosts that no model describes.
fn of_site<'c, 'h>(catalog: &'c Catalog, site: Site<'h>) -> Route<'c, 'h> {
    match site {
        Site::Plain => s3(catalog, None, None),
        Site::Bucket { bucket, region } => s3(catalog, Some(bucket), region),
        // As S3 knows them where a bucket's name can stand.
        Site::ObjectLambda { point, region } => {
            Route { bucket: Some(Cow::Owned(format!("{point}--ol-s3"))), ..s3(catalog, None, region) }
        }
        Site::Name { name } => s3(catalog, Some(name), None),
        // Signed for S3, so that `logs.localhost` is a bucket that is called as a service is.
        Site::Service { prefix, region: None } if prefix != "s3" => s3(catalog, Some(prefix), None),
        Site::Service { region, .. } => s3(catalog, None, region),
        Site::Website { bucket, region } => {
            Route { asked: Asked::Unmodelled, ..s3(catalog, Some(bucket), region) }
        }
        Site::S3Control { region, .. } => Route { region, ..s3control(catalog) },
        Site::ExecuteApi { region, .. } => unmodelled(catalog, "apigateway", region),
        Site::LambdaUrl { region, .. } => unmodelled(catalog, "lambda", region),
    }
}

/// Whether a route leads to a function's URL, which decides by itself on signatures and origins.
pub fn is_function_url(route: &Route<'_, '_>) -> bool {
    route.asked == Asked::Unmodelled && route.service == "lambda"
}

fn s3<'c, 'h>(catalog: &'c Catalog, bucket: Option<&'h str>, region: Option<Region>) -> Route<'c, 'h> {
    let (entry, service) = (catalog.named("s3"), Cow::Borrowed("s3"));
    let bucket = bucket.map(Cow::Borrowed);
    Route { entry, service, protocol: Protocol::RestXml, asked: Asked::Rest, bucket, region }
}

fn s3control<'c, 'h>(catalog: &'c Catalog) -> Route<'c, 'h> {
    Route {
        entry: catalog.named("s3control"),
        service: Cow::Borrowed("s3control"),
        ..s3(catalog, None, None)
    }
}

fn unmodelled<'c, 'h>(catalog: &'c Catalog, service: &'static str, region: Option<Region>) -> Route<'c, 'h> {
    Route {
        entry: catalog.named(service),
        service: Cow::Borrowed(service),
        protocol: Protocol::RestJson,
        asked: Asked::Unmodelled,
        bucket: None,
        region,
    }
}

fn region_of(site: Site<'_>) -> Option<Region> {
    match site {
        Site::Plain | Site::Name { .. } => None,
        Site::Service { region, .. }
        | Site::Bucket { region, .. }
        | Site::ObjectLambda { region, .. }
        | Site::Website { region, .. }
        | Site::S3Control { region, .. }
        | Site::ExecuteApi { region, .. }
        | Site::LambdaUrl { region, .. } => region,
    }
}

#[cfg(test)]
mod tests;
