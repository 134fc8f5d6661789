use std::time::Duration;

use haneul_kit::{ApiError, Cx, Principal, Result, Session, session_token};
use haneul_sigv4::{Credentials, Signer, Timestamp};
use http::{HeaderMap, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::PRINCIPAL;
use crate::S3;

/// Where functions reach us from within their sandbox (`AWS_ENDPOINT_URL` there).
const ENDPOINT: &str = "http://127.0.0.1:4566";

/// How long the URL is good, as AWS's.
const GOOD_FOR: Duration = Duration::from_secs(61);

const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

impl S3 {
    /// A URL by which whoever has it reads through an access point as the caller, for a minute. `query` is encoded;
    /// `headers` have to be sent along.
    pub(super) fn input_url(
        &self,
        cx: &Cx,
        method: Method,
        (alias, key): (&str, &str),
        query: String,
        headers: &HeaderMap,
    ) -> Result<String> {
        let mut caller = cx.caller().clone();
        let until = cx.now() + GOOD_FOR;
        let session = match caller.session.take() {
            Some(session) => Session { expires_at: session.expires_at.min(until), ..session },
            None => Session {
                issued_at: cx.now(),
                expires_at: until,
                issuer: matches!(caller.principal, Principal::User { .. } | Principal::Root)
                    .then(|| Box::new(caller.principal.clone())),
                ..Session::default()
            },
        };
        caller.session = Some(Session { via: Some(PRINCIPAL.to_owned()), ..session });
        let platform = &self.platform;
        let made = session_token::issue(&platform.seal, &platform.env.rng, caller);
        let credentials = Credentials {
            access_key_id: &made.access_key_id,
            secret_access_key: &made.secret_access_key,
            session_token: Some(&made.session_token),
        };
        let path = utf8_percent_encode(key, KEY);
        let mark = if query.is_empty() { "" } else { "?" };
        let uri: Uri =
            format!("{ENDPOINT}/{alias}/{path}{mark}{query}").parse().map_err(ApiError::internal)?;
        let now = Timestamp::from_unix_s(cx.now().secs());
        let signer = Signer::new(credentials, cx.region().as_str(), "s3", now);
        let signed = signer.presign(&method, &uri, headers, GOOD_FOR.as_secs() as u32);
        Ok(signed.map_err(ApiError::internal)?.to_string())
    }
}
