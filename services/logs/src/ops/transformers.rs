use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_logs_wire as wire;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::access::on_all;
use crate::Logs;
use crate::error;
use crate::model::{Group, TransformerRecord};
use crate::names::GroupName;
use crate::transform::{Transformer, Work};

impl Handle<op::PutTransformer> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutTransformerRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:PutTransformer", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::PutTransformerRequest) -> Result<Empty> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let group = self.records.group(&name).await?;
        if group.class != "STANDARD" {
            return Err(error::not_of_class("Transformers", &group.class));
        }
        Transformer::check(&input.transformer_config)?;
        let record = write(input.transformer_config)?;
        self.records.put_transformer(&name, &record, cx.now().millis()).await?;
        Ok(Empty {})
    }
}

impl Handle<op::GetTransformer> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetTransformerRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:GetTransformer", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::GetTransformerRequest) -> Result<s::GetTransformerResponse> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let group = self.records.group(&name).await?;
        let found = group.transformer.ok_or_else(error::transformer_not_found)?;
        let record = self.records.transformer(group.id, found.number).await?;
        let record = record.ok_or_else(error::transformer_not_found)?;
        Ok(s::GetTransformerResponse {
            log_group_identifier: Some(name.arn().to_string()),
            creation_time: Some(found.created_ms),
            last_modified_time: Some(found.modified_ms),
            transformer_config: Some(read(&record)?),
        })
    }
}

impl Handle<op::DeleteTransformer> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteTransformerRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:DeleteTransformer", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTransformerRequest) -> Result<Empty> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.records
            .change_group(&name, |group| match group.transformer.take() {
                Some(_) => Ok(()),
                None => Err(error::transformer_not_found()),
            })
            .await?;
        Ok(Empty {})
    }
}

impl Handle<op::TestTransformer> for Logs {
    async fn access(&self, cx: &Cx, _: &s::TestTransformerRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:TestTransformer"))
    }

    async fn call(&self, _: &Cx, input: s::TestTransformerRequest) -> Result<s::TestTransformerResponse> {
        Transformer::check(&input.transformer_config)?;
        let transformer = Transformer::new(&input.transformer_config)?;
        let (mut records, mut work) = (Vec::new(), Work::new());
        for (message, number) in input.log_event_messages.into_iter().zip(1..) {
            records.push(s::TransformedLogRecord {
                event_number: Some(number),
                transformed_event_message: transformer.apply(&message, &mut work),
                event_message: Some(message),
            });
            work.breathe(0).await;
        }
        Ok(s::TestTransformerResponse { transformed_logs: Some(records) })
    }
}

impl Logs {
    /// Whether events of a group are transformed: by its own transformer, or by one of the account.
    pub(super) async fn has_transformer(&self, name: &GroupName, group: &Group) -> Result<bool> {
        let settings = self.settings.of(&self.records, (name.account, name.region)).await?;
        Ok(settings.transformer(&name.name, group).is_some())
    }
}

pub(super) fn write(processors: Vec<s::Processor>) -> Result<TransformerRecord> {
    let whole = s::GetTransformerResponse { transformer_config: Some(processors), ..Default::default() };
    let bytes = haneul_wire::to_json(haneul_wire::model(&wire::SERVICE), &whole);
    Ok(TransformerRecord { config: String::from_utf8(bytes).map_err(ApiError::internal)? })
}

pub(crate) fn read(record: &TransformerRecord) -> Result<Vec<s::Processor>> {
    let mut whole = s::GetTransformerResponse::default();
    let model = haneul_wire::model(&wire::SERVICE);
    let read = haneul_wire::from_json(model, record.config.as_bytes(), &mut whole);
    read.map_err(|_| ApiError::internal("a transformer is damaged"))?;
    Ok(whole.transformer_config.unwrap_or_default())
}
