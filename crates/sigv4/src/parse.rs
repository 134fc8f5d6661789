//! What a request carries to authenticate itself, read without verifying any of it.

use std::borrow::Cow;

use http::header;

use crate::asymmetric::{ALGORITHM, has_region};
use crate::credential::Credential;
use crate::encode::decode_query;
use crate::error::{AuthError, Carrier, ExpiresProblem};
use crate::payload::PayloadHash;
use crate::request::{
    RequestParts, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_REGION_SET, X_AMZ_S3SESSION_TOKEN,
    X_AMZ_SECURITY_TOKEN,
};
use crate::timestamp::Timestamp;
use crate::v2::PresignedV2;

/// A presigned URL is valid for a week at most.
pub const EXPIRES_S_MAX: i64 = 604_800;
/// What a request without `X-Amz-Expires` gets outside S3.
const EXPIRES_S_DEFAULT: i64 = 900;
/// More signed headers than any request needs; each costs a look-up.
const SIGNED_HEADERS_MAX: usize = 256;

/// What a request carries. (S3 POST forms carry theirs in the body: see [`PostForm`](crate::PostForm).)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestAuth<'a> {
    /// Nothing.
    Anonymous,
    /// Signature version 4 or 4A, in the header or in the query.
    SigV4(SigV4<'a>),
    /// Signature version 2 in the header: to be refused with [`AuthError::SigV2`].
    SigV2 { access_key_id: Cow<'a, str>, carrier: Carrier },
    /// Signature version 2 in the query, which S3 takes in some Regions; to be refused like the other elsewhere.
    PresignedV2(PresignedV2<'a>),
    /// An `Authorization` header of another scheme (`Bearer …`), which some services have a use for; others refuse it
    /// with [`AuthError::UnsupportedScheme`].
    Other { header: &'a str },
}

/// A signature version 4 and what it says of itself; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigV4<'a> {
    pub carrier: Carrier,
    pub credential: Credential<'a>,
    /// Lower-case header names, separated by semicolons, as given.
    pub signed_headers: Cow<'a, str>,
    /// As given; 64 lower-case hexadecimal digits when it is right.
    pub signature: Cow<'a, str>,
    /// From `X-Amz-Date`, or `Date`.
    pub timestamp: Timestamp,
    /// How long a presigned request is valid, in seconds from `timestamp`; `None` in the header form.
    pub expires_s: Option<i64>,
    /// The session token, whether signed or added after signing.
    pub security_token: Option<Cow<'a, str>>,
    pub payload: PayloadHash,
    /// Of version 4A: the Regions that it is for, as given.
    pub region_set: Option<Cow<'a, str>>,
    /// The text that `payload` was read from.
    pub(crate) payload_text: Option<Cow<'a, str>>,
}

impl<'a> RequestAuth<'a> {
    /// Reads what the request carries.
    ///
    /// # Errors
    /// What cannot be read as any of the mechanisms: `SeveralMechanisms`, `NotKeyValue`, `MissingComponents`,
    /// `MissingParameters`, `CredentialMalformed`, `WrongTerminator`, `ScopeDateMalformed`, `MissingDate`,
    /// `DateMalformed`, `ExpiresInvalid`, `UnsupportedAlgorithm`.
    pub fn parse(request: &RequestParts<'a>) -> Result<Self, AuthError> {
        let query = QueryAuth::collect(request);
        let Some(value) = request.headers.get(header::AUTHORIZATION) else {
            return query.parse(request);
        };
        let several = request.headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some();
        if several || query.is_sigv4() || query.is_sigv2() {
            return Err(AuthError::SeveralMechanisms);
        }
        let Ok(value) = value.to_str() else {
            return Err(AuthError::UnsupportedScheme {
                header: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            });
        };
        let (scheme, rest) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
        match scheme {
            "AWS4-HMAC-SHA256" => parse_header(value, rest, request, false).map(Self::SigV4),
            ALGORITHM => parse_header(value, rest, request, true).map(Self::SigV4),
            "AWS" => {
                let access_key_id = rest.trim().split(':').next().unwrap_or_default();
                Ok(Self::SigV2 { access_key_id: Cow::Borrowed(access_key_id), carrier: Carrier::Header })
            }
            _ => Ok(Self::Other { header: value }),
        }
    }

    /// The signature of version 4, if it carries one.
    pub fn sigv4(&self) -> Option<&SigV4<'a>> {
        match self {
            Self::SigV4(signature) => Some(signature),
            _ => None,
        }
    }

    /// Whether it is a presigned URL's.
    pub fn is_in_query(&self) -> bool {
        match self {
            Self::SigV4(signature) => signature.carrier == Carrier::Query,
            Self::PresignedV2(_) => true,
            _ => false,
        }
    }

    /// The refusal of what is not supported; `None` for what may go on (`SigV4`, `Anonymous`).
    pub fn unsupported(&self) -> Option<AuthError> {
        match self {
            Self::Anonymous | Self::SigV4(_) => None,
            Self::SigV2 { .. } | Self::PresignedV2(_) => Some(AuthError::SigV2),
            Self::Other { header } => Some(AuthError::UnsupportedScheme { header: (*header).to_owned() }),
        }
    }
}

impl SigV4<'_> {
    /// Whether it is one of version 4A.
    pub fn is_asymmetric(&self) -> bool {
        self.region_set.is_some()
    }

    /// Whether a signature of version 4A is for a Region.
    pub fn is_for_region(&self, region: &str) -> bool {
        self.region_set.as_deref().is_some_and(|set| has_region(set, region))
    }

    /// Whether [`Verifier::verify`](crate::Verifier::verify) needs the SHA-256 of the body: outside S3, unless the
    /// request says that its payload is not signed or signed in pieces.
    pub fn needs_body_hash(&self) -> bool {
        !self.credential.is_s3() && matches!(self.payload, PayloadHash::Absent | PayloadHash::Invalid)
    }

    /// # Errors
    /// [`AuthError::WrongRegion`] when the credential is scoped to another region.
    pub fn expect_region(&self, region: &str) -> Result<(), AuthError> {
        if self.credential.region() == region {
            return Ok(());
        }
        Err(AuthError::WrongRegion {
            carrier: self.carrier,
            region: self.credential.region().to_owned(),
            expected: region.to_owned(),
        })
    }

    /// # Errors
    /// [`AuthError::WrongService`] when the credential is scoped to another service.
    pub fn expect_service(&self, service: &str) -> Result<(), AuthError> {
        if self.credential.service() == service {
            return Ok(());
        }
        Err(AuthError::WrongService {
            carrier: self.carrier,
            service: self.credential.service().to_owned(),
            expected: service.to_owned(),
        })
    }
}

