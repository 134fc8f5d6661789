//! CreateTable, DescribeTable, DeleteTable and ListTables.

use haneul_dynamodb_wire::operations::{CreateTable, DeleteTable, DescribeTable, ListTables};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result, Tags, pinned_policy};

use super::Dynamodb;
use crate::error::{self, invalid};
use crate::model::PolicyRecord;
use crate::table::describe::{self, Counts};
use crate::table::{TableInfo, define, name};

/// Names that one answer has. Source: the API reference.
const NAMES_MAX: i32 = 100;

impl Handle<CreateTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::CreateTableInput) -> Result<Vec<Access>> {
        let arn = name::arn(&(cx.account(), cx.region(), input.table_name.clone()));
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let mut needed = vec![Access::on("dynamodb:CreateTable", &arn).request_tags(tags)];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            needed.push(Access::on("dynamodb:TagResource", &arn).request_tags(tags));
        }
        if input.resource_policy.is_some() {
            needed.push(Access::on("dynamodb:PutResourcePolicy", &arn));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: s::CreateTableInput) -> Result<s::CreateTableOutput> {
        let mut record = define::table(&input)?;
        let stream = stream_view(input.stream_specification.as_ref(), true)?;
        if let Some(document) = input.resource_policy {
            name::check_policy(&document)?;
            let document = pinned_policy::pin(&self.platform, &document).await?;
            record.resource_policy = Some(PolicyRecord { document, revision: revision(cx) });
        }
        let tags: Vec<_> =
            input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        let tags = Tags::from_request(tags).map_err(error::tags)?;
        record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        if record.billing.on_demand {
            record.billing.on_demand_since_ms = Some(cx.now().millis());
        }
        let id = (cx.account(), cx.region(), input.table_name);
        if input.sse_specification.is_some() && self.db.find_table(&id).await?.is_some() {
            return Err(error::in_use(format!("Table already exists: {}", id.2)));
        }
        record.sse = self.new_encryption(cx, &id, input.sse_specification.as_ref(), None).await?;
        let made = self.db.create_table(&id, record, stream).await?;
        let mut description = describe::table(&made, "CREATING", &Counts::default());
        // Since when it is on demand, AWS tells of a table that is there.
        if let Some(billing) = &mut description.billing_mode_summary {
            billing.last_update_to_pay_per_request_date_time = None;
        }
        Ok(s::CreateTableOutput { table_description: Some(description) })
    }
}

impl Handle<DescribeTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeTableInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DescribeTable", &input.table_name).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribeTableInput) -> Result<s::DescribeTableOutput> {
        let id = name::of(cx, &input.table_name)?;
        let mut info = self.db.named_table(&id).await?;
        if info.record.sse.is_some() && self.db.check_key(&info).await? != describe::inaccessible_ms(&info) {
            info = self.db.named_table(&id).await?;
        }
        let counts = self.db.counts(&info).await?;
        let filling =
            info.indexes.iter().any(|index| !index.record.ready) || self.makes_replicas(&info).await?;
        let status = match (info.record.is_made(), filling) {
            _ if describe::inaccessible_ms(&info).is_some() => "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
            (false, _) => "CREATING",
            (true, true) => "UPDATING",
            (true, false) => "ACTIVE",
        };
        let mut table = describe::table(&info, status, &counts);
        self.describe_replicas(&info, &mut table).await?;
        self.describe_last_stream(&info, &mut table).await?;
        Ok(s::DescribeTableOutput { table: Some(table) })
    }
}

impl Dynamodb {
    /// Names the stream that a table had last, after it was disabled, too.
    pub(super) async fn describe_last_stream(
        &self,
        info: &TableInfo,
        description: &mut s::TableDescription,
    ) -> Result<()> {
        if info.record.stream.is_none()
            && let Some(label) = self.db.last_stream(info).await?
        {
            description.latest_stream_arn = Some(format!("{}/stream/{label}", info.arn()));
            description.latest_stream_label = Some(label);
        }
        Ok(())
    }
}

impl Handle<DeleteTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DeleteTableInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DeleteTable", &input.table_name).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTableInput) -> Result<s::DeleteTableOutput> {
        let id = name::of(cx, &input.table_name)?;
        let gone = self.remove_table(&id).await?;
        let mut description = describe::table(&gone, "DELETING", &Counts::default());
        // AWS no longer tells the keys of what is on its way out.
        (description.attribute_definitions, description.key_schema) = (None, None);
        description.creation_date_time = None;
        Ok(s::DeleteTableOutput { table_description: Some(description) })
    }
}

impl Handle<ListTables> for Dynamodb {
    async fn access(&self, cx: &Cx, _: &s::ListTablesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::on("dynamodb:ListTables", &cx.arn("dynamodb", "table/*"))])
    }

    async fn call(&self, cx: &Cx, input: s::ListTablesInput) -> Result<s::ListTablesOutput> {
        let limit = usize::try_from(input.limit.unwrap_or(NAMES_MAX).clamp(1, NAMES_MAX)).unwrap_or(1);
        let after = input.exclusive_start_table_name.as_deref();
        let mut names = self.db.table_names(cx.account(), cx.region(), after, limit + 1).await?;
        let more = names.len() > limit;
        names.truncate(limit);
        Ok(s::ListTablesOutput {
            last_evaluated_table_name: names.last().filter(|_| more).cloned(),
            table_names: Some(names),
        })
    }
}

/// The view of a stream that is asked for, of a new table or of one that is changed.
pub(super) fn stream_view(given: Option<&s::StreamSpecification>, new: bool) -> Result<Option<String>> {
    let Some(given) = given else { return Ok(None) };
    match (given.stream_enabled, &given.stream_view_type) {
        (true, Some(view)) => Ok(Some(view.clone())),
        (true, None) => Err(invalid(match new {
            true => "Table is being created with a stream enabled, UpdateViewType is required",
            false => "If stream is being enabled then UpdateViewType is required",
        })),
        (false, Some(_)) => Err(invalid(match new {
            true => "Table is being created with a stream disabled, UpdateViewType should not be specified",
            false => "If stream is being disabled, then UpdateViewType must not be specified",
        })),
        (false, None) => Ok(None),
    }
}

/// The revision of a policy: when it was put.
pub(super) fn revision(cx: &Cx) -> String {
    cx.now().millis().to_string()
}
