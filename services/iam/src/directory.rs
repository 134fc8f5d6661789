//! Who exists and what they may do, for every request of the cloud: [`Directory`] over IAM's tables, from memory.
//!
//! An entry remembers the versions of the tables that it was made from. As long as none of them moved, every change
//! that was acknowledged is in the entry; the first call after a change reads the tables again. So a policy that is
//! taken away is gone with the next request, and the path of a request is one lookup and one comparison.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_iam_wire::values::assertion_encryption_mode_type::REQUIRED;
use haneul_kit::access_key_id::account_of;
use haneul_kit::directory::NamedPolicy;
use haneul_kit::{
    AccessKey, AccountId, ApiKey, Arn, BoxFuture, Caller, Directory, Env, Instant, OidcProvider, Platform,
    Policy, Principal, PrincipalPolicies, Result, Role, RootAccess, SamlProvider, ServiceUse,
};
use haneul_store::{Reads, Snapshot, TableVersion};
use parking_lot::RwLock;

use crate::last_used::LastUsed;
use crate::model::{self, ACCESS_KEYS, Entity, GROUPS, POLICIES, ROLES, USERS, User};
use crate::store::entities::{self, Identity};
use crate::store::{State, key, policies, providers};
use crate::{document, last_accessed, managed, service_credential};

/// Entries of each kind. When there are more, all are dropped: simple, and rare.
const ENTRIES_MAX: usize = 20_000;

pub(crate) struct Cache {
    env: Env,
    state: State,
    last_used: Arc<LastUsed>,
    /// Of the configuration.
    root_keys: HashMap<String, Arc<AccessKey>>,
    versions: Versions,
    access_keys: Slots<Arc<AccessKey>>,
    /// By access key id or, without one, by ARN; the caller is kept to be compared.
    principals: Slots<(Caller, Arc<PrincipalPolicies>)>,
    roles: Slots<Arc<Role>>,
    managed: Slots<Arc<Policy>>,
    /// By account: the ARNs of its users and roles by their unique ids.
    bearers: Slots<Arc<HashMap<String, Arn>>>,
    nothing: Arc<PrincipalPolicies>,
}

struct Versions {
    users: TableVersion,
    groups: TableVersion,
    roles: TableVersion,
    policies: TableVersion,
    access_keys: TableVersion,
}

/// Of users, groups, roles, policies and access keys.
type Stamp = [u64; 5];

type Slots<T> = RwLock<HashMap<String, Entry<T>>>;

struct Entry<T> {
    stamp: Stamp,
    value: T,
}

impl Cache {
    pub(crate) fn new(platform: &Platform, state: State, last_used: Arc<LastUsed>) -> Cache {
        let store = &state.store;
        let versions = Versions {
            users: store.table_version(&USERS),
            groups: store.table_version(&GROUPS),
            roles: store.table_version(&ROLES),
            policies: store.table_version(&POLICIES),
            access_keys: store.table_version(&ACCESS_KEYS),
        };
        let root_keys = platform.config.root_keys.iter().map(|root| {
            let caller =
                Caller { access_key_id: Some(root.access_key_id.clone()), ..Caller::root(root.account) };
            let access_key = AccessKey {
                id: root.access_key_id.clone(),
                secret: root.secret_access_key.clone(),
                active: true,
                caller,
            };
            (root.access_key_id.clone(), Arc::new(access_key))
        });
        Cache {
            root_keys: root_keys.collect(),
            env: platform.env.clone(),
            state,
            last_used,
            versions,
            access_keys: RwLock::default(),
            principals: RwLock::default(),
            roles: RwLock::default(),
            managed: RwLock::default(),
            bearers: RwLock::default(),
            nothing: Arc::default(),
        }
    }

    fn stamp(&self) -> Stamp {
        let v = &self.versions;
        [v.users.get(), v.groups.get(), v.roles.get(), v.policies.get(), v.access_keys.get()]
    }

    async fn read_access_key(&self, id: &str) -> Result<Option<Arc<AccessKey>>> {
        let stamp = self.stamp();
        if let Some(found) = recall(&self.access_keys, id, stamp, Arc::clone) {
            return Ok(Some(found));
        }
        let snapshot = self.state.store.snapshot().await?;
        let Some(record) = snapshot.get(&ACCESS_KEYS, id).await? else { return Ok(None) };
        let account = record.account();
        let principal = match &record.user {
            None => Principal::Root,
            Some(name) => match snapshot.get(&USERS, &(account, name)).await? {
                Some(User { entity, .. }) => {
                    Principal::User { path: entity.path, name: entity.name, id: entity.id }
                }
                None => return Ok(None),
            },
        };
        let caller = Caller { account, principal, access_key_id: Some(id.to_owned()), session: None };
        let secret = record.secret.open(&self.state.seal)?;
        let found = Arc::new(AccessKey { id: id.to_owned(), secret, active: record.active, caller });
        keep(&self.access_keys, id, stamp, found.clone());
        Ok(Some(found))
    }

