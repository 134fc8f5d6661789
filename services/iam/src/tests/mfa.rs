use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::Caller;
use std::time::Duration;

use super::cloud::Cloud;
use crate::totp;

struct Device {
    serial: String,
    seed: Vec<u8>,
}

impl Device {
    async fn make(cloud: &Cloud, name: &str) -> Device {
        let input = s::CreateVirtualMFADeviceRequest {
            virtual_mfa_device_name: name.into(),
            path: Some("/phones/".into()),
            ..Default::default()
        };
        let made = cloud.ok::<op::CreateVirtualMFADevice>(input).await.virtual_mfa_device;
        let text = made.base32_string_seed.unwrap();
        let seed = totp::read_base32(std::str::from_utf8(&text).unwrap()).unwrap();
        assert!(made.qr_code_png.unwrap().starts_with(b"\x89PNG"));
        Device { serial: made.serial_number, seed }
    }

    /// The code that it shows, so many steps from now.
    fn code(&self, cloud: &Cloud, steps: i64) -> String {
        totp::code(&self.seed, totp::step(cloud.platform.env.now()) + steps)
    }

    fn enable(&self, user: &str, codes: (String, String)) -> s::EnableMFADeviceRequest {
        s::EnableMFADeviceRequest {
            user_name: user.into(),
            serial_number: self.serial.clone(),
            authentication_code1: codes.0,
            authentication_code2: codes.1,
        }
    }
}

fn advance(cloud: &Cloud, secs: u64) {
    cloud.platform.env.clock.advance(Duration::from_secs(secs));
}

async fn ann(cloud: &Cloud) -> Caller {
    let input = s::CreateUserRequest { user_name: "Ann".into(), ..Default::default() };
    let user = cloud.ok::<op::CreateUser>(input).await.user.unwrap();
    cloud.user("/", "Ann", &user.user_id)
}

#[tokio::test]
async fn a_code_is_good_once_and_only_for_its_user() {
    let cloud = Cloud::new().await;
    let caller = ann(&cloud).await;
    let device = Device::make(&cloud, "ann").await;
    assert_eq!(device.serial, "arn:aws:iam::123456789012:mfa/phones/ann");
    let verify = async |caller: &Caller, code: &str| {
        cloud.directory().verify_mfa(caller, &device.serial, code).await.unwrap()
    };
    assert!(!verify(&caller, &device.code(&cloud, 0)).await, "not enabled");

    let wrong = device.enable("ann", (device.code(&cloud, 0), device.code(&cloud, -1)));
    let error = cloud.call::<op::EnableMFADevice>(wrong).await.unwrap_err();
    assert_eq!(error.code(), "InvalidAuthenticationCodeException");
    let right = device.enable("ann", (device.code(&cloud, -1), device.code(&cloud, 0)));
    cloud.ok::<op::EnableMFADevice>(right.clone()).await;
    assert_eq!(
        cloud.call::<op::EnableMFADevice>(right).await.unwrap_err().code(),
        "EntityAlreadyExistsException"
    );

    assert!(!verify(&caller, &device.code(&cloud, 0)).await, "taken when it was enabled");
    assert!(!verify(&caller, &device.code(&cloud, 3)).await, "not yet");
    advance(&cloud, 30);
    assert!(!verify(&cloud.caller, &device.code(&cloud, 0)).await, "root's it is not");
    assert!(verify(&caller, &device.code(&cloud, 0)).await);
    assert!(!verify(&caller, &device.code(&cloud, 0)).await, "again");
    assert!(verify(&caller, &device.code(&cloud, 1)).await, "a little early");
    advance(&cloud, 90);
    assert!(verify(&caller, &device.code(&cloud, -1)).await, "a little late");
    assert!(!verify(&caller, &device.code(&cloud, -1)).await);

    for _ in 0..10 {
        assert!(!verify(&caller, "000000").await);
    }
    assert!(!verify(&caller, &device.code(&cloud, 0)).await, "locked");
    advance(&cloud, 300);
    assert!(verify(&caller, &device.code(&cloud, 0)).await, "open again");
}

