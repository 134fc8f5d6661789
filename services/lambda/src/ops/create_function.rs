use std::collections::BTreeMap;

use bytes::Bytes;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::render::arn_of;
use super::source::Source;
use super::versions::PublishTo;
use crate::model::function::{FunctionRecord, State, Update, VersionRecord};
use crate::names::{self, LATEST};
use crate::settings::{self, Unsupported};
use crate::{Lambda, capacity, environment, error, images};

impl Handle<op::CreateFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::CreateFunctionRequest) -> Result<Vec<Access>> {
        let named = names::read(cx, &input.function_name, None)?;
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let mut create = Access::on("lambda:CreateFunction", &named.function.arn())
            .request_tags(tags.map(|(key, value)| (key, value.as_str())));
        if let Some(layers) = input.layers.clone().filter(|layers| !layers.is_empty()) {
            create = create.keys("lambda:Layer", layers);
        }
        if let Some(config) = &input.code_signing_config_arn {
            create = create.key("lambda:CodeSigningConfigArn", config.as_str());
        }
        let mut all = vec![create];
        all.extend(Lambda::passes_role(&input.role));
        all.extend(self.asks_for_layers(cx.region(), &input.layers).await?);
        all.extend(self.passes_provider(cx, input.capacity_provider_config.as_ref()).await?);
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreateFunctionRequest) -> Result<s::FunctionConfiguration> {
        let named = names::read(cx, &input.function_name, None)?;
        if named.qualifier.is_some() || named.function.account != cx.account() {
            return Err(error::parameter(
                "The function's name must be of this account and without a qualifier.",
            ));
        }
        let function = named.function;
        let is_image = input.package_type.as_deref() == Some("Image");
        let to = PublishTo::read(input.publish_to.as_deref())?;
        to.check(input.capacity_provider_config.is_some())?;
        if input.tenancy_config.is_some() {
            return Err(error::unsupported("TenancyConfig"));
        }
        Unsupported {
            vpc: input.vpc_config.as_ref(),
            files: input.file_system_configs.as_deref(),
            image: input.image_config.as_ref().filter(|_| !is_image),
            snap_start: input.snap_start.as_ref(),
            runtime: input.runtime_config.is_some(),
            accelerator: input.accelerator_config.is_some(),
        }
        .check()?;
        let some_layers = input.layers.as_ref().is_some_and(|layers| !layers.is_empty());
        let (runtime, handler) = match (is_image, input.runtime, input.handler) {
            (true, None, None) if !some_layers => (String::new(), String::new()),
            (true, ..) => return Err(error::parameter(images::NO_PACKAGE)),
            (false, Some(runtime), Some(handler)) => (runtime, handler),
            (false, ..) => {
                return Err(error::parameter(
                    "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
                ));
            }
        };
        settings::tags(&input.tags)?;
        let usage = match input.capacity_provider_config {
            Some(given) => {
                let given = given.lambda_managed_instances_capacity_provider_config;
                let provider = self.usable_provider(cx, &given.capacity_provider_arn).await?;
                Some(capacity::settings::usage(&given, provider, None))
            }
            None => None,
        };
        if usage.is_some() && !is_image {
            self.check_managed_runtime(&runtime)?;
        }
        match is_image {
            true => self.check_runtime(images::RUNTIME)?,
            false => self.check_runtime(&runtime)?,
        }
        let durable = input.durable_config.map(|given| settings::durable(given, None)).transpose()?;
        let variables = environment::check(input.environment)?;
        let kms_key = input.kms_key_arn.filter(|key| !key.is_empty());
        let dead_letter = settings::dead_letter(input.dead_letter_config)?;
        let (timeout_s, memory_mb, ephemeral_mb, architecture, logging) = (
            settings::timeout(input.timeout.unwrap_or(settings::TIMEOUT_S))?,
            match usage {
                Some(_) => {
                    let given = input.memory_size.unwrap_or(capacity::settings::MEMORY_MB);
                    settings::memory_within(given, capacity::settings::MEMORY_MB_MAX)?
                }
                None => settings::memory(input.memory_size.unwrap_or(settings::MEMORY_MB))?,
            },
            settings::ephemeral(input.ephemeral_storage)?,
            settings::architecture(input.architectures)?,
            settings::logging(match usage {
                Some(_) => capacity::settings::logging(input.logging_config)?,
                None => input.logging_config.unwrap_or_default(),
            })?,
        );
        if let Some(usage) = &usage {
            capacity::settings::check(usage, memory_mb)?;
        }
        if self.records.function(&function).await?.is_some() {
            return Err(error::conflict(format!("Function already exist: {}", function.name)));
        }
        self.check_role(&function, &input.role).await?;
        if let Some(queue) = &dead_letter {
            self.check_dead_letter(&function, &input.role, queue).await?;
        }
        let source = Source::of_function(input.code);
        let image = match is_image {
            true => Some(
                self.images
                    .find(source.image_alone()?, &architecture, images::config(input.image_config)?)
                    .await?,
            ),
            false => None,
        };
        let package = match image {
            Some(_) => Bytes::new(),
            None => self.fetch(cx, source).await?,
        };
        if image.is_none() {
            self.check_signature(cx, input.code_signing_config_arn.as_deref(), &package).await?;
        } else if input.code_signing_config_arn.is_some() {
            return Err(error::parameter("Code signing is not for functions with PackageType Image."));
        }
        self.check_storage(cx, package.len()).await?;
        let environment =
            self.seal_environment(cx, &function, kms_key.as_deref(), &input.role, &variables).await?;
        let code = match &image {
            Some(image) => self.code.note(image).await?,
            None => self.code.take(package).await?,
        };
        let layers = self.use_layers(cx, input.layers.unwrap_or_default(), &code).await;
        let layers = match layers {
            Ok(layers) => layers,
            Err(refused) => {
                self.code.delete(vec![code.blob]).await?;
                return Err(refused);
            }
        };
        let blob = code.blob;
        let latest = VersionRecord {
            version: LATEST.into(),
            revision: self.revision(),
            setting: self.platform.env.rng.u64(),
            modified_ms: cx.now().millis(),
            role: input.role,
            runtime,
            handler,
            description: input.description.unwrap_or_default(),
            timeout_s,
            memory_mb,
            ephemeral_mb,
            architecture,
            code,
            layers,
            image,
            durable,
            capacity: usage,
            environment,
            kms_key,
            dead_letter,
            tracing_active: is_active(input.tracing_config),
            logging,
            state: State::Pending,
            update: Update::InProgress,
        };
        let record = FunctionRecord {
            latest,
            next_version: 1,
            tags: input.tags.unwrap_or_default().into_iter().collect(),
            reserved: None,
            recursion_allowed: false,
            code_signing_config: input.code_signing_config_arn,
            policies: BTreeMap::new(),
            invoke_configs: BTreeMap::new(),
            urls: BTreeMap::new(),
            provisioned: BTreeMap::new(),
            runtime_updates: BTreeMap::new(),
            scaling: BTreeMap::new(),
        };
        if let Err(refused) = self.records.create(&function, &record).await {
            self.code.delete(vec![blob]).await?;
            return Err(refused);
        }
        self.wake.code.wake();
        if input.publish == Some(true) || to == PublishTo::LatestPublished {
            let version = self.publish(cx, &function, to, None, None, None).await?;
            let arn = arn_of(&function, &version.version, None);
            return self.configuration(cx, &function, &version, arn, false).await;
        }
        self.configuration(cx, &function, &record.latest, function.arn(), false).await
    }
}

pub(super) fn is_active(given: Option<s::TracingConfig>) -> bool {
    given.and_then(|given| given.mode).as_deref() == Some("Active")
}
