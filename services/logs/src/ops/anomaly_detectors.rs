use haneul_kit::{Access, Arn, Cx, Handle, Result, Tags, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::tags::refused;
use crate::Logs;
use crate::error;
use crate::model::{Detector, DetectorStatus, GroupPlace};
use crate::names::GroupName;
use crate::pattern::Pattern;
use crate::store::DetectorKey;

/// Source: API Reference: pages of 50; CloudFormation: 21 days when nothing is said.
pub(super) const PAGE: usize = 50;
const VISIBILITY_DAYS: i64 = 21;
const FREQUENCY: &str = "FIVE_MIN";

pub(super) fn detector_arn(key: &DetectorKey) -> Arn {
    Arn::new("logs", key.1, key.0, format_args!("anomaly-detector:{}", key.2))
}

/// The detector that an ARN means: one of the caller's, in this Region.
pub(super) fn detector_key(cx: &Cx, given: &str) -> Result<DetectorKey> {
    let bad = || error::invalid(format!("The specified anomaly detector ARN {given} is invalid."));
    let arn = Arn::parse(given).map_err(|_| bad())?;
    let id = arn.resource().strip_prefix("anomaly-detector:").filter(|id| !id.is_empty()).ok_or_else(bad)?;
    let ours = arn.service() == "logs"
        && arn.region() == cx.region().as_str()
        && arn.account_id() == Some(cx.account());
    if ours { Ok((cx.account(), cx.region(), id.to_owned())) } else { Err(error::detector_not_found()) }
}

impl Logs {
    /// With the detector's tags, if it is there.
    pub(super) async fn on_detector(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        let key = detector_key(cx, arn)?;
        let access = Access::on(action, &detector_arn(&key));
        Ok(vec![match self.records.find_detector(&key).await? {
            Some(detector) => {
                access.resource_tags(detector.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())))
            }
            None => access,
        }])
    }
}

/// An action on all detectors.
pub(super) fn on_detectors(cx: &Cx, action: &'static str) -> Vec<Access> {
    vec![Access::on(action, &detector_arn(&(cx.account(), cx.region(), "*".to_owned())))]
}

impl Handle<op::CreateLogAnomalyDetector> for Logs {
    async fn access(&self, cx: &Cx, input: &s::CreateLogAnomalyDetectorRequest) -> Result<Vec<Access>> {
        let Some(group) = input.log_group_arn_list.first() else {
            return Err(error::invalid("logGroupArnList must have one log group."));
        };
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let tags: Vec<(&str, &str)> = tags.map(|(key, value)| (key, value.as_str())).collect();
        let all = self.on_group("logs:CreateLogAnomalyDetector", &GroupName::identified(cx, group)?).await?;
        Ok(all.into_iter().map(|access| access.request_tags(tags.clone())).collect())
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateLogAnomalyDetectorRequest,
    ) -> Result<s::CreateLogAnomalyDetectorResponse> {
        let [group] = &input.log_group_arn_list[..] else {
            return Err(error::invalid("You can specify only one log group ARN."));
        };
        if !group.starts_with("arn:") {
            return Err(error::invalid(format!("The specified log group ARN {group} is invalid.")));
        }
        if input.kms_key_id.is_some() {
            return Err(error::not_offered("A KMS key of an anomaly detector"));
        }
        if let Some(pattern) = &input.filter_pattern {
            Pattern::given(pattern)?;
        }
        let name = GroupName::identified(cx, group)?;
        let group = self.records.group(&name).await?;
        if group.class != "STANDARD" {
            return Err(error::not_of_class("Anomaly detectors", &group.class));
        }
        let tags = Tags::from_request(input.tags.unwrap_or_default()).map_err(refused)?;
        let now_ms = cx.now().millis();
        let detector = Detector {
            name: input.detector_name,
            group: GroupPlace::of(&name),
            group_id: group.id,
            frequency: input.evaluation_frequency.unwrap_or_else(|| FREQUENCY.to_owned()),
            filter: input.filter_pattern,
            visibility_days: input.anomaly_visibility_time.unwrap_or(VISIBILITY_DAYS),
            tags: tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            created_ms: now_ms,
            modified_ms: now_ms,
            training_since_ms: now_ms,
            status: DetectorStatus::Initializing,
            position_ms: now_ms,
        };
        let key = (cx.account(), cx.region(), self.platform.env.rng.uuid());
        self.records.create_detector(&key, &detector).await?;
        self.detecting.wake();
        Ok(s::CreateLogAnomalyDetectorResponse { anomaly_detector_arn: Some(detector_arn(&key).to_string()) })
    }
}

