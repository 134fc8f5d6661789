use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::Instant;

use super::cloud::Cloud;

fn create(user: &str, service: &str) -> s::CreateServiceSpecificCredentialRequest {
    s::CreateServiceSpecificCredentialRequest {
        user_name: user.into(),
        service_name: service.into(),
        ..Default::default()
    }
}

async fn make(cloud: &Cloud, user: &str, service: &str) -> s::ServiceSpecificCredential {
    let made = cloud.ok::<op::CreateServiceSpecificCredential>(create(user, service)).await;
    made.service_specific_credential.unwrap()
}

const LOGS: &str = "logs.amazonaws.com";

#[tokio::test]
async fn two_of_each_service_and_each_by_its_name() {
    let cloud = Cloud::new().await;
    for name in ["Ann", "Ann+1", "bea"] {
        let user = s::CreateUserRequest { user_name: name.into(), ..Default::default() };
        cloud.ok::<op::CreateUser>(user).await;
    }
    let one = make(&cloud, "ann", LOGS).await;
    assert_eq!(one.service_credential_alias.as_deref(), Some("Ann-at-123456789012"));
    assert_eq!((one.user_name.as_str(), one.service_name.as_str()), ("Ann", LOGS));
    assert!(one.service_credential_secret.as_ref().is_some_and(|secret| secret.starts_with("ACWL")));
    assert!(one.service_user_name.is_none() && one.service_password.is_none());
    assert!(one.service_specific_credential_id.starts_with("ACCA"));
    // The next free name: another user could have had it.
    let taken = make(&cloud, "Ann+1", LOGS).await;
    assert_eq!(taken.service_credential_alias.as_deref(), Some("Ann+1-at-123456789012"));
    let two = make(&cloud, "Ann", LOGS).await;
    assert_eq!(two.service_credential_alias.as_deref(), Some("Ann+2-at-123456789012"));
    let third = cloud.call::<op::CreateServiceSpecificCredential>(create("Ann", LOGS)).await;
    assert_eq!(
        third.err().unwrap().to_string(),
        "LimitExceededException: Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2"
    );
    // AWS has them for these, and nothing here would take them.
    for service in ["codecommit", "cassandra", "bedrock", "cloudwatch"] {
        let input = create("bea", &format!("{service}.amazonaws.com"));
        let refused = cloud.call::<op::CreateServiceSpecificCredential>(input).await.err().unwrap();
        assert_eq!(
            refused.to_string(),
            format!(
                "ServiceNotSupportedException: The service {service}.amazonaws.com does not support service-specific \
                 credentials in this cloud."
            )
        );
    }

    let mut input = create("bea", LOGS);
    input.credential_age_days = Some(3);
    let made = cloud.ok::<op::CreateServiceSpecificCredential>(input).await.service_specific_credential;
    let now = cloud.platform.env.now().millis();
    assert_eq!(made.unwrap().expiration_date, Some(Instant::from_millis(now + 3 * 86_400_000)));
    let refused = cloud.call::<op::CreateServiceSpecificCredential>(create("bea", "s3.amazonaws.com")).await;
    assert_eq!(
        refused.err().unwrap().to_string(),
        "NoSuchEntityException: No such service s3.amazonaws.com is supported for Service Specific Credentials"
    );
    let refused = cloud.call::<op::CreateServiceSpecificCredential>(create("nobody", LOGS)).await;
    assert_eq!(refused.err().unwrap().code(), "NoSuchEntityException");

    // Pages; of one user, of all.
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let list = s::ListServiceSpecificCredentialsRequest {
            all_users: Some(true),
            service_name: Some(LOGS.into()),
            max_items: Some(2),
            marker,
            ..Default::default()
        };
        let page = cloud.ok::<op::ListServiceSpecificCredentials>(list).await;
        assert_eq!(page.is_truncated, Some(page.marker.is_some()));
        names.extend(
            page.service_specific_credentials
                .unwrap()
                .into_iter()
                .filter_map(|one| one.service_credential_alias),
        );
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(names, ["Ann", "Ann+2", "Ann+1", "bea"].map(|name| format!("{name}-at-123456789012")));
    let both = s::ListServiceSpecificCredentialsRequest {
        all_users: Some(true),
        user_name: Some("Ann".into()),
        service_name: Some(LOGS.into()),
        ..Default::default()
    };
    assert!(cloud.call::<op::ListServiceSpecificCredentials>(both).await.is_err());
}

#[tokio::test]
async fn what_changes_them_and_what_waits_for_them() {
    let cloud = Cloud::new().await;
    for name in ["ann", "bea"] {
        let user = s::CreateUserRequest { user_name: name.into(), ..Default::default() };
        cloud.ok::<op::CreateUser>(user).await;
    }
    let key = make(&cloud, "ann", LOGS).await;
    let id = key.service_specific_credential_id;
    let update = |user: &str, status: &str| s::UpdateServiceSpecificCredentialRequest {
        user_name: Some(user.into()),
        service_specific_credential_id: id.clone(),
        status: status.into(),
    };
    let lost = cloud.call::<op::UpdateServiceSpecificCredential>(update("bea", "Inactive")).await;
    assert_eq!(
        lost.err().unwrap().to_string(),
        format!("NoSuchEntityException: No such credential {id} exists")
    );
    assert!(cloud.call::<op::UpdateServiceSpecificCredential>(update("ann", "Expired")).await.is_err());
    cloud.ok::<op::UpdateServiceSpecificCredential>(update("ann", "Inactive")).await;
    let secret = key.service_credential_secret.unwrap();
    let found = cloud.directory().api_key(LOGS, &secret).await.unwrap().unwrap();
    assert!(!found.active);
    assert_eq!(found.caller.arn(), "arn:aws:iam::123456789012:user/ann");
    assert!(cloud.directory().api_key("bedrock.amazonaws.com", &secret).await.unwrap().is_none());

    let reset = s::ResetServiceSpecificCredentialRequest {
        user_name: Some("ann".into()),
        service_specific_credential_id: id.clone(),
    };
    let reset =
        cloud.ok::<op::ResetServiceSpecificCredential>(reset).await.service_specific_credential.unwrap();
    assert_eq!(reset.status, "Inactive");
    assert!(cloud.directory().api_key(LOGS, &secret).await.unwrap().is_none());
    let secret = reset.service_credential_secret.unwrap();
    assert!(cloud.directory().api_key(LOGS, &secret).await.unwrap().is_some());

    let delete = s::DeleteUserRequest { user_name: "ann".into() };
    let waits = cloud.call::<op::DeleteUser>(delete.clone()).await.err().unwrap();
    assert_eq!(
        waits.to_string(),
        "DeleteConflictException: Cannot delete entity, must remove referenced objects first."
    );
    let gone = s::DeleteServiceSpecificCredentialRequest {
        user_name: Some("ann".into()),
        service_specific_credential_id: id.clone(),
    };
    cloud.ok::<op::DeleteServiceSpecificCredential>(gone.clone()).await;
    assert!(cloud.call::<op::DeleteServiceSpecificCredential>(gone).await.is_err());
    assert!(cloud.directory().api_key(LOGS, &secret).await.unwrap().is_none());
    cloud.ok::<op::DeleteUser>(delete).await;
}
