use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_sqs_wire::operations::ListQueues;
use haneul_sqs_wire::shapes::{ListQueuesRequest, ListQueuesResult};

use super::Sqs;
use crate::error;
use crate::queue::name;

/// Most queues in one answer, and their number when the request does not say.
pub(super) const PAGE_MAX: usize = 1000;

impl Handle<ListQueues> for Sqs {
    async fn access(&self, cx: &Cx, _: &ListQueuesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("sqs:ListQueues", &cx.arn("sqs", ""))])
    }

    async fn call(&self, cx: &Cx, input: ListQueuesRequest) -> Result<ListQueuesResult> {
        let (account, region) = (cx.account(), cx.region());
        let prefix = input.queue_name_prefix.unwrap_or_default();
        let limit = limit(input.max_results)?;
        let purpose = format!("sqs.ListQueues {account} {region} {prefix}");
        let after: Option<String> = position(self, &purpose, input.next_token.as_deref())?;
        let found = self.plane.list(account, region, &prefix, after.as_deref(), limit + 1);
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, |queue| queue.key.name.clone());
        let urls: Vec<String> =
            page.items.iter().map(|queue| name::url(cx, account, &queue.key.name)).collect();
        // AWS gives a token only to those who asked for pages.
        let next_token = page.next.filter(|_| input.max_results.is_some());
        Ok(ListQueuesResult { queue_urls: (!urls.is_empty()).then_some(urls), next_token })
    }
}

pub(super) fn limit(max_results: Option<i32>) -> Result<usize> {
    match max_results {
        None => Ok(PAGE_MAX),
        Some(max) if (1..=PAGE_MAX as i32).contains(&max) => Ok(max as usize),
        Some(max) => Err(error::invalid_value(
            &max.to_string(),
            "MaxResults",
            "MaxResults must be an integer between 1 and 1000.",
        )),
    }
}

/// Where the page begins that a token stands for.
pub(super) fn position(sqs: &Sqs, purpose: &str, token: Option<&str>) -> Result<Option<String>> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
    let position = paging::position(&sqs.platform.seal, purpose, token);
    position.map(Some).ok_or_else(|| error::invalid_parameter("Invalid or expired next token."))
}
