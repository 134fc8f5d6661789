use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::Caller;

use super::cloud::{ALLOW_ALL, Cloud};

async fn ann(cloud: &Cloud) -> Caller {
    let input = s::CreateUserRequest { user_name: "Ann".into(), ..Default::default() };
    let user = cloud.ok::<op::CreateUser>(input).await.user.unwrap();
    cloud.user("/", "Ann", &user.user_id)
}

fn name() -> Option<String> {
    Some(String::from("Ann"))
}

#[tokio::test]
async fn passwords_keep_to_the_policy_and_are_not_used_again() {
    let mut cloud = Cloud::new().await;
    let root = cloud.caller.clone();
    let caller = ann(&cloud).await;
    let create = |password: &str| s::CreateLoginProfileRequest {
        user_name: name(),
        password: Some(password.into()),
        password_reset_required: Some(true),
    };
    assert!(cloud.call::<op::CreateLoginProfile>(create("short")).await.is_err());
    let made = cloud.ok::<op::CreateLoginProfile>(create("First-pass1")).await.login_profile;
    assert_eq!((made.user_name.as_str(), made.password_reset_required), ("Ann", Some(true)));
    assert!(cloud.call::<op::CreateLoginProfile>(create("First-pass1")).await.is_err(), "is there");

    let policy = s::UpdateAccountPasswordPolicyRequest {
        minimum_password_length: Some(10),
        password_reuse_prevention: Some(2),
        max_password_age: Some(90),
        allow_users_to_change_password: Some(true),
        ..Default::default()
    };
    cloud.ok::<op::UpdateAccountPasswordPolicy>(policy).await;
    let shown = cloud.ok::<op::GetAccountPasswordPolicy>(Default::default()).await.password_policy;
    assert_eq!((shown.expire_passwords, shown.max_password_age), (Some(true), Some(90)));
    assert_eq!(shown.require_symbols, Some(false));

    cloud.caller = caller;
    let change = |old: &str, new: &str| s::ChangePasswordRequest {
        old_password: old.into(),
        new_password: new.into(),
    };
    let wrong = cloud.call::<op::ChangePassword>(change("wrong", "Second-pass1")).await.err().unwrap();
    assert_eq!(wrong.to_string(), "AccessDenied: The old password was incorrect.");
    cloud.ok::<op::ChangePassword>(change("First-pass1", "Second-pass1")).await;
    for used in ["First-pass1", "Second-pass1"] {
        let reused = cloud.call::<op::ChangePassword>(change("Second-pass1", used)).await.err().unwrap();
        assert_eq!(reused.code(), "PasswordPolicyViolationException", "{used}");
    }
    cloud.ok::<op::ChangePassword>(change("Second-pass1", "Third-pass11")).await;
    cloud.ok::<op::ChangePassword>(change("Third-pass11", "First-pass1")).await;
    // The permission is the account's gift.
    let asked = cloud.access::<op::ChangePassword>(&change("a", "b")).await.unwrap().remove(0);
    assert!(asked.resource_policy.is_some());
    let shown = cloud.ok::<op::GetLoginProfile>(s::GetLoginProfileRequest::default()).await.login_profile;
    assert_eq!(shown.password_reset_required, Some(false));

    cloud.caller = root;
    let refused = cloud.access::<op::ChangePassword>(&change("a", "b")).await.err().unwrap();
    assert_eq!(refused.code(), "InvalidUserTypeException");
    cloud.ok::<op::DeleteAccountPasswordPolicy>(Default::default()).await;
    let gone = cloud.call::<op::GetAccountPasswordPolicy>(Default::default()).await.err().unwrap();
    assert_eq!(
        gone.to_string(),
        "NoSuchEntityException: The Password Policy with domain name 123456789012 cannot be found."
    );
}

