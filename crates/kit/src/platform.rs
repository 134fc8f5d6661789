use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use haneul_base::{AccountId, Instant};
use haneul_blob::Blobs;
use haneul_bus::Bus;
use haneul_env::Env;
use haneul_sandbox::Sandbox;
use haneul_store::Store;

use crate::contributors::Contributors;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::tagged::Registry;
use crate::{
    Access, ApiError, BoxFuture, Cx, Directory, Guests, Operation, Organization, Result, Seal, Trail,
};

/// What a service is given to work with. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Platform {
    pub env: Env,
    pub store: Store,
    /// The bytes of objects.
    pub blobs: Blobs,
    /// Where services with an access path of their own keep their journals, each in a folder of its name; `None`
    /// keeps everything in memory.
    pub data_dir: Option<Arc<Path>>,
    pub bus: Bus,
    pub seal: Seal,
    /// What the services say of their own work.
    pub metrics: Metrics,
    /// Rules that count who contributes most.
    pub contributors: Contributors,
    /// What is used, beside the calls themselves, which the front door counts.
    pub meter: Meter,
    pub config: Arc<Config>,
    directory: Arc<OnceLock<Arc<dyn Directory>>>,
    organization: Arc<OnceLock<Arc<dyn Organization>>>,
    authorizer: Arc<OnceLock<Weak<dyn Authorizer>>>,
    trail: Arc<OnceLock<Weak<dyn Trail>>>,
    sandbox: Arc<OnceLock<Arc<dyn Sandbox>>>,
    guests: Arc<OnceLock<Weak<dyn Guests>>>,
    iam_catalog: Arc<OnceLock<Arc<Path>>>,
    /// Services that tell of their taggable resources.
    pub tagged: Registry,
}

/// Settings that services may look at.
#[derive(Clone, Debug)]
pub struct Config {
    /// The root users that exist from the first start: the default account's, and any others of the configuration.
    pub root_keys: Vec<RootKey>,
    /// `--auth relaxed`: any key id is let in, a 12-digit one selects the account of that number.
    pub relaxed: bool,
}

#[derive(Clone)]
pub struct RootKey {
    pub account: AccountId,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RootKey({}, {}, secret withheld)", self.account, self.access_key_id)
    }
}

impl Platform {
    pub fn new(
        env: Env,
        store: Store,
        blobs: Blobs,
        data_dir: Option<&Path>,
        seal: Seal,
        config: Config,
    ) -> Platform {
        Platform {
            env,
            store,
            blobs,
            data_dir: data_dir.map(Arc::from),
            bus: Bus::default(),
            seal,
            metrics: Metrics::default(),
            contributors: Contributors::default(),
            meter: Meter::default(),
            config: Arc::new(config),
            directory: Arc::default(),
            organization: Arc::default(),
            authorizer: Arc::default(),
            trail: Arc::default(),
            sandbox: Arc::default(),
            guests: Arc::default(),
            iam_catalog: Arc::default(),
            tagged: Registry::default(),
        }
    }

