//! Temporary credentials: STS makes them, the front door opens them, nothing is stored.
//!
//! The session token is a sealed record of who the caller is, the facts of the session, and the secret key, bound to
//! the access key id. Opening it costs one AES-GCM pass over a few hundred bytes; a front door that sees the same token
//! again may keep what it opened until `expires_at`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_base::{AccountId, Instant};
use haneul_bus::{Caller, Delegation, Federation, Principal, Session};
use haneul_env::Rng;

use crate::{Seal, access_key_id, seal};

/// What a client of STS is given.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expiration: Instant,
}

/// What was sealed in a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub secret_access_key: String,
    /// With its session and access key id.
    pub caller: Caller,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Not a token of this cloud, or not of this access key id.
    Invalid,
    /// It was good until `expires_at`.
    Expired,
}

const PURPOSE: &str = "session-token";
const FORM: u8 = 2;
/// Without federation and assumed root. Tokens of it may be around for 36 hours after an upgrade.
const FORM_BEFORE: u8 = 1;
const SECRET_BYTES: usize = 30;
/// A flag beside that of assumed root.
const DEFAULT_REGIONS_ONLY: u8 = 2;
/// A flag beside them: the ARN of an instance of S3 Access Grants follows at the end.
const ACCESS_GRANT: u8 = 4;
/// A flag beside them: the service on whose way the credentials are used follows after that.
const VIA: u8 = 8;
/// A flag beside them: who acts by delegation, and the policy of it, follow after that.
const DELEGATION: u8 = 16;

/// Makes credentials for `caller`, whose session says when they expire.
///
/// # Panics
/// When `caller` has no session.
pub fn issue(seal: &Seal, rng: &Rng, caller: Caller) -> Credentials {
    issue_of_size(seal, rng, caller, 0)
}

/// Longest token that [`issue_of_size`] is asked for, in characters (`MinimumSessionTokenSize` of STS).
pub const SIZE_MIN_MAX: usize = 4096;

/// As [`issue`], with a token of at least `size_min` characters, at most [`SIZE_MIN_MAX`]: for clients that want to find
/// out early whether they can store long ones.
///
/// # Panics
/// When `caller` has no session.
pub fn issue_of_size(seal: &Seal, rng: &Rng, mut caller: Caller, size_min: usize) -> Credentials {
    let access_key_id = access_key_id::new_key_id(access_key_id::TEMPORARY, caller.account, rng);
    let secret: [u8; SECRET_BYTES] = rng.bytes();
    caller.access_key_id = Some(access_key_id.clone());
    let session = caller.session.as_ref().expect("temporary credentials are of a session");
    let mut out = Writer(vec![FORM]);
    out.0.extend_from_slice(&secret);
    out.number(caller.account.number());
    out.principal(&caller.principal);
    out.session(session);
    // Three characters hold at least two bytes.
    let length = seal::length_of(out.0.len() + 1);
    let padding = size_min.min(SIZE_MIN_MAX).saturating_sub(length);
    out.number(padding as u64);
    out.0.resize(out.0.len() + padding, 0);
    Credentials {
        secret_access_key: STANDARD.encode(secret),
        session_token: seal.seal(&purpose(&access_key_id), &out.0),
        expiration: session.expires_at,
        access_key_id,
    }
}

/// Opens what [`issue`] made.
pub fn open(seal: &Seal, token: &str, access_key_id: &str, now: Instant) -> Result<Opened, TokenError> {
    let content = seal.open(&purpose(access_key_id), token).ok_or(TokenError::Invalid)?;
    let opened = read(&content, access_key_id).ok_or(TokenError::Invalid)?;
    let expires_at = opened.caller.session.as_ref().map(|session| session.expires_at);
    if expires_at.is_none_or(|at| at <= now) { Err(TokenError::Expired) } else { Ok(opened) }
}

/// What a trade-in token is sealed for: good for credentials of the caller in it, once whoever shows it is known.
const TRADE_IN: &str = "trade-in-token";
/// What the identity is sealed for that a delegation request was accepted by.
const APPROVER: &str = "delegation-approver";

/// Makes the token that a partner trades in for credentials of `caller`, whose session says until when and for whom.
///
/// # Panics
/// When `caller` has no session.
pub fn trade_in(seal: &Seal, caller: &Caller) -> String {
    seal_caller(seal, TRADE_IN, caller)
}

