use haneul_kit::{Access, Cx, Handle, Result};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use super::delete_parameters::own;
use crate::error;
use crate::parameters::Parameters;

/// Labels of one version.
const LABELS_MAX: usize = 10;
const LABEL_LENGTH_MAX: usize = 100;

impl Handle<op::LabelParameterVersion> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::LabelParameterVersionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:LabelParameterVersion", &input.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::LabelParameterVersionRequest,
    ) -> Result<s::LabelParameterVersionResult> {
        let name = own(cx, &input.name);
        let record = self.get(cx, &name).await?;
        let number = match input.parameter_version {
            Some(number) => u64::try_from(number).unwrap_or(0),
            None => record.version,
        };
        if self.state.version(&name, number).await?.is_none() {
            return Err(error::version_not_found(&name.name, &number.to_string()));
        }
        let (valid, invalid): (Vec<String>, Vec<String>) =
            input.labels.into_iter().partition(|l| is_valid(l));
        self.state
            .change(&name, |record| {
                for label in &valid {
                    record.labels.insert(label.clone(), number);
                }
                match record.labels.values().filter(|on| **on == number).count() > LABELS_MAX {
                    true => Err(error::labels_limit()),
                    false => Ok(()),
                }
            })
            .await?;
        Ok(s::LabelParameterVersionResult {
            invalid_labels: Some(invalid),
            parameter_version: Some(number as i64),
        })
    }
}

impl Handle<op::UnlabelParameterVersion> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::UnlabelParameterVersionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:UnlabelParameterVersion", &input.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UnlabelParameterVersionRequest,
    ) -> Result<s::UnlabelParameterVersionResult> {
        let name = own(cx, &input.name);
        self.get(cx, &name).await?;
        let number = u64::try_from(input.parameter_version).unwrap_or(0);
        if self.state.version(&name, number).await?.is_none() {
            return Err(error::version_not_found(&name.name, &number.to_string()));
        }
        let (removed, invalid) = self
            .state
            .change(&name, |record| {
                let (mut removed, mut invalid) = (Vec::new(), Vec::new());
                for label in &input.labels {
                    match record.labels.get(label) == Some(&number) {
                        true => {
                            record.labels.remove(label);
                            removed.push(label.clone());
                        }
                        false => invalid.push(label.clone()),
                    }
                }
                Ok((removed, invalid))
            })
            .await?;
        Ok(s::UnlabelParameterVersionResult { removed_labels: Some(removed), invalid_labels: Some(invalid) })
    }
}

fn is_valid(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    label.len() <= LABEL_LENGTH_MAX
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}