fn parse_header<'a>(
    whole: &str,
    rest: &'a str,
    request: &RequestParts<'a>,
    asymmetric: bool,
) -> Result<SigV4<'a>, AuthError> {
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for piece in rest.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let Some((name, value)) = piece.split_once('=') else {
            return Err(AuthError::NotKeyValue { header: whole.to_owned() });
        };
        match name.trim() {
            "Credential" => credential = Some(value.trim()),
            "SignedHeaders" => signed_headers = Some(value.trim()),
            "Signature" => signature = Some(value.trim()),
            _ => {}
        }
    }
    let dates = (request.headers.get(X_AMZ_DATE), request.headers.get(header::DATE));
    let (Some(credential), Some(signed_headers), Some(signature)) = (
        credential.filter(|c| !c.is_empty()),
        signed_headers.filter(|s| !s.is_empty()),
        signature.filter(|s| !s.is_empty()),
    ) else {
        return Err(AuthError::MissingComponents {
            credential: credential.is_none_or(str::is_empty),
            signature: signature.is_none_or(str::is_empty),
            signed_headers: signed_headers.is_none_or(str::is_empty),
            date: matches!(dates, (None, None)),
            header: whole.to_owned(),
        });
    };
    if !are_header_names(signed_headers) {
        return Err(AuthError::NotKeyValue { header: whole.to_owned() });
    }
    let credential = if asymmetric {
        Credential::parse_without_region(Cow::Borrowed(credential), Carrier::Header)?
    } else {
        Credential::parse(Cow::Borrowed(credential), Carrier::Header)?
    };
    // An absent set is an empty one, which is for no Region.
    let region_set = asymmetric.then(|| Cow::Borrowed(request.header(&X_AMZ_REGION_SET).unwrap_or_default()));
    let timestamp = match dates {
        (Some(date), _) => date.to_str().ok().and_then(Timestamp::parse_basic),
        (None, Some(date)) => date
            .to_str()
            .ok()
            .and_then(|d| Timestamp::parse_http_date(d).or_else(|| Timestamp::parse_basic(d))),
        (None, None) => return Err(AuthError::MissingDate),
    };
    let timestamp = timestamp.ok_or_else(|| AuthError::DateMalformed {
        carrier: Carrier::Header,
        date: dates
            .0
            .or(dates.1)
            .map(|d| String::from_utf8_lossy(d.as_bytes()).into_owned())
            .unwrap_or_default(),
    })?;
    let payload_text = request.header(&X_AMZ_CONTENT_SHA256).map(Cow::Borrowed);
    Ok(SigV4 {
        carrier: Carrier::Header,
        credential,
        signed_headers: Cow::Borrowed(signed_headers),
        signature: Cow::Borrowed(signature),
        timestamp,
        expires_s: None,
        security_token: token_header(request),
        payload: payload_of(payload_text.as_deref()),
        region_set,
        payload_text,
    })
}

