//! The tagging operation of each service, found by the ARN and called as the caller.

use haneul_accessanalyzer_wire::{operations as analyzer, shapes as a};
use haneul_application_autoscaling_wire::{operations as scaling, shapes as c};
use haneul_cloudtrail_wire::{operations as cloudtrail, shapes as t};
use haneul_cloudwatch_wire::{operations as cloudwatch, shapes as w};
use haneul_dynamodb_wire::{operations as dynamodb, shapes as d};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kinesis_wire::{operations as kinesis, shapes as n};
use haneul_kit::{ApiError, Arn, Cx, Operation, Result};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_lambda_wire::{operations as lambda, shapes as f};
use haneul_logs_wire::{operations as logs, shapes as l};
use haneul_organizations_wire::{operations as organizations, shapes as o};
use haneul_resource_groups_wire::{operations as groups, shapes as g};
use haneul_s3_wire::{operations as s3, shapes as b};
use haneul_secretsmanager_wire::{operations as secrets, shapes as m};
use haneul_shape::value::Map;
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_ssm_wire::{operations as ssm, shapes as p};

use crate::Tagging;
use crate::error;

const PRINCIPAL: &str = "tagging.amazonaws.com";

/// What is to be done to the tags of a resource.
pub(crate) enum Change<'a> {
    Set(&'a [(String, String)]),
    Remove(&'a [String]),
}

use Change::{Remove, Set};

impl Tagging {
    async fn ask<O: Operation>(&self, cx: &Cx, input: O::Input) -> Result<()> {
        self.platform.forward::<O>(cx, PRINCIPAL, input).await.map(drop)
    }

    /// Changes the tags of the resource `text` names.
    pub(crate) async fn change(&self, cx: &Cx, text: &str, change: &Change<'_>) -> Result<()> {
        let arn = Arn::parse(text).map_err(|_| error::parameter(format!("{text} is not a valid ARN.")))?;
        if !arn.region().is_empty() && arn.region() != cx.region().as_str() {
            return Err(error::parameter(format!("{text} is not of the Region {}.", cx.region())));
        }
        let resource = arn.resource();
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        match arn.service() {
            "sqs" => self.queue(cx, &arn, change).await,
            "s3" if !resource.contains('/') => self.bucket(cx, resource, change).await,
            "iam" => self.entity(cx, &arn, change).await,
            "kms" if kind == "key" => match change {
                Set(tags) => {
                    let tag = |(key, value): &(String, String)| k::Tag {
                        tag_key: key.clone(),
                        tag_value: value.clone(),
                    };
                    let tags = tags.iter().map(tag).collect();
                    self.ask::<kms::TagResource>(cx, k::TagResourceRequest { key_id: text.into(), tags })
                        .await
                }
                Remove(keys) => {
                    let input = k::UntagResourceRequest { key_id: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<kms::UntagResource>(cx, input).await
                }
            },
            "secretsmanager" => match change {
                Set(tags) => {
                    let tag = |(key, value): &(String, String)| m::Tag {
                        key: Some(key.clone()),
                        value: Some(value.clone()),
                    };
                    let tags = tags.iter().map(tag).collect();
                    self.ask::<secrets::TagResource>(
                        cx,
                        m::TagResourceRequest { secret_id: text.into(), tags },
                    )
                    .await
                }
                Remove(keys) => {
                    let input = m::UntagResourceRequest { secret_id: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<secrets::UntagResource>(cx, input).await
                }
            },
            "ssm" if kind == "parameter" => {
                // A name without a slash has one in its ARN all the same.
                let id = if name.contains('/') { format!("/{name}") } else { name.to_owned() };
                let kind = "Parameter".to_owned();
                match change {
                    Set(tags) => {
                        let tag = |(key, value): &(String, String)| p::Tag {
                            key: key.clone(),
                            value: value.clone(),
                        };
                        let tags = tags.iter().map(tag).collect();
                        let input =
                            p::AddTagsToResourceRequest { resource_type: kind, resource_id: id, tags };
                        self.ask::<ssm::AddTagsToResource>(cx, input).await
                    }
                    Remove(keys) => {
                        let tag_keys = keys.to_vec();
                        let input = p::RemoveTagsFromResourceRequest {
                            resource_type: kind,
                            resource_id: id,
                            tag_keys,
                        };
                        self.ask::<ssm::RemoveTagsFromResource>(cx, input).await
                    }
                }
            }
            "dynamodb" if kind == "table" => match change {
                Set(tags) => {
                    let tag =
                        |(key, value): &(String, String)| d::Tag { key: key.clone(), value: value.clone() };
                    let tags = tags.iter().map(tag).collect();
                    self.ask::<dynamodb::TagResource>(
                        cx,
                        d::TagResourceInput { resource_arn: text.into(), tags },
                    )
                    .await
                }
                Remove(keys) => {
                    let input = d::UntagResourceInput { resource_arn: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<dynamodb::UntagResource>(cx, input).await
                }
            },
            "kinesis" => match change {
                Set(tags) => {
                    let (resource_arn, tags) = (text.into(), map(tags));
                    let input = n::TagResourceInput { resource_arn, tags, stream_id: None };
                    self.ask::<kinesis::TagResource>(cx, input).await
                }
                Remove(keys) => {
                    let (resource_arn, tag_keys) = (text.into(), keys.to_vec());
                    let input = n::UntagResourceInput { resource_arn, tag_keys, stream_id: None };
                    self.ask::<kinesis::UntagResource>(cx, input).await
                }
            },
            "logs" => match change {
                Set(tags) => {
                    let input = l::TagResourceRequest { resource_arn: text.into(), tags: map(tags) };
                    self.ask::<logs::TagResource>(cx, input).await
                }
                Remove(keys) => {
                    let input =
                        l::UntagResourceRequest { resource_arn: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<logs::UntagResource>(cx, input).await
                }
            },
            "access-analyzer" => match change {
                Set(tags) => {
                    let input = a::TagResourceRequest { resource_arn: text.into(), tags: map(tags) };
                    self.ask::<analyzer::TagResource>(cx, input).await
                }
                Remove(keys) => {
                    let input =
                        a::UntagResourceRequest { resource_arn: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<analyzer::UntagResource>(cx, input).await
                }
            },
            "application-autoscaling" => match change {
                Set(tags) => {
                    let input = c::TagResourceRequest { resource_arn: text.into(), tags: map(tags) };
                    self.ask::<scaling::TagResource>(cx, input).await
                }
                Remove(keys) => {
                    let input =
                        c::UntagResourceRequest { resource_arn: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<scaling::UntagResource>(cx, input).await
                }
            },
            "lambda" => match change {
                Set(tags) => {
                    let input = f::TagResourceRequest { resource: text.into(), tags: map(tags) };
                    self.ask::<lambda::TagResource>(cx, input).await
                }
                Remove(keys) => {
                    let input = f::UntagResourceRequest { resource: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<lambda::UntagResource>(cx, input).await
                }
            },
            "cloudwatch" => match change {
                Set(tags) => {
                    let tag =
                        |(key, value): &(String, String)| w::Tag { key: key.clone(), value: value.clone() };
                    let tags = tags.iter().map(tag).collect();
                    let input = w::TagResourceInput { resource_arn: text.into(), tags };
                    self.ask::<cloudwatch::TagResource>(cx, input).await
                }
                Remove(keys) => {
                    let input = w::UntagResourceInput { resource_arn: text.into(), tag_keys: keys.to_vec() };
                    self.ask::<cloudwatch::UntagResource>(cx, input).await
                }
            },
            "cloudtrail" => match change {
                Set(tags) => {
                    let tag = |(key, value): &(String, String)| t::Tag {
                        key: key.clone(),
                        value: Some(value.clone()),
                    };
                    let tags_list = tags.iter().map(tag).collect();
                    let input = t::AddTagsRequest { resource_id: text.into(), tags_list };
                    self.ask::<cloudtrail::AddTags>(cx, input).await
                }
                Remove(keys) => {
                    let tags_list = keys.iter().map(|key| t::Tag { key: key.clone(), value: None }).collect();
                    let input = t::RemoveTagsRequest { resource_id: text.into(), tags_list };
                    self.ask::<cloudtrail::RemoveTags>(cx, input).await
                }
            },
            "resource-groups" => match change {
                Set(tags) => {
                    self.ask::<groups::Tag>(cx, g::TagInput { arn: text.into(), tags: map(tags) }).await
                }
                Remove(keys) => {
                    self.ask::<groups::Untag>(cx, g::UntagInput { arn: text.into(), keys: keys.to_vec() })
                        .await
                }
            },
            "organizations" => {
                let id = resource.rsplit('/').next().unwrap_or_default().to_owned();
                match change {
                    Set(tags) => {
                        let tag = |(key, value): &(String, String)| o::Tag {
                            key: key.clone(),
                            value: value.clone(),
                        };
                        let tags = tags.iter().map(tag).collect();
                        self.ask::<organizations::TagResource>(
                            cx,
                            o::TagResourceRequest { resource_id: id, tags },
                        )
                        .await
                    }
                    Remove(keys) => {
                        let input = o::UntagResourceRequest { resource_id: id, tag_keys: keys.to_vec() };
                        self.ask::<organizations::UntagResource>(cx, input).await
                    }
                }
            }
            _ => Err(unsupported(text)),
        }
    }

    async fn queue(&self, cx: &Cx, arn: &Arn, change: &Change<'_>) -> Result<()> {
        let queue_url = format!("{}/{}/{}", cx.endpoint(), arn.account(), arn.resource());
        match change {
            Set(tags) => {
                self.ask::<sqs::TagQueue>(cx, q::TagQueueRequest { queue_url, tags: map(tags) }).await
            }
            Remove(keys) => {
                self.ask::<sqs::UntagQueue>(cx, q::UntagQueueRequest { queue_url, tag_keys: keys.to_vec() })
                    .await
            }
        }
    }

    /// S3 has no operation that changes one tag of a bucket: all are read and written.
    async fn bucket(&self, cx: &Cx, name: &str, change: &Change<'_>) -> Result<()> {
        let bucket = name.to_owned();
        let get = b::GetBucketTaggingRequest { bucket: bucket.clone(), ..Default::default() };
        let mut tags = match self.platform.forward::<s3::GetBucketTagging>(cx, PRINCIPAL, get).await {
            Ok(found) => found.tag_set,
            Err(error) if error.code() == "NoSuchTagSet" => Vec::new(),
            Err(error) => return Err(error),
        };
        match change {
            Set(new) => {
                tags.retain(|tag| !new.iter().any(|(key, _)| *key == tag.key));
                tags.extend(new.iter().map(|(key, value)| b::Tag { key: key.clone(), value: value.clone() }));
            }
            Remove(keys) => tags.retain(|tag| !keys.contains(&tag.key)),
        }
        if tags.is_empty() {
            let input = b::DeleteBucketTaggingRequest { bucket, ..Default::default() };
            return self.ask::<s3::DeleteBucketTagging>(cx, input).await;
        }
        let tagging = b::Tagging { tag_set: tags };
        let input = b::PutBucketTaggingRequest { bucket, tagging, ..Default::default() };
        self.ask::<s3::PutBucketTagging>(cx, input).await
    }

    async fn entity(&self, cx: &Cx, arn: &Arn, change: &Change<'_>) -> Result<()> {
        let (kind, path) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let text = arn.to_string();
        match change {
            Set(tags) => {
                let tag = |(key, value): &(String, String)| i::Tag { key: key.clone(), value: value.clone() };
                let tags = tags.iter().map(tag).collect();
                match kind {
                    "user" => self.ask::<iam::TagUser>(cx, i::TagUserRequest { user_name: name, tags }).await,
                    "role" => self.ask::<iam::TagRole>(cx, i::TagRoleRequest { role_name: name, tags }).await,
                    "policy" => {
                        self.ask::<iam::TagPolicy>(cx, i::TagPolicyRequest { policy_arn: text, tags }).await
                    }
                    "instance-profile" => {
                        let input = i::TagInstanceProfileRequest { instance_profile_name: name, tags };
                        self.ask::<iam::TagInstanceProfile>(cx, input).await
                    }
                    "oidc-provider" => {
                        let input =
                            i::TagOpenIDConnectProviderRequest { open_id_connect_provider_arn: text, tags };
                        self.ask::<iam::TagOpenIDConnectProvider>(cx, input).await
                    }
                    "server-certificate" => {
                        let input = i::TagServerCertificateRequest { server_certificate_name: name, tags };
                        self.ask::<iam::TagServerCertificate>(cx, input).await
                    }
                    _ => Err(unsupported(&text)),
                }
            }
            Remove(keys) => {
                let tag_keys = keys.to_vec();
                match kind {
                    "user" => {
                        self.ask::<iam::UntagUser>(cx, i::UntagUserRequest { user_name: name, tag_keys })
                            .await
                    }
                    "role" => {
                        self.ask::<iam::UntagRole>(cx, i::UntagRoleRequest { role_name: name, tag_keys })
                            .await
                    }
                    "policy" => {
                        self.ask::<iam::UntagPolicy>(cx, i::UntagPolicyRequest { policy_arn: text, tag_keys })
                            .await
                    }
                    "instance-profile" => {
                        let input = i::UntagInstanceProfileRequest { instance_profile_name: name, tag_keys };
                        self.ask::<iam::UntagInstanceProfile>(cx, input).await
                    }
                    "oidc-provider" => {
                        let input = i::UntagOpenIDConnectProviderRequest {
                            open_id_connect_provider_arn: text,
                            tag_keys,
                        };
                        self.ask::<iam::UntagOpenIDConnectProvider>(cx, input).await
                    }
                    "server-certificate" => {
                        let input =
                            i::UntagServerCertificateRequest { server_certificate_name: name, tag_keys };
                        self.ask::<iam::UntagServerCertificate>(cx, input).await
                    }
                    _ => Err(unsupported(&text)),
                }
            }
        }
    }
}

fn map(tags: &[(String, String)]) -> Map<String> {
    tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn unsupported(arn: &str) -> ApiError {
    error::parameter(format!("{arn}: tagging is not supported for resources of this type."))
}
