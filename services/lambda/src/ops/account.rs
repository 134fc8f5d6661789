use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use crate::code::{STORAGE_MAX, UNZIPPED_MAX, ZIPPED_MAX};
use crate::invoke::ACCOUNT_MAX;
use crate::{Lambda, error};

impl Handle<op::GetAccountSettings> for Lambda {
    async fn access(&self, _: &Cx, _: &s::GetAccountSettingsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:GetAccountSettings")])
    }

    async fn call(&self, cx: &Cx, _: s::GetAccountSettingsRequest) -> Result<s::GetAccountSettingsResponse> {
        let reserved = self.cache.reserved(&self.records, cx.account(), cx.region()).await?;
        let (size, functions) = self.usage(cx).await?;
        Ok(s::GetAccountSettingsResponse {
            account_limit: Some(s::AccountLimit {
                total_code_size: Some(STORAGE_MAX),
                code_size_unzipped: i64::try_from(UNZIPPED_MAX).ok(),
                code_size_zipped: i64::try_from(ZIPPED_MAX).ok(),
                concurrent_executions: i32::try_from(ACCOUNT_MAX).ok(),
                unreserved_concurrent_executions: i32::try_from(ACCOUNT_MAX.saturating_sub(reserved)).ok(),
            }),
            account_usage: Some(s::AccountUsage {
                total_code_size: Some(size),
                function_count: Some(functions),
            }),
        })
    }
}

impl Lambda {
    /// Bytes of packages that an account keeps in a Region, and its functions.
    async fn usage(&self, cx: &Cx) -> Result<(i64, i64)> {
        let (account, region) = (cx.account(), cx.region());
        // Versions that share a package count it once.
        let mut sizes = BTreeMap::new();
        let functions = self.records.functions(account, region, None, usize::MAX).await?;
        for (_, record) in &functions {
            sizes.insert(record.latest.code.blob, record.latest.code.len);
        }
        for (_, version) in self.records.all_versions(account, region).await? {
            sizes.insert(version.code.blob, version.code.len);
        }
        for (_, _, layer) in self.records.layers(account, region).await? {
            sizes.insert(layer.code.blob, layer.code.len);
        }
        let size = sizes.values().sum::<u64>();
        Ok((i64::try_from(size).unwrap_or(i64::MAX), i64::try_from(functions.len()).unwrap_or(i64::MAX)))
    }

    /// Whether one more package fits in.
    pub(super) async fn check_storage(&self, cx: &Cx, length: usize) -> Result<()> {
        let (size, _) = self.usage(cx).await?;
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if size.saturating_add(length) > STORAGE_MAX {
            return Err(error::code_storage("Code storage limit exceeded."));
        }
        Ok(())
    }
}