/// A list of header names and nothing else: a newline (from a query) could forge lines of the canonical request.
fn are_header_names(list: &str) -> bool {
    let (mut separators, mut all_good) = (0, true);
    for byte in list.bytes() {
        separators += usize::from(byte == b';');
        all_good &= IN_HEADER_NAMES[usize::from(byte)];
    }
    all_good && separators < SIGNED_HEADERS_MAX
}

/// Letters and digits, what else a token may have (RFC 9110, section 5.6.2), and the separator.
const IN_HEADER_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let more = b"-_;.!#$%&'*+^`|~";
    let mut at = 0;
    while at < table.len() {
        table[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    at = 0;
    while at < more.len() {
        table[more[at] as usize] = true;
        at += 1;
    }
    table
};

fn token_header<'a>(request: &RequestParts<'a>) -> Option<Cow<'a, str>> {
    let token = request.header(&X_AMZ_SECURITY_TOKEN).or_else(|| request.header(&X_AMZ_S3SESSION_TOKEN))?;
    Some(Cow::Borrowed(token))
}

fn payload_of(text: Option<&str>) -> PayloadHash {
    text.map_or(PayloadHash::Absent, PayloadHash::parse)
}

/// The authentication parameters of a query, still encoded.
#[derive(Default)]
struct QueryAuth<'a> {
    algorithm: Option<&'a str>,
    credential: Option<&'a str>,
    date: Option<&'a str>,
    expires: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
    token: Option<&'a str>,
    content_sha256: Option<&'a str>,
    region_set: Option<&'a str>,
    v2_access_key_id: Option<&'a str>,
    v2_signature: Option<&'a str>,
    v2_expires: Option<&'a str>,
}

impl<'a> QueryAuth<'a> {
    fn collect(request: &RequestParts<'a>) -> Self {
        let mut found = Self::default();
        if request.query.is_none() {
            return found;
        }
        for (name, value) in request.query_pairs() {
            // The first one counts, should a name come twice; the signature covers both.
            let slot = match name.as_bytes() {
                [b'X' | b'x', b'-' | b'%', ..] => match &*decode_query(name).to_ascii_lowercase() {
                    "x-amz-algorithm" => &mut found.algorithm,
                    "x-amz-credential" => &mut found.credential,
                    "x-amz-date" => &mut found.date,
                    "x-amz-expires" => &mut found.expires,
                    "x-amz-signedheaders" => &mut found.signed_headers,
                    "x-amz-signature" => &mut found.signature,
                    "x-amz-security-token" | "x-amz-s3session-token" => &mut found.token,
                    "x-amz-content-sha256" => &mut found.content_sha256,
                    "x-amz-region-set" => &mut found.region_set,
                    _ => continue,
                },
                b"AWSAccessKeyId" => &mut found.v2_access_key_id,
                b"Signature" => &mut found.v2_signature,
                b"Expires" => &mut found.v2_expires,
                _ => continue,
            };
            slot.get_or_insert(value);
        }
        found
    }

    fn is_sigv4(&self) -> bool {
        self.algorithm.is_some() || self.credential.is_some() || self.signature.is_some()
    }

