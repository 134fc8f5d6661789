use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use super::paging::limit;
use crate::model::function::{Cors, UrlRecord};
use crate::names::{self, FunctionName, LATEST, Named, version_number};
use crate::{Lambda, error};

const ID_LENGTH: usize = 32;

/// The URL of an id, at the name by which the client reached us.
fn url_of(cx: &Cx, id: &str, region: haneul_kit::Region) -> String {
    let endpoint = cx.endpoint();
    let (scheme, host) = endpoint.split_once("://").unwrap_or(("http", &endpoint));
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    };
    // Names cannot stand before an address; and `lambda.us-east-1.localhost` is a name of this service alone.
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
    let name = match name.split_once('.') {
        _ if address => "localhost",
        Some(("lambda", rest)) => {
            rest.strip_prefix(region.as_str()).map_or(rest, |rest| rest.trim_start_matches('.'))
        }
        _ => name,
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{id}.lambda-url.{region}.{name}{port}/")
}

impl Handle<op::CreateFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::CreateFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let action = "lambda:CreateFunctionUrlConfig";
        let access = self.on_url(cx, action, &input.function_name, input.qualifier.as_deref()).await?;
        Ok(vec![access.key("lambda:FunctionUrlAuthType", input.auth_type.as_str())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateFunctionUrlConfigRequest,
    ) -> Result<s::CreateFunctionUrlConfigResponse> {
        let (named, key) = self.url_key(cx, &input.function_name, input.qualifier.as_deref()).await?;
        let now_ms = cx.now().millis();
        let url = UrlRecord {
            id: self.platform.env.rng.text(b"abcdefghijklmnopqrstuvwxyz234567", ID_LENGTH),
            iam: input.auth_type == "AWS_IAM",
            streams: input.invoke_mode.as_deref() == Some("RESPONSE_STREAM"),
            cors: input.cors.map(cors).transpose()?,
            created_ms: now_ms,
            modified_ms: now_ms,
        };
        let edit = self.records.change(&named.function, |record| match record.urls.get(&key) {
            Some(_) => Err(error::conflict(format!(
                "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists \
                 for this Lambda function",
                named.arn()
            ))),
            None => {
                record.urls.insert(key.clone(), url.clone());
                Ok(())
            }
        });
        edit.await?;
        Ok(s::CreateFunctionUrlConfigResponse {
            function_url: url_of(cx, &url.id, named.function.region),
            function_arn: named.arn().to_string(),
            auth_type: input.auth_type,
            cors: url.cors.map(show_cors),
            creation_time: Instant::from_millis(now_ms).iso8601_millis(),
            invoke_mode: Some(mode(url.streams).into()),
        })
    }
}