#[tokio::test]
async fn certificates_are_read_and_matched() {
    let cloud = Cloud::new().await;
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "the root");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&root_key).unwrap();
    let issuer = rcgen::Issuer::new(params, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["a.example.com".into()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["b.example.com".into()]).unwrap();
    let upload = |body: &str, key: &str, chain: Option<String>| s::UploadServerCertificateRequest {
        server_certificate_name: "web".into(),
        path: Some("/cloudfront/".into()),
        certificate_body: body.into(),
        private_key: key.into(),
        certificate_chain: chain,
        ..Default::default()
    };
    let (body, pem) = (leaf.pem(), key.serialize_pem());
    for (what, input, code) in [
        ("no PEM", upload("x", &pem, None), "MalformedCertificateException"),
        ("two", upload(&format!("{body}{body}"), &pem, None), "MalformedCertificateException"),
        ("no key", upload(&body, "x", None), "MalformedCertificateException"),
        (
            "another's key",
            upload(&body, &other.signing_key.serialize_pem(), None),
            "KeyPairMismatchException",
        ),
        ("another chain", upload(&body, &pem, Some(other.cert.pem())), "MalformedCertificateException"),
        ("chain of keys", upload(&body, &pem, Some(pem.clone())), "MalformedCertificateException"),
    ] {
        let refused = cloud.call::<op::UploadServerCertificate>(input).await.err().unwrap();
        assert_eq!(refused.code(), code, "{what}: {refused}");
    }
    let made = cloud.ok::<op::UploadServerCertificate>(upload(&body, &pem, Some(root.pem()))).await;
    let made = made.server_certificate_metadata.unwrap();
    assert_eq!(made.arn, "arn:aws:iam::123456789012:server-certificate/cloudfront/web");
    assert!(made.server_certificate_id.starts_with("ASCA") && made.expiration.is_some());
    let rename = s::UpdateServerCertificateRequest {
        server_certificate_name: "WEB".into(),
        new_server_certificate_name: Some("www".into()),
        new_path: Some("/".into()),
    };
    cloud.ok::<op::UpdateServerCertificate>(rename).await;
    let get = s::GetServerCertificateRequest { server_certificate_name: "www".into() };
    let shown = cloud.ok::<op::GetServerCertificate>(get.clone()).await.server_certificate;
    assert_eq!(
        (shown.certificate_body, shown.certificate_chain),
        (body.trim().to_owned(), Some(root.pem().trim().to_owned()))
    );
    let delete = s::DeleteServerCertificateRequest { server_certificate_name: "www".into() };
    cloud.ok::<op::DeleteServerCertificate>(delete).await;
    assert!(cloud.call::<op::GetServerCertificate>(get).await.is_err());

    ann(&cloud).await;
    let upload =
        |body: String| s::UploadSigningCertificateRequest { user_name: name(), certificate_body: body };
    let made = cloud.ok::<op::UploadSigningCertificate>(upload(body.clone())).await.certificate;
    let again = cloud.call::<op::UploadSigningCertificate>(upload(body)).await.err().unwrap();
    assert_eq!(again.code(), "DuplicateCertificateException");
    cloud.ok::<op::UploadSigningCertificate>(upload(root.pem())).await;
    let third = cloud.call::<op::UploadSigningCertificate>(upload(other.cert.pem())).await.err().unwrap();
    assert_eq!(third.to_string(), "LimitExceededException: Cannot exceed quota for CertificatesPerUser: 2");
    let inactive = s::UpdateSigningCertificateRequest {
        user_name: name(),
        certificate_id: made.certificate_id.clone(),
        status: "Inactive".into(),
    };
    cloud.ok::<op::UpdateSigningCertificate>(inactive).await;
    let listed = s::ListSigningCertificatesRequest { user_name: name(), ..Default::default() };
    let listed = cloud.ok::<op::ListSigningCertificates>(listed).await.certificates;
    assert_eq!((listed.len(), listed[0].status.as_str()), (2, "Inactive"));
    let refused = cloud.call::<op::DeleteUser>(s::DeleteUserRequest { user_name: "ann".into() }).await;
    assert_eq!(
        refused.err().unwrap().to_string(),
        "DeleteConflictException: Cannot delete entity, must delete certificates first."
    );
}