    /// Said once, by the IAM service when it is made.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_directory(&self, directory: Arc<dyn Directory>) {
        assert!(self.directory.set(directory).is_ok(), "the platform has a directory already");
    }

    /// # Panics
    /// Before [`Platform::set_directory`]: IAM is made first.
    pub fn directory(&self) -> &Arc<dyn Directory> {
        self.directory.get().expect("the IAM service is made before any call")
    }

    /// Said once, by the Organizations service when it is made. A cloud without that service has no organizations.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_organization(&self, organization: Arc<dyn Organization>) {
        assert!(self.organization.set(organization).is_ok(), "the platform knows its organizations already");
    }

    /// The organizations, if there are any.
    pub fn organization(&self) -> Option<&Arc<dyn Organization>> {
        self.organization.get().filter(|organization| organization.in_use())
    }

    /// Said once, by the CloudTrail service when it is made. A cloud without that service records nothing. Weak, because
    /// the service holds the platform.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_trail(&self, trail: Weak<dyn Trail>) {
        assert!(self.trail.set(trail).is_ok(), "the platform has a trail already");
    }

    /// Who is told of every call, if anybody is.
    pub fn trail(&self) -> Option<Arc<dyn Trail>> {
        self.trail.get().and_then(Weak::upgrade)
    }

    /// Said once, by who puts the cloud together, before its services are made. Without one no program can be run.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_sandbox(&self, sandbox: Arc<dyn Sandbox>) {
        assert!(self.sandbox.set(sandbox).is_ok(), "the platform has a sandbox already");
    }

    /// Where programs of users run, if any can.
    pub fn sandbox(&self) -> Option<&Arc<dyn Sandbox>> {
        self.sandbox.get()
    }

    /// Said once, by who puts the cloud together, before its services are made: the operator's folder of what AWS keeps
    /// privately of IAM (partners that may ask for delegated access, role templates). Without one there are none.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_iam_catalog(&self, folder: &Path) {
        assert!(self.iam_catalog.set(Arc::from(folder)).is_ok(), "the platform has a catalog of IAM already");
    }

    /// The folder of [`Platform::set_iam_catalog`].
    pub fn iam_catalog(&self) -> Option<&Path> {
        self.iam_catalog.get().map(|folder| &**folder)
    }

    /// Said once, by the front door. Weak, because the front door holds the platform.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_guests(&self, guests: Weak<dyn Guests>) {
        assert!(self.guests.set(guests).is_ok(), "the platform has a door for guests already");
    }

    /// The way of programs in a sandbox to our endpoint, once there is a front door.
    pub fn guests(&self) -> Option<Arc<dyn Guests>> {
        self.guests.get().and_then(Weak::upgrade)
    }

    /// Said once, by the front door. Weak, because the front door holds the platform.
    ///
    /// # Panics
    /// When it was said before.
    pub fn set_authorizer(&self, authorizer: Weak<dyn Authorizer>) {
        assert!(self.authorizer.set(authorizer).is_ok(), "the platform has an authorizer already");
    }

    /// Whether the caller of `cx` may have all of `accesses`, decided as for an operation of `service` (its name in
    /// services.toml). For what is known only while the operation runs, as each key of a batch; what is known from the
    /// input belongs into [`Handle::access`](crate::Handle::access).
    ///
    /// # Errors
    /// The denial, as the service words it.
    pub async fn authorize(&self, cx: &Cx, service: &str, accesses: &[Access]) -> Result<()> {
        match self.authorizer.get().and_then(Weak::upgrade) {
            Some(authorizer) => authorizer.authorize(cx, service, accesses).await,
            None => Err(ApiError::internal("no front door decides yet")),
        }
    }

    /// What a user or role (its ARN) was allowed to do from `since` to `until`, by the day and as far as it is
    /// remembered: actions and resources, sorted.
    pub async fn used(
        &self,
        principal: &str,
        since: Instant,
        until: Instant,
    ) -> Result<Vec<(String, String)>> {
        match self.authorizer.get().and_then(Weak::upgrade) {
            Some(authorizer) => authorizer.used(principal, since, until).await,
            None => Ok(Vec::new()),
        }
    }

    /// Calls `O` in the Region of `cx` on behalf of its caller, whose own permissions decide (forward access session).
    /// `service` is the principal of the calling service, as `s3.amazonaws.com`: the callee sees it in `aws:CalledVia`
    /// and, where it has such a key, in `<service>:ViaService`.
    pub async fn forward<O: Operation>(&self, cx: &Cx, service: &str, input: O::Input) -> Result<O::Output> {
        let mut called_via = cx.called_via().to_vec();
        called_via.push(service.to_owned());
        let source_arn = cx.source_arn().map(str::to_owned);
        self.bus.call_via::<O>(cx.caller().clone(), cx.region(), source_arn, called_via, input).await
    }
}

/// Decides on accesses, as the layer in front of every operation does. The front door implements it.
pub trait Authorizer: Send + Sync + 'static {
    fn authorize<'a>(
        &'a self,
        cx: &'a Cx,
        service: &'a str,
        accesses: &'a [Access],
    ) -> BoxFuture<'a, Result<()>>;

    /// See [`Platform::used`].
    fn used<'a>(
        &'a self,
        principal: &'a str,
        since: Instant,
        until: Instant,
    ) -> BoxFuture<'a, Result<Vec<(String, String)>>> {
        let _ = (principal, since, until);
        Box::pin(async { Ok(Vec::new()) })
    }
}