impl Handle<op::UpdateFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UpdateFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let action = "lambda:UpdateFunctionUrlConfig";
        let mut access = self.on_url(cx, action, &input.function_name, input.qualifier.as_deref()).await?;
        if let Some(auth) = &input.auth_type {
            access = access.key("lambda:FunctionUrlAuthType", auth.as_str());
        }
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateFunctionUrlConfigRequest,
    ) -> Result<s::UpdateFunctionUrlConfigResponse> {
        let (named, key) = self.url_key(cx, &input.function_name, input.qualifier.as_deref()).await?;
        let given = input.cors.map(cors).transpose()?;
        let now_ms = cx.now().millis();
        let edit = self.records.change(&named.function, |record| {
            let url = record.urls.get_mut(&key).ok_or_else(missing)?;
            if let Some(auth) = &input.auth_type {
                url.iam = auth == "AWS_IAM";
            }
            if let Some(mode) = &input.invoke_mode {
                url.streams = mode == "RESPONSE_STREAM";
            }
            if let Some(given) = &given {
                // An empty configuration takes it away.
                url.cors = Some(given.clone()).filter(|given| *given != Cors::default());
            }
            url.modified_ms = now_ms;
            Ok(url.clone())
        });
        let shown = shown(cx, &named, edit.await?);
        Ok(s::UpdateFunctionUrlConfigResponse {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            last_modified_time: shown.last_modified_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}

impl Handle<op::GetFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let action = "lambda:GetFunctionUrlConfig";
        Ok(vec![self.on_url(cx, action, &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionUrlConfigRequest,
    ) -> Result<s::GetFunctionUrlConfigResponse> {
        let (named, key) = self.url_key(cx, &input.function_name, input.qualifier.as_deref()).await?;
        let url = self.records.get(&named.function).await?.urls.remove(&key).ok_or_else(missing)?;
        let shown = shown(cx, &named, url);
        Ok(s::GetFunctionUrlConfigResponse {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            last_modified_time: shown.last_modified_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}

impl Handle<op::DeleteFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let action = "lambda:DeleteFunctionUrlConfig";
        Ok(vec![self.on_url(cx, action, &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteFunctionUrlConfigRequest) -> Result<Empty> {
        let (named, key) = self.url_key(cx, &input.function_name, input.qualifier.as_deref()).await?;
        let edit = self
            .records
            .change(&named.function, |record| record.urls.remove(&key).map(drop).ok_or_else(missing));
        edit.await?;
        Ok(Empty)
    }
}

impl Handle<op::ListFunctionUrlConfigs> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::ListFunctionUrlConfigsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:ListFunctionUrlConfigs", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListFunctionUrlConfigsRequest,
    ) -> Result<s::ListFunctionUrlConfigsResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let listing = format!("urls {}", function.name);
        let begin: Option<String> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut all: Vec<_> = self.records.get(&function).await?.urls.into_iter().collect();
        all.retain(|(key, _)| begin.as_ref().is_none_or(|begin| key > begin));
        let page = self.page(cx, &listing, all, limit(input.max_items), |(key, _)| key.clone());
        let urls = page.items.into_iter().map(|(key, url)| {
            let qualifier = Some(key).filter(|key| !key.is_empty());
            shown(cx, &Named { function: function.clone(), qualifier }, url)
        });
        Ok(s::ListFunctionUrlConfigsResponse { function_url_configs: urls.collect(), next_marker: page.next })
    }
}

impl Lambda {
    async fn on_url(
        &self,
        cx: &Cx,
        action: &'static str,
        given: &str,
        qualifier: Option<&str>,
    ) -> Result<Access> {
        let named = names::read(cx, given, qualifier)?;
        let access = self.on_named(action, &named).await?.key("lambda:FunctionArn", named.arn().to_string());
        let known = self.cache.function(&self.records, &named.function).await?;
        let key = named.qualifier.as_deref().unwrap_or_default();
        Ok(match known.as_ref().and_then(|known| known.record.urls.get(key)) {
            Some(url) => access.key("lambda:FunctionUrlAuthType", auth(url)),
            None => access,
        })
    }

    /// A URL is of an alias or of the unpublished version.
    async fn url_key(&self, cx: &Cx, given: &str, qualifier: Option<&str>) -> Result<(Named, String)> {
        let named = names::read(cx, given, qualifier)?;
        let function: &FunctionName = &named.function;
        self.records.get(function).await?;
        let key = match named.qualifier.as_deref() {
            None => String::new(),
            Some(qualifier) if qualifier == LATEST || version_number(qualifier).is_some() => {
                return Err(error::parameter(format!(
                    "1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: Member \
                     must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"
                )));
            }
            Some(alias) => {
                let found = self.records.alias(function, alias).await?;
                found.map(|_| alias.to_owned()).ok_or_else(|| error::no_function(named.arn()))?
            }
        };
        Ok((named, key))
    }
}

fn missing() -> haneul_kit::ApiError {
    error::not_found("The resource you requested does not exist.")
}

pub(crate) fn auth(url: &UrlRecord) -> &'static str {
    if url.iam { "AWS_IAM" } else { "NONE" }
}

fn mode(streams: bool) -> &'static str {
    if streams { "RESPONSE_STREAM" } else { "BUFFERED" }
}

fn shown(cx: &Cx, named: &Named, url: UrlRecord) -> s::FunctionUrlConfig {
    s::FunctionUrlConfig {
        function_url: url_of(cx, &url.id, named.function.region),
        function_arn: named.arn().to_string(),
        creation_time: Instant::from_millis(url.created_ms).iso8601_millis(),
        last_modified_time: Instant::from_millis(url.modified_ms).iso8601_millis(),
        auth_type: auth(&url).into(),
        invoke_mode: Some(mode(url.streams).into()),
        cors: url.cors.map(show_cors),
    }
}

const METHODS: &[&str] = &["GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"];

fn cors(given: s::Cors) -> Result<Cors> {
    let wrong = given.allow_methods.iter().flatten().find(|method| !METHODS.contains(&method.as_str()));
    if let Some(method) = wrong {
        return Err(error::parameter(format!("{method} is not a method that AllowMethods takes.")));
    }
    if given.allow_credentials == Some(true)
        && given.allow_origins.iter().flatten().any(|origin| origin == "*")
    {
        return Err(error::parameter("AllowCredentials cannot be used with the origin *."));
    }
    Ok(Cors {
        credentials: given.allow_credentials,
        headers: given.allow_headers,
        methods: given.allow_methods,
        origins: given.allow_origins,
        expose: given.expose_headers,
        max_age_s: given.max_age,
    })
}

fn show_cors(cors: Cors) -> s::Cors {
    s::Cors {
        allow_credentials: cors.credentials,
        allow_headers: cors.headers,
        allow_methods: cors.methods,
        allow_origins: cors.origins,
        expose_headers: cors.expose,
        max_age: cors.max_age_s,
    }
}
