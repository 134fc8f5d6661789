use haneul_kit::{Arn, Cx, Result, Tags};
use haneul_logs_wire::shapes as s;

use super::super::queries::milliseconds;
use super::super::tags::refused;
use crate::error;
use crate::insights::compile;
use crate::model::{BucketTarget, ScheduledQuery, TableTarget};
use crate::names::GroupName;
use crate::schedule::{LOOKBACK_S, Schedule};

/// What may be given when one is made, and when it is changed.
pub(super) struct Given {
    description: Option<String>,
    language: String,
    text: String,
    groups: Option<Vec<String>>,
    expression: String,
    timezone: Option<String>,
    start_offset_s: Option<i64>,
    end_offset_s: Option<i64>,
    destinations: Option<s::DestinationConfiguration>,
    from: Option<i64>,
    until: Option<i64>,
    role: String,
    state: Option<String>,
}

impl Given {
    /// Roles that are passed.
    pub(super) fn roles(&self) -> Vec<&str> {
        let all = self.destinations.as_ref();
        let bucket = all.and_then(|all| all.s3_configuration.as_ref()).map(|one| one.role_arn.as_str());
        let table =
            all.and_then(|all| all.lookup_table_configuration.as_ref()).map(|one| one.role_arn.as_str());
        let mut roles: Vec<&str> = [Some(self.role.as_str()), bucket, table].into_iter().flatten().collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// What it says, when all of that can be kept.
    pub(super) fn checked(self, cx: &Cx) -> Result<ScheduledQuery> {
        if self.language != "CWLI" {
            return Err(error::not_valid(
                "A query language other than Logs Insights QL is not offered by Haneul.",
            ));
        }
        let plan = compile(&self.text).map_err(|error| {
            error::not_valid(format!("The query string is not valid: {}", error.message()))
        })?;
        match (&self.groups, &plan.source) {
            (Some(_), Some(_)) => {
                return Err(error::not_valid(
                    "Log groups are named by the request or by SOURCE, not by both.",
                ));
            }
            (None, None) => {
                return Err(error::not_valid(
                    "The log groups are missing: give logGroupIdentifiers, or SOURCE.",
                ));
            }
            _ => {}
        }
        for group in self.groups.iter().flatten() {
            GroupName::identified(cx, group)
                .map_err(|_| error::not_valid(format!("The log group identifier {group} is not valid.")))?;
        }
        let (start, end) = (self.start_offset_s.unwrap_or(LOOKBACK_S), self.end_offset_s.unwrap_or(0));
        if start <= 0 || end < 0 || end >= start {
            return Err(error::not_valid(
                "startTimeOffset must be positive, and endTimeOffset not negative and less than that.",
            ));
        }
        let ms = |time: Option<i64>| time.map(|time| milliseconds(time, 0));
        let (from_ms, until_ms) = (ms(self.from), ms(self.until));
        if from_ms.zip(until_ms).is_some_and(|(from, until)| until < from) {
            return Err(error::not_valid("scheduleEndTime lies before scheduleStartTime."));
        }
        self.roles().into_iter().try_for_each(|role| check_role(cx, role))?;
        let destinations = self.destinations.unwrap_or_default();
        let schedule =
            Schedule::parse(&self.expression, self.timezone.as_deref()).map_err(error::not_valid)?;
        let now_ms = cx.now().millis();
        let mut query = ScheduledQuery {
            name: String::new(),
            description: self.description,
            text: self.text,
            groups: self.groups,
            expression: self.expression,
            timezone: self.timezone,
            start_offset_s: self.start_offset_s,
            end_offset_s: self.end_offset_s,
            bucket: destinations.s3_configuration.map(bucket),
            table: destinations.lookup_table_configuration.map(table).transpose()?,
            from_ms,
            until_ms,
            role: self.role,
            enabled: self.state.is_none_or(|state| state == "ENABLED"),
            tags: Vec::new(),
            created_ms: now_ms,
            updated_ms: now_ms,
            next_ms: None,
            last_ms: None,
            last: None,
        };
        query.next_ms = query.following(&schedule, now_ms);
        Ok(query)
    }
}

fn check_role(cx: &Cx, role: &str) -> Result<()> {
    let arn = Arn::parse(role).ok();
    let is_ours = |arn: &Arn| {
        arn.service() == "iam"
            && arn.resource().starts_with("role/")
            && arn.account_id() == Some(cx.account())
    };
    match arn.filter(is_ours) {
        Some(_) => Ok(()),
        None => Err(error::not_valid(format!("{role} is not the ARN of a role of this account."))),
    }
}

fn bucket(given: s::S3Configuration) -> BucketTarget {
    BucketTarget {
        uri: given.destination_identifier,
        role: given.role_arn,
        owner: given.owner_account_id,
        key: given.kms_key_id,
    }
}

fn table(given: s::LookupTableConfiguration) -> Result<TableTarget> {
    let tags = Tags::from_request(given.tags.unwrap_or_default())
        .map_err(|why| error::not_valid(refused(why).message()))?;
    Ok(TableTarget {
        name: given.table_name,
        role: given.role_arn,
        description: given.description,
        tags: tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        key: given.kms_key_id,
    })
}

impl BucketTarget {
    /// The bucket, and what its keys begin with: nothing, or something with a slash at its end.
    pub(crate) fn place(&self) -> (&str, String) {
        let rest = self.uri.strip_prefix("s3://").unwrap_or(&self.uri);
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        (name, if prefix.is_empty() { String::new() } else { format!("{prefix}/") })
    }
}

/// What both requests have under the same names.
macro_rules! given_of {
    ($input:expr) => {{
        let input = $input.clone();
        Given {
            description: input.description,
            language: input.query_language,
            text: input.query_string,
            groups: input.log_group_identifiers,
            expression: input.schedule_expression,
            timezone: input.timezone,
            start_offset_s: input.start_time_offset,
            end_offset_s: input.end_time_offset,
            destinations: input.destination_configuration,
            from: input.schedule_start_time,
            until: input.schedule_end_time,
            role: input.execution_role_arn,
            state: input.state,
        }
    }};
}

pub(super) fn created(input: &s::CreateScheduledQueryRequest) -> Given {
    given_of!(input)
}

pub(super) fn updated(input: &s::UpdateScheduledQueryRequest) -> Given {
    given_of!(input)
}
