use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_base::{AccountId, Instant, Region};
use haneul_kit::session_token::{self, Opened, TokenError};
use haneul_kit::{AccessKey, ApiError, Caller, Platform};
use haneul_sigv4::{
    AuthError, Body, Family, PayloadVerifier, PresignedV2, RequestAuth, RequestParts, SKEW_S_MAX, SigV4,
    Timestamp, Verifier,
};
use haneul_wire::Protocol;
use parking_lot::Mutex;

use crate::catalog::{Entry, same_signing_name};

/// Signing keys and opened session tokens that are kept; each is some 500 bytes.
const SIGNING_KEYS_MAX: usize = 4096;
const TOKENS_MAX: usize = 1024;

/// Finds out who signed a request.
pub struct Authn {
    verifier: Verifier,
    tokens: Mutex<HashMap<Box<str>, Arc<Opened>>>,
}

/// Who calls, and how the body is to be checked.
pub struct Known {
    pub caller: Caller,
    pub payload: PayloadVerifier,
}

/// What the service that was asked makes of signatures.
pub struct Terms<'a> {
    pub family: Family,
    /// The service that a signature has to be scoped to, where the service is known.
    pub signing_name: Option<&'a str>,
    /// Whether policies may let in who does not sign.
    pub anonymous: bool,
    /// The Region that the call is for, where it is known.
    pub region: Option<Region>,
    /// The bucket that the host names.
    pub bucket: Option<&'a str>,
    /// Whether the Region is one where S3 takes URLs signed with version 2.
    pub takes_v2: bool,
    /// The service whose API keys are taken instead of signatures (`Authorization: Bearer …`).
    pub api_keys: Option<&'a str>,
}

/// A credential, found by its id.
enum Credential {
    LongLived(Arc<AccessKey>),
    Temporary(Arc<Opened>),
}

#[derive(Clone, Copy)]
enum Problem {
    UnknownKey,
    InvalidToken,
    ExpiredToken,
    /// Its account was closed.
    Suspended,
}

impl Default for Authn {
    fn default() -> Authn {
        Authn { verifier: Verifier::new(SIGNING_KEYS_MAX), tokens: Mutex::default() }
    }
}

impl Authn {
    /// Who made this request.
    ///
    /// # Errors
    /// The refusal, in the family's words.
    pub async fn identify(
        &self,
        platform: &Platform,
        auth: Result<RequestAuth<'_>, AuthError>,
        request: &RequestParts<'_>,
        body: Body,
        terms: &Terms<'_>,
        now: Instant,
    ) -> Result<Known, ApiError> {
        let relaxed = platform.config.relaxed;
        let refuse = |error: AuthError| api_error(&error, terms.family);
        match auth {
            Ok(RequestAuth::Anonymous) if terms.anonymous => {
                let payload = PayloadVerifier::anonymous(request.headers).map_err(refuse)?;
                Ok(Known { caller: Caller::anonymous(AccountId::DEFAULT), payload })
            }
            Ok(RequestAuth::Anonymous) => Err(refuse(AuthError::MissingAuthentication)),
            Ok(RequestAuth::SigV4(signature)) if relaxed => {
                let caller = self.believe(platform, &signature, now).await?;
                let payload = PayloadVerifier::unchecked(request.headers).map_err(refuse)?;
                Ok(Known { caller, payload })
            }
            Ok(RequestAuth::SigV4(signature)) => {
                self.verify(platform, &signature, request, body, terms, now).await
            }
            Ok(RequestAuth::Other { header }) if terms.api_keys.is_some() => {
                let Some(key) = bearer(header) else {
                    return Err(refuse(AuthError::UnsupportedScheme { header: header.to_owned() }));
                };
                let service = terms.api_keys.unwrap_or_default();
                let caller = match api_key_caller(platform, service, key, now).await? {
                    Err(_) if relaxed => Caller::root(AccountId::DEFAULT),
                    Err(problem) => {
                        return Err(problem.in_words(terms.family, "").with_status(UNAUTHORIZED));
                    }
                    Ok(caller) => caller,
                };
                let payload = PayloadVerifier::unchecked(request.headers).map_err(refuse)?;
                Ok(Known { caller, payload })
            }
            Ok(RequestAuth::SigV2 { access_key_id, .. }) if relaxed => {
                let payload = PayloadVerifier::unchecked(request.headers).map_err(refuse)?;
                Ok(Known { caller: root_by_id(&access_key_id), payload })
            }
            Ok(RequestAuth::PresignedV2(signature)) if relaxed => {
                let id = &signature.access_key_id;
                let found = self.find(platform, id, signature.security_token.as_deref(), now).await?;
                let caller = found.map_or_else(|_| root_by_id(id), |credential| credential.caller(id));
                let payload = PayloadVerifier::unchecked(request.headers).map_err(refuse)?;
                Ok(Known { caller, payload })
            }
            Ok(RequestAuth::PresignedV2(signature)) if terms.family == Family::S3 && terms.takes_v2 => {
                self.verify_v2(platform, &signature, request, terms, now).await
            }
            Ok(other) => Err(refuse(other.unsupported().unwrap_or(AuthError::MissingAuthentication))),
            Err(error) => Err(refuse(error)),
        }
    }

