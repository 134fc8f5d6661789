//! Of S3 Access Grants, what is managed: instances, locations, grants.

use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_s3control_wire::{operations as control, shapes as c};

use super::cloud::{Cloud, OURS, THEIRS, policy};
use super::grants::{ASKS, INSTANCE, TRUSTED, grant, granting, instance, location, ours, role, user};

#[tokio::test]
async fn instances_locations_and_grants_are_kept_in_order() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let get = || c::GetAccessGrantsInstanceRequest { account_id: ours() };
    let none = cloud.err::<control::GetAccessGrantsInstance>(get()).await;
    assert_eq!(none, "AccessGrantsInstanceNotExistsError: Access Grants Instance does not exist");
    let vendor = role(&cloud, "vendor", TRUSTED).await;
    assert!(
        location(&cloud, "s3://", &vendor)
            .await
            .is_err_and(|e| e.code() == "AccessGrantsInstanceNotExistsError")
    );
    let create = || c::CreateAccessGrantsInstanceRequest { account_id: ours(), ..Default::default() };
    let centre = c::CreateAccessGrantsInstanceRequest {
        identity_center_arn: Some("arn:aws:sso:::instance/ssoins-1".into()),
        ..create()
    };
    let refused = cloud.err::<control::CreateAccessGrantsInstance>(centre).await;
    assert!(refused.starts_with("InvalidIdentityCenterInstance"), "{refused}");
    assert_eq!(instance(&cloud, &vendor).await, "default");
    let again = cloud.err::<control::CreateAccessGrantsInstance>(create()).await;
    assert!(again.starts_with("AccessGrantsInstanceAlreadyExists"), "{again}");
    assert_eq!(
        cloud.ok::<control::GetAccessGrantsInstance>(get()).await.access_grants_instance_arn.unwrap(),
        INSTANCE
    );

    let missing = format!("arn:aws:iam::{OURS}:role/none");
    let elsewhere = format!("arn:aws:iam::{THEIRS}:role/vendor");
    for (scope, role, code) in [
        ("s3://", vendor.as_str(), "AccessGrantsLocationAlreadyExistsError"),
        ("s3://none", &vendor, "InvalidAccessGrantsLocation"),
        ("bkt", &vendor, "InvalidAccessGrantsLocation"),
        ("s3://b*", &vendor, "InvalidAccessGrantsLocation"),
        ("s3://bkt/a*", &missing, "InvalidIamRole"),
        // Nobody hands over a role of another account.
        ("s3://bkt/a*", &elsewhere, "AccessDenied"),
        ("s3://bkt/a*", "vendor", "InvalidIamRole"),
    ] {
        let refused = location(&cloud, scope, role).await.expect_err(scope);
        assert_eq!(refused.code(), code, "{scope} {role}");
    }
    let of_a = location(&cloud, "s3://bkt/a*", &vendor).await.unwrap();
    let get_location = |id: &str| c::GetAccessGrantsLocationRequest {
        account_id: ours(),
        access_grants_location_id: id.into(),
    };
    let shown = cloud.ok::<control::GetAccessGrantsLocation>(get_location(&of_a)).await;
    assert_eq!(shown.access_grants_location_arn.unwrap(), format!("{INSTANCE}/location/{of_a}"));
    assert_eq!(
        (shown.location_scope.as_deref(), shown.iam_role_arn),
        (Some("s3://bkt/a*"), Some(vendor.clone()))
    );
    let missing = cloud.err::<control::GetAccessGrantsLocation>(get_location("x")).await;
    assert!(missing.starts_with("NoSuchAccessGrantsLocationError"), "{missing}");

    let ann = format!("arn:aws:iam::{OURS}:user/ann");
    let directory = c::CreateAccessGrantRequest {
        grantee: c::Grantee {
            grantee_type: Some("DIRECTORY_USER".into()),
            grantee_identifier: Some("a1b2c3d4-5678-90ab-cdef-111111111111".into()),
        },
        ..granting("default", "bkt/*", &ann, "READ")
    };
    let nobody = format!("arn:aws:iam::{OURS}:role/none");
    for (input, code) in [
        (granting("none", "bkt/*", &ann, "READ"), "NoSuchAccessGrantsLocationError"),
        (granting("default", "*", &ann, "READ"), "InvalidAccessGrant"),
        (granting("default", "bkt*", &ann, "READ"), "InvalidAccessGrant"),
        (granting("default", "bkt/*", &ann, "ALL"), "InvalidRequest"),
        (granting("default", "bkt/*", "ann", "READ"), "InvalidRequest: Invalid Grantee"),
        (granting("default", "bkt/*", &nobody, "READ"), "InvalidRequest: Invalid Grantee"),
        (granting("default", "bkt/*", "arn:aws:iam::111111111111:user/*", "READ"), "InvalidRequest"),
        (granting("default", "bkt/*", "arn:aws:iam::111111111111:root", "READ"), "InvalidRequest"),
        (directory, "InvalidIdentityCenterInstance"),
    ] {
        let refused = cloud.err::<control::CreateAccessGrant>(input).await;
        assert!(refused.starts_with(code), "{refused} for {code}");
    }
    let tagged = c::CreateAccessGrantRequest {
        tags: Some(vec![c::Tag { key: "team".into(), value: "sky".into() }]),
        ..granting(&of_a, "b*", &ann, "READ")
    };
    let made = cloud.ok::<control::CreateAccessGrant>(tagged.clone()).await;
    assert_eq!(made.grant_scope.as_deref(), Some("s3://bkt/ab*"));
    let again = cloud.err::<control::CreateAccessGrant>(tagged).await;
    assert!(again.starts_with("AccessGrantAlreadyExists"), "{again}");
    for (sub, grantee) in [("bkt/1*", &ann), ("bkt/2*", &vendor), ("bkt/3*", &ann)] {
        grant(&cloud, sub, grantee, "WRITE").await;
    }

    // Pages, each with one, of all and of some.
    let list = c::ListAccessGrantsRequest { account_id: ours(), max_results: Some(1), ..Default::default() };
    for (filter, expected) in [
        (list.clone(), 4),
        (c::ListAccessGrantsRequest { grantee_identifier: Some(ann.clone()), ..list.clone() }, 3),
        (c::ListAccessGrantsRequest { permission: Some("READ".into()), ..list.clone() }, 1),
        (c::ListAccessGrantsRequest { grant_scope: Some("s3://bkt/2*".into()), ..list.clone() }, 1),
        (c::ListAccessGrantsRequest { grantee_type: Some("DIRECTORY_USER".into()), ..list.clone() }, 0),
    ] {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let input = c::ListAccessGrantsRequest { next_token: token, ..filter.clone() };
            let page = cloud.ok::<control::ListAccessGrants>(input).await;
            seen.extend(page.access_grants_list.unwrap().into_iter().map(|it| it.access_grant_id.unwrap()));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), expected);
    }
    let forged = c::ListAccessGrantsRequest { next_token: Some("x".into()), ..list };
    assert!(cloud.err::<control::ListAccessGrants>(forged).await.starts_with("InvalidRequest"));
    let locations = c::ListAccessGrantsLocationsRequest {
        account_id: ours(),
        max_results: Some(1),
        ..Default::default()
    };
    let first = cloud.ok::<control::ListAccessGrantsLocations>(locations.clone()).await;
    let rest = c::ListAccessGrantsLocationsRequest { next_token: first.next_token, ..locations };
    let rest = cloud.ok::<control::ListAccessGrantsLocations>(rest).await;
    assert_eq!((rest.access_grants_locations_list.unwrap().len(), rest.next_token), (1, None));
    let list = c::ListAccessGrantsInstancesRequest { account_id: ours(), ..Default::default() };
    let instances = cloud.ok::<control::ListAccessGrantsInstances>(list).await;
    assert_eq!(instances.access_grants_instances_list.unwrap().len(), 1);

    // A caller's own, by scope; tags by ARN.
    let caller = user(&cloud, OURS, "ann", ASKS).await;
    let own = |scope: Option<&str>| c::ListCallerAccessGrantsRequest {
        account_id: ours(),
        grant_scope: scope.map(str::to_owned),
        max_results: Some(2),
        ..Default::default()
    };
    let page = cloud.call::<control::ListCallerAccessGrants>(&caller, own(None)).await.unwrap();
    let scopes = |page: &c::ListCallerAccessGrantsResult| -> Vec<String> {
        let grants = page.caller_access_grants_list.iter().flatten();
        grants.map(|grant| grant.grant_scope.clone().unwrap()).collect()
    };
    assert_eq!(scopes(&page), ["s3://bkt/1*", "s3://bkt/3*"]);
    let next = c::ListCallerAccessGrantsRequest { next_token: page.next_token, ..own(None) };
    let next = cloud.call::<control::ListCallerAccessGrants>(&caller, next).await.unwrap();
    assert_eq!((scopes(&next), next.next_token), (vec!["s3://bkt/ab*".to_owned()], None));
    for (scope, expected) in [("s3://bkt/3", "s3://bkt/3*"), ("s3://bkt/abc/d", "s3://bkt/ab*")] {
        let page = cloud.call::<control::ListCallerAccessGrants>(&caller, own(Some(scope))).await.unwrap();
        assert_eq!(scopes(&page), [expected]);
    }
    let arn = made.access_grant_arn.unwrap();
    let tags = |arn: &str| c::ListTagsForResourceRequest { account_id: ours(), resource_arn: arn.into() };
    assert_eq!(cloud.ok::<control::ListTagsForResource>(tags(&arn)).await.tags.unwrap()[0].value, "sky");
    for arn in [INSTANCE, &format!("{INSTANCE}/location/{of_a}"), &arn] {
        let tag = c::TagResourceRequest {
            account_id: ours(),
            resource_arn: arn.into(),
            tags: vec![c::Tag { key: "a".into(), value: "b".into() }],
        };
        cloud.ok::<control::TagResource>(tag).await;
        let untag = c::UntagResourceRequest {
            account_id: ours(),
            resource_arn: arn.into(),
            tag_keys: vec!["team".into()],
        };
        cloud.ok::<control::UntagResource>(untag).await;
        let shown = cloud.ok::<control::ListTagsForResource>(tags(arn)).await.tags.unwrap();
        assert_eq!(shown.len(), 1, "{arn}");
    }

    // From the inside out.
    let delete = || c::DeleteAccessGrantsInstanceRequest { account_id: ours() };
    let full = cloud.err::<control::DeleteAccessGrantsInstance>(delete()).await;
    assert!(full.starts_with("AccessGrantsInstanceNotEmptyError"), "{full}");
    let unregister = |id: &str| c::DeleteAccessGrantsLocationRequest {
        account_id: ours(),
        access_grants_location_id: id.into(),
    };
    let full = cloud.err::<control::DeleteAccessGrantsLocation>(unregister(&of_a)).await;
    assert!(full.starts_with("AccessGrantsLocationNotEmptyError"), "{full}");
    let all = c::ListAccessGrantsRequest { account_id: ours(), ..Default::default() };
    for grant in cloud.ok::<control::ListAccessGrants>(all).await.access_grants_list.unwrap() {
        let id = grant.access_grant_id.unwrap();
        let delete = || c::DeleteAccessGrantRequest { account_id: ours(), access_grant_id: id.clone() };
        cloud.ok::<control::DeleteAccessGrant>(delete()).await;
        let gone = cloud.err::<control::DeleteAccessGrant>(delete()).await;
        assert!(gone.starts_with("NoSuchAccessGrantError"), "{gone}");
    }
    for id in ["default", &of_a] {
        cloud.ok::<control::DeleteAccessGrantsLocation>(unregister(id)).await;
    }
    cloud.ok::<control::DeleteAccessGrantsInstance>(delete()).await;
    let gone = cloud.err::<control::GetAccessGrantsInstance>(get()).await;
    assert!(gone.starts_with("AccessGrantsInstanceNotExistsError"), "{gone}");
}

