use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteBucketWebsite, GetBucketWebsite, PutBucketWebsite};
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::model::BucketRecord;
use crate::model::features::{RoutingRule, Website};
use crate::website::check;
use crate::{S3, error};

impl Handle<GetBucketWebsite> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetBucketWebsiteRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketWebsite").await
    }

    async fn call(&self, cx: &Cx, input: s::GetBucketWebsiteRequest) -> Result<s::GetBucketWebsiteOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let website = bucket.record.features.website.clone().ok_or_else(|| {
            let message = "The specified bucket does not have a website configuration";
            error::not_configured("NoSuchWebsiteConfiguration", message, &bucket.name)
        })?;
        let rules: Vec<_> = website.rules.into_iter().map(rule_to_wire).collect();
        Ok(s::GetBucketWebsiteOutput {
            redirect_all_requests_to: website
                .redirect_all
                .map(|(host_name, protocol)| s::RedirectAllRequestsTo { host_name, protocol }),
            index_document: website.index.map(|suffix| s::IndexDocument { suffix }),
            error_document: website.error.map(|key| s::ErrorDocument { key }),
            routing_rules: (!rules.is_empty()).then_some(rules),
        })
    }
}

impl Handle<PutBucketWebsite> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutBucketWebsiteRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketWebsite").await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketWebsiteRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.website_configuration;
        let no_rules = given.routing_rules.as_ref().is_some_and(Vec::is_empty);
        let website = Website {
            index: given.index_document.map(|document| document.suffix),
            error: given.error_document.map(|document| document.key),
            redirect_all: given.redirect_all_requests_to.map(|to| (to.host_name, to.protocol)),
            rules: given.routing_rules.into_iter().flatten().map(rule_from_wire).collect::<Result<_>>()?,
        };
        check::check(&website)?;
        if no_rules {
            return Err(error::malformed_xml());
        }
        let set = |record: &mut BucketRecord| {
            record.features.website = Some(website.clone());
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<DeleteBucketWebsite> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteBucketWebsiteRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:DeleteBucketWebsite").await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteBucketWebsiteRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let clear = |record: &mut BucketRecord| {
            record.features.website = None;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, clear).await?;
        Ok(Empty)
    }
}

fn rule_from_wire(rule: s::RoutingRule) -> Result<RoutingRule> {
    let code = |text: String| text.parse::<u16>().map_err(|_| error::malformed_xml());
    let conditional = rule.condition.is_some();
    let condition = rule.condition.unwrap_or_default();
    Ok(RoutingRule {
        conditional,
        prefix: condition.key_prefix_equals,
        error_code: condition.http_error_code_returned_equals.map(code).transpose()?,
        host: rule.redirect.host_name,
        protocol: rule.redirect.protocol,
        code: rule.redirect.http_redirect_code.map(code).transpose()?,
        replace_prefix: rule.redirect.replace_key_prefix_with,
        replace_key: rule.redirect.replace_key_with,
    })
}

fn rule_to_wire(rule: RoutingRule) -> s::RoutingRule {
    s::RoutingRule {
        condition: rule.conditional.then(|| s::Condition {
            http_error_code_returned_equals: rule.error_code.map(|code| code.to_string()),
            key_prefix_equals: rule.prefix.clone(),
        }),
        redirect: s::Redirect {
            host_name: rule.host,
            http_redirect_code: rule.code.map(|code| code.to_string()),
            protocol: rule.protocol,
            replace_key_prefix_with: rule.replace_prefix,
            replace_key_with: rule.replace_key,
        },
    }
}
