//! From a call to its records: what the layers tell of, in AWS's words.
//!
//! Reading order: [`catalog`] (what is known of calls), [`identity`] (who), [`event`] (the text), here (who gets one).

pub(crate) mod catalog;
pub(crate) mod event;
pub(crate) mod identity;

use haneul_env::Rng;
use haneul_kit::trail::{Called, Wanted};
use haneul_kit::{AccountId, BoxFuture, Region, Result, Trail};

use crate::CloudTrail;
use crate::queue::Pending;
use catalog::Class;
use event::Facts;

/// Bytes of records that may wait in memory before calls wait for them.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// So many bytes are taken into the tables at once, without waiting for the timer.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;

impl Trail for CloudTrail {
    fn wants(&self, service: &str, operation: &str, account: AccountId) -> Option<Wanted> {
        let wanted = match catalog::class(service, operation) {
            Class::Management => true,
            Class::Data(kind) => self.sinks.may_want_data(account, kind),
            Class::Never => false,
        };
        wanted.then(|| Wanted { response: catalog::tells_answer(service, operation) })
    }

    fn record(&self, call: Called<'_>) -> Option<BoxFuture<'static, Result<()>>> {
        let class = catalog::class(call.service, call.operation);
        let read_only = catalog::is_read_only(call.service, call.operation);
        let cx = call.cx;
        let recipients = identity::recipients(cx.caller(), &call.resources);
        let facts = Facts {
            class,
            read_only,
            at: self.platform.env.now(),
            region: if catalog::is_global(call.service) { Region::US_EAST_1 } else { cx.region() },
            shared_id: (recipients.len() > 1).then(|| self.ids.uuid()),
            call: &call,
        };
        let data = class != Class::Management;
        let records: Vec<Pending> =
            recipients.into_iter().map(|recipient| pending(&facts, recipient, data, &self.ids)).collect();
        let waits = !data && !read_only;
        let entered = self.queue.append(records, waits);
        if entered.pending == 1 || entered.bytes > BATCH_BYTES {
            self.ingesting.wake();
        }
        if entered.bytes > WAITING_BYTES_MAX {
            let this = self.this.upgrade()?;
            return Some(Box::pin(async move {
                if let Some(durable) = entered.durable {
                    durable.await?;
                }
                this.ingest().await
            }));
        }
        let durable = entered.durable?;
        Some(Box::pin(async move { Ok(durable.await.map(drop)?) }))
    }
}

fn pending(facts: &Facts<'_>, account: AccountId, data: bool, ids: &Rng) -> Pending {
    let json = event::json(facts, account, &ids.uuid());
    Pending { seq: 0, account, region: facts.region, at_ms: facts.at.millis(), data, json }
}