#[tokio::test]
async fn a_role_is_not_handed_over_without_permission() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let role = role(&cloud, "vendor", TRUSTED).await;
    instance(&cloud, &role).await;
    let may = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
    let ann = user(&cloud, OURS, "ann", may).await;
    let create = || c::CreateAccessGrantsLocationRequest {
        account_id: ours(),
        location_scope: "s3://bkt".into(),
        iam_role_arn: role.clone(),
        tags: None,
    };
    let refused = cloud.call::<control::CreateAccessGrantsLocation>(&ann, create()).await.err().unwrap();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
    let update = c::UpdateAccessGrantsLocationRequest {
        account_id: ours(),
        access_grants_location_id: "default".into(),
        iam_role_arn: role.clone(),
    };
    let refused = cloud.call::<control::UpdateAccessGrantsLocation>(&ann, update).await.err().unwrap();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
    let may = i::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "pass".into(),
        policy_document: policy(&format!(
            r#""Effect":"Allow","Action":"iam:PassRole","Resource":"{role}",
               "Condition":{{"StringEquals":{{"iam:PassedToService":"access-grants.s3.amazonaws.com"}}}}"#
        )),
    };
    cloud.ok::<iam::PutUserPolicy>(may).await;
    cloud.call::<control::CreateAccessGrantsLocation>(&ann, create()).await.unwrap();
    // Scopes and tags decide, where a policy asks for them.
    let deny = i::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "deny".into(),
        policy_document: policy(
            r#""Effect":"Deny","Action":"s3:CreateAccessGrant","Resource":"*",
               "Condition":{"StringNotLike":{"s3:AccessGrantScope":"s3://bkt/open/*"}}"#,
        ),
    };
    cloud.ok::<iam::PutUserPolicy>(deny).await;
    let shut = cloud
        .call::<control::CreateAccessGrant>(&ann, granting("default", "bkt/*", &ann.arn(), "READ"))
        .await;
    assert_eq!(shut.err().unwrap().code(), "AccessDenied");
    let open = granting("default", "bkt/open/a*", &ann.arn(), "READ");
    cloud.call::<control::CreateAccessGrant>(&ann, open).await.unwrap();
}
