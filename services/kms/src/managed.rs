//! AWS managed keys: one for each service and account, made when the service first uses it.

use haneul_kit::{AccountId, Cx, Region, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::material;
use crate::error;
use crate::kms::Kms;
use crate::live::LiveKey;
use crate::model::{KeyName, KeyRecord, Rotation};
use crate::spec::Spec;
use crate::store::DAY_MS;

/// A service that has an AWS managed key.
pub(crate) struct Managed {
    /// As in `alias/aws/s3` and `s3.us-east-1.amazonaws.com`.
    pub(crate) service: &'static str,
    /// As its description and policy call it.
    title: &'static str,
    protects: &'static str,
}

const fn managed(service: &'static str, title: &'static str, protects: &'static str) -> Managed {
    Managed { service, title, protects }
}

/// Source: KMS Developer Guide, "AWS managed keys", and the guides of the services.
pub(crate) static SERVICES: &[Managed] = &[
    managed("acm", "ACM", "ACM private keys"),
    managed("backup", "Backup", "Backup data"),
    managed("codecommit", "CodeCommit", "CodeCommit data"),
    managed("dynamodb", "DynamoDB", "DynamoDB data"),
    managed("ebs", "EBS", "EBS volumes"),
    managed("elasticfilesystem", "EFS", "EFS data"),
    managed("es", "Elasticsearch", "Elasticsearch data"),
    managed("glue", "Glue", "Glue data"),
    managed("kinesis", "Kinesis", "Kinesis data"),
    managed("kinesisvideo", "Kinesis Video", "Kinesis Video data"),
    managed("lambda", "Lambda", "Lambda functions"),
    managed("rds", "RDS", "RDS database volumes"),
    managed("redshift", "Redshift", "Redshift clusters"),
    managed("s3", "S3", "S3 objects"),
    managed("secretsmanager", "AWS Secrets Manager", "Secrets Manager data"),
    managed("sns", "SNS", "SNS data"),
    managed("sqs", "SQS", "SQS messages"),
    managed("ssm", "SSM", "SSM parameters"),
    managed("xray", "X-Ray", "X-Ray data"),
];

/// AWS managed keys are rotated every year; so the guide says since 2022.
const ROTATION_DAYS: i32 = 365;

pub(crate) fn of_alias(alias: &str) -> Option<&'static Managed> {
    let service = alias.strip_prefix("alias/aws/")?;
    SERVICES.iter().find(|managed| managed.service == service)
}

impl Managed {
    /// The key's name is known before the key is there, so that permission can be asked for it.
    pub(crate) fn key_name(&self, account: AccountId, region: Region) -> KeyName {
        let text = format!("haneul aws managed key {account} {region} {}", self.service);
        let mut b: [u8; 16] = Sha256::digest(text.as_bytes())[..16].try_into().unwrap_or_default();
        b[6] = b[6] & 0x0f | 0x40;
        b[8] = b[8] & 0x3f | 0x80;
        let hex = crate::crypto::blob::hex(&b);
        let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        KeyName { account, region, id }
    }

    pub(crate) fn alias(&self) -> String {
        format!("alias/aws/{}", self.service)
    }

    /// The documented policy: everybody in the account, through the service only.
    pub(crate) fn policy(&self, account: AccountId, region: Region) -> String {
        let title = self.title;
        json!({
            "Version": "2012-10-17",
            "Id": format!("auto-{}-2", self.service),
            "Statement": [
                {
                    "Sid": format!(
                        "Allow access through {title} for all principals in the account that are authorized to use {title}"
                    ),
                    "Effect": "Allow",
                    "Principal": { "AWS": "*" },
                    "Action": [
                        "kms:Encrypt",
                        "kms:Decrypt",
                        "kms:ReEncrypt*",
                        "kms:GenerateDataKey*",
                        "kms:CreateGrant",
                        "kms:DescribeKey"
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:CallerAccount": account.to_string(),
                            "kms:ViaService": format!("{}.{region}.amazonaws.com", self.service)
                        }
                    }
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                    "Resource": "*"
                }
            ]
        })
        .to_string()
    }
}

impl Kms {
    /// The AWS managed key of a service in the caller's account, made now if it is not there.
    pub(crate) async fn make_managed(&self, cx: &Cx, managed: &Managed) -> Result<Arc<LiveKey>> {
        let name = managed.key_name(cx.account(), cx.region());
        let now_ms = cx.now().millis();
        let secret = material::generate_now(self.env(), Spec::Symmetric).map_err(error::broken)?;
        let record = KeyRecord {
            created_ms: now_ms,
            description: format!(
                "Default key that protects my {} when no other key is defined",
                managed.protects
            ),
            usage: crate::spec::ENCRYPT_DECRYPT.into(),
            spec: Spec::Symmetric.name().into(),
            imported: false,
            aws_managed: true,
            enabled: true,
            deletion: None,
            policy: managed.policy(cx.account(), cx.region()),
            tags: BTreeMap::new(),
            materials: vec![self.state.record_of(&name, &secret).await?],
            rotation: Some(Rotation {
                period_days: ROTATION_DAYS,
                next_ms: now_ms + i64::from(ROTATION_DAYS) * DAY_MS,
            }),
            on_demand_rotations: 0,
            multi_region: None,
        };
        self.state.create_key(&name, &record).await?;
        self.state.create_alias(&name, &managed.alias(), now_ms, true).await?;
        self.due.wake();
        self.live(cx, &name).await?.ok_or_else(|| error::key_not_found(&name.arn()))
    }
}
