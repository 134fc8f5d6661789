//! What relying parties read: `<issuer>/.well-known/openid-configuration` and the key set that it points to.

use haneul_kit::extension::Extension;
use haneul_kit::{BoxFuture, ByteStream, Cx, RequestHead, Result};
use http::{HeaderValue, Method, Response, StatusCode, header, response};
use serde_json::{Value, json};

use super::keys::Signer;
use crate::sts::Sts;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEY_SET: &str = "/.well-known/jwks.json";
/// Relying parties may keep a page so long: less than what a key is shown for after it has signed its last token.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

impl Extension for Sts {
    fn unmodelled<'a>(
        &'a self,
        cx: &'a Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<Response<ByteStream>>, ByteStream>> {
        Box::pin(async move {
            let page = match cx.http() {
                Some(http) if matches!(http.method, Method::GET | Method::HEAD) => self.page(http).await,
                _ => return Err(body),
            };
            match page {
                Ok(Some(content)) => Ok(Ok(answer(StatusCode::OK, &content))),
                Ok(None) => Ok(Ok(answer(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })))),
                Err(error) => Ok(Err(error)),
            }
        })
    }

    fn decorate<'a>(&'a self, _: &'a Cx, _: &'a mut response::Parts) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

impl Sts {
    async fn page(&self, http: &RequestHead) -> Result<Option<Value>> {
        let Some(issuer) = self.issuer_asked(http).await? else { return Ok(None) };
        let path = http.uri.path();
        if path.ends_with(DISCOVERY) {
            return Ok(Some(json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}{KEY_SET}"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES384"],
                "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub", "https://sts.amazonaws.com/"],
            })));
        }
        if !path.ends_with(KEY_SET) {
            return Ok(None);
        }
        let mut keys = Vec::new();
        for key in &self.shown_keys(&issuer).await? {
            keys.push(Signer::open(&self.platform.seal, key)?.jwk());
        }
        Ok(Some(json!({ "keys": keys })))
    }

    /// The issuer whose page a request is for, if there is such an issuer. Its id is the first label of the host, or what
    /// stands before `/.well-known/`.
    async fn issuer_asked(&self, http: &RequestHead) -> Result<Option<String>> {
        let by_path =
            http.uri.path().split_once("/.well-known/").and_then(|(start, _)| start.rsplit('/').next());
        let by_host = http.host().and_then(|host| host.split('.').next());
        let id = by_path.filter(|id| !id.is_empty()).or(by_host).unwrap_or_default();
        self.platform.directory().outbound_issuer_of(id).await
    }
}

fn answer(status: StatusCode, content: &Value) -> Response<ByteStream> {
    let mut answer = Response::new(ByteStream::from_bytes(content.to_string()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::OK {
        headers.insert(header::CACHE_CONTROL, KEPT);
    }
    answer
}
