use super::identifiers::Identifier;
use super::policy::Policy;
use super::*;

/// Identifier, message, what is found.
const CASES: [(&str, &str, &[&str]); 26] = [
    ("EmailAddress", "from jane.doe+x@example.co.uk, to <a@b.io>", &["jane.doe+x@example.co.uk", "a@b.io"]),
    ("EmailAddress", "nobody@localhost and @handle", &[]),
    ("IpAddress", "10.0.0.1 and 2001:db8::1, not 300.1.1.1", &["10.0.0.1", "2001:db8::1"]),
    ("IpAddress", "at 12:30:45 in version 1.2.3", &[]),
    (
        "CreditCardNumber",
        "4111 1111 1111 1111, 5500-0000-0000-0004",
        &["4111 1111 1111 1111", "5500-0000-0000-0004"],
    ),
    ("CreditCardNumber", "378282246310005", &["378282246310005"]),
    ("CreditCardNumber", "4111 1111 1111 1112", &[]),
    ("CreditCardNumber", "4444444444444444444444444", &[]),
    ("Ssn-US", "ssn 123-45-6789.", &["123-45-6789"]),
    ("Ssn-US", "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000", &[]),
    (
        "AwsSecretKey",
        "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        &["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
    ),
    ("AwsSecretKey", "the digest wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &[]),
    ("BankAccountNumber-DE", "IBAN DE89 3704 0044 0532 0130 00", &["DE89 3704 0044 0532 0130 00"]),
    ("BankAccountNumber-DE", "IBAN DE88 3704 0044 0532 0130 00", &[]),
    ("BankAccountNumber-GB", "GB29NWBK60161331926819", &["GB29NWBK60161331926819"]),
    ("BankAccountNumber-FR", "FR1420041010050500013M02606", &["FR1420041010050500013M02606"]),
    ("BankAccountNumber-IT", "IT60X0542811101000000123456", &["IT60X0542811101000000123456"]),
    ("BankAccountNumber-ES", "ES9121000418450200051332", &["ES9121000418450200051332"]),
    ("VehicleIdentificationNumber", "vin 1M8GDM9AXKP042788", &["1M8GDM9AXKP042788"]),
    ("VehicleIdentificationNumber", "vin 1M8GDM9A1KP042788", &[]),
    ("NhsNumber-GB", "NHS 943 476 5919", &["943 476 5919"]),
    ("NhsNumber-GB", "NHS 943 476 5918", &[]),
    ("CreditCardSecurityCode", "cvv: 123", &["123"]),
    ("PhoneNumber-US", "call +1 (425) 555-0123 or 206-555-0199", &["+1 (425) 555-0123", "206-555-0199"]),
    (
        "PkcsPrivateKey",
        "k -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- z",
        &["-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"],
    ),
    ("LatLong", "position 48.8566, 2.3522", &["48.8566, 2.3522"]),
];

#[test]
fn identifiers_find_what_they_should() {
    for (name, message, wanted) in CASES {
        let identifier = Identifier::managed(name).unwrap();
        let found: Vec<&str> = identifier.find(message).iter().map(|(a, b)| &message[*a..*b]).collect();
        assert_eq!(found, wanted, "{name} in {message}");
    }
}

fn document(identifiers: &[&str]) -> String {
    serde_json::json!({
        "Name": "p", "Version": "2021-06-01",
        "Configuration": { "CustomDataIdentifier": [{ "Name": "Employee", "Regex": "E-\\d{4}" }] },
        "Statement": [
            { "Sid": "audit", "DataIdentifier": identifiers, "Operation": { "Audit": { "FindingsDestination": {} } } },
            { "Sid": "mask", "DataIdentifier": identifiers, "Operation": { "Deidentify": { "MaskConfig": {} } } },
        ],
    })
    .to_string()
}

#[test]
fn what_overlaps_is_masked_once_and_all_of_it_is_audited() {
    let policy =
        Policy::parse(&document(&["arn:aws:dataprotection::aws:data-identifier/EmailAddress", "Employee"]))
            .unwrap();
    let events = [(0, "é E-1234@example.com"), (0, "nothing"), (0, "E-9999")];
    let findings = find(&[&policy], &events);
    assert_eq!(findings.masks, [(0, Mask { start: 3, length: 18 }), (2, Mask { start: 0, length: 6 })]);
    let (at, found) = &findings.audited[0];
    let shown: Vec<_> = found.iter().map(|d| (&*d.identifier, d.start, d.end)).collect();
    assert_eq!((*at, shown), (0, vec![("Employee", 3, 8), ("EmailAddress", 3, 20)]));
    assert_eq!(findings.audited[1].0, 2);
}

/// More than an audit names, and more than a search that begins anew for each would get through.
#[test]
fn every_hit_is_masked() {
    let policy = Policy::parse(&document(&["Employee"])).unwrap();
    let message = "é E-1234 ".repeat(100_000);
    let findings = find(&[&policy], &[(0, &message), (0, "E-1234")]);
    assert_eq!(findings.masks.len(), 100_001);
    let lengths: Vec<usize> = findings.audited.iter().map(|(_, found)| found.len()).collect();
    assert_eq!(lengths, [AUDITED_MAX, 1]);
    let last = findings.audited[0].1.last().unwrap();
    assert_eq!((last.start, last.end), (999 * 9 + 3, 999 * 9 + 8));
    let masks = findings.masks.iter().filter(|(at, _)| *at == 0).map(|(_, mask)| *mask).collect();
    let place = crate::events::Place::before(0);
    let mut event =
        crate::events::Event { place, stream: 0, ingested_ms: 0, message, masks, transformer: None };
    event.hide();
    assert_eq!(event.message, "é ****** ".repeat(100_000));
}

/// Each event is named, whatever the others have.
#[test]
fn an_audit_of_a_batch_has_an_end() {
    let policy = Policy::parse(&document(&["Employee"])).unwrap();
    let message = "E-1234 ".repeat(1000);
    let findings = find(&[&policy], &[(0, message.as_str()); 140]);
    let audited: usize = findings.audited.iter().map(|(_, found)| found.len()).sum();
    assert_eq!((findings.masks.len(), findings.audited.len(), audited), (140_000, 140, 100_040));
}

#[test]
fn documents_that_are_refused() {
    let good = document(&["EmailAddress"]);
    Policy::parse(&good).unwrap();
    for bad in [
        String::new(),
        "[]".into(),
        "{}".into(),
        good.replace("2021-06-01", "2020-01-01"),
        good.replace("\"MaskConfig\":{}", "\"MaskConfig\":{\"a\":1}"),
        good.replace("Deidentify", "Audit"),
        good.replace("EmailAddress", "Unknown"),
        good.replace("\"FindingsDestination\":{}", "\"x\":{}"),
        good.replace("\"FindingsDestination\":{}", "\"FindingsDestination\":{\"S3\":{\"Bucket\":\"b\"}}"),
        good.replace("E-\\\\d{4}", "E-("),
        good.replace("\"Name\":\"p\"", "\"Nome\":\"p\""),
    ] {
        assert!(Policy::parse(&bad).is_err(), "{bad}");
    }
}