    async fn verify(
        &self,
        platform: &Platform,
        signature: &SigV4<'_>,
        request: &RequestParts<'_>,
        body: Body,
        terms: &Terms<'_>,
        now: Instant,
    ) -> Result<Known, ApiError> {
        let refuse = |error: AuthError| api_error(&error, terms.family);
        if let Some(name) = terms.signing_name
            && !same_signing_name(name, signature.credential.service())
        {
            signature.expect_service(name).map_err(refuse)?;
        }
        let id = signature.credential.access_key_id();
        let credential = self.good(platform, id, signature.security_token.as_deref(), terms, now).await?;
        if credential.is_of_default_regions() && terms.region.is_some_and(Region::opt_in) {
            return Err(Problem::InvalidToken.in_words(terms.family, id));
        }
        let at = signing_time(platform, signature, now);
        let verified =
            self.verifier.verify(signature, request, credential.secret(), body, at).map_err(refuse)?;
        let payload = PayloadVerifier::new(signature, &verified, request.headers).map_err(refuse)?;
        Ok(Known { caller: credential.caller(id), payload })
    }

    async fn verify_v2(
        &self,
        platform: &Platform,
        signature: &PresignedV2<'_>,
        request: &RequestParts<'_>,
        terms: &Terms<'_>,
        now: Instant,
    ) -> Result<Known, ApiError> {
        let refuse = |error: AuthError| api_error(&error, terms.family);
        let ends_at = signature.ends_at().map_err(refuse)?;
        let id = &*signature.access_key_id;
        let credential = self.good(platform, id, signature.security_token.as_deref(), terms, now).await?;
        signature.verify(request, terms.bucket, credential.secret()).map_err(refuse)?;
        // The time is the client's, which the cloud's may be ahead of; when it was signed is not said.
        let end = Instant::from_secs(ends_at.unix_s());
        let by_host = platform.env.clock.at_host_time(end).unwrap_or(end);
        if now > end.max(by_host) {
            let now = Timestamp::from_unix_s(now.secs());
            return Err(refuse(AuthError::V2Expired { ends_at, now }));
        }
        let payload = PayloadVerifier::anonymous(request.headers).map_err(refuse)?;
        Ok(Known { caller: credential.caller(id), payload })
    }

    /// The credential of a key that may be used.
    async fn good(
        &self,
        platform: &Platform,
        id: &str,
        token: Option<&str>,
        terms: &Terms<'_>,
        now: Instant,
    ) -> Result<Credential, ApiError> {
        let found = self.find(platform, id, token, now).await?;
        let credential = found.map_err(|problem| problem.in_words(terms.family, id))?;
        if platform.standing(credential.account()).await?.is_some_and(|standing| standing.suspended) {
            return Err(Problem::Suspended.in_words(terms.family, id));
        }
        Ok(credential)
    }

    /// Who a request says that it is from, for a cloud that checks no signatures.
    async fn believe(
        &self,
        platform: &Platform,
        signature: &SigV4<'_>,
        now: Instant,
    ) -> Result<Caller, ApiError> {
        let id = signature.credential.access_key_id();
        Ok(match self.find(platform, id, signature.security_token.as_deref(), now).await? {
            Ok(credential) => credential.caller(id),
            Err(_) => root_by_id(id),
        })
    }

