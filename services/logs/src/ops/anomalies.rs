use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::anomaly_detectors::{PAGE, detector_arn, detector_key, on_detectors};
use crate::Logs;
use crate::anomaly::Anomaly;
use crate::error;

impl Handle<op::ListAnomalies> for Logs {
    async fn access(&self, cx: &Cx, input: &s::ListAnomaliesRequest) -> Result<Vec<Access>> {
        match &input.anomaly_detector_arn {
            Some(arn) => self.on_detector(cx, "logs:ListAnomalies", arn).await,
            None => Ok(on_detectors(cx, "logs:ListAnomalies")),
        }
    }

    async fn call(&self, cx: &Cx, input: s::ListAnomaliesRequest) -> Result<s::ListAnomaliesResponse> {
        let owner = (cx.account(), cx.region());
        let detectors = match &input.anomaly_detector_arn {
            Some(arn) => {
                let key = detector_key(cx, arn)?;
                let detector = self.records.detector(&key).await?;
                vec![(key, detector)]
            }
            None => self.records.detectors(owner).await?,
        };
        let purpose = format!(
            "logs.anomalies {} {} {:?} {:?}",
            owner.0, owner.1, input.anomaly_detector_arn, input.suppression_state
        );
        let seal = &self.platform.seal;
        let after: Option<(String, String)> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let now_ms = cx.now().millis();
        let mut found: Vec<((String, String), s::Anomaly)> = Vec::new();
        for (key, detector) in detectors {
            // Detectors come by their ids, and so do tokens.
            if after.as_ref().is_some_and(|after| key.2 < after.0) || found.len() > limit {
                continue;
            }
            let model = self.records.learned(seal, &key.2).await?;
            let group = detector.group.name()?.arn().to_string();
            for anomaly in self.records.anomalies(seal, &key.2).await? {
                let at = (key.2.clone(), anomaly.id.clone());
                if after.as_ref().is_some_and(|after| at <= *after) {
                    continue;
                }
                let pattern = model.pattern(&anomaly.pattern.id).filter(|one| one.is_suppressed(now_ms));
                let pattern = pattern.and_then(|one| one.suppressed_ms.zip(one.suppressed_until_ms));
                let shown = anomaly.shape(detector_arn(&key).as_str(), &group, pattern, now_ms);
                let suppressed = shown.suppressed == Some(true);
                let wanted = match input.suppression_state.as_deref() {
                    Some("SUPPRESSED") => suppressed,
                    Some(_) => !suppressed,
                    None => true,
                };
                if wanted {
                    found.push((at, shown));
                }
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |(at, _)| at.clone());
        Ok(s::ListAnomaliesResponse {
            anomalies: Some(page.items.into_iter().map(|(_, shown)| shown).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::UpdateAnomaly> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UpdateAnomalyRequest) -> Result<Vec<Access>> {
        self.on_detector(cx, "logs:UpdateAnomaly", &input.anomaly_detector_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAnomalyRequest) -> Result<Empty> {
        let key = detector_key(cx, &input.anomaly_detector_arn)?;
        let now_ms = cx.now().millis();
        let until_ms = until(&input, now_ms)?;
        let _one = self.judging.lock().await;
        self.records.detector(&key).await?;
        let seal = &self.platform.seal;
        let mut all = self.records.anomalies(seal, &key.2).await?;
        let baseline = input.baseline == Some(true);
        let change = |anomaly: &mut Anomaly| {
            anomaly.baseline |= baseline;
            anomaly.active &= !anomaly.baseline;
        };
        match (&input.anomaly_id, &input.pattern_id) {
            (Some(id), None) => {
                let found = all.iter_mut().find(|anomaly| anomaly.id == *id);
                let anomaly = found.ok_or_else(|| error::anomaly_not_found("anomaly"))?;
                change(anomaly);
                if !baseline {
                    anomaly.suppressed_until_ms = until_ms;
                    anomaly.suppressed_ms = until_ms.map(|_| now_ms);
                }
                let anomaly = std::slice::from_ref(anomaly);
                self.records.write_anomalies(seal, &key, (None, anomaly, &[]), |_| {}).await?;
            }
            (None, Some(id)) => {
                let mut model = self.records.learned(seal, &key.2).await?;
                let found = model.patterns.iter_mut().find(|pattern| pattern.id == *id);
                let pattern = found.ok_or_else(|| error::anomaly_not_found("pattern"))?;
                all.retain(|anomaly| anomaly.pattern.id == *id);
                all.iter_mut().for_each(change);
                if !baseline {
                    pattern.suppressed_until_ms = until_ms;
                    pattern.suppressed_ms = until_ms.map(|_| now_ms);
                }
                self.records.write_anomalies(seal, &key, (Some(&model), &all, &[]), |_| {}).await?;
            }
            _ => {
                return Err(error::invalid(
                    "You must specify either anomalyId or patternId, but you can't specify both.",
                ));
            }
        }
        Ok(Empty {})
    }
}

/// Until when to suppress; `None` to end a suppression.
fn until(input: &s::UpdateAnomalyRequest, now_ms: i64) -> Result<Option<i64>> {
    match input.suppression_type.as_deref() {
        None if input.suppression_period.is_some() => {
            Err(error::invalid("suppressionPeriod needs the suppressionType LIMITED."))
        }
        None => Ok(None),
        Some("INFINITE") => Ok(Some(i64::MAX)),
        Some(_) => {
            let period = input.suppression_period.as_ref();
            let parts = period.and_then(|period| Some((period.value?, period.suppression_unit.as_deref()?)));
            let (value, unit) = parts.filter(|(value, _)| *value > 0).ok_or_else(|| {
                error::invalid("LIMITED needs a suppressionPeriod with a value and a unit.")
            })?;
            let unit_ms: i64 = match unit {
                "SECONDS" => 1000,
                "MINUTES" => 60_000,
                _ => 3_600_000,
            };
            Ok(Some(now_ms.saturating_add(i64::from(value) * unit_ms)))
        }
    }
}
