use std::sync::Arc;
use std::time::Instant;

use haneul_env::clock::monotonic;
use haneul_kit::trail::{Called, Wanted};
use haneul_kit::{Access, ApiError, BoxFuture, Cx, Ended, Env, Platform, Result, Trail, Watch};
use haneul_shape::Shape;
use haneul_wire::Model;

use crate::catalog::Entry;

/// What a call tells of itself while it runs, for the trail, the meter and its service's metrics.
///
/// A call whose client goes away in the middle is dropped: what was found out by then is recorded all the same.
#[derive(Default)]
pub(crate) struct Noted {
    kept: Option<Kept>,
    watched: Option<Watched>,
    /// The first resource that permission was asked for.
    pub(crate) resource: Option<String>,
}

struct Kept {
    trail: Arc<dyn Trail>,
    wanted: Wanted,
    cx: Cx,
    service: &'static str,
    operation: &'static str,
    model: &'static Model,
    request: Option<Vec<u8>>,
    response: Option<Vec<u8>>,
    resources: Vec<(String, Option<haneul_kit::AccountId>)>,
}

/// A call of whose end its service is told.
struct Watched {
    watch: Arc<dyn Watch>,
    env: Env,
    cx: Cx,
    operation: &'static str,
    /// By the host's monotonic clock.
    began: Instant,
}

impl Noted {
    pub(crate) fn begin(
        platform: &Platform,
        entry: &Entry,
        model: &'static Model,
        operation: &'static str,
        cx: &Cx,
    ) -> Noted {
        let service = entry.name();
        let trail = platform.trail();
        let wanted = trail.and_then(|trail| Some((trail.wants(service, operation, cx.account())?, trail)));
        let kept = wanted.map(|(wanted, trail)| Kept {
            trail,
            wanted,
            cx: cx.clone(),
            service,
            operation,
            model,
            request: None,
            response: None,
            resources: Vec::new(),
        });
        let watch = entry.service.as_ref().and_then(|service| service.watch());
        let watched = watch.map(|watch| Watched {
            watch: watch.clone(),
            env: platform.env.clone(),
            cx: cx.clone(),
            operation,
            began: monotonic(),
        });
        Noted { kept, watched, resource: None }
    }

    pub(crate) fn request(&mut self, input: &dyn Shape) {
        if let Some(kept) = &mut self.kept {
            kept.request = haneul_wire::describe(kept.model, input);
        }
    }

    pub(crate) fn accesses(&mut self, accesses: &[Access]) {
        self.resource =
            accesses.first().map(|access| access.resource.to_string()).filter(|resource| resource != "*");
        if let Some(kept) = &mut self.kept {
            let account = kept.cx.account();
            let resources = accesses.iter().filter(|access| access.resource != "*").map(|access| {
                (access.resource.to_string(), access.resource_account.filter(|owner| *owner != account))
            });
            kept.resources = resources.collect();
        }
    }

    pub(crate) fn response(&mut self, output: &dyn Shape) {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.wanted.response) {
            kept.response = haneul_wire::describe(kept.model, output);
        }
    }

    /// Records the call. `Some` must be waited for before it is answered.
    pub(crate) fn finish(
        &mut self,
        error: Option<&ApiError>,
        ended: Instant,
    ) -> Option<BoxFuture<'static, Result<()>>> {
        if let Some(Watched { watch, env, cx, operation, began }) = self.watched.take() {
            let took = env.clock.took(cx.now(), began, ended);
            watch.ended(&Ended { cx: &cx, operation, error, took });
        }
        self.record(error.map(|error| (error.code(), error.message())))
    }

    fn record(&mut self, error: Option<(&str, &str)>) -> Option<BoxFuture<'static, Result<()>>> {
        let kept = self.kept.take()?;
        kept.trail.record(Called {
            service: kept.service,
            operation: kept.operation,
            cx: &kept.cx,
            request: kept.request,
            response: kept.response,
            resources: kept.resources,
            error,
        })
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        // It has its place; nobody is there any more to wait for the sync.
        drop(self.record(None));
    }
}