    async fn find(
        &self,
        platform: &Platform,
        id: &str,
        token: Option<&str>,
        now: Instant,
    ) -> Result<Result<Credential, Problem>, ApiError> {
        if let Some(token) = token {
            return Ok(self.open(platform, token, id, now).map(Credential::Temporary));
        }
        let key = platform.directory().access_key(id).await?;
        Ok(match key {
            Some(key) if key.active => Ok(Credential::LongLived(key)),
            _ => Err(Problem::UnknownKey),
        })
    }

    fn open(&self, platform: &Platform, token: &str, id: &str, now: Instant) -> Result<Arc<Opened>, Problem> {
        let kept = self.tokens.lock().get(token).cloned();
        if let Some(opened) = kept {
            if opened.caller.access_key_id.as_deref() != Some(id) {
                return Err(Problem::InvalidToken);
            }
            let good = opened.caller.session.as_ref().is_some_and(|session| now < session.expires_at);
            return if good { Ok(opened) } else { Err(Problem::ExpiredToken) };
        }
        match session_token::open(&platform.seal, token, id, now) {
            Ok(opened) => {
                let opened = Arc::new(opened);
                let mut tokens = self.tokens.lock();
                // Whole generations go at once: opening one again costs a few microseconds.
                if tokens.len() >= TOKENS_MAX {
                    tokens.clear();
                }
                tokens.insert(token.into(), opened.clone());
                Ok(opened)
            }
            Err(TokenError::Expired) => Err(Problem::ExpiredToken),
            Err(TokenError::Invalid) => Err(Problem::InvalidToken),
        }
    }
}

/// What HTTP endpoints that take API keys answer to one that is not good.
const UNAUTHORIZED: u16 = 401;

/// The token of an `Authorization: Bearer …` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn api_key_caller(
    platform: &Platform,
    service: &str,
    key: &str,
    now: Instant,
) -> Result<Result<Caller, Problem>, ApiError> {
    let Some(found) = platform.directory().api_key(service, key).await? else {
        return Ok(Err(Problem::InvalidToken));
    };
    if platform.standing(found.caller.account).await?.is_some_and(|standing| standing.suspended) {
        return Ok(Err(Problem::Suspended));
    }
    Ok(match found.expires_at {
        _ if !found.active => Err(Problem::InvalidToken),
        Some(at) if at <= now => Err(Problem::ExpiredToken),
        _ => Ok(found.caller),
    })
}

impl Credential {
    fn secret(&self) -> &str {
        match self {
            Credential::LongLived(key) => &key.secret,
            Credential::Temporary(opened) => &opened.secret_access_key,
        }
    }

    fn account(&self) -> AccountId {
        match self {
            Credential::LongLived(key) => key.caller.account,
            Credential::Temporary(opened) => opened.caller.account,
        }
    }

    fn is_of_default_regions(&self) -> bool {
        match self {
            Credential::LongLived(_) => false,
            Credential::Temporary(opened) => {
                opened.caller.session.as_ref().is_some_and(|session| session.default_regions_only)
            }
        }
    }

    fn caller(&self, id: &str) -> Caller {
        let mut caller = match self {
            Credential::LongLived(key) => key.caller.clone(),
            Credential::Temporary(opened) => opened.caller.clone(),
        };
        caller.access_key_id.get_or_insert_with(|| id.to_owned());
        caller
    }
}

