use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::render::arn_of;
use super::source::Source;
use super::versions::PublishTo;
use crate::model::function::{FunctionRecord, State, Update};
use crate::names::{self, FunctionName};
use crate::{Lambda, error, settings};

impl Handle<op::UpdateFunctionCode> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UpdateFunctionCodeRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:UpdateFunctionCode", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateFunctionCodeRequest) -> Result<s::FunctionConfiguration> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let to = PublishTo::read(input.publish_to.as_deref())?;
        let before = self.settled(&function).await?;
        check_revision(input.revision_id.as_deref(), &before.latest.revision)?;
        to.check(before.latest.capacity.is_some())?;
        let architecture = match input.architectures {
            Some(given) => settings::architecture(Some(given))?,
            None => before.latest.architecture.clone(),
        };
        let source = Source {
            zip_file: input.zip_file,
            bucket: input.s3_bucket,
            key: input.s3_key,
            version: input.s3_object_version,
            storage_mode: input.s3_object_storage_mode,
            image: input.image_uri,
            kms_key: input.source_kms_key_arn,
        };
        let image = match &before.latest.image {
            Some(image) => {
                let uri = source.image_alone()?;
                Some(self.images.find(uri, &architecture, image.config.clone()).await?)
            }
            None => None,
        };
        let code = match &image {
            Some(image) => self.code.note(image).await?,
            None => {
                let package = self.fetch(cx, source).await?;
                self.check_signature(cx, before.code_signing_config.as_deref(), &package).await?;
                self.check_storage(cx, package.len()).await?;
                self.code.take(package).await?
            }
        };
        if let Err(refused) = settings::check_size(&code, &before.latest.layers) {
            self.code.delete(vec![code.blob]).await?;
            return Err(refused);
        }
        if input.dry_run == Some(true) {
            self.code.delete(vec![code.blob]).await?;
            let mut version = before.latest.clone();
            (version.code, version.architecture, version.image) = (code, architecture, image);
            return self.configuration(cx, &function, &version, function.arn(), false).await;
        }
        let blob = code.blob;
        let (revision, setting) = (self.revision(), self.platform.env.rng.u64());
        let wanted = input.revision_id.as_deref();
        let changed = self.records.change(&function, |record| {
            check_revision(wanted, &record.latest.revision)?;
            let latest = &mut record.latest;
            latest.code = code.clone();
            latest.image = image.clone();
            latest.architecture = architecture.clone();
            latest.modified_ms = cx.now().millis();
            latest.revision = revision.clone();
            latest.setting = setting;
            latest.update = Update::InProgress;
            if matches!(latest.state, State::Failed { .. }) {
                latest.state = State::Pending;
            }
            Ok(latest.clone())
        });
        let version = match changed.await {
            Ok(version) => version,
            Err(refused) => {
                self.code.delete(vec![blob]).await?;
                return Err(refused);
            }
        };
        self.changed(&function).await;
        if input.publish == Some(true) || to == PublishTo::LatestPublished {
            let version = self.publish(cx, &function, to, None, None, None).await?;
            let arn = arn_of(&function, &version.version, None);
            return self.configuration(cx, &function, &version, arn, false).await;
        }
        self.configuration(cx, &function, &version, function.arn(), false).await
    }
}

pub(super) fn check_revision(wanted: Option<&str>, is: &str) -> Result<()> {
    if wanted.is_some_and(|wanted| wanted != is) { Err(error::revision()) } else { Ok(()) }
}

impl Lambda {
    /// A function whose code is ready: AWS refuses changes while another one is in progress, here it is finished first.
    pub(super) async fn settled(&self, function: &FunctionName) -> Result<FunctionRecord> {
        let record = self.records.get(function).await?;
        if record.latest.state != State::Pending && record.latest.update != Update::InProgress {
            return Ok(record);
        }
        self.settle(function, 0).await?;
        self.records.get(function).await
    }

    /// The unpublished version is another one now.
    pub(super) async fn changed(&self, function: &FunctionName) {
        self.wake.code.wake();
        self.retire(function, Some(names::LATEST)).await;
    }
}