#[tokio::test]
async fn ssh_keys_come_back_in_both_encodings() {
    let cloud = Cloud::new().await;
    ann(&cloud).await;
    let body = include_str!("ssh_key.pub").trim();
    let upload = s::UploadSSHPublicKeyRequest { user_name: "ann".into(), ssh_public_key_body: body.into() };
    let made = cloud.ok::<op::UploadSSHPublicKey>(upload.clone()).await.ssh_public_key.unwrap();
    assert_eq!(made.fingerprint, include_str!("ssh_key.md5").trim());
    assert!(made.ssh_public_key_id.starts_with("APKA") && made.user_name == "Ann");
    let again = cloud.call::<op::UploadSSHPublicKey>(upload).await.err().unwrap();
    assert_eq!(again.code(), "DuplicateSSHPublicKeyException");
    let get = |encoding: &str| s::GetSSHPublicKeyRequest {
        user_name: "Ann".into(),
        ssh_public_key_id: made.ssh_public_key_id.clone(),
        encoding: encoding.into(),
    };
    let line = cloud.ok::<op::GetSSHPublicKey>(get("SSH")).await.ssh_public_key.unwrap();
    assert!(body.starts_with(&line.ssh_public_key_body));
    let pem = cloud.ok::<op::GetSSHPublicKey>(get("PEM")).await.ssh_public_key.unwrap();
    assert!(pem.ssh_public_key_body.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    let delete = s::DeleteSSHPublicKeyRequest {
        user_name: "Ann".into(),
        ssh_public_key_id: made.ssh_public_key_id.clone(),
    };
    cloud.ok::<op::DeleteSSHPublicKey>(delete.clone()).await;
    assert!(cloud.call::<op::DeleteSSHPublicKey>(delete).await.is_err());
}

/// Nothing that was secret lies in the store as it is.
#[tokio::test]
async fn the_store_holds_no_secret() {
    let cloud = Cloud::new().await;
    ann(&cloud).await;
    let key =
        cloud.ok::<op::CreateAccessKey>(s::CreateAccessKeyRequest { user_name: name() }).await.access_key;
    let password = "Correct-horse1";
    let login = s::CreateLoginProfileRequest {
        user_name: name(),
        password: Some(password.into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLoginProfile>(login).await;
    let device =
        s::CreateVirtualMFADeviceRequest { virtual_mfa_device_name: "phone".into(), ..Default::default() };
    let device = cloud.ok::<op::CreateVirtualMFADevice>(device).await.virtual_mfa_device;
    let own = rcgen::generate_simple_self_signed(vec!["a.example.com".into()]).unwrap();
    let server = s::UploadServerCertificateRequest {
        server_certificate_name: "web".into(),
        certificate_body: own.cert.pem(),
        private_key: own.signing_key.serialize_pem(),
        ..Default::default()
    };
    cloud.ok::<op::UploadServerCertificate>(server).await;
    let export = cloud.platform.store.export(Vec::new()).await.unwrap();
    let has = |text: &str| export.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("phone") && has(&key.access_key_id), "it is the export");
    let seed = device.base32_string_seed.unwrap();
    let private = own.signing_key.serialize_pem();
    for secret in [
        key.secret_access_key.as_str(),
        password,
        std::str::from_utf8(&seed).unwrap(),
        private.lines().nth(1).unwrap(),
    ] {
        assert!(!has(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_credential_report_tells_of_everybody() {
    let cloud = Cloud::new().await;
    ann(&cloud).await;
    let nothing = cloud.call::<op::GetCredentialReport>(Default::default()).await.err().unwrap();
    assert_eq!(nothing.code(), "CredentialReportNotPresentException");
    let key =
        cloud.ok::<op::CreateAccessKey>(s::CreateAccessKeyRequest { user_name: name() }).await.access_key;
    let used = cloud.directory().access_key(&key.access_key_id).await.unwrap().unwrap();
    cloud.directory().note_use(&used.caller, "s3", "eu-west-1", cloud.platform.env.now());
    let first = cloud.ok::<op::GenerateCredentialReport>(Default::default()).await;
    assert_eq!(first.state.as_deref(), Some("STARTED"));
    let again = cloud.ok::<op::GenerateCredentialReport>(Default::default()).await;
    assert_eq!(again.state.as_deref(), Some("COMPLETE"));
    let report = cloud.ok::<op::GetCredentialReport>(Default::default()).await.content.unwrap();
    let report = std::str::from_utf8(&report).unwrap();
    let lines: Vec<Vec<&str>> = report.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [22, 22, 22]);
    assert_eq!(lines[1][..2], ["<root_account>", "arn:aws:iam::123456789012:root"]);
    let now = "2026-01-01T00:00:00+00:00";
    assert_eq!(
        lines[2].join(","),
        format!(
            "Ann,arn:aws:iam::123456789012:user/Ann,{now},false,N/A,N/A,N/A,false,true,{now},{now},eu-west-1,s3,\
             false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
        )
    );
    cloud.platform.env.clock.advance(Duration::from_secs(4 * 3600));
    let old = cloud.call::<op::GetCredentialReport>(Default::default()).await.err().unwrap();
    assert_eq!(old.code(), "CredentialReportExpiredException");
}

#[tokio::test]
async fn what_was_tried_is_told() {
    let cloud = Cloud::new().await;
    let caller = ann(&cloud).await;
    let group = s::CreateGroupRequest { group_name: "ops".into(), path: None };
    let group = cloud.ok::<op::CreateGroup>(group).await.group.arn;
    let put = s::PutGroupPolicyRequest {
        group_name: "ops".into(),
        policy_name: "all".into(),
        policy_document: ALLOW_ALL.into(),
    };
    cloud.ok::<op::PutGroupPolicy>(put).await;
    let member = s::AddUserToGroupRequest { group_name: "ops".into(), user_name: "Ann".into() };
    cloud.ok::<op::AddUserToGroup>(member).await;
    let now = cloud.platform.env.now();
    cloud.directory().note_access(&caller, "s3:GetObject", "eu-west-1", now);
    cloud.directory().note_access(&caller, "s3:PutObject", "us-east-1", now + Duration::from_secs(1));
    for arn in [group.clone(), caller.arn()] {
        let generate = s::GenerateServiceLastAccessedDetailsRequest {
            arn: arn.clone(),
            granularity: Some("ACTION_LEVEL".into()),
        };
        let id = cloud.ok::<op::GenerateServiceLastAccessedDetails>(generate).await.job_id.unwrap();
        let get = s::GetServiceLastAccessedDetailsRequest {
            job_id: id.clone(),
            max_items: Some(1000),
            marker: None,
        };
        let details = cloud.ok::<op::GetServiceLastAccessedDetails>(get).await;
        assert_eq!(details.job_status, "COMPLETED");
        let used: Vec<_> =
            details.services_last_accessed.iter().filter(|of| of.last_authenticated.is_some()).collect();
        assert_eq!(used.len(), 1, "{arn}");
        assert_eq!(used[0].service_namespace, "s3");
        assert_eq!(used[0].last_authenticated_region.as_deref(), Some("us-east-1"));
        assert_eq!(used[0].last_authenticated_entity.as_deref(), Some("arn:aws:iam::123456789012:user/Ann"));
        let actions = used[0].tracked_actions_last_accessed.as_ref().unwrap();
        let actions: Vec<&str> = actions.iter().map(|of| of.action_name.as_deref().unwrap()).collect();
        assert_eq!(actions, ["GetObject", "PutObject"]);
        let entities = s::GetServiceLastAccessedDetailsWithEntitiesRequest {
            job_id: id,
            service_namespace: "s3".into(),
            ..Default::default()
        };
        let entities = cloud.call::<op::GetServiceLastAccessedDetailsWithEntities>(entities).await;
        match arn == group {
            true => assert_eq!(entities.ok().unwrap().entity_details_list.len(), 1),
            false => assert_eq!(entities.err().unwrap().code(), "InvalidInputException"),
        }
    }
    let granting = s::ListPoliciesGrantingServiceAccessRequest {
        arn: caller.arn(),
        service_namespaces: vec!["sqs".into()],
        marker: None,
    };
    let granting = cloud.ok::<op::ListPoliciesGrantingServiceAccess>(granting).await;
    let policies = granting.policies_granting_service_access[0].policies.as_ref().unwrap();
    assert_eq!((policies[0].policy_name.as_str(), policies[0].entity_name.as_deref()), ("all", Some("ops")));
}

/// A store of before the secrets were sealed: its keys work on, and are sealed at the first start.
#[tokio::test]
async fn keys_of_older_stores_are_sealed() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Old {
        account: u64,
        user: Option<String>,
        secret: String,
        active: bool,
        created: i64,
    }
    impl haneul_store::Record for Old {}
    static OLD: haneul_store::Table<String, Old> = haneul_store::Table::new("iam.access-keys");

    let cloud = Cloud::new().await;
    let secret = String::from("wJalrXUtnFEMI/K7MDENG");
    let old = Old { account: super::cloud::ACCOUNT, user: None, secret, active: true, created: 0 };
    let mut batch = haneul_store::Batch::default();
    batch.put(&OLD, "AKIAOLD", &old).unwrap();
    cloud.platform.store.write(batch).await.unwrap();
    let read = async || cloud.directory().access_key("AKIAOLD").await.unwrap().unwrap().secret.clone();
    assert_eq!(read().await, old.secret, "as it was");
    crate::Iam::open(&cloud.platform).await.unwrap();
    assert_eq!(read().await, old.secret, "sealed");
    let export = cloud.platform.store.export(Vec::new()).await.unwrap();
    assert!(!export.windows(old.secret.len()).any(|window| window == old.secret.as_bytes()));
}