    async fn read_policies(&self, caller: &Caller) -> Result<Arc<PrincipalPolicies>> {
        if matches!(caller.principal, Principal::Root) && caller.session.is_none() {
            return Ok(self.nothing.clone());
        }
        if matches!(caller.principal, Principal::Service { .. } | Principal::Anonymous) {
            return Ok(self.nothing.clone());
        }
        let stamp = self.stamp();
        let arn;
        let name = match &caller.access_key_id {
            Some(id) => id,
            None => {
                arn = caller.arn();
                &arn
            }
        };
        let same = |(of, found): &(Caller, Arc<PrincipalPolicies>)| (of == caller).then(|| found.clone());
        if let Some(Some(found)) = recall(&self.principals, name, stamp, same) {
            return Ok(found);
        }
        let found = Arc::new(self.compile(caller).await?);
        keep(&self.principals, name, stamp, (caller.clone(), found.clone()));
        Ok(found)
    }

    /// The policies of a user, group or role itself.
    pub(crate) async fn policies_of<T: Identity>(&self, record: &T) -> Result<Vec<NamedPolicy>> {
        let snapshot = self.state.store.snapshot().await?;
        let mut policies = PrincipalPolicies::default();
        self.add_identity(&snapshot, record, &mut policies).await?;
        Ok(policies.identity)
    }

    pub(crate) async fn compile(&self, caller: &Caller) -> Result<PrincipalPolicies> {
        let snapshot = self.state.store.snapshot().await?;
        let session = caller.session.as_ref();
        let issuer = session.and_then(|session| session.issuer.as_deref());
        // A federated user has what the user has who made it.
        let behind = match (&caller.principal, issuer) {
            (Principal::FederatedUser { .. }, Some(issuer)) => issuer,
            (principal, _) => principal,
        };
        let mut policies = PrincipalPolicies::default();
        match behind {
            Principal::User { name, id, .. } => {
                let user: Option<User> = find(&snapshot, caller.account, name, id).await?;
                if let Some(user) = &user {
                    self.add(&snapshot, user, &mut policies).await?;
                    for group in &user.groups {
                        if let Some(group) = snapshot.get(&GROUPS, &(caller.account, group)).await? {
                            self.add_identity(&snapshot, &group, &mut policies).await?;
                        }
                    }
                }
            }
            Principal::Role { name, id, .. } => {
                let role: Option<model::Role> = find(&snapshot, caller.account, name, id).await?;
                if let Some(role) = &role {
                    self.add(&snapshot, role, &mut policies).await?;
                }
            }
            _ => {}
        }
        let Some(session) = session else { return Ok(policies) };
        if matches!(caller.principal, Principal::FederatedUser { .. }) {
            // The tags of a federated session stand instead of the user's.
            policies.tags.clear();
        }
        for (key, value) in &session.tags {
            policies.tags.retain(|(before, _)| !before.eq_ignore_ascii_case(key));
            policies.tags.push((key.clone(), value.clone()));
        }
        if session.policy.is_some() || !session.policy_arns.is_empty() {
            let mut limits = Vec::new();
            if let Some(text) = &session.policy {
                let policy = Arc::new(document::compile(text)?);
                limits.push(NamedPolicy { name: "session".to_owned(), policy });
            }
            for arn in &session.policy_arns {
                limits.extend(self.named(&snapshot, arn).await?);
            }
            policies.session = Some(limits);
        }
        if let Some(delegation) = &session.delegation {
            let policy = Arc::new(document::compile(&delegation.policy)?);
            policies.delegation = Some(NamedPolicy { name: "delegation".to_owned(), policy });
        }
        Ok(policies)
    }

    async fn add<T: Identity>(
        &self,
        snapshot: &Snapshot,
        record: &T,
        policies: &mut PrincipalPolicies,
    ) -> Result<()> {
        self.add_identity(snapshot, record, policies).await?;
        policies.tags = record.tags().to_vec();
        if let Some(arn) = record.boundary() {
            // A boundary that cannot be found must not widen anything: an empty policy allows nothing.
            let found = self.named(snapshot, arn).await?;
            let boundary = match found {
                Some(boundary) => boundary,
                None => {
                    let policy = Arc::new(document::compile(NOTHING)?);
                    NamedPolicy { name: arn.to_owned(), policy }
                }
            };
            policies.boundary = Some(boundary);
        }
        Ok(())
    }

