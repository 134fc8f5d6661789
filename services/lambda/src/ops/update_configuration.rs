use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::create_function::is_active;
use super::update_code::check_revision;
use crate::model::function::{ImageConfig, ImageRecord, State, Update};
use crate::settings::{self, Unsupported};
use crate::{Lambda, capacity, environment, error, images, names};

impl Handle<op::UpdateFunctionConfiguration> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UpdateFunctionConfigurationRequest) -> Result<Vec<Access>> {
        let mut update =
            self.on_function(cx, "lambda:UpdateFunctionConfiguration", &input.function_name).await?;
        if let Some(layers) = input.layers.clone().filter(|layers| !layers.is_empty()) {
            update = update.keys("lambda:Layer", layers);
        }
        let mut all = vec![update];
        all.extend(input.role.as_deref().and_then(Lambda::passes_role));
        all.extend(self.asks_for_layers(cx.region(), &input.layers).await?);
        all.extend(self.passes_provider(cx, input.capacity_provider_config.as_ref()).await?);
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateFunctionConfigurationRequest,
    ) -> Result<s::FunctionConfiguration> {
        let function = names::read(cx, &input.function_name, None)?.function;
        Unsupported {
            vpc: input.vpc_config.as_ref(),
            files: input.file_system_configs.as_deref(),
            image: None,
            snap_start: input.snap_start.as_ref(),
            runtime: input.runtime_config.is_some(),
            accelerator: input.accelerator_config.is_some(),
        }
        .check()?;
        let before = self.settled(&function).await?;
        check_revision(input.revision_id.as_deref(), &before.latest.revision)?;
        let mut next = before.latest.clone();
        let some_layers = input.layers.as_ref().is_some_and(|layers| !layers.is_empty());
        if next.image.is_some() && (input.runtime.is_some() || input.handler.is_some() || some_layers) {
            return Err(error::parameter(images::NO_PACKAGE));
        }
        if let Some(given) = input.image_config {
            let config = images::config(Some(given))?;
            match next.image.take() {
                // The image is the one that it was, whatever its tag names by now.
                Some(image) => {
                    next.image = Some(self.images.find(&image.resolved, &next.architecture, config).await?);
                    next.image = next.image.map(|found| ImageRecord {
                        uri: image.uri,
                        resolved: image.resolved,
                        ..found
                    });
                }
                None if config == ImageConfig::default() => {}
                None => return Err(error::unsupported("ImageConfig for a function with packageType Zip")),
            }
        }
        if let Some(given) = input.durable_config {
            let before = before.latest.durable.as_ref();
            let before = before.ok_or_else(|| {
                error::parameter("DurableConfig can only be given to a function when it is created.")
            })?;
            next.durable = Some(settings::durable(given, Some(before))?);
        }
        if let Some(given) = input.capacity_provider_config {
            let before = before.latest.capacity.as_ref().ok_or_else(|| {
                error::parameter("CapacityProviderConfig can only be given to a function when it is created.")
            })?;
            let given = given.lambda_managed_instances_capacity_provider_config;
            let provider = self.usable_provider(cx, &given.capacity_provider_arn).await?;
            next.capacity = Some(capacity::settings::usage(&given, provider, Some(before)));
        }
        if let Some(role) = input.role.filter(|role| *role != next.role) {
            self.check_role(&function, &role).await?;
            next.role = role;
        }
        if let Some(runtime) = input.runtime {
            if next.capacity.is_some() {
                self.check_managed_runtime(&runtime)?;
            }
            self.check_runtime(&runtime)?;
            next.runtime = runtime;
        }
        next.handler = input.handler.unwrap_or(next.handler);
        next.description = input.description.unwrap_or(next.description);
        next.timeout_s = input.timeout.map_or(Ok(next.timeout_s), settings::timeout)?;
        if let Some(given) = input.memory_size {
            next.memory_mb = match next.capacity {
                Some(_) => settings::memory_within(given, capacity::settings::MEMORY_MB_MAX)?,
                None => settings::memory(given)?,
            };
        }
        if let Some(capacity) = &next.capacity {
            capacity::settings::check(capacity, next.memory_mb)?;
        }
        if input.ephemeral_storage.is_some() {
            next.ephemeral_mb = settings::ephemeral(input.ephemeral_storage)?;
        }
        if let Some(given) = input.logging_config {
            let group = given.log_group.clone().or(next.logging.group.clone());
            next.logging = settings::logging(match next.capacity {
                Some(_) => capacity::settings::logging(Some(given))?,
                None => given,
            })?;
            next.logging.group = group;
        }
        if input.tracing_config.is_some() {
            next.tracing_active = is_active(input.tracing_config);
        }
        if input.dead_letter_config.is_some() {
            next.dead_letter = settings::dead_letter(input.dead_letter_config)?;
        }
        if let Some(queue) = &next.dead_letter
            && (next.dead_letter != before.latest.dead_letter || next.role != before.latest.role)
        {
            self.check_dead_letter(&function, &next.role, queue).await?;
        }
        if let Some(layers) = input.layers {
            next.layers = self.use_layers(cx, layers, &next.code).await?;
        }
        let key = input.kms_key_arn.map(|key| Some(key).filter(|key| !key.is_empty()));
        let rekeyed = key.as_ref().is_some_and(|key| *key != next.kms_key) || next.role != before.latest.role;
        next.kms_key = key.unwrap_or(next.kms_key);
        if input.environment.is_some() || rekeyed {
            let held = match &before.latest.environment {
                Some(sealed) => Some(self.open_environment(cx, &function, sealed).await?),
                None => None,
            };
            let variables = match input.environment {
                Some(given) => environment::check(Some(given))?,
                None => held.clone().unwrap_or_default(),
            };
            // The same variables stay as they were encrypted, so that nothing seems to have changed.
            if rekeyed || held.as_ref() != Some(&variables) {
                let key = next.kms_key.as_deref();
                next.environment = self.seal_environment(cx, &function, key, &next.role, &variables).await?;
            }
        }
        next.modified_ms = cx.now().millis();
        next.revision = self.revision();
        next.setting = self.platform.env.rng.u64();
        next.update = Update::InProgress;
        if matches!(next.state, State::Failed { .. }) {
            next.state = State::Pending;
        }
        let (next, seen) = (&next, &before.latest.revision);
        // What it was worked out from must still be true.
        let changed = self.records.change(&function, |record| {
            check_revision(Some(seen), &record.latest.revision)?;
            record.latest = next.clone();
            Ok(())
        });
        changed.await?;
        if next.role != before.latest.role {
            self.forget_sessions(&function);
        }
        self.changed(&function).await;
        self.configuration(cx, &function, next, function.arn(), false).await
    }
}
