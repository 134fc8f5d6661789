//! What advanced parameters cost. Source: AWS Systems Manager pricing, "Parameter Store": each by the hour, and each time that one is
//! stored, read or changed; those of the standard tier too, while higher throughput is on.

use haneul_kit::meter::{At, Held, UsageType, held_by_rows};
use haneul_kit::{BoxFuture, Cx, Result};

use crate::model::{ADVANCED, FullName, PARAMETERS, ParameterRecord};
use crate::ops::service_settings::HIGH_THROUGHPUT;
use crate::parameters::Parameters;

const STORED: UsageType = UsageType::new("PS-Advanced-Param-Tier1", "Parameter-Hours");
const ASKED: UsageType = UsageType::new("PS-Param-Processed-Tier2", "Interactions");

pub(crate) fn held(parameters: &Parameters) -> BoxFuture<'_, Result<Vec<Held>>> {
    Box::pin(async move {
        let (store, now_ms) = (&parameters.platform.store, parameters.platform.env.now().millis());
        held_by_rows(store, &PARAMETERS, |(account, region, name), parameter: ParameterRecord, all| {
            let expired = parameter.latest.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
            if parameter.latest.tier == ADVANCED && !expired {
                let resource = FullName { account, region, name }.arn().to_string();
                let (service, operation) = ("ssm", "ParameterStorage");
                all.push(Held { account, region, service, operation, resource, kind: STORED, amount: 1 });
            }
        })
        .await
    })
}

impl Parameters {
    /// Parameters of these tiers that a call read or changed, each of which counts.
    pub(crate) async fn meter(
        &self,
        cx: &Cx,
        operation: &'static str,
        tiers: impl Iterator<Item = &str>,
    ) -> Result<()> {
        let (mut advanced, mut standard) = (0, 0);
        tiers.for_each(|tier| if tier == ADVANCED { advanced += 1 } else { standard += 1 });
        if standard > 0 && self.setting_value(cx, &HIGH_THROUGHPUT).await? != "true" {
            standard = 0;
        }
        let owner = (cx.account(), cx.region());
        let at = At { at: cx.now(), owner, service: "ssm", operation, resource: "" };
        self.platform.meter.used(at, ASKED, advanced + standard);
        Ok(())
    }
}
