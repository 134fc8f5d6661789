use std::sync::Arc;

use haneul_kit::{Access, AccountId, Arn, Cx, Platform, Principal, Result};

use crate::catalog::Catalog;
use crate::directory::Cache;
use crate::error;
use crate::last_used::LastUsed;
use crate::model::{InstanceProfile, Kind};
use crate::page::{self, Page, Wanted};
use crate::store::State;
use crate::store::entities::{self, Identity};
use crate::store::policies::{self, Managed};
use crate::tasks::{Deletions, Expiry, Notices};

/// The state of the service.
pub struct Iam {
    pub(crate) platform: Platform,
    pub(crate) state: State,
    pub(crate) directory: Arc<Cache>,
    pub(crate) last_used: Arc<LastUsed>,
    pub(crate) deletions: Arc<Deletions>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) expiry: Arc<Expiry>,
}

/// Whom a request with an optional UserName is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    User(String),
    Root,
}

impl Subject {
    pub(crate) fn holder(&self) -> Option<&str> {
        match self {
            Subject::User(name) => Some(name),
            Subject::Root => None,
        }
    }
}

impl Iam {
    pub(crate) async fn open(platform: &Platform) -> Result<Iam> {
        let state = State { store: platform.store.clone(), seal: platform.seal.clone() };
        let catalog = Arc::new(Catalog::read(platform.iam_catalog())?);
        state.keep_boundaries(&catalog.partners, platform.env.now()).await?;
        state.seal_access_keys().await?;
        for root in &platform.config.root_keys {
            state.found_account(root.account, platform.env.now()).await?;
        }
        let last_used = Arc::new(LastUsed::new(platform.env.clone(), state.clone()));
        let (at_the_end, env) = (last_used.clone(), platform.env.clone());
        platform.env.spawn("iam.last-used.flush", async move {
            env.tasks.stopping().await;
            if let Err(error) = at_the_end.flush().await {
                tracing::warn!(%error, "what was last used could not be written at the end");
            }
        });
        let directory = Arc::new(Cache::new(platform, state.clone(), last_used.clone()));
        let deletions = Arc::new(Deletions::new(platform.clone(), state.clone()));
        let notices = Arc::new(Notices::new(platform.clone(), state.clone(), catalog.clone()));
        let expiry = Arc::new(Expiry::new(platform.clone(), state.clone()));
        let platform = platform.clone();
        Ok(Iam { platform, state, directory, last_used, deletions, catalog, notices, expiry })
    }

    /// The user that is named, or else the caller.
    pub(crate) fn subject(&self, cx: &Cx, name: Option<&str>) -> Result<Subject> {
        match (name, &cx.caller().principal) {
            (Some(name), _) => Ok(Subject::User(name.to_owned())),
            (None, Principal::User { name, .. }) => Ok(Subject::User(name.clone())),
            (None, Principal::Root) => Ok(Subject::Root),
            (None, _) => {
                Err(error::validation("Must specify userName when calling with non-User credentials"))
            }
        }
    }

    /// Refuses the sessions that may not call IAM at all: a user's or the root user's without MFA, and federated users.
    pub(crate) fn gate(cx: &Cx) -> Result<()> {
        let Some(session) = &cx.caller().session else { return Ok(()) };
        match cx.caller().principal {
            Principal::FederatedUser { .. } => Err(error::session_refused()),
            // What AssumeRoot made is for this.
            Principal::Root if session.assumed_root => Ok(()),
            // What a delegation request asks for is roles, more often than not.
            _ if session.delegation.is_some() => Ok(()),
            Principal::User { .. } | Principal::Root if session.mfa_at.is_none() => {
                Err(error::session_refused())
            }
            _ => Ok(()),
        }
    }

    /// An action without a resource.
    pub(crate) fn to(cx: &Cx, action: &'static str) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        Ok(vec![Access::to(action)])
    }

    /// An action on a user, group or role, with its tags; by the ARN that it would have, when it is not there.
    pub(crate) async fn on<T: Identity>(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        Iam::gate(cx)?;
        let found: Option<T> = self.state.find(cx.account(), name).await?;
        let Some(record) = found else {
            return Ok(Access::on(action, &entities::arn(T::KIND, cx.account(), "/", name)));
        };
        Ok(tagged(Access::on(action, &record.arn(cx.account())), record.tags(), true))
    }

    /// As [`Iam::on`], for the actions that know the boundary that is set.
    pub(crate) async fn on_bounded<T: Identity>(
        &self,
        cx: &Cx,
        action: &'static str,
        name: &str,
    ) -> Result<Access> {
        let found: Option<T> = self.state.find(cx.account(), name).await?;
        let access = self.on::<T>(cx, action, name).await?;
        Ok(match found.as_ref().and_then(Identity::boundary) {
            Some(boundary) => access.key("iam:PermissionsBoundary", boundary),
            None => access,
        })
    }

