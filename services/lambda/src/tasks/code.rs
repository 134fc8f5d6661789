use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haneul_kit::{ApiError, BoxFuture, Fault, Instant, Reconciler, Result, Signal};

use crate::Lambda;
use crate::model::function::VersionRecord;
use crate::names::FunctionName;

/// Prepares the code of new versions, deletes what nobody refers to any more, and sweeps once after a start.
pub(crate) struct Code {
    lambda: Arc<Lambda>,
    swept: AtomicBool,
}

impl Code {
    pub(crate) fn new(lambda: Arc<Lambda>) -> Code {
        Code { lambda, swept: AtomicBool::new(false) }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let lambda = &self.lambda;
        for (name, number) in lambda.records.unsettled().await? {
            lambda.settle(&name, number).await?;
        }
        if !self.swept.swap(true, Ordering::Relaxed) {
            let swept = lambda
                .code
                .blobs
                .sweep(|blobs| async { lambda.records.known_blobs(blobs).await.map_err(Swept) });
            if let Err(Swept(error)) = swept.await {
                self.swept.store(false, Ordering::Relaxed);
                return Err(error);
            }
        }
        let garbage = lambda.records.garbage().await?;
        if !garbage.is_empty() {
            lambda.code.delete(garbage.clone()).await?;
            lambda.records.forget_garbage(&garbage).await?;
            lambda.wake.code.wake();
        }
        Ok(None)
    }
}

struct Swept(ApiError);

impl From<haneul_blob::BlobError> for Swept {
    fn from(error: haneul_blob::BlobError) -> Swept {
        Swept(ApiError::internal(error))
    }
}

impl Lambda {
    /// Prepares a version's code, 0 being the unpublished one, and writes what came of it.
    pub(crate) async fn settle(&self, name: &FunctionName, number: u64) -> Result<()> {
        let version = match number {
            0 => self.records.function(name).await?.map(|record| record.latest),
            number => self.records.version(name, number).await?,
        };
        let (revision, failed) = match version {
            Some(version) => {
                let failed = self.prepare(&version).await?;
                (version.revision, failed)
            }
            None => (String::new(), None),
        };
        let next = self.revision();
        self.records.settle(name, number, &revision, failed, &next).await
    }

    /// Unpacks code and layers. Gives the code and reason of a failure that trying again would not mend.
    async fn prepare(&self, version: &VersionRecord) -> Result<Option<(String, String)>> {
        if let Some(image) = &version.image {
            return match self.images.unpacked(image).await {
                Ok(_) => Ok(None),
                Err(refused) if refused.fault() == Fault::Client => {
                    Ok(Some(("InvalidImage".into(), refused.message().to_owned())))
                }
                Err(failed) => Err(failed),
            };
        }
        let all = std::iter::once(&version.code).chain(version.layers.iter().map(|layer| &layer.code));
        for code in all {
            match self.code.unpacked(code).await {
                Ok(_) => {}
                Err(refused) if refused.fault() == Fault::Client => {
                    let reason = refused.message().to_owned();
                    return Ok(Some(("InvalidZipFileException".into(), reason)));
                }
                Err(failed) => return Err(failed),
            }
        }
        Ok(None)
    }
}

impl Reconciler for Code {
    fn name(&self) -> &'static str {
        "lambda code"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.lambda.wake.code
    }
}
