//! DescribeLimits and DescribeEndpoints.

use haneul_dynamodb_wire::operations::{DescribeEndpoints, DescribeLimits};
use haneul_dynamodb_wire::shapes::{DescribeEndpointsResponse, DescribeLimitsOutput, Endpoint};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use crate::metrics::provisioned::{ACCOUNT_MAX, TABLE_MAX};

/// How long a client may keep the address.
const CACHE_MINUTES: i64 = 1440;

impl Handle<DescribeLimits> for Dynamodb {
    async fn access(
        &self,
        _: &Cx,
        _: &haneul_dynamodb_wire::shapes::DescribeLimitsInput,
    ) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:DescribeLimits")])
    }

    async fn call(
        &self,
        _: &Cx,
        _: haneul_dynamodb_wire::shapes::DescribeLimitsInput,
    ) -> Result<DescribeLimitsOutput> {
        Ok(DescribeLimitsOutput {
            account_max_read_capacity_units: Some(ACCOUNT_MAX),
            account_max_write_capacity_units: Some(ACCOUNT_MAX),
            table_max_read_capacity_units: Some(TABLE_MAX),
            table_max_write_capacity_units: Some(TABLE_MAX),
        })
    }
}

impl Handle<DescribeEndpoints> for Dynamodb {
    async fn access(
        &self,
        _: &Cx,
        _: &haneul_dynamodb_wire::shapes::DescribeEndpointsRequest,
    ) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:DescribeEndpoints")])
    }

    async fn call(
        &self,
        cx: &Cx,
        _: haneul_dynamodb_wire::shapes::DescribeEndpointsRequest,
    ) -> Result<DescribeEndpointsResponse> {
        let endpoint = cx.endpoint();
        let address = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, host)| host).to_owned();
        Ok(DescribeEndpointsResponse {
            endpoints: vec![Endpoint { address, cache_period_in_minutes: CACHE_MINUTES }],
        })
    }
}