/// Opens what [`trade_in`] made.
pub fn open_trade_in(seal: &Seal, token: &str, now: Instant) -> Result<Caller, TokenError> {
    let caller = open_caller(seal, TRADE_IN, token).ok_or(TokenError::Invalid)?;
    let session = caller.session.as_ref().ok_or(TokenError::Invalid)?;
    if session.expires_at <= now { Err(TokenError::Expired) } else { Ok(caller) }
}

/// The caller as a record may keep it: who it was, and the facts of its session. Credentials are not in it.
pub fn keep_approver(seal: &Seal, caller: &Caller) -> String {
    let session = caller.session.clone().unwrap_or_default();
    seal_caller(seal, APPROVER, &Caller { session: Some(session), ..caller.clone() })
}

/// Whom [`keep_approver`] kept, always with a session.
pub fn kept_approver(seal: &Seal, kept: &str) -> Option<Caller> {
    open_caller(seal, APPROVER, kept)
}

fn seal_caller(seal: &Seal, purpose: &str, caller: &Caller) -> String {
    let session = caller.session.as_ref().expect("what is sealed is of a session");
    let mut out = Writer(vec![FORM]);
    out.number(caller.account.number());
    out.principal(&caller.principal);
    out.session(session);
    seal.seal(purpose, &out.0)
}

fn open_caller(seal: &Seal, purpose: &str, text: &str) -> Option<Caller> {
    let content = seal.open(purpose, text)?;
    let mut from = Reader(&content);
    if from.byte()? != FORM {
        return None;
    }
    let account = AccountId::new(from.number()?)?;
    let principal = from.principal()?;
    let mut session = from.session()?;
    from.rest_of_session(&mut session)?;
    let caller = Caller { account, principal, access_key_id: None, session: Some(session) };
    from.0.is_empty().then_some(caller)
}

fn purpose(access_key_id: &str) -> String {
    format!("{PURPOSE} {access_key_id}")
}

fn read(content: &[u8], access_key_id: &str) -> Option<Opened> {
    let mut from = Reader(content);
    let form = from.byte()?;
    if form != FORM && form != FORM_BEFORE {
        return None;
    }
    let secret = from.bytes(SECRET_BYTES)?;
    let account = AccountId::new(from.number()?)?;
    let principal = from.principal()?;
    let mut session = from.session()?;
    if form == FORM {
        from.rest_of_session(&mut session)?;
        let padding = usize::try_from(from.number()?).ok()?;
        from.bytes(padding)?;
    }
    let session = Some(session);
    let caller = Caller { account, principal, access_key_id: Some(access_key_id.to_owned()), session };
    from.0.is_empty().then(|| Opened { secret_access_key: STANDARD.encode(secret), caller })
}

