use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_sqs_wire::operations::ListDeadLetterSourceQueues;
use haneul_sqs_wire::shapes::{ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult};

use super::Sqs;
use super::list_queues::{limit, position};
use crate::queue::name;

impl Handle<ListDeadLetterSourceQueues> for Sqs {
    async fn access(&self, cx: &Cx, input: &ListDeadLetterSourceQueuesRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:ListDeadLetterSourceQueues", &input.queue_url)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: ListDeadLetterSourceQueuesRequest,
    ) -> Result<ListDeadLetterSourceQueuesResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        let limit = limit(input.max_results)?;
        let purpose = format!("sqs.ListDeadLetterSourceQueues {}", queue.arn);
        let after = position(self, &purpose, input.next_token.as_deref())?;
        let mut sources = self.plane.sources_of(&queue.key);
        sources.retain(|source| after.as_ref().is_none_or(|after| source.key.name > *after));
        sources.truncate(limit + 1);
        let page =
            paging::cut(sources, limit, &self.platform.seal, &purpose, |source| source.key.name.clone());
        let urls = page.items.iter().map(|source| name::url(cx, source.key.account, &source.key.name));
        Ok(ListDeadLetterSourceQueuesResult {
            queue_urls: urls.collect(),
            next_token: page.next.filter(|_| input.max_results.is_some()),
        })
    }
}
