use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use crate::model::FullName;
use crate::parameters::{Parameters, Read};
use crate::{error, filter, name, public};

const RESULTS_DEFAULT: i32 = 10;

/// Parameters looked at for one page.
const LOOKED_AT_MAX: usize = 1000;

impl Handle<op::GetParametersByPath> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::GetParametersByPathRequest) -> Result<Vec<Access>> {
        let path = name::path(&input.path)?;
        let path = path.strip_suffix('/').unwrap_or(&path).to_owned();
        let full = FullName { account: cx.account(), region: cx.region(), name: path };
        let access = Access::on("ssm:GetParametersByPath", &full.arn());
        Ok(vec![access.key("ssm:Recursive", input.recursive.unwrap_or(false).to_string())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetParametersByPathRequest,
    ) -> Result<s::GetParametersByPathResult> {
        let path = name::path(&input.path)?;
        let filters = input.parameter_filters.unwrap_or_default();
        filter::check(&filters, true)?;
        let recursive = input.recursive.unwrap_or(false);
        let limit = input.max_results.unwrap_or(RESULTS_DEFAULT) as usize;
        let purpose = format!("ssm.path {} {} {path} {recursive}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let mut after: Option<String> = match input.next_token.as_ref().filter(|token| !token.is_empty()) {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut found = Vec::new();
        let full = |name: String| FullName { account: cx.account(), region: cx.region(), name };
        if path.starts_with("/aws/service/") {
            let public = public::under(cx.region(), &path, recursive).into_iter();
            let public = public.filter(|(name, _)| after.as_ref().is_none_or(|after| name > after));
            found.extend(public.take(limit + 1).map(|(name, version)| Read {
                name: full(name),
                number: 1,
                version,
                selector: None,
                by_arn: false,
            }));
        }
        while found.len() <= limit && !path.starts_with("/aws/service/") {
            let place = (cx.account(), cx.region());
            // A name without a slash is one of the root.
            let prefix = if path == "/" { "" } else { path.as_str() };
            let rows = self.state.after(place, prefix, after.as_deref(), LOOKED_AT_MAX).await?;
            let more = rows.len() == LOOKED_AT_MAX;
            after = rows.last().map(|(name, _)| name.clone());
            for (name, record) in rows {
                let direct = !name.strip_prefix(path.as_str()).unwrap_or(&name).contains('/');
                let expired = record.latest.expires_ms.is_some_and(|at_ms| at_ms <= cx.now().millis());
                if expired || !(recursive || direct) || !filter::passes(&filters, &name, &record) {
                    continue;
                }
                let (number, version) = (record.version, record.latest);
                found.push(Read { name: full(name), number, version, selector: None, by_arn: false });
            }
            if !more {
                break;
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |read| read.name.name.clone());
        let tiers = page.items.iter().map(|read| &*read.version.tier);
        self.meter(cx, "GetParametersByPath", tiers).await?;
        let mut parameters = Vec::with_capacity(page.items.len());
        for read in page.items {
            parameters.push(self.show(cx, read, input.with_decryption.unwrap_or(false)).await?);
        }
        Ok(s::GetParametersByPathResult { parameters: Some(parameters), next_token: page.next })
    }
}