    /// An action on a user, or on the root user, for whom `*` stands.
    pub(crate) async fn on_subject(
        &self,
        cx: &Cx,
        action: &'static str,
        name: Option<&str>,
    ) -> Result<Vec<Access>> {
        match self.subject(cx, name)? {
            Subject::User(name) => Ok(vec![self.on::<crate::model::User>(cx, action, &name).await?]),
            Subject::Root => {
                Iam::gate(cx)?;
                Ok(vec![Access::on(action, &Arn::global("iam", cx.account(), "root"))])
            }
        }
    }

    /// An action on something that the request makes.
    pub(crate) fn on_new(
        cx: &Cx,
        action: &'static str,
        noun: &str,
        path: Option<&str>,
        name: &str,
    ) -> Result<Access> {
        Iam::gate(cx)?;
        let path = path.unwrap_or("/");
        Ok(Access::on(action, &Arn::global("iam", cx.account(), format_args!("{noun}{path}{name}"))))
    }

    pub(crate) async fn on_policy(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        policies::check_arn(arn)?;
        let parsed = Arn::parse(arn).map_err(|_| error::policy_arn(arn))?;
        let access = Access::on(action, &parsed);
        Ok(vec![match policies::find(&self.state.store, cx.account(), arn).await? {
            Some(Managed::Own(policy)) => tagged(access, &policy.tags, false),
            _ => access,
        }])
    }

    pub(crate) async fn on_instance_profile(
        &self,
        cx: &Cx,
        action: &'static str,
        name: &str,
    ) -> Result<Access> {
        let unknown = Iam::on_new(cx, action, "instance-profile", None, name)?;
        Ok(match self.state.find_instance_profile(cx.account(), name).await? {
            Some(profile) => tagged(Access::on(action, &profile.arn(cx.account())), &profile.tags, false),
            None => unknown,
        })
    }

    pub(crate) async fn on_mfa_device(&self, cx: &Cx, action: &'static str, serial: &str) -> Result<Access> {
        Iam::gate(cx)?;
        let found = self.state.find_mfa_device(cx.account(), serial).await?;
        Iam::on_found(cx, action, "mfa", serial, found.map(|found| (found.arn(cx.account()), found.tags)))
    }

    pub(crate) async fn on_saml_provider(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Access> {
        Iam::gate(cx)?;
        let found = self.state.find_saml_provider(cx.account(), arn).await?;
        let found = found.map(|found| (found.arn(cx.account()), found.tags));
        Iam::on_found(cx, action, "saml-provider", arn, found)
    }

    pub(crate) async fn on_oidc_provider(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Access> {
        Iam::gate(cx)?;
        let found = self.state.find_oidc_provider(cx.account(), arn).await?;
        let found = found.map(|found| (found.arn(cx.account()), found.tags));
        Iam::on_found(cx, action, "oidc-provider", arn, found)
    }

    pub(crate) async fn on_server_certificate(
        &self,
        cx: &Cx,
        action: &'static str,
        name: &str,
    ) -> Result<Access> {
        let unknown = Iam::on_new(cx, action, "server-certificate", None, name)?;
        Ok(match self.state.find_server_certificate(cx.account(), name).await? {
            Some(found) => tagged(Access::on(action, &found.arn(cx.account())), &found.tags, false),
            None => unknown,
        })
    }

    /// An action on what a request names by an ARN: by the one that it has, or else by the one that was given.
    fn on_found(
        cx: &Cx,
        action: &'static str,
        noun: &str,
        given: &str,
        found: Option<(Arn, Vec<(String, String)>)>,
    ) -> Result<Access> {
        Ok(match (found, Arn::parse(given)) {
            (Some((arn, tags)), _) => tagged(Access::on(action, &arn), &tags, false),
            (None, Ok(arn)) => Access::on(action, &arn),
            (None, Err(_)) => {
                Access::on(action, &Arn::global("iam", cx.account(), format_args!("{noun}/{given}")))
            }
        })
    }

    pub(crate) fn page<T>(
        &self,
        cx: &Cx,
        wanted: Wanted<'_>,
        all: Vec<T>,
        position: impl Fn(&T) -> String,
    ) -> Result<Page<T>> {
        page::cut(cx, &self.platform.seal, &wanted, all, position)
    }

    pub(crate) fn unique_id(&self, prefix: &str, account: AccountId) -> String {
        haneul_kit::access_key_id::new_unique_id(prefix, account, &self.platform.env.rng)
    }
}

/// `aws:ResourceTag/…`, and for users and roles IAM's older name of it too.
fn tagged(access: Access, tags: &[(String, String)], with_iam_name: bool) -> Access {
    let mut access = access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    if with_iam_name {
        for (key, value) in tags {
            access = access.key(format!("iam:ResourceTag/{key}"), value.as_str());
        }
    }
    access
}

/// The prefix of unique ids.
pub(crate) fn id_prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "AIDA",
        Kind::Group => "AGPA",
        Kind::Role => "AROA",
    }
}

/// In the order of names, as listings are.
pub(crate) fn by_name(profile: &InstanceProfile) -> String {
    profile.name.to_ascii_lowercase()
}
