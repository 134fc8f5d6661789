use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use super::paging::limit;
use super::source::Source;
use crate::model::layer::LayerRecord;
use crate::names::LayerName;
use crate::settings::layer_access;
use crate::store::layers::no_layer;
use crate::{Lambda, error};

impl Handle<op::PublishLayerVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PublishLayerVersionRequest) -> Result<Vec<Access>> {
        let name = LayerName::read(cx, &input.layer_name)?;
        Ok(vec![Access::on("lambda:PublishLayerVersion", &name.arn())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PublishLayerVersionRequest,
    ) -> Result<s::PublishLayerVersionResponse> {
        let name = LayerName::read(cx, &input.layer_name)?;
        if name.account != cx.account() {
            return Err(error::parameter("A layer is published in the caller's own account."));
        }
        let package = self.fetch(cx, Source::of_layer(input.content)).await?;
        self.check_storage(cx, package.len()).await?;
        let code = self.code.take(package).await?;
        let record = LayerRecord {
            code,
            description: input.description.unwrap_or_default(),
            created_ms: cx.now().millis(),
            runtimes: input.compatible_runtimes,
            architectures: input.compatible_architectures,
            license: input.license_info,
            policy: None,
        };
        let version = self.records.publish_layer(&name, &record).await?;
        let content = self.content(cx, &record);
        Ok(s::PublishLayerVersionResponse {
            content: Some(content),
            layer_arn: Some(name.arn().to_string()),
            layer_version_arn: Some(name.version_arn(version).to_string()),
            description: Some(record.description),
            created_date: Some(time(record.created_ms)),
            version: i64::try_from(version).ok(),
            compatible_architectures: record.architectures,
            compatible_runtimes: record.runtimes,
            license_info: record.license,
        })
    }
}

impl Handle<op::GetLayerVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetLayerVersionRequest) -> Result<Vec<Access>> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.on_layer("lambda:GetLayerVersion", &name, version).await
    }

    async fn call(&self, cx: &Cx, input: s::GetLayerVersionRequest) -> Result<s::GetLayerVersionResponse> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.show_layer(cx, &name, version).await
    }
}

impl Handle<op::GetLayerVersionByArn> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetLayerVersionByArnRequest) -> Result<Vec<Access>> {
        let (name, version) = LayerName::read_version(cx.region(), &input.arn)?;
        self.on_layer("lambda:GetLayerVersion", &name, version).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetLayerVersionByArnRequest,
    ) -> Result<s::GetLayerVersionResponse> {
        let (name, version) = LayerName::read_version(cx.region(), &input.arn)?;
        self.show_layer(cx, &name, version).await
    }
}

impl Handle<op::DeleteLayerVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteLayerVersionRequest) -> Result<Vec<Access>> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.on_layer("lambda:DeleteLayerVersion", &name, version).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLayerVersionRequest) -> Result<Empty> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.records.delete_layer(&name, version).await?;
        self.wake.code.wake();
        Ok(Empty)
    }
}

impl Handle<op::ListLayers> for Lambda {
    async fn access(&self, _: &Cx, _: &s::ListLayersRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListLayers")])
    }

    async fn call(&self, cx: &Cx, input: s::ListLayersRequest) -> Result<s::ListLayersResponse> {
        let fits = fits(input.compatible_runtime, input.compatible_architecture);
        let begin: Option<String> = self.begin(cx, "layers", input.marker.as_deref())?;
        // In order of names and versions: the last of each name is its latest.
        let mut latest: Vec<(String, u64, LayerRecord)> = Vec::new();
        for (name, version, record) in self.records.layers(cx.account(), cx.region()).await? {
            if begin.as_ref().is_some_and(|begin| name <= *begin) || !fits(&record) {
                continue;
            }
            if latest.last().is_some_and(|(last, _, _)| *last == name) {
                latest.pop();
            }
            latest.push((name, version, record));
        }
        let page = self.page(cx, "layers", latest, limit(input.max_items), |(name, _, _)| name.clone());
        let layers = page.items.into_iter().map(|(name, version, record)| {
            let of = LayerName { account: cx.account(), region: cx.region(), name };
            s::LayersListItem {
                layer_arn: Some(of.arn().to_string()),
                latest_matching_version: Some(listed(&of, version, record)),
                layer_name: Some(of.name),
            }
        });
        Ok(s::ListLayersResponse { layers: Some(layers.collect()), next_marker: page.next })
    }
}

