//! What would be found, were a resource's policy another.

use std::collections::BTreeMap;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Policy, Result};
use haneul_policy::Rules;
use haneul_store::Reads;

use crate::analyze::accesses;
use crate::model::{FINDINGS, PREVIEWS, Preview, PreviewFinding, Status};
use crate::{AccessAnalyzer, error, page, render};

/// Kind, and policies, of a configuration.
///
/// # Errors
/// For what is more than a policy: ACLs, access points, grants and snapshots are not previewed.
fn configuration(given: &s::Configuration) -> Result<(&'static str, Vec<String>)> {
    let refused = |what: &str| Err(error::not_supported(format!("Haneul does not preview {what}.")));
    let one = |kind, policy: &Option<String>| Ok((kind, policy.iter().cloned().collect()));
    match given {
        s::Configuration::IamRole(role) => one("AWS::IAM::Role", &role.trust_policy),
        s::Configuration::SqsQueue(queue) => one("AWS::SQS::Queue", &queue.queue_policy),
        s::Configuration::SnsTopic(topic) => one("AWS::SNS::Topic", &topic.topic_policy),
        s::Configuration::SecretsManagerSecret(secret) => {
            one("AWS::SecretsManager::Secret", &secret.secret_policy)
        }
        s::Configuration::EcrRepository(repository) => {
            one("AWS::ECR::Repository", &repository.repository_policy)
        }
        s::Configuration::EfsFileSystem(system) => one("AWS::EFS::FileSystem", &system.file_system_policy),
        s::Configuration::DynamodbTable(table) => one("AWS::DynamoDB::Table", &table.table_policy),
        s::Configuration::DynamodbStream(stream) => one("AWS::DynamoDB::Stream", &stream.stream_policy),
        s::Configuration::KmsKey(key) if key.grants.as_ref().is_none_or(Vec::is_empty) => {
            let policies = key
                .key_policies
                .iter()
                .flat_map(|policies| policies.iter())
                .map(|(_, policy)| policy.clone());
            Ok(("AWS::KMS::Key", policies.collect()))
        }
        s::Configuration::KmsKey(_) => refused("grants of keys"),
        s::Configuration::S3Bucket(bucket) => {
            if bucket.access_points.as_ref().is_some_and(|points| points.iter().next().is_some()) {
                return refused("access points");
            }
            if bucket.bucket_acl_grants.as_ref().is_some_and(|grants| !grants.is_empty()) {
                return refused("grants of ACLs");
            }
            one("AWS::S3::Bucket", &bucket.bucket_policy)
        }
        _ => refused("resources of this type"),
    }
}

impl Handle<op::CreateAccessPreview> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::CreateAccessPreviewRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:CreateAccessPreview", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateAccessPreviewRequest,
    ) -> Result<s::CreateAccessPreviewResponse> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        let analyzer = self.analyzer(cx, &name).await?;
        let mut resources = BTreeMap::new();
        let mut private = Vec::new();
        for (arn, given) in input.configurations.iter() {
            Arn::parse(arn).map_err(|_| error::invalid(format!("The resource ARN {arn} is not valid.")))?;
            let (kind, policies) = configuration(given)?;
            if let s::Configuration::S3Bucket(bucket) = given
                && bucket
                    .bucket_public_access_block
                    .as_ref()
                    .is_some_and(|block| block.restrict_public_buckets)
            {
                private.push(arn.to_owned());
            }
            resources.insert(arn.to_owned(), (kind.to_owned(), policies));
        }
        if resources.len() != 1 {
            return Err(error::invalid("An access preview is of exactly one resource."));
        }
        let zone = self.zone(cx.account(), &analyzer).await?;
        let existing = self.state.parts(&FINDINGS, cx.account(), cx.region(), &name).await?;
        let rng = &self.platform.env.rng;
        let (mut findings, mut failure) = (Vec::new(), None);
        for (arn, (kind, policies)) in &resources {
            for policy in policies {
                if !is_policy(policy) {
                    failure = Some("INVALID_CONFIGURATION".to_owned());
                    continue;
                }
                for access in accesses(policy, &zone, private.contains(arn)) {
                    let before = existing.iter().find(|(_, finding)| {
                        finding.resource == *arn
                            && finding.access.key() == access.key()
                            && finding.status != Status::Resolved
                    });
                    let change = match before {
                        None => "NEW",
                        Some((_, finding)) if finding.access == access => "UNCHANGED",
                        Some(_) => "CHANGED",
                    };
                    findings.push(PreviewFinding {
                        id: rng.uuid(),
                        resource: arn.clone(),
                        kind: kind.clone(),
                        access,
                        change: change.to_owned(),
                        existing: before.map(|(id, finding)| (id.clone(), finding.status)),
                    });
                }
            }
        }
        let preview = Preview { created: cx.now().into(), resources, findings, failure };
        let id = rng.uuid();
        self.state.store.put(&PREVIEWS, &(cx.account(), cx.region(), &name, &id), &preview).await?;
        Ok(s::CreateAccessPreviewResponse { id })
    }
}

fn is_policy(text: &str) -> bool {
    let lenient = |rules: Rules| Rules { only_sts: false, size_max: 131_072, ..rules };
    Policy::parse(text, &lenient(Rules::RESOURCE)).is_ok()
        || Policy::parse(text, &lenient(Rules::TRUST)).is_ok()
}