    async fn add_identity<T: Identity>(
        &self,
        snapshot: &Snapshot,
        record: &T,
        policies: &mut PrincipalPolicies,
    ) -> Result<()> {
        for (name, text) in &record.entity().inline {
            let policy = Arc::new(document::compile(text)?);
            policies.identity.push(NamedPolicy { name: name.clone(), policy });
        }
        for arn in &record.entity().attached {
            policies.identity.extend(self.named(snapshot, arn).await?);
        }
        Ok(())
    }

    async fn named(&self, snapshot: &Snapshot, arn: &str) -> Result<Option<NamedPolicy>> {
        let found = self.read_managed(snapshot, arn).await?;
        Ok(found.map(|policy| NamedPolicy { name: arn.to_owned(), policy }))
    }

    async fn read_managed(&self, reads: &impl Reads, arn: &str) -> Result<Option<Arc<Policy>>> {
        // AWS's own never change while we run.
        let stamp = if managed::is_aws_arn(arn) { [0; 5] } else { self.stamp() };
        if let Some(found) = recall(&self.managed, arn, stamp, Arc::clone) {
            return Ok(Some(found));
        }
        let Some(text) = policies::default_document(reads, arn).await? else { return Ok(None) };
        let policy = Arc::new(document::compile(&text)?);
        // Only when nothing moved since: `reads` may be older than the stamp.
        if stamp == [0; 5] || stamp == self.stamp() {
            keep(&self.managed, arn, stamp, policy.clone());
        }
        Ok(Some(policy))
    }

    async fn read_role(&self, account: AccountId, name: &str) -> Result<Option<Arc<Role>>> {
        let stamp = self.stamp();
        let at = key(account, name);
        let slot = format!("{account}/{}", at.1);
        if let Some(found) = recall(&self.roles, &slot, stamp, Arc::clone) {
            return Ok(Some(found));
        }
        let Some(record) = self.state.store.get(&ROLES, &at).await? else { return Ok(None) };
        let role = Arc::new(Role {
            account,
            trust_policy: Arc::new(document::compile_trust(&record.trust)?),
            path: record.entity.path,
            name: record.entity.name,
            id: record.entity.id,
            max_session_duration_secs: record.max_session_secs,
            tags: record.tags,
        });
        keep(&self.roles, &slot, stamp, role.clone());
        Ok(Some(role))
    }
}

impl Cache {
    /// The user or role of that unique id, in which its account is written.
    async fn read_bearer(&self, id: &str) -> Result<Option<Arn>> {
        let Some(account) = account_of(id) else { return Ok(None) };
        let stamp = self.stamp();
        let slot = account.to_string();
        let of = |bearers: &Arc<HashMap<String, Arn>>| bearers.get(id).cloned();
        if let Some(found) = recall(&self.bearers, &slot, stamp, of) {
            return Ok(found);
        }
        let bearers = Arc::new(entities::bearers(&self.state.store.snapshot().await?, account).await?);
        keep(&self.bearers, &slot, stamp, bearers.clone());
        Ok(bearers.get(id).cloned())
    }
}

const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

/// The user or role, when it still is the one of that id.
async fn find<T: Identity>(
    reads: &impl Reads,
    account: AccountId,
    name: &str,
    id: &str,
) -> Result<Option<T>> {
    let found: Option<T> = reads.get(T::TABLE, &key(account, name)).await?;
    Ok(found.filter(|record| record.entity().id == id))
}

fn recall<T, R>(entries: &Slots<T>, name: &str, stamp: Stamp, read: impl FnOnce(&T) -> R) -> Option<R> {
    let entries = entries.read();
    entries.get(name).filter(|entry| entry.stamp == stamp).map(|entry| read(&entry.value))
}

fn keep<T>(entries: &Slots<T>, name: &str, stamp: Stamp, value: T) {
    let mut entries = entries.write();
    if entries.len() >= ENTRIES_MAX && !entries.contains_key(name) {
        entries.clear();
    }
    entries.insert(name.to_owned(), Entry { stamp, value });
}

impl Directory for Cache {
    fn access_key<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Arc<AccessKey>>>> {
        Box::pin(async move {
            match self.root_keys.get(id) {
                Some(found) => Ok(Some(found.clone())),
                None => self.read_access_key(id).await,
            }
        })
    }

    fn policies<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<Arc<PrincipalPolicies>>> {
        Box::pin(self.read_policies(caller))
    }

    fn role<'a>(&'a self, account: AccountId, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Role>>>> {
        Box::pin(self.read_role(account, name))
    }