impl Handle<op::ListLayerVersions> for Lambda {
    async fn access(&self, _: &Cx, _: &s::ListLayerVersionsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListLayerVersions")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListLayerVersionsRequest,
    ) -> Result<s::ListLayerVersionsResponse> {
        let name = LayerName::read(cx, &input.layer_name)?;
        let fits = fits(input.compatible_runtime, input.compatible_architecture);
        let listing = format!("layer versions {}", name.name);
        let begin: Option<u64> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut found = match name.account == cx.account() {
            true => self.records.layer_versions(&name).await?,
            false => Vec::new(),
        };
        found.retain(|(version, record)| begin.is_none_or(|begin| *version < begin) && fits(record));
        let page = self.page(cx, &listing, found, limit(input.max_items), |(version, _)| *version);
        let versions = page.items.into_iter().map(|(version, record)| listed(&name, version, record));
        Ok(s::ListLayerVersionsResponse { layer_versions: Some(versions.collect()), next_marker: page.next })
    }
}

impl Lambda {
    pub(super) async fn on_layer(
        &self,
        action: &'static str,
        name: &LayerName,
        version: u64,
    ) -> Result<Vec<Access>> {
        let found = self.records.layer(name, version).await?;
        Ok(vec![layer_access(action, name, version, found.as_ref())])
    }

    fn content(&self, cx: &Cx, record: &LayerRecord) -> s::LayerVersionContentOutput {
        s::LayerVersionContentOutput {
            location: Some(self.link(cx, &record.code)),
            code_sha256: Some(record.code.sha256.clone()),
            code_size: i64::try_from(record.code.len).ok(),
            ..Default::default()
        }
    }

    async fn show_layer(
        &self,
        cx: &Cx,
        name: &LayerName,
        version: u64,
    ) -> Result<s::GetLayerVersionResponse> {
        let found = self.records.layer(name, version).await?;
        let record = found.ok_or_else(|| no_layer(name, version))?;
        Ok(s::GetLayerVersionResponse {
            content: Some(self.content(cx, &record)),
            layer_arn: Some(name.arn().to_string()),
            layer_version_arn: Some(name.version_arn(version).to_string()),
            description: Some(record.description),
            created_date: Some(time(record.created_ms)),
            version: i64::try_from(version).ok(),
            compatible_architectures: record.architectures,
            compatible_runtimes: record.runtimes,
            license_info: record.license,
        })
    }
}

fn listed(name: &LayerName, version: u64, record: LayerRecord) -> s::LayerVersionsListItem {
    s::LayerVersionsListItem {
        layer_version_arn: Some(name.version_arn(version).to_string()),
        version: i64::try_from(version).ok(),
        description: Some(record.description),
        created_date: Some(time(record.created_ms)),
        compatible_architectures: record.architectures,
        compatible_runtimes: record.runtimes,
        license_info: record.license,
    }
}

/// Whether a layer says that it fits a runtime and an architecture.
fn fits(runtime: Option<String>, architecture: Option<String>) -> impl Fn(&LayerRecord) -> bool {
    move |record| {
        let has = |list: &Option<Vec<String>>, wanted: &Option<String>| match wanted {
            Some(wanted) => list.as_ref().is_some_and(|list| list.contains(wanted)),
            None => true,
        };
        has(&record.runtimes, &runtime) && has(&record.architectures, &architecture)
    }
}

pub(super) fn number(given: i64) -> Result<u64> {
    u64::try_from(given)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| error::parameter("Layer Version Cannot be less than 1"))
}

fn time(at_ms: i64) -> String {
    super::render::time(Instant::from_millis(at_ms).millis())
}
