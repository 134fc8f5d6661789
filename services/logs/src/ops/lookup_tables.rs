use std::collections::HashMap;
use std::collections::hash_map::Entry;

use haneul_kit::{Access, AccountId, ApiError, Arn, Cx, Handle, Region, Result, Tags, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::tags::refused;
use crate::Logs;
use crate::calls::Keeper;
use crate::error;
use crate::insights::Plan;
use crate::insights::lookup::Csv;
use crate::keys::DataKey;
use crate::model::{DataKeyRecord, LookupTable};
use crate::store::{LookupKey, Records, RowSeal};

const PAGE: usize = 50;
const BYTES_MAX: usize = 10 * 1024 * 1024;

/// Commands of one query; each has its own index of its table in memory.
const LOOKUPS_MAX: usize = 10;

pub(crate) fn lookup_arn(key: &LookupKey) -> Arn {
    Arn::new("logs", key.1, key.0, format_args!("lookup-table:{}", key.2))
}

/// The table that an ARN means: one of the caller's, in this Region.
pub(super) fn lookup_key(cx: &Cx, given: &str) -> Result<LookupKey> {
    let bad = || error::invalid(format!("The specified lookup table ARN {given} is invalid."));
    let arn = Arn::parse(given).map_err(|_| bad())?;
    let name =
        arn.resource().strip_prefix("lookup-table:").filter(|name| !name.is_empty()).ok_or_else(bad)?;
    let ours = arn.service() == "logs"
        && arn.region() == cx.region().as_str()
        && arn.account_id() == Some(cx.account());
    if ours { Ok((cx.account(), cx.region(), name.to_owned())) } else { Err(error::lookup_not_found()) }
}

impl Logs {
    async fn on_lookup(&self, key: &LookupKey, action: &'static str) -> Result<Access> {
        let access = Access::on(action, &lookup_arn(key));
        Ok(match self.records.find_lookup(key).await? {
            Some(table) => access.resource_tags(table.tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            None => access,
        })
    }

    /// A table of a query's results is made by who may read these.
    async fn with_results(&self, cx: &Cx, access: Access, query: Option<&String>) -> Result<Vec<Access>> {
        let mut all = vec![access];
        if let Some(id) = query {
            let results = s::GetQueryResultsRequest { query_id: id.clone(), ..Default::default() };
            all.extend(Handle::<op::GetQueryResults>::access(self, cx, &results).await?);
        }
        Ok(all)
    }

    /// The rows that a request brings, as CSV.
    async fn rows_of(&self, cx: &Cx, body: Option<String>, query: Option<String>) -> Result<(String, Csv)> {
        let body = match (body, query) {
            (Some(body), None) => body,
            (None, Some(id)) => {
                self.query((cx.account(), cx.region()), &id).await?;
                let outcome = self.queries.outcome(&id);
                let outcome = outcome.filter(|_| !self.queries.is_running(&id)).ok_or_else(|| {
                    error::invalid(format!(
                        "The query {id} has no results: it is not complete, or they are forgotten."
                    ))
                })?;
                Csv::of_results(&outcome.rows)
            }
            _ => return Err(error::invalid("You must specify either tableBody or queryId, but not both.")),
        };
        if body.len() > BYTES_MAX {
            return Err(error::invalid("A lookup table must not exceed 10 MB."));
        }
        let csv = Csv::parse(&body)
            .map_err(|why| error::invalid(format!("The table body is not valid: {why}.")))?;
        Ok((body, csv))
    }

    /// The rows of a table, as CSV.
    ///
    /// # Errors
    /// When KMS does not open its key for us.
    pub(crate) async fn lookup_body(&self, key: &LookupKey) -> Result<String> {
        let (table, sealed) = self.records.sealed_lookup(key).await?;
        let seal = match &table.key {
            Some(record) => self.row_seal(key, record).await?,
            None => RowSeal::Cloud(self.platform.seal.clone()),
        };
        Records::open_lookup(key, &seal, &sealed)
    }

    async fn row_seal(&self, key: &LookupKey, record: &DataKeyRecord) -> Result<RowSeal> {
        let opened = self.decrypt_data_key(&Keeper::lookup(key), record).await;
        let plain = opened.map_err(|refused| error::key(&refused, &lookup_arn(key)))?;
        let data_key = DataKey::new(&plain, &self.platform.env.rng);
        let data_key = data_key.ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        Ok(RowSeal::Key(Box::new(data_key)))
    }

    /// What new rows of a table are sealed with: a key that is given, none where that is empty, or else the one that it had.
    pub(crate) async fn new_seal(
        &self,
        key: &LookupKey,
        given: Option<&str>,
        before: Option<DataKeyRecord>,
    ) -> Result<(Option<DataKeyRecord>, RowSeal)> {
        let record = match given {
            Some("") => None,
            Some(key_id) => Some(self.new_data_key(&Keeper::lookup(key), key_id).await?),
            None => before,
        };
        let seal = match &record {
            Some(record) => self.row_seal(key, record).await?,
            None => RowSeal::Cloud(self.platform.seal.clone()),
        };
        Ok((record, seal))
    }

    /// Whether there are tables with the columns that a query's `lookup` commands name.
    pub(crate) async fn check_lookups(&self, owner: (AccountId, Region), plan: &mut Plan) -> Result<()> {
        let mut count = 0;
        for lookup in plan.lookups() {
            count += 1;
            if count > LOOKUPS_MAX {
                return Err(error::invalid(format!("A query has at most {LOOKUPS_MAX} lookup commands.")));
            }
            let table = self.records.lookup_table(&(owner.0, owner.1, lookup.table.clone())).await?;
            lookup.places(&table.fields).map_err(error::invalid)?;
        }
        for lookup in plan.cidr_lookups() {
            count += 1;
            if count > LOOKUPS_MAX {
                return Err(error::invalid(format!("A query has at most {LOOKUPS_MAX} lookup commands.")));
            }
            let table = self.records.lookup_table(&(owner.0, owner.1, lookup.table.clone())).await?;
            lookup.check(&table.fields).map_err(error::invalid)?;
        }
        Ok(())
    }

    /// Brings the tables, each once.
    pub(crate) async fn load_lookups(&self, owner: (AccountId, Region), plan: &mut Plan) -> Result<()> {
        let mut tables: HashMap<String, Csv> = HashMap::new();
        for lookup in plan.lookups() {
            let csv = match tables.entry(lookup.table.clone()) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(place) => {
                    let key = (owner.0, owner.1, lookup.table.clone());
                    let body = self.lookup_body(&key).await?;
                    place.insert(Csv::parse(&body).map_err(error::invalid)?)
                }
            };
            lookup.load(csv).map_err(error::invalid)?;
            tokio::task::yield_now().await;
        }
        for lookup in plan.cidr_lookups() {
            let key = (owner.0, owner.1, lookup.table.clone());
            let body = self.lookup_body(&key).await?;
            lookup.load(&Csv::parse(&body).map_err(error::invalid)?).map_err(error::invalid)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn table(csv: &Csv, body: &str, description: Option<String>, now_ms: i64) -> LookupTable {
    LookupTable {
        description,
        fields: csv.fields.clone(),
        rows: csv.rows.len() as i64,
        bytes: body.len() as i64,
        updated_ms: now_ms,
        tags: Vec::new(),
        key: None,
    }
}

impl Handle<op::CreateLookupTable> for Logs {
    async fn access(&self, cx: &Cx, input: &s::CreateLookupTableRequest) -> Result<Vec<Access>> {
        let key = (cx.account(), cx.region(), input.lookup_table_name.clone());
        let tags = input.tags.iter().flat_map(|tags| tags.iter()).map(|(key, value)| (key, value.as_str()));
        let create = Access::on("logs:CreateLookupTable", &lookup_arn(&key)).request_tags(tags);
        self.with_results(cx, create, input.query_id.as_ref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateLookupTableRequest,
    ) -> Result<s::CreateLookupTableResponse> {
        let (body, csv) = self.rows_of(cx, input.table_body, input.query_id).await?;
        let tags = Tags::from_request(input.tags.unwrap_or_default()).map_err(refused)?;
        let mut made = table(&csv, &body, input.description, cx.now().millis());
        made.tags = tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let key = (cx.account(), cx.region(), input.lookup_table_name);
        if self.records.find_lookup(&key).await?.is_some() {
            return Err(error::lookup_exists());
        }
        let seal;
        (made.key, seal) = self.new_seal(&key, input.kms_key_id.as_deref(), None).await?;
        let made = self.records.put_lookup(&seal, &key, (&made, &body), false).await?;
        Ok(s::CreateLookupTableResponse {
            lookup_table_arn: Some(lookup_arn(&key).to_string()),
            created_at: Some(made.updated_ms),
        })
    }
}

impl Handle<op::UpdateLookupTable> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UpdateLookupTableRequest) -> Result<Vec<Access>> {
        let update =
            self.on_lookup(&lookup_key(cx, &input.lookup_table_arn)?, "logs:UpdateLookupTable").await?;
        self.with_results(cx, update, input.query_id.as_ref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateLookupTableRequest,
    ) -> Result<s::UpdateLookupTableResponse> {
        let key = lookup_key(cx, &input.lookup_table_arn)?;
        let before = self.records.lookup_table(&key).await?;
        let (body, csv) = self.rows_of(cx, input.table_body, input.query_id).await?;
        let mut made = table(&csv, &body, input.description, cx.now().millis());
        let seal;
        (made.key, seal) = self.new_seal(&key, input.kms_key_id.as_deref(), before.key).await?;
        let made = self.records.put_lookup(&seal, &key, (&made, &body), true).await?;
        Ok(s::UpdateLookupTableResponse {
            lookup_table_arn: Some(lookup_arn(&key).to_string()),
            last_updated_time: Some(made.updated_ms),
        })
    }
}

impl Handle<op::GetLookupTable> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetLookupTableRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_lookup(&lookup_key(cx, &input.lookup_table_arn)?, "logs:GetLookupTable").await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetLookupTableRequest) -> Result<s::GetLookupTableResponse> {
        let key = lookup_key(cx, &input.lookup_table_arn)?;
        let table = self.records.lookup_table(&key).await?;
        Ok(s::GetLookupTableResponse {
            lookup_table_arn: Some(lookup_arn(&key).to_string()),
            table_body: Some(self.lookup_body(&key).await?),
            lookup_table_name: Some(key.2),
            description: table.description,
            size_bytes: Some(table.bytes),
            last_updated_time: Some(table.updated_ms),
            kms_key_id: table.key.map(|key| key.key_arn),
        })
    }
}

impl Handle<op::DeleteLookupTable> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteLookupTableRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_lookup(&lookup_key(cx, &input.lookup_table_arn)?, "logs:DeleteLookupTable").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLookupTableRequest) -> Result<Empty> {
        self.records.delete_lookup(&lookup_key(cx, &input.lookup_table_arn)?).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DescribeLookupTables> for Logs {
    async fn access(&self, _: &Cx, _: &s::DescribeLookupTablesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("logs:DescribeLookupTables")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeLookupTablesRequest,
    ) -> Result<s::DescribeLookupTablesResponse> {
        let owner = (cx.account(), cx.region());
        let prefix = input.lookup_table_name_prefix.unwrap_or_default();
        let mut found = self.records.lookup_tables(owner, &prefix).await?;
        let purpose = format!("logs.lookup-tables {} {} {prefix}", owner.0, owner.1);
        if let Some(token) = &input.next_token {
            let after: String =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
            found.retain(|(key, _)| key.2 > after);
        }
        let limit = input.max_results.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(1).max(1));
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, |(key, _)| key.2.clone());
        let shown = |(key, table): (LookupKey, LookupTable)| s::LookupTable {
            lookup_table_arn: Some(lookup_arn(&key).to_string()),
            lookup_table_name: Some(key.2),
            description: table.description,
            table_fields: Some(table.fields),
            records_count: Some(table.rows),
            size_bytes: Some(table.bytes),
            last_updated_time: Some(table.updated_ms),
            kms_key_id: table.key.map(|key| key.key_arn),
        };
        Ok(s::DescribeLookupTablesResponse {
            lookup_tables: Some(page.items.into_iter().map(shown).collect()),
            next_token: page.next,
        })
    }
}
