use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};

use crate::model::{Generation, JobStatus, Trail};
use crate::tasks::generations::KEPT;
use crate::{AccessAnalyzer, error, generated, page};

const PRINCIPAL: &str = "access-analyzer.amazonaws.com";
/// "IAM Access Analyzer quotas": requests for policies in progress.
const WORKING_MAX: usize = 1;
/// Of a time range: 90 days.
const DAYS_MAX: i64 = 90;

impl Handle<op::StartPolicyGeneration> for AccessAnalyzer {
    async fn access(&self, _: &Cx, input: &s::StartPolicyGenerationRequest) -> Result<Vec<Access>> {
        let mut all = vec![Access::to("access-analyzer:StartPolicyGeneration")];
        if let Some(details) = &input.cloud_trail_details {
            let role = Arn::parse(&details.access_role);
            let role = role.map_err(|_| error::invalid("The access role is not the ARN of a role."))?;
            all.push(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL));
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StartPolicyGenerationRequest,
    ) -> Result<s::StartPolicyGenerationResponse> {
        let principal = input.policy_generation_details.principal_arn;
        let is_entity = |arn: &Arn| {
            let (resource, account) = (arn.resource(), arn.account_id());
            arn.service() == "iam"
                && account == Some(cx.account())
                && (resource.starts_with("user/") || resource.starts_with("role/"))
        };
        if !Arn::parse(&principal).is_ok_and(|arn| is_entity(&arn)) {
            return Err(error::invalid(format!(
                "The principal ARN {principal} is not of a user or role of this account."
            )));
        }
        let mut job = Generation {
            principal,
            started: cx.now().into(),
            completed: None,
            status: JobStatus::InProgress,
            error: None,
            token: input.client_token,
            trails: Vec::new(),
            since: None,
            until: None,
            uses: Vec::new(),
        };
        if let Some(details) = input.cloud_trail_details {
            let end = details.end_time.unwrap_or(cx.now());
            let secs = end.secs() - details.start_time.secs();
            if secs < 0 || details.start_time > cx.now() {
                return Err(error::invalid(
                    "The start time must be before the end time and not in the future.",
                ));
            }
            if secs > DAYS_MAX * 24 * 3600 {
                return Err(error::invalid("The time range must be at most 90 days."));
            }
            let role = details.access_role.rsplit('/').next().unwrap_or_default();
            if self.platform.directory().role(cx.account(), role).await?.is_none() {
                return Err(error::invalid(format!(
                    "The access role {} does not exist.",
                    details.access_role
                )));
            }
            job.trails = details.trails.into_iter().map(trail).collect::<Result<_>>()?;
            job.since = Some(details.start_time.into());
            job.until = Some(end.into());
        }
        let id = self.platform.env.rng.uuid();
        let id = self.state.start_generation(cx.account(), cx.region(), &id, &job, WORKING_MAX).await?;
        self.jobs.wake();
        Ok(s::StartPolicyGenerationResponse { job_id: id })
    }
}

fn trail(given: s::Trail) -> Result<Trail> {
    let arn = Arn::parse(&given.cloud_trail_arn).ok();
    if !arn.is_some_and(|arn| arn.service() == "cloudtrail" && arn.resource().starts_with("trail/")) {
        return Err(error::invalid(format!("The trail ARN {} is not valid.", given.cloud_trail_arn)));
    }
    let regions = given.regions.unwrap_or_default();
    let all_regions = given.all_regions.unwrap_or(false);
    if all_regions != regions.is_empty() {
        return Err(error::invalid("A trail has either allRegions or a list of regions."));
    }
    Ok(Trail { arn: given.cloud_trail_arn, regions, all_regions })
}

impl Handle<op::GetGeneratedPolicy> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::GetGeneratedPolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:GetGeneratedPolicy")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetGeneratedPolicyRequest,
    ) -> Result<s::GetGeneratedPolicyResponse> {
        let job = self.job(cx, &input.job_id).await?;
        let mut policies = Vec::new();
        policies.extend(generated::policy(&job.uses, input.include_resource_placeholders == Some(true)));
        if input.include_service_level_template == Some(true) {
            policies.extend(generated::service_template(&job.uses));
        }
        let policies = policies.into_iter().map(|policy| s::GeneratedPolicy { policy }).collect();
        let trails = job.trails.iter().map(|trail| s::TrailProperties {
            cloud_trail_arn: trail.arn.clone(),
            regions: Some(trail.regions.clone()).filter(|regions| !regions.is_empty()),
            all_regions: Some(trail.all_regions),
        });
        let trails = job.since.zip(job.until).map(|(since, until)| s::CloudTrailProperties {
            trail_properties: trails.collect(),
            start_time: since.into(),
            end_time: until.into(),
        });
        let succeeded = job.status == JobStatus::Succeeded;
        Ok(s::GetGeneratedPolicyResponse {
            job_details: s::JobDetails {
                job_id: input.job_id,
                status: job.status.as_str().to_owned(),
                started_on: job.started.into(),
                completed_on: job.completed.map(Into::into),
                job_error: job.error.map(|(code, message)| s::JobError { code, message }),
            },
            generated_policy_result: s::GeneratedPolicyResult {
                properties: s::GeneratedPolicyProperties {
                    is_complete: Some(succeeded),
                    principal_arn: job.principal,
                    cloud_trail_properties: trails,
                },
                generated_policies: succeeded.then_some(policies),
            },
        })
    }
}

impl Handle<op::ListPolicyGenerations> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::ListPolicyGenerationsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:ListPolicyGenerations")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListPolicyGenerationsRequest,
    ) -> Result<s::ListPolicyGenerationsResponse> {
        let mut all = self.state.generations(cx.account(), cx.region()).await?;
        all.retain(|(_, job)| {
            Instant::from(job.started) + KEPT > cx.now()
                && input.principal_arn.as_ref().is_none_or(|principal| *principal == job.principal)
        });
        // The newest first.
        all.sort_by(|(a, one), (b, other)| (other.started, a).cmp(&(one.started, b)));
        let shown = all.into_iter().map(|(job_id, job)| s::PolicyGeneration {
            job_id,
            principal_arn: job.principal,
            status: job.status.as_str().to_owned(),
            started_on: job.started.into(),
            completed_on: job.completed.map(Into::into),
        });
        let purpose = format!("generations {} {} {:?}", cx.account(), cx.region(), input.principal_arn);
        let token = input.next_token.as_deref();
        let (policy_generations, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, shown.collect())?;
        Ok(s::ListPolicyGenerationsResponse { policy_generations, next_token })
    }
}

impl Handle<op::CancelPolicyGeneration> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::CancelPolicyGenerationRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:CancelPolicyGeneration")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CancelPolicyGenerationRequest,
    ) -> Result<s::CancelPolicyGenerationResponse> {
        self.job(cx, &input.job_id).await?;
        let now = cx.now();
        let cancel = |job: &mut Generation| {
            job.status = JobStatus::Canceled;
            job.completed = Some(now.into());
        };
        // One that has ended stays as it is.
        self.state.change_generation(&(cx.account(), cx.region(), input.job_id), cancel).await?;
        Ok(s::CancelPolicyGenerationResponse {})
    }
}

impl AccessAnalyzer {
    async fn job(&self, cx: &Cx, id: &str) -> Result<Generation> {
        let found = self.state.generation(cx.account(), cx.region(), id).await?;
        let found = found.filter(|job| Instant::from(job.started) + KEPT > cx.now());
        found.ok_or_else(|| error::invalid(format!("There is no policy generation with the job id {id}.")))
    }
}