impl AccessAnalyzer {
    async fn preview(&self, cx: &Cx, arn: &str, id: &str) -> Result<Preview> {
        let name = AccessAnalyzer::name(cx, arn)?;
        self.analyzer(cx, &name).await?;
        let found = self.state.store.get(&PREVIEWS, &(cx.account(), cx.region(), &name, id)).await?;
        found.ok_or_else(|| error::not_found(id, "ACCESS_PREVIEW"))
    }
}

fn status(preview: &Preview) -> (String, Option<s::AccessPreviewStatusReason>) {
    match &preview.failure {
        Some(code) => ("FAILED".into(), Some(s::AccessPreviewStatusReason { code: code.clone() })),
        None => ("COMPLETED".into(), None),
    }
}

/// The configuration again, from its policies.
fn shown(kind: &str, policies: &[String]) -> s::Configuration {
    let policy = policies.first().cloned();
    match kind {
        "AWS::IAM::Role" => s::Configuration::IamRole(s::IamRoleConfiguration { trust_policy: policy }),
        "AWS::SQS::Queue" => s::Configuration::SqsQueue(s::SqsQueueConfiguration { queue_policy: policy }),
        "AWS::SNS::Topic" => s::Configuration::SnsTopic(s::SnsTopicConfiguration { topic_policy: policy }),
        "AWS::ECR::Repository" => {
            s::Configuration::EcrRepository(s::EcrRepositoryConfiguration { repository_policy: policy })
        }
        "AWS::EFS::FileSystem" => {
            s::Configuration::EfsFileSystem(s::EfsFileSystemConfiguration { file_system_policy: policy })
        }
        "AWS::DynamoDB::Table" => {
            s::Configuration::DynamodbTable(s::DynamodbTableConfiguration { table_policy: policy })
        }
        "AWS::DynamoDB::Stream" => {
            s::Configuration::DynamodbStream(s::DynamodbStreamConfiguration { stream_policy: policy })
        }
        "AWS::KMS::Key" => {
            let policies = policy.into_iter().map(|policy| ("default".to_owned(), policy)).collect();
            s::Configuration::KmsKey(s::KmsKeyConfiguration { key_policies: Some(policies), grants: None })
        }
        "AWS::SecretsManager::Secret" => {
            s::Configuration::SecretsManagerSecret(s::SecretsManagerSecretConfiguration {
                secret_policy: policy,
                kms_key_id: None,
            })
        }
        _ => s::Configuration::S3Bucket(s::S3BucketConfiguration {
            bucket_policy: policy,
            ..Default::default()
        }),
    }
}

impl Handle<op::GetAccessPreview> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetAccessPreviewRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:GetAccessPreview", name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetAccessPreviewRequest) -> Result<s::GetAccessPreviewResponse> {
        let preview = self.preview(cx, &input.analyzer_arn, &input.access_preview_id).await?;
        let (status, status_reason) = status(&preview);
        let configurations =
            preview.resources.iter().map(|(arn, (kind, policies))| (arn.clone(), shown(kind, policies)));
        Ok(s::GetAccessPreviewResponse {
            access_preview: s::AccessPreview {
                id: input.access_preview_id,
                analyzer_arn: input.analyzer_arn,
                configurations: configurations.collect(),
                created_at: preview.created.into(),
                status,
                status_reason,
            },
        })
    }
}

impl Handle<op::ListAccessPreviews> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListAccessPreviewsRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:ListAccessPreviews", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccessPreviewsRequest,
    ) -> Result<s::ListAccessPreviewsResponse> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        self.analyzer(cx, &name).await?;
        let all = self.state.parts(&PREVIEWS, cx.account(), cx.region(), &name).await?;
        let all = all.into_iter().map(|(id, preview)| {
            let (status, status_reason) = status(&preview);
            s::AccessPreviewSummary {
                id,
                analyzer_arn: input.analyzer_arn.clone(),
                created_at: preview.created.into(),
                status,
                status_reason,
            }
        });
        let purpose = format!("previews {}", input.analyzer_arn);
        let token = input.next_token.as_deref();
        let (access_previews, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, all.collect())?;
        Ok(s::ListAccessPreviewsResponse { access_previews, next_token })
    }
}

impl Handle<op::ListAccessPreviewFindings> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListAccessPreviewFindingsRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:ListAccessPreviewFindings", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccessPreviewFindingsRequest,
    ) -> Result<s::ListAccessPreviewFindingsResponse> {
        if input.filter.as_ref().is_some_and(|filter| filter.iter().next().is_some()) {
            return Err(error::not_supported("Haneul does not filter the findings of previews."));
        }
        let preview = self.preview(cx, &input.analyzer_arn, &input.access_preview_id).await?;
        let (created, account) = (preview.created.into(), cx.account());
        let all =
            preview.findings.iter().map(|found| render::preview_finding(found, created, account)).collect();
        let purpose = format!("preview findings {}", input.access_preview_id);
        let token = input.next_token.as_deref();
        let (findings, next_token) = page::cut(&self.platform.seal, &purpose, token, input.max_results, all)?;
        Ok(s::ListAccessPreviewFindingsResponse { findings, next_token })
    }
}
