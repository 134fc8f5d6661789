use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{AccountId, Arn, BoxFuture, Caller, Instant, Platform, Reconciler, Region, Result, Signal};
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;

use crate::catalog::Catalog;
use crate::model::Notice;
use crate::store::State;

/// What IAM calls itself to queues, whose policy has to let it send.
const PRINCIPAL: &str = "iam.amazonaws.com";
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(3600);
/// What an exchange token is good for is over by then.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Sends the news of delegation requests to their partners, until it arrives.
pub(crate) struct Notices {
    platform: Platform,
    state: State,
    catalog: Arc<Catalog>,
    pub signal: Signal,
}

impl Notices {
    pub(crate) fn new(platform: Platform, state: State, catalog: Arc<Catalog>) -> Notices {
        Notices { platform, state, catalog, signal: Signal::default() }
    }

    /// Whether the operator still lets the partner have news sent there.
    fn is_registered(&self, notice: &Notice) -> bool {
        let partner = AccountId::new(notice.partner).and_then(|account| self.catalog.partner(account));
        partner.is_some_and(|partner| partner.channels.contains(&notice.channel))
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        // News of a request that is stuck holds back what comes after it, so that it arrives in order.
        let mut stuck = String::new();
        for (at, mut notice) in self.state.notices().await? {
            let now = self.platform.env.now();
            let due = Instant::from(notice.due);
            if at.0 == stuck || due > now {
                stuck.clone_from(&at.0);
                next = next.into_iter().chain([due.max(now + RETRY_MIN)]).min();
                continue;
            }
            if !self.is_registered(&notice) {
                self.state.set_notice(&at, None).await?;
                continue;
            }
            match self.send(&at, &notice).await {
                Ok(()) => self.state.set_notice(&at, None).await?,
                Err(_) if Instant::from(notice.made) + KEPT <= now => {
                    self.state.set_notice(&at, None).await?
                }
                Err(error) => {
                    tracing::info!(request = at.0, %error, "a notice of a delegation request could not be sent");
                    let wait = RETRY_MIN * 2u32.saturating_pow(notice.attempts.min(12));
                    notice.attempts += 1;
                    notice.due = (now + wait.min(RETRY_MAX).max(RETRY_MIN)).into();
                    self.state.set_notice(&at, Some(&notice)).await?;
                    stuck.clone_from(&at.0);
                    next = next.into_iter().chain([Instant::from(notice.due).max(now + RETRY_MIN)]).min();
                }
            }
        }
        Ok(next)
    }

    async fn send(&self, (request, number): &(String, u32), notice: &Notice) -> Result<()> {
        let arn = Arn::parse(&notice.channel).map_err(haneul_kit::ApiError::internal)?;
        let region: Region = arn.region().parse().unwrap_or(Region::US_EAST_1);
        let is_fifo = arn.resource().ends_with(".fifo");
        let input = q::SendMessageRequest {
            queue_url: format!(
                "https://sqs.{}.amazonaws.com/{}/{}",
                arn.region(),
                arn.account(),
                arn.resource()
            ),
            message_body: notice.body.clone(),
            message_group_id: is_fifo.then(|| request.clone()),
            message_deduplication_id: is_fifo.then(|| format!("{request}-{number}")),
            ..Default::default()
        };
        let partner = AccountId::new(notice.partner).unwrap_or_default();
        let caller = Caller::service(PRINCIPAL, partner);
        let source = Some(notice.source.clone());
        self.platform.bus.call::<sqs::SendMessage>(caller, region, source, input).await.map(drop)
    }
}

impl Reconciler for Notices {
    fn name(&self) -> &'static str {
        "iam.delegation-notices"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