/// Numbers as LEB128, texts with their length before them, options as zero or one before the value.
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn instant(&mut self, at: Instant) {
        self.number(at.millis() as u64);
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn texts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) {
        self.number(texts.len() as u64);
        texts.for_each(|text| self.text(text));
    }

    fn principal(&mut self, principal: &Principal) {
        let (kind, texts): (u8, Vec<&str>) = match principal {
            Principal::Root => (0, vec![]),
            Principal::User { path, name, id } => (1, vec![path, name, id]),
            Principal::Role { path, name, id, session_name } => (2, vec![path, name, id, session_name]),
            Principal::FederatedUser { name } => (3, vec![name]),
            Principal::Service { name } => (4, vec![name]),
            Principal::Anonymous => (5, vec![]),
        };
        self.0.push(kind);
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn session(&mut self, session: &Session) {
        self.instant(session.issued_at);
        self.instant(session.expires_at);
        self.option(session.policy.as_deref(), Writer::text);
        self.texts(session.policy_arns.iter().map(String::as_str));
        self.texts(session.tags.iter().map(|(key, _)| key.as_str()));
        session.tags.iter().for_each(|(_, value)| self.text(value));
        self.texts(session.transitive_tag_keys.iter().map(String::as_str));
        self.option(session.source_identity.as_deref(), Writer::text);
        self.option(session.mfa_at, Writer::instant);
        self.option(session.issuer.as_deref(), Writer::principal);
        let regions = if session.default_regions_only { DEFAULT_REGIONS_ONLY } else { 0 };
        let granted = if session.access_grants_instance.is_some() { ACCESS_GRANT } else { 0 };
        let via = if session.via.is_some() { VIA } else { 0 };
        let delegated = if session.delegation.is_some() { DELEGATION } else { 0 };
        self.0.push(u8::from(session.assumed_root) | regions | granted | via | delegated);
        self.option(session.federation.as_ref(), Writer::federation);
        if let Some(instance) = &session.access_grants_instance {
            self.text(instance);
        }
        if let Some(service) = &session.via {
            self.text(service);
        }
        if let Some(delegation) = &session.delegation {
            self.number(delegation.account.number());
            self.text(&delegation.policy);
        }
    }

    fn federation(&mut self, federation: &Federation) {
        self.text(&federation.provider);
        self.texts(federation.keys.iter().map(|(key, _)| key.as_str()));
        federation.keys.iter().for_each(|(_, values)| self.texts(values.iter().map(String::as_str)));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.bytes(length)?.to_vec()).ok()
    }

    fn instant(&mut self) -> Option<Instant> {
        self.number().map(|millis| Instant::from_millis(millis as i64))
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        let count = self.number()?;
        // Each text is at least one byte: a count beyond that cannot be honest.
        if count > self.0.len() as u64 {
            return None;
        }
        (0..count).map(|_| self.text()).collect()
    }

    fn principal(&mut self) -> Option<Principal> {
        Some(match self.byte()? {
            0 => Principal::Root,
            1 => Principal::User { path: self.text()?, name: self.text()?, id: self.text()? },
            2 => Principal::Role {
                path: self.text()?,
                name: self.text()?,
                id: self.text()?,
                session_name: self.text()?,
            },
            3 => Principal::FederatedUser { name: self.text()? },
            4 => Principal::Service { name: self.text()? },
            5 => Principal::Anonymous,
            _ => return None,
        })
    }

    fn session(&mut self) -> Option<Session> {
        let (issued_at, expires_at) = (self.instant()?, self.instant()?);
        let policy = self.option(Reader::text)?;
        let policy_arns = self.texts()?;
        let keys = self.texts()?;
        let tags = keys.into_iter().map(|key| Some((key, self.text()?))).collect::<Option<_>>()?;
        Some(Session {
            issued_at,
            expires_at,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys: self.texts()?,
            source_identity: self.option(Reader::text)?,
            mfa_at: self.option(Reader::instant)?,
            issuer: self.option(Reader::principal)?.map(Box::new),
            federation: None,
            assumed_root: false,
            default_regions_only: false,
            access_grants_instance: None,
            via: None,
            delegation: None,
        })
    }

    /// What came to sessions with [`FORM`].
    fn rest_of_session(&mut self, session: &mut Session) -> Option<()> {
        let flags = self.byte()?;
        session.assumed_root = flags & 1 != 0;
        session.default_regions_only = flags & DEFAULT_REGIONS_ONLY != 0;
        session.federation = self.option(Reader::federation)?;
        if flags & ACCESS_GRANT != 0 {
            session.access_grants_instance = Some(self.text()?);
        }
        if flags & VIA != 0 {
            session.via = Some(self.text()?);
        }
        if flags & DELEGATION != 0 {
            let account = AccountId::new(self.number()?)?;
            session.delegation = Some(Delegation { account, policy: self.text()? });
        }
        Some(())
    }

    fn federation(&mut self) -> Option<Federation> {
        let provider = self.text()?;
        let keys = self.texts()?;
        let keys = keys.into_iter().map(|key| Some((key, self.texts()?))).collect::<Option<_>>()?;
        Some(Federation { provider, keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        Caller {
            account: AccountId::new(123_456_789_012).unwrap(),
            principal: Principal::Role {
                path: "/a/".into(),
                name: "deploy".into(),
                id: "AROA2".into(),
                session_name: "ci".into(),
            },
            access_key_id: None,
            session: Some(Session {
                issued_at: Instant::from_secs(1000),
                expires_at: Instant::from_secs(4600),
                policy: Some(r#"{"Statement":[]}"#.into()),
                policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
                tags: vec![("Team".into(), "sky".into()), ("Empty".into(), String::new())],
                transitive_tag_keys: vec!["Team".into()],
                source_identity: Some("ann".into()),
                mfa_at: Some(Instant::from_secs(900)),
                issuer: Some(Box::new(Principal::User {
                    path: "/".into(),
                    name: "ann".into(),
                    id: "AIDA".into(),
                })),
                federation: Some(Federation {
                    provider: "arn:aws:iam::123456789012:oidc-provider/example.com".into(),
                    keys: vec![
                        ("example.com:sub".into(), vec!["ann".into()]),
                        ("example.com:amr".into(), vec!["a".into(), "b".into()]),
                    ],
                }),
                assumed_root: true,
                default_regions_only: true,
                access_grants_instance: Some(
                    "arn:aws:s3:us-east-1:123456789012:access-grants/default".into(),
                ),
                via: Some("s3-object-lambda.amazonaws.com".into()),
                delegation: Some(Delegation {
                    account: AccountId::new(210_987_654_321).unwrap(),
                    policy: r#"{"Statement":[]}"#.into(),
                }),
            }),
        }
    }

    #[test]
    fn a_token_is_as_long_as_was_asked_for() {
        let rng = Rng::seeded(1);
        let seal = Seal::new(&[1; 32], rng.clone());
        for size_min in [0, 100, 700, 1000, 4096] {
            let made = issue_of_size(&seal, &rng, caller(), size_min);
            assert!(made.session_token.len() >= size_min && made.session_token.len() < 6000);
            open(&seal, &made.session_token, &made.access_key_id, Instant::EPOCH).unwrap();
        }
    }

    #[test]
    fn a_token_of_the_form_before_opens() {
        let rng = Rng::seeded(1);
        let seal = Seal::new(&[1; 32], rng.clone());
        let mut old = caller();
        let session = old.session.as_mut().unwrap();
        (session.federation, session.assumed_root, session.default_regions_only) = (None, false, false);
        (session.access_grants_instance, session.via, session.delegation) = (None, None, None);
        let mut out = Writer(vec![FORM_BEFORE]);
        out.0.extend_from_slice(&[7; SECRET_BYTES]);
        out.number(old.account.number());
        out.principal(&old.principal);
        out.session(old.session.as_ref().unwrap());
        // Without assumed root and federation.
        out.0.truncate(out.0.len() - 2);
        let token = seal.seal(&purpose("ASIA"), &out.0);
        old.access_key_id = Some("ASIA".into());
        assert_eq!(open(&seal, &token, "ASIA", Instant::EPOCH).unwrap().caller, old);
    }

    #[test]
    fn what_was_issued_opens_until_it_expires() {
        let rng = Rng::seeded(1);
        let seal = Seal::new(&[1; 32], rng.clone());
        let made = issue(&seal, &rng, caller());
        let token = &made.session_token;
        let opened = open(&seal, token, &made.access_key_id, Instant::from_secs(4599)).unwrap();
        let expected = Caller { access_key_id: Some(made.access_key_id.clone()), ..caller() };
        assert_eq!(opened, Opened { secret_access_key: made.secret_access_key.clone(), caller: expected });
        assert_eq!(made.secret_access_key.len(), 40);
        assert_eq!(access_key_id::account_of(&made.access_key_id), Some(caller().account));
        let at = Instant::from_secs(4600);
        assert_eq!(open(&seal, token, &made.access_key_id, at), Err(TokenError::Expired));
        assert_eq!(open(&seal, token, "ASIAOTHER", at), Err(TokenError::Invalid));
        let other = issue(&seal, &rng, caller());
        assert_eq!(open(&seal, token, &other.access_key_id, Instant::EPOCH), Err(TokenError::Invalid));
        assert_eq!(open(&seal, "", &made.access_key_id, Instant::EPOCH), Err(TokenError::Invalid));
    }

    #[test]
    fn a_trade_in_token_is_no_session_token_and_expires() {
        let rng = Rng::seeded(1);
        let seal = Seal::new(&[1; 32], rng.clone());
        let token = trade_in(&seal, &caller());
        let before = Instant::from_secs(4599);
        assert_eq!(open_trade_in(&seal, &token, before), Ok(caller()));
        assert_eq!(open_trade_in(&seal, &token, Instant::from_secs(4600)), Err(TokenError::Expired));
        assert_eq!(open(&seal, &token, "ASIA", before), Err(TokenError::Invalid));
        let kept = keep_approver(&seal, &caller());
        assert_eq!(kept_approver(&seal, &kept), Some(caller()));
        assert_eq!(open_trade_in(&seal, &kept, before), Err(TokenError::Invalid));
        assert_eq!(kept_approver(&seal, &token), None);
        let root = keep_approver(&seal, &Caller::root(caller().account));
        assert_eq!(kept_approver(&seal, &root).unwrap().session, Some(Session::default()));
        let issued = issue(&seal, &rng, caller());
        assert_eq!(open_trade_in(&seal, &issued.session_token, before), Err(TokenError::Invalid));
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let mut content = vec![FORM];
            content.extend_from_slice(&bytes);
            let _ = read(&content, "ASIA");
        }
    }
}
