//! What holds for any tree and any policies.

use haneul_kit::Caller;
use proptest::prelude::*;

use super::cloud::{Cloud, master, policy};

const ACTIONS: [&str; 3] = ["sqs:*", "sqs:CreateQueue", "s3:*"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// A control policy never grants: who may not without an organization may not with any, and who may is refused
    /// exactly when a level says no. Moving the account decides at once.
    #[test]
    fn control_policies_only_take_away(
        at_root in prop::option::of((any::<bool>(), 0..3usize)),
        at_unit in prop::option::of((any::<bool>(), 0..3usize)),
        in_unit in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let cloud = Cloud::organized().await;
            let root = cloud.root_id().await;
            let unit = cloud.unit(&root, "unit").await;
            let account = cloud.account("one").await;
            let nobody = cloud.user(account, "nobody", r#""Effect":"Allow","Action":"iam:*","Resource":"*""#).await;
            let mut allowed = true;
            for (number, (level, target)) in [(at_root, &root), (at_unit, &unit)].into_iter().enumerate() {
                let Some((deny, action)) = level else { continue };
                let effect = if deny { "Deny" } else { "Allow" };
                let statement = format!(r#""Effect":"{effect}","Action":"{}","Resource":"*""#, ACTIONS[action]);
                let scp = cloud.policy("SERVICE_CONTROL_POLICY", &format!("p{number}"), &policy(&statement)).await;
                cloud.attach(&scp, target).await;
                if !deny {
                    cloud.detach("p-FullAWSAccess", target).await;
                }
                let speaks = action < 2;
                if number == 0 || in_unit {
                    allowed &= speaks != deny;
                }
            }
            if in_unit {
                cloud.move_to(account, &root, &unit).await;
            }
            let may = cloud.queue("us-east-1", &Caller::root(account), "q").await.is_ok();
            assert_eq!(may, allowed, "{at_root:?} {at_unit:?} {in_unit}");
            assert!(cloud.queue("us-east-1", &nobody, "q").await.is_err());
            assert!(cloud.queue("us-east-1", &master(), "q").await.is_ok());
        });
    }
}