#[tokio::test]
async fn a_clock_that_is_off_is_learnt() {
    let cloud = Cloud::new().await;
    let caller = ann(&cloud).await;
    let device = Device::make(&cloud, "ann").await;
    let codes = (device.code(&cloud, -6), device.code(&cloud, -5));
    cloud.ok::<op::EnableMFADevice>(device.enable("Ann", codes)).await;
    advance(&cloud, 60);
    assert!(!cloud.directory().verify_mfa(&caller, &device.serial, &device.code(&cloud, 0)).await.unwrap());
    assert!(cloud.directory().verify_mfa(&caller, &device.serial, &device.code(&cloud, -5)).await.unwrap());
    let resync = s::ResyncMFADeviceRequest {
        user_name: "Ann".into(),
        serial_number: device.serial.clone(),
        authentication_code1: device.code(&cloud, -1),
        authentication_code2: device.code(&cloud, 0),
    };
    cloud.ok::<op::ResyncMFADevice>(resync.clone()).await;
    assert!(cloud.call::<op::ResyncMFADevice>(resync).await.is_err(), "the same codes again");
    advance(&cloud, 30);
    assert!(cloud.directory().verify_mfa(&caller, &device.serial, &device.code(&cloud, 0)).await.unwrap());
}

#[tokio::test]
async fn devices_follow_their_user_and_must_go_first() {
    let cloud = Cloud::new().await;
    ann(&cloud).await;
    let device = Device::make(&cloud, "ann").await;
    let root = Device::make(&cloud, "root-account-mfa-device").await;
    let codes = |device: &Device| (device.code(&cloud, -1), device.code(&cloud, 0));
    cloud.ok::<op::EnableMFADevice>(device.enable("Ann", codes(&device))).await;
    cloud.ok::<op::EnableMFADevice>(root.enable("root", codes(&root))).await;
    advance(&cloud, 30);
    assert!(cloud.directory().verify_mfa(&cloud.caller, &root.serial, &root.code(&cloud, 0)).await.unwrap());

    let renamed = s::UpdateUserRequest {
        user_name: "Ann".into(),
        new_user_name: Some("Bea".into()),
        ..Default::default()
    };
    cloud.ok::<op::UpdateUser>(renamed).await;
    let listed = s::ListMFADevicesRequest { user_name: Some("bea".into()), ..Default::default() };
    let listed = cloud.ok::<op::ListMFADevices>(listed).await.mfa_devices;
    assert_eq!((listed.len(), listed[0].user_name.as_str()), (1, "Bea"));
    let all = cloud.ok::<op::ListVirtualMFADevices>(Default::default()).await.virtual_mfa_devices;
    let arns: Vec<String> = all.into_iter().map(|device| device.user.unwrap().arn).collect();
    assert_eq!(arns, ["arn:aws:iam::123456789012:user/Bea", "arn:aws:iam::123456789012:root"]);

    let delete = s::DeleteVirtualMFADeviceRequest { serial_number: device.serial.clone() };
    let error = cloud.call::<op::DeleteVirtualMFADevice>(delete.clone()).await.unwrap_err();
    assert_eq!(error.code(), "DeleteConflictException");
    let user = s::DeleteUserRequest { user_name: "Bea".into() };
    let error = cloud.call::<op::DeleteUser>(user.clone()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "DeleteConflictException: Cannot delete entity, must delete MFA device first."
    );
    let off =
        s::DeactivateMFADeviceRequest { user_name: Some("Bea".into()), serial_number: device.serial.clone() };
    cloud.ok::<op::DeactivateMFADevice>(off).await;
    cloud.ok::<op::DeleteVirtualMFADevice>(delete).await;
    cloud.ok::<op::DeleteUser>(user).await;
}
