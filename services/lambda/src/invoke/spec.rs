use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use haneul_kit::{BoxFuture, Result};
use parking_lot::Mutex;

use super::Target;
use crate::exec::{CredentialSource, Credentials, LogFormat, LogLevel, Logging, Runtime, Spec};
use crate::names::FunctionName;
use crate::{Lambda, error, images, names};

const SPECS_MAX: usize = 4096;

/// What the executor was told of versions, by function and version, with the setting that it is true of.
#[derive(Default)]
pub(crate) struct Specs(Mutex<HashMap<Key, (u64, Arc<Spec>)>>);

/// A function and its version.
type Key = (FunctionName, String);

impl Lambda {
    /// What the executor has to know of a version; its code is unpacked by then.
    pub(crate) async fn spec(&self, target: &Target) -> Result<Arc<Spec>> {
        let (function, version) = (&target.known.name, &target.version);
        let key = (function.clone(), version.version.clone());
        if let Some((setting, spec)) = self.specs.0.lock().get(&key)
            && *setting == version.setting
        {
            return Ok(spec.clone());
        }
        let session = self.session(function, &version.role).await?;
        let environment = match &version.environment {
            Some(sealed) => {
                let cx = self.cx_of(function, session.caller.clone());
                self.open_environment(&cx, function, sealed).await?
            }
            None => Default::default(),
        };
        let runtime = if version.image.is_some() { images::RUNTIME } else { &version.runtime };
        let runtime = Runtime::parse(runtime)
            .ok_or_else(|| error::invalid_runtime(format!("The runtime {runtime} cannot be run.")))?;
        let (code, image) = match &version.image {
            Some(image) => (PathBuf::new(), Some(self.images.unpacked(image).await?)),
            None => (self.code.unpacked(&version.code).await?, None),
        };
        let mut layers = Vec::with_capacity(version.layers.len());
        for layer in &version.layers {
            layers.push(self.code.unpacked(&layer.code).await?);
        }
        let spec = Arc::new(Spec {
            id: format!("{}:{:016x}", function.qualified(&version.version), version.setting),
            function_arn: match version.version.as_str() {
                names::LATEST => function.arn().to_string(),
                number => function.qualified(number).to_string(),
            },
            function_name: function.name.clone(),
            version: version.version.clone(),
            account: function.account.to_string(),
            region: function.region.as_str().to_owned(),
            runtime,
            handler: version.handler.clone(),
            architecture: version.architecture.clone(),
            memory_mb: version.memory_mb,
            timeout: Duration::from_secs(u64::from(version.timeout_s)),
            ephemeral_mb: version.ephemeral_mb,
            code,
            layers,
            image,
            environment,
            credentials: Arc::new(RoleCredentials {
                lambda: self.this.clone(),
                function: function.clone(),
                role: version.role.clone(),
            }),
            logging: Logging {
                group: version.log_group(&function.name),
                format: if version.logging.json { LogFormat::Json } else { LogFormat::Text },
                application_level: level(&version.logging.application_level),
                system_level: level(&version.logging.system_level),
            },
            tracing: version.tracing_active,
            provisioned: !target.known.record.provisioned.is_empty() && version.version != names::LATEST,
            managed: if version.version == names::LATEST { None } else { version.managed() },
        });
        let mut specs = self.specs.0.lock();
        if specs.len() >= SPECS_MAX {
            specs.clear();
        }
        specs.insert(key, (version.setting, spec.clone()));
        Ok(spec)
    }

    /// Ends environments of a function that are of no use any more, and forgets what was made for them.
    pub(crate) async fn retire(&self, function: &FunctionName, version: Option<&str>) {
        self.specs.0.lock().retain(|(of, own), _| of != function || version.is_some_and(|gone| gone != own));
        let prefix = match version {
            Some(version) => format!("{}:", function.qualified(version)),
            None => format!("{}:", function.arn()),
        };
        self.executor.retire(&prefix).await;
    }
}

fn level(given: &Option<String>) -> Option<LogLevel> {
    given.as_deref().and_then(LogLevel::parse)
}

/// New sessions of a role, each as long as it allows.
struct RoleCredentials {
    lambda: Weak<Lambda>,
    function: FunctionName,
    role: String,
}

impl CredentialSource for RoleCredentials {
    fn credentials(&self) -> BoxFuture<'_, std::result::Result<Credentials, String>> {
        Box::pin(async {
            let lambda = self.lambda.upgrade().ok_or("the service is gone")?;
            let session = lambda.assume_for_long(&self.function, &self.role).await;
            session.map(|session| session.credentials).map_err(|refused| refused.message().to_owned())
        })
    }
}