impl Handle<op::GetLogAnomalyDetector> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetLogAnomalyDetectorRequest) -> Result<Vec<Access>> {
        self.on_detector(cx, "logs:GetLogAnomalyDetector", &input.anomaly_detector_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetLogAnomalyDetectorRequest,
    ) -> Result<s::GetLogAnomalyDetectorResponse> {
        let key = detector_key(cx, &input.anomaly_detector_arn)?;
        let made = shape(&key, self.records.detector(&key).await?)?;
        Ok(s::GetLogAnomalyDetectorResponse {
            detector_name: made.detector_name,
            log_group_arn_list: made.log_group_arn_list,
            evaluation_frequency: made.evaluation_frequency,
            filter_pattern: made.filter_pattern,
            anomaly_detector_status: made.anomaly_detector_status,
            kms_key_id: None,
            creation_time_stamp: made.creation_time_stamp,
            last_modified_time_stamp: made.last_modified_time_stamp,
            anomaly_visibility_time: made.anomaly_visibility_time,
        })
    }
}

impl Handle<op::UpdateLogAnomalyDetector> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UpdateLogAnomalyDetectorRequest) -> Result<Vec<Access>> {
        self.on_detector(cx, "logs:UpdateLogAnomalyDetector", &input.anomaly_detector_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateLogAnomalyDetectorRequest) -> Result<Empty> {
        let key = detector_key(cx, &input.anomaly_detector_arn)?;
        if let Some(pattern) = &input.filter_pattern {
            Pattern::given(pattern)?;
        }
        let now_ms = cx.now().millis();
        self.records
            .change_detector(&key, |detector| {
                if let Some(frequency) = &input.evaluation_frequency
                    && *frequency != detector.frequency
                {
                    detector.frequency.clone_from(frequency);
                    // Counts of other spans tell nothing of these: it trains anew.
                    detector.restart(now_ms);
                }
                if let Some(filter) = &input.filter_pattern {
                    detector.filter = Some(filter.clone()).filter(|filter| !filter.is_empty());
                }
                if let Some(days) = input.anomaly_visibility_time {
                    detector.visibility_days = days;
                }
                match (input.enabled, detector.status) {
                    (false, _) => detector.status = DetectorStatus::Paused,
                    (true, DetectorStatus::Paused | DetectorStatus::Failed) => detector.restart(now_ms),
                    (true, _) => {}
                }
                detector.modified_ms = now_ms;
                Ok(())
            })
            .await?;
        self.detecting.wake();
        Ok(Empty {})
    }
}

impl Handle<op::DeleteLogAnomalyDetector> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteLogAnomalyDetectorRequest) -> Result<Vec<Access>> {
        self.on_detector(cx, "logs:DeleteLogAnomalyDetector", &input.anomaly_detector_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLogAnomalyDetectorRequest) -> Result<Empty> {
        let _one = self.judging.lock().await;
        self.records.delete_detector(&detector_key(cx, &input.anomaly_detector_arn)?).await?;
        Ok(Empty {})
    }
}

impl Handle<op::ListLogAnomalyDetectors> for Logs {
    async fn access(&self, cx: &Cx, _: &s::ListLogAnomalyDetectorsRequest) -> Result<Vec<Access>> {
        Ok(on_detectors(cx, "logs:ListLogAnomalyDetectors"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListLogAnomalyDetectorsRequest,
    ) -> Result<s::ListLogAnomalyDetectorsResponse> {
        let group = match &input.filter_log_group_arn {
            Some(arn) => Some(GroupPlace::of(&GroupName::identified(cx, arn)?)),
            None => None,
        };
        let owner = (cx.account(), cx.region());
        let mut found = self.records.detectors(owner).await?;
        found.retain(|(_, detector)| group.as_ref().is_none_or(|group| detector.group == *group));
        let purpose = format!("logs.detectors {} {} {:?}", owner.0, owner.1, input.filter_log_group_arn);
        if let Some(token) = &input.next_token {
            let after: String =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
            found.retain(|(key, _)| key.2 > after);
        }
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, |(key, _)| key.2.clone());
        let shown =
            page.items.into_iter().map(|(key, detector)| shape(&key, detector)).collect::<Result<_>>()?;
        Ok(s::ListLogAnomalyDetectorsResponse { anomaly_detectors: Some(shown), next_token: page.next })
    }
}

fn shape(key: &DetectorKey, detector: Detector) -> Result<s::AnomalyDetector> {
    Ok(s::AnomalyDetector {
        anomaly_detector_arn: Some(detector_arn(key).to_string()),
        detector_name: detector.name,
        log_group_arn_list: Some(vec![detector.group.name()?.arn().to_string()]),
        evaluation_frequency: Some(detector.frequency),
        filter_pattern: detector.filter,
        anomaly_detector_status: Some(detector.status.as_str().to_owned()),
        kms_key_id: None,
        creation_time_stamp: Some(detector.created_ms),
        last_modified_time_stamp: Some(detector.modified_ms),
        anomaly_visibility_time: Some(detector.visibility_days),
    })
}
