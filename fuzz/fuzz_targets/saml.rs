//! SAML responses, as a browser brings them. Three providers of the seeds sign; whatever verifies must say what they said.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_base::Instant;
use haneul_sts::saml::{self, Expected};
use libfuzzer_sys::fuzz_target;

const CERTIFICATES: [&[u8]; 3] = [
    include_bytes!("../../services/sts/src/tests/data/rsa.der"),
    include_bytes!("../../services/sts/src/tests/data/ec.der"),
    include_bytes!("../../services/sts/src/tests/data/ec384.der"),
];

fuzz_target!(|input: &[u8]| {
    let certificates = CERTIFICATES.map(<[u8]>::to_vec);
    let expected = Expected {
        provider_arn: "arn:aws:iam::111111111111:saml-provider/Corp",
        provider: "111111111111/Corp",
        issuer: "https://idp.example.com/metadata",
        certificates: &certificates,
        role_arn: "arn:aws:iam::111111111111:role/sso",
        now: Instant::from_secs(1_767_225_630),
    };
    let Ok(found) = saml::verify(&STANDARD.encode(input), &expected) else { return };
    assert_eq!(found.subject, "ann@example.com");
    assert_eq!(found.session_name, "ann@example.com");
    assert_eq!(found.audience, "https://signin.aws.amazon.com/saml");
    assert_eq!(found.tags, [("Team".to_owned(), "Sky & \"Sea\" <1>".to_owned())]);
});