    fn unique_id<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(entities::unique_id(&self.state.store, arn))
    }

    fn bearer<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Arn>>> {
        Box::pin(self.read_bearer(id))
    }

    fn managed_policy<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<Policy>>>> {
        Box::pin(self.read_managed(&self.state.store, arn.as_str()))
    }

    fn note_access(&self, caller: &Caller, action: &'static str, region: &'static str, at: Instant) {
        self.last_used.note_access(caller, action, region, at);
    }

    fn service_uses<'a>(&'a self, principal: &'a Caller) -> BoxFuture<'a, Result<Vec<ServiceUse>>> {
        Box::pin(async move {
            let (Principal::User { id, .. } | Principal::Role { id, .. }) = &principal.principal else {
                return Ok(Vec::new());
            };
            let policies = self.compile(principal).await?.identity;
            // By service: its actions.
            let mut tried: HashMap<String, Vec<(String, Instant)>> = HashMap::new();
            for ((_, _, action), used) in self.last_used.accesses_of(principal.account, id).await? {
                let name = action.split_once(':').map_or(action.as_str(), |(_, name)| name);
                tried.entry(used.service).or_default().push((name.to_owned(), used.at.into()));
            }
            let granted = last_accessed::services()
                .filter(|(prefix, _)| policies.iter().any(|of| last_accessed::grants(&of.policy, prefix)));
            let uses = granted.map(|(prefix, _)| {
                let actions = tried.remove(prefix).unwrap_or_default();
                let last = actions.iter().map(|(_, at)| *at).max();
                ServiceUse { service: prefix.to_owned(), last, actions }
            });
            Ok(uses.collect())
        })
    }

    fn verify_mfa<'a>(
        &'a self,
        caller: &'a Caller,
        serial: &'a str,
        code: &'a str,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let holder = match &caller.principal {
                Principal::Root => None,
                Principal::User { name, .. } => Some(name.as_str()),
                _ => return Ok(false),
            };
            self.state.use_mfa_code(caller.account, holder, serial, code, self.env.now()).await
        })
    }

    fn api_key<'a>(&'a self, service: &'a str, text: &'a str) -> BoxFuture<'a, Result<Option<ApiKey>>> {
        Box::pin(async move {
            let read = service_credential::Kind::of(service).and_then(|kind| kind.read(text));
            let Some((name, password)) = read else { return Ok(None) };
            let found = self.state.service_credential_named(service, &name).await?;
            let Some((account, user, credential)) = found else { return Ok(None) };
            if credential.hash != password.hash() {
                return Ok(None);
            }
            let Entity { path, name, id, .. } = user.entity;
            let principal = Principal::User { path, name, id };
            Ok(Some(ApiKey {
                active: credential.active,
                expires_at: credential.expires.map(Into::into),
                caller: Caller { account, principal, access_key_id: None, session: None },
            }))
        })
    }

    fn saml_provider<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<SamlProvider>>>> {
        Box::pin(async move {
            let Some(found) = providers::saml(&self.state.store, arn).await? else { return Ok(None) };
            let certificates = found.certificates.iter();
            let mut private_keys = Vec::new();
            for key in found.private_keys.iter().rev() {
                private_keys.push(key.key.open(&self.state.seal)?);
            }
            Ok(Some(Arc::new(SamlProvider {
                arn: arn.clone(),
                entity_id: found.entity_id,
                signing_certificates: certificates.filter_map(|text| STANDARD.decode(text).ok()).collect(),
                valid_until: found.valid_until.into(),
                encryption_required: found.encryption.as_deref() == Some(REQUIRED),
                private_keys,
            })))
        })
    }

    fn oidc_provider<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<OidcProvider>>>> {
        Box::pin(async move {
            let found = providers::oidc(&self.state.store, arn).await?;
            Ok(found.map(|found| {
                Arc::new(OidcProvider {
                    arn: arn.clone(),
                    url: found.url,
                    client_ids: found.client_ids,
                    thumbprints: found.thumbprints,
                })
            }))
        })
    }

    fn outbound_issuer(&self, account: AccountId) -> BoxFuture<'_, Result<Option<String>>> {
        Box::pin(async move {
            let outbound = self.state.account(account).await?.outbound;
            Ok(outbound.filter(|outbound| outbound.enabled).map(|outbound| outbound.issuer))
        })
    }

    fn global_tokens_v2(&self, account: AccountId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { Ok(self.state.account(account).await?.global_token_v2) })
    }

    fn outbound_issuer_of<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(self.state.outbound_issuer_of(id))
    }

    fn root_access(&self, management: AccountId) -> BoxFuture<'_, Result<RootAccess>> {
        Box::pin(async move {
            let account = self.state.account(management).await?;
            Ok(RootAccess {
                credentials_management: account.root_credentials_management,
                sessions: account.root_sessions,
            })
        })
    }

    fn note_use(&self, caller: &Caller, service: &'static str, region: &'static str, at: Instant) {
        self.last_used.note(caller, service, region, at);
    }
}
