//! The credential report: a table of all users and of the state of what they prove themselves with.
//!
//! Source: IAM User Guide, "Generate credential reports for your AWS account".

use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::{report_format_type as format_type, report_state_type as state};
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};
use haneul_shape::{Bytes, Empty};

use crate::error;
use crate::iam::Iam;
use crate::model::{AccessKey, CredentialReport, Credentials, PasswordPolicy, User};
use crate::store::Identity;

/// A report is good for so long; only then a new one is made.
const GOOD_FOR: Duration = Duration::from_secs(4 * 3600);

const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

const NONE: &str = "N/A";
const NOT_SUPPORTED: &str = "not_supported";
const NO_INFORMATION: &str = "no_information";
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Handle<op::GenerateCredentialReport> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GenerateCredentialReport")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::GenerateCredentialReportResponse> {
        let before = self.state.account(cx.account()).await?.credential_report;
        if before.is_some_and(|report| is_good(&report, cx.now())) {
            return Ok(s::GenerateCredentialReportResponse {
                state: Some(state::COMPLETE.to_owned()),
                description: None,
            });
        }
        let report =
            CredentialReport { generated: cx.now().into(), content: self.credential_table(cx).await? };
        let report = &report;
        self.state
            .change_account(cx.account(), |account| {
                account.credential_report = Some(report.clone());
                Ok(())
            })
            .await?;
        Ok(s::GenerateCredentialReportResponse {
            state: Some(state::STARTED.to_owned()),
            description: Some(String::from("No report exists. Starting a new report generation task")),
        })
    }
}

impl Handle<op::GetCredentialReport> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetCredentialReport")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::GetCredentialReportResponse> {
        let report = self.state.account(cx.account()).await?.credential_report;
        let report = report.ok_or_else(error::no_credential_report)?;
        if !is_good(&report, cx.now()) {
            return Err(error::credential_report_expired());
        }
        Ok(s::GetCredentialReportResponse {
            content: Some(Bytes::from(report.content)),
            report_format: Some(format_type::TEXT_CSV.to_owned()),
            generated_time: Some(report.generated.into()),
        })
    }
}

fn is_good(report: &CredentialReport, now: Instant) -> bool {
    now.since(report.generated.into()) < GOOD_FOR
}

/// `2015-06-17T19:11:50+00:00`
fn time(at: Instant) -> String {
    let text = at.iso8601();
    format!("{}+00:00", text.trim_end_matches('Z'))
}

impl Iam {
    async fn credential_table(&self, cx: &Cx) -> Result<String> {
        let account = self.state.account(cx.account()).await?;
        let mut lines = vec![COLUMNS.to_owned()];

        let mut keys = self.state.access_keys(cx.account(), None).await?;
        let created = account.created.unwrap_or_else(|| cx.now().into());
        // Those of the configuration are as old as the account.
        for root in self.platform.config.root_keys.iter().filter(|root| root.account == cx.account()) {
            let secret = crate::secret::Secret::Plain(String::new());
            let key = AccessKey { account: cx.account().number(), user: None, secret, active: true, created };
            keys.insert(0, (root.access_key_id.clone(), key));
        }
        let credentials = self.state.credentials(cx.account(), None).await?;
        let mut fields = vec![
            String::from("<root_account>"),
            Arn::global("iam", cx.account(), "root").to_string(),
            time(created.into()),
            NOT_SUPPORTED.to_owned(),
            NO_INFORMATION.to_owned(),
            NOT_SUPPORTED.to_owned(),
            NOT_SUPPORTED.to_owned(),
            (!credentials.mfa.is_empty()).to_string(),
        ];
        self.add_keys(&mut fields, &keys).await?;
        add_certificates(&mut fields, &credentials);
        lines.push(fields.join(","));

        for user in self.state.entities::<User>(cx.account(), None).await? {
            let name = &user.entity.name;
            let credentials = self.state.credentials(cx.account(), Some(name)).await?;
            let keys = self.state.access_keys(cx.account(), Some(name)).await?;
            // Names may contain commas.
            let quoted = |text: String| if text.contains(',') { format!("\"{text}\"") } else { text };
            let mut fields = vec![
                quoted(name.clone()),
                quoted(user.arn(cx.account()).to_string()),
                time(user.entity.created.into()),
            ];
            add_password(&mut fields, &credentials, account.password_policy.as_ref());
            fields.push((!credentials.mfa.is_empty()).to_string());
            self.add_keys(&mut fields, &keys).await?;
            add_certificates(&mut fields, &credentials);
            lines.push(fields.join(","));
        }
        Ok(lines.join("\n"))
    }

    async fn add_keys(&self, fields: &mut Vec<String>, keys: &[(String, AccessKey)]) -> Result<()> {
        for at in 0..2 {
            let Some((id, key)) = keys.get(at) else {
                fields.push(false.to_string());
                fields.extend([NONE; 4].map(String::from));
                continue;
            };
            let used = self.last_used.get(id).await?;
            let of_use = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
            fields.push(key.active.to_string());
            fields.push(time(key.created.into()));
            fields.push(of_use(used.as_ref().map(|used| time(used.at.into()))));
            fields.push(of_use(used.as_ref().map(|used| used.region.clone())));
            fields.push(of_use(used.map(|used| used.service)));
        }
        Ok(())
    }
}

fn add_password(fields: &mut Vec<String>, credentials: &Credentials, policy: Option<&PasswordPolicy>) {
    let Some(login) = &credentials.login else {
        fields.push(false.to_string());
        fields.extend([NONE; 3].map(String::from));
        return;
    };
    let days = policy.and_then(|policy| policy.age_max_days);
    let next = days.map(|days| time(Instant::from(login.changed) + DAY * days));
    fields.extend([
        true.to_string(),
        NO_INFORMATION.to_owned(),
        time(login.changed.into()),
        next.unwrap_or_else(|| NONE.to_owned()),
    ]);
}

fn add_certificates(fields: &mut Vec<String>, credentials: &Credentials) {
    for at in 0..2 {
        let found = credentials.signing_certificates.get(at);
        fields.push(found.is_some_and(|found| found.active).to_string());
        fields.push(found.map_or_else(|| NONE.to_owned(), |found| time(found.uploaded.into())));
    }
}
