//! A second factor: a virtual device whose codes are made as a phone makes them, and what the session keeps of it.

use std::time::Duration;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Principal};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::cloud::{Cloud, OURS, assume};

/// RFC 6238, from a seed in base32.
fn code(seed: &str, at_secs: i64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut key, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for c in seed.chars().filter(|c| *c != '=') {
        bits = bits << 5 | alphabet.find(c).unwrap() as u32;
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push((bits >> held) as u8);
        }
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let mac = ring::hmac::sign(&key, &(at_secs / 30).to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

struct Device {
    serial: String,
    seed: String,
}

impl Device {
    async fn of(cloud: &Cloud, user: &Caller, name: &str) -> Device {
        let Principal::User { name: user_name, .. } = &user.principal else { panic!("a user") };
        let root = super::cloud::root(OURS);
        let create =
            i::CreateVirtualMFADeviceRequest { virtual_mfa_device_name: name.into(), ..Default::default() };
        let made = cloud.ok::<iam::CreateVirtualMFADevice>(&root, create).await.virtual_mfa_device;
        let seed = String::from_utf8(made.base32_string_seed.unwrap().to_vec()).unwrap();
        let now = cloud.platform.env.now().secs();
        let enable = i::EnableMFADeviceRequest {
            user_name: user_name.clone(),
            serial_number: made.serial_number.clone(),
            authentication_code1: code(&seed, now),
            authentication_code2: code(&seed, now + 30),
        };
        cloud.ok::<iam::EnableMFADevice>(&root, enable).await;
        // Both codes are used up.
        cloud.platform.env.clock.advance(Duration::from_secs(60));
        Device { serial: made.serial_number, seed }
    }

    /// The code that it shows now.
    fn code(&self, cloud: &Cloud) -> String {
        code(&self.seed, cloud.platform.env.now().secs())
    }
}

const MAY: &str = r#""Effect":"Allow","Action":["sts:AssumeRole","iam:ListUsers"],"Resource":"*""#;
const WANTS_MFA: &str = r#""Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}"#;

#[tokio::test]
async fn a_role_that_wants_a_second_factor() {
    let cloud = Cloud::new().await;
    let ann = cloud.user(OURS, "ann", Some(MAY)).await;
    let bob = cloud.user(OURS, "bob", Some(MAY)).await;
    let role = cloud.role(OURS, "guarded", WANTS_MFA).await;
    let device = Device::of(&cloud, &ann, "ann").await;
    let error = cloud.err::<op::AssumeRole>(&ann, assume(&role)).await;
    assert!(error.contains("is not authorized to perform: sts:AssumeRole"), "{error}");
    let with = |serial: &str, code: Option<String>| s::AssumeRoleRequest {
        serial_number: Some(serial.to_owned()),
        token_code: code,
        ..assume(&role)
    };
    let half = "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";
    assert_eq!(cloud.err::<op::AssumeRole>(&ann, with(&device.serial, None)).await, half);
    let wrong = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. ";
    let right = device.code(&cloud);
    let other = if right == "000000" { "000001" } else { "000000" };
    for (caller, serial, code) in [
        (&ann, device.serial.as_str(), other.to_owned()),
        (&ann, "arn:aws:iam::111111111111:mfa/none", right.clone()),
        (&bob, device.serial.as_str(), right.clone()),
    ] {
        assert_eq!(cloud.err::<op::AssumeRole>(caller, with(serial, Some(code))).await, wrong);
    }
    let made = cloud.ok::<op::AssumeRole>(&ann, with(&device.serial, Some(right.clone()))).await;
    let session = cloud.open(made.credentials);
    assert_eq!(session.session.unwrap().mfa_at, Some(cloud.platform.env.now()));
    let again = cloud.err::<op::AssumeRole>(&ann, with(&device.serial, Some(right))).await;
    assert_eq!(again, wrong, "a code is good once");
}

#[tokio::test]
async fn a_users_session_carries_it() {
    let cloud = Cloud::new().await;
    let ann = cloud.user(OURS, "ann", Some(MAY)).await;
    let role = cloud.role(OURS, "guarded", WANTS_MFA).await;
    let device = Device::of(&cloud, &ann, "ann").await;
    let get = |code: Option<String>| s::GetSessionTokenRequest {
        serial_number: code.is_some().then(|| device.serial.clone()),
        token_code: code,
        ..Default::default()
    };
    let plain = cloud.open(cloud.ok::<op::GetSessionToken>(&ann, get(None)).await.credentials);
    let error = cloud.err::<op::AssumeRole>(&plain, assume(&role)).await;
    assert!(error.contains("is not authorized"), "{error}");
    let made = cloud.ok::<op::GetSessionToken>(&ann, get(Some(device.code(&cloud)))).await;
    let session = cloud.open(made.credentials);
    // IAM itself is open to it too.
    cloud.ok::<iam::ListUsers>(&session, Default::default()).await;
    let assumed = cloud.open(cloud.ok::<op::AssumeRole>(&session, assume(&role)).await.credentials);
    assert!(assumed.session.unwrap().mfa_at.is_some());
    cloud.platform.env.clock.advance(Duration::from_secs(3600));
    let error = cloud.err::<op::AssumeRole>(&session, assume(&role)).await;
    assert!(error.contains("is not authorized"), "an hour is too old: {error}");
}
