//! S3's POST forms: fields, one to a line as `name=value`, an empty line, and the policy in plain JSON.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_sigv4::{Credentials, Family, PostAuth, PostPolicy, Signer, Timestamp, Verifier};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (fields, json) = text.split_once("\n\n").unwrap_or((text, ""));
    let fields: Vec<(&str, &str)> = fields.lines().filter_map(|line| line.split_once('=')).collect();

    let _ = PostPolicy::parse(json);
    let policy_text = STANDARD.encode(json);
    if let Ok(policy) = PostPolicy::parse(&policy_text) {
        let met = policy.check("bucket", &fields, NOW);
        // A field that no condition names is refused, whatever the others say.
        let mut more = fields.clone();
        more.push(("a-field-that-nobody-expects", "x"));
        if !json.contains("a-field-that-nobody-expects") {
            assert!(policy.check("bucket", &more, NOW).is_err());
        }
        if let Err(error) = met {
            assert!(!error.render(Family::S3).code.is_empty());
        }
        for size in [0, 1, 1 << 20, u64::MAX] {
            let allowed = policy.check_length(size).is_ok();
            assert_eq!(allowed, policy.content_length_range().is_none_or(|range| range.contains(&size)));
        }
    }

    let stranger = PostAuth::parse(&fields);
    if let Ok(PostAuth::SigV4(form)) = &stranger {
        assert!(Verifier::new(4).verify_post(form, "another").is_err());
    }
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: SECRET, session_token: None };
    let signer = Signer::new(credentials, "us-east-1", "s3", NOW);
    let (credential, signature) = (signer.credential(), signer.sign_policy(&policy_text));
    let mut ours = vec![
        ("policy", policy_text.as_str()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", "20231114T221320Z"),
        ("x-amz-signature", &signature),
    ];
    ours.extend(&fields);
    let Ok(PostAuth::SigV4(form)) = PostAuth::parse(&ours) else { panic!("we signed it") };
    assert!(Verifier::new(4).verify_post(&form, SECRET).is_ok());
});