impl Problem {
    /// Sources: "Common errors" of the API references of S3, IAM, EC2, DynamoDB and Lambda.
    fn in_words(self, family: Family, id: &str) -> ApiError {
        const INVALID: &str = "The security token included in the request is invalid.";
        const EXPIRED: &str = "The security token included in the request is expired";
        let status = match family {
            Family::Json => 400,
            Family::Ec2 => 401,
            _ => 403,
        };
        match (family, self) {
            (Family::S3, Problem::UnknownKey) => {
                let message = "The AWS Access Key Id you provided does not exist in our records.";
                ApiError::new("InvalidAccessKeyId", message).with_status(403).with_field("AWSAccessKeyId", id)
            }
            (Family::S3, Problem::InvalidToken) => {
                ApiError::new("InvalidToken", "The provided token is malformed or otherwise invalid.")
                    .with_status(400)
            }
            (Family::S3, Problem::ExpiredToken) => {
                ApiError::new("ExpiredToken", "The provided token has expired.").with_status(400)
            }
            (Family::S3, Problem::Suspended) => {
                let message = "There is a problem with your AWS account that prevents the operation from completing \
                               successfully. Contact AWS Support for further assistance.";
                ApiError::new("AccountProblem", message).with_status(403)
            }
            (Family::Ec2, Problem::Suspended) => {
                let message = "Your account is currently blocked. Contact AWS Support if you have questions.";
                ApiError::new("Blocked", message).with_status(403)
            }
            (Family::Ec2, Problem::ExpiredToken) => {
                ApiError::new("RequestExpired", "Request has expired.").with_status(400)
            }
            (Family::Ec2, _) => {
                let message = "AWS was not able to validate the provided access credentials";
                ApiError::new("AuthFailure", message).with_status(status)
            }
            (Family::Query, Problem::ExpiredToken) => {
                ApiError::new("ExpiredToken", EXPIRED).with_status(status)
            }
            (Family::Query, _) => ApiError::new("InvalidClientTokenId", INVALID).with_status(status),
            (_, Problem::ExpiredToken) => ApiError::new("ExpiredTokenException", EXPIRED).with_status(status),
            (_, _) => ApiError::new("UnrecognizedClientException", INVALID).with_status(status),
        }
    }
}

/// Signatures are dated to the second, cut off: one of the second in which the clock was moved may be of after it.
const WITHIN_A_SECOND: Duration = Duration::from_millis(999);

/// Now, by the clock that the request was signed by.
///
/// A client signs by the host's time, which the cloud's may be far ahead of. What counts is how much of the cloud's time
/// has passed since: a URL that was good for an hour expires when the cloud is moved by a day, and one signed after that
/// is good. A client that has followed our `Date` signs by the cloud's time; it is known by being ahead of the host.
fn signing_time(platform: &Platform, signature: &SigV4<'_>, now: Instant) -> Timestamp {
    let signed = Instant::from_secs(signature.timestamp.unix_s());
    let latest = signed + WITHIN_A_SECOND;
    let by_host = platform.env.clock.at_host_time(latest).map(|at_signing| {
        let moved_ms = at_signing.millis() - latest.millis();
        Instant::from_millis(now.millis() - moved_ms)
    });
    let skew = Duration::from_secs(SKEW_S_MAX as u64);
    let at = by_host.filter(|by_host| signed <= *by_host + skew).unwrap_or(now);
    Timestamp::from_unix_s(at.secs())
}

/// The root user of the account whose number the id is, or of the default one.
fn root_by_id(id: &str) -> Caller {
    let mut caller = Caller::root(id.parse().unwrap_or(AccountId::DEFAULT));
    caller.access_key_id = Some(id.to_owned());
    caller
}

/// Whose words a refusal is put in.
pub fn family_of(entry: Option<&Entry>, protocol: Protocol) -> Family {
    match protocol {
        Protocol::RestXml if entry.is_none_or(Entry::is_s3) => Family::S3,
        Protocol::Ec2Query => Family::Ec2,
        Protocol::AwsQuery | Protocol::RestXml => Family::Query,
        Protocol::RestJson => Family::RestJson,
        Protocol::AwsJson | Protocol::RpcV2Cbor if entry.is_some_and(|e| e.facts.query_compatible) => {
            Family::Query
        }
        Protocol::AwsJson | Protocol::RpcV2Cbor => Family::Json,
    }
}

/// A refusal of a signature or of a signed body as the family answers it.
pub fn api_error(error: &AuthError, family: Family) -> ApiError {
    let reply = error.render(family);
    let api = ApiError::new(reply.code, reply.message).with_status(reply.status);
    reply.details.into_iter().fold(api, |api, (name, value)| api.with_field(name, value))
}
