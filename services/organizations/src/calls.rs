//! All that we ask of other services: IAM, for the roles that an account of an organization has.
//!
//! The calls are made as the root user of the account. For a new account they come before it is seated, so that no
//! control policy of the organization stands in the way.

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, ApiError, Caller, Region, Result};

use crate::Organizations;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const PRINCIPAL: &str = "organizations.amazonaws.com";

impl Organizations {
    /// The role by which the management account gets into a new account. Does nothing that is done already.
    pub(crate) async fn make_access_role(
        &self,
        account: AccountId,
        role: &str,
        management: AccountId,
    ) -> Result<()> {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{management}:root"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let create = i::CreateRoleRequest {
            role_name: role.to_owned(),
            assume_role_policy_document: trust,
            ..Default::default()
        };
        let made = self.as_root::<iam::CreateRole>(account, create).await;
        unless(made, &["EntityAlreadyExists", "EntityAlreadyExistsException"])?;
        let attach =
            i::AttachRolePolicyRequest { role_name: role.to_owned(), policy_arn: ADMINISTRATOR.to_owned() };
        self.as_root::<iam::AttachRolePolicy>(account, attach).await?;
        Ok(())
    }

    /// `AWSServiceRoleForOrganizations`, which every account of an organization has.
    pub(crate) async fn make_service_linked_role(&self, account: AccountId) -> Result<()> {
        let create = i::CreateServiceLinkedRoleRequest {
            aws_service_name: PRINCIPAL.to_owned(),
            ..Default::default()
        };
        let made = self.as_root::<iam::CreateServiceLinkedRole>(account, create).await;
        // IAM says of a role that is there already that the name has been taken.
        unless(made, &["InvalidInput", "InvalidInputException", "NotImplemented"])
    }

    async fn as_root<O: haneul_kit::Operation>(
        &self,
        account: AccountId,
        input: O::Input,
    ) -> Result<O::Output> {
        self.platform.bus.call::<O>(Caller::root(account), Region::US_EAST_1, None, input).await
    }
}

fn unless<T>(result: Result<T>, codes: &[&str]) -> Result<(), ApiError> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if codes.contains(&error.code()) => Ok(()),
        Err(error) => Err(error),
    }
}