    fn is_sigv2(&self) -> bool {
        self.v2_access_key_id.is_some() && self.v2_signature.is_some()
    }

    fn parse(self, request: &RequestParts<'a>) -> Result<RequestAuth<'a>, AuthError> {
        if !self.is_sigv4() {
            return Ok(match (self.v2_access_key_id, self.v2_signature) {
                (Some(id), Some(signature)) => RequestAuth::PresignedV2(PresignedV2 {
                    access_key_id: decode_query(id),
                    signature: decode_query(signature),
                    expires: self.v2_expires.map(decode_query),
                    security_token: self.token.map(decode_query).or_else(|| token_header(request)),
                }),
                _ => RequestAuth::Anonymous,
            });
        }
        match self.algorithm.map(decode_query).as_deref() {
            Some("AWS4-HMAC-SHA256") | None => self.sigv4(request, false).map(RequestAuth::SigV4),
            Some(ALGORITHM) => self.sigv4(request, true).map(RequestAuth::SigV4),
            Some(_) => Err(AuthError::UnsupportedAlgorithm),
        }
    }

    fn sigv4(self, request: &RequestParts<'a>, asymmetric: bool) -> Result<SigV4<'a>, AuthError> {
        let credential = match self.credential {
            Some(text) if asymmetric => {
                Some(Credential::parse_without_region(decode_query(text), Carrier::Query)?)
            }
            Some(text) => Some(Credential::parse(decode_query(text), Carrier::Query)?),
            None => None,
        };
        // Only S3 insists on an expiry.
        let is_s3 = credential.as_ref().is_none_or(Credential::is_s3);
        let (Some(_), Some(credential), Some(date), Some(signed_headers), Some(signature), true) = (
            self.algorithm,
            credential,
            self.date,
            self.signed_headers.filter(|s| !s.is_empty()),
            self.signature.filter(|s| !s.is_empty()),
            self.expires.is_some() || !is_s3,
        ) else {
            return Err(self.missing(is_s3));
        };
        let signed_headers = decode_query(signed_headers);
        if !are_header_names(&signed_headers) {
            return Err(AuthError::MissingParameters { missing: vec!["X-Amz-SignedHeaders"] });
        }
        let date = decode_query(date);
        let timestamp = Timestamp::parse_basic(&date)
            .ok_or_else(|| AuthError::DateMalformed { carrier: Carrier::Query, date: date.into_owned() })?;
        let expires_s = match self.expires {
            Some(text) => parse_expires(&decode_query(text))?,
            None => EXPIRES_S_DEFAULT,
        };
        let payload_text = match self.content_sha256 {
            Some(text) => Some(decode_query(text)),
            None => request.header(&X_AMZ_CONTENT_SHA256).map(Cow::Borrowed),
        };
        Ok(SigV4 {
            carrier: Carrier::Query,
            credential,
            signed_headers,
            signature: decode_query(signature),
            timestamp,
            expires_s: Some(expires_s),
            security_token: self.token.map(decode_query).or_else(|| token_header(request)),
            payload: payload_of(payload_text.as_deref()),
            region_set: asymmetric.then(|| self.region_set.map(decode_query).unwrap_or_default()),
            payload_text,
        })
    }

    fn missing(&self, is_s3: bool) -> AuthError {
        let all = [
            ("X-Amz-Algorithm", self.algorithm),
            ("X-Amz-Credential", self.credential),
            ("X-Amz-Signature", self.signature),
            ("X-Amz-Date", self.date),
            ("X-Amz-SignedHeaders", self.signed_headers),
            ("X-Amz-Expires", if is_s3 { self.expires } else { Some("") }),
        ];
        AuthError::MissingParameters {
            missing: all.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect(),
        }
    }
}

fn parse_expires(text: &str) -> Result<i64, AuthError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let problem = if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        ExpiresProblem::NotANumber
    } else if digits.len() != text.len() {
        ExpiresProblem::Negative
    } else {
        match text.parse() {
            Ok(seconds) if (0..=EXPIRES_S_MAX).contains(&seconds) => return Ok(seconds),
            _ => ExpiresProblem::MoreThanAWeek,
        }
    };
    Err(AuthError::ExpiresInvalid(problem))
}
