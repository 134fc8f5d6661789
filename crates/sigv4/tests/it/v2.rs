//! Signature version 2, in URLs and forms of S3.

use haneul_sigv4::{AuthError, Family, PostAuth, PresignedV2, RequestAuth};

use crate::support::Sample;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn verify(sample: &Sample, bucket: Option<&str>, secret: &str) -> Result<(), AuthError> {
    let parts = sample.parts();
    let RequestAuth::PresignedV2(auth) = RequestAuth::parse(&parts)? else { panic!("not of version 2") };
    auth.verify(&parts, bucket, secret)
}

fn get(path: &str, query: &str, headers: &[(&str, &str)]) -> Sample {
    Sample::new("GET", path, Some(query), headers, b"")
}

/// The example of "Signing and authenticating REST requests", query string authentication.
const QUERY: &str =
    "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

#[test]
fn the_documented_url_is_right_for_that_object_alone() {
    let path_style = get("/johnsmith/photos/puppy.jpg", QUERY, &[]);
    assert_eq!(verify(&path_style, None, SECRET), Ok(()));
    let by_host = get("/photos/puppy.jpg", QUERY, &[]);
    assert_eq!(verify(&by_host, Some("johnsmith"), SECRET), Ok(()));
    // Parameters that nobody signs do no harm; those that change what is answered do.
    let tracked = get("/johnsmith/photos/puppy.jpg", &format!("{QUERY}&utm=1"), &[]);
    assert_eq!(verify(&tracked, None, SECRET), Ok(()));
    let mismatch = |sample: &Sample, bucket, secret| {
        let refused = verify(sample, bucket, secret).unwrap_err().render(Family::S3);
        assert_eq!((refused.code, refused.status), ("SignatureDoesNotMatch", 403));
    };
    mismatch(&path_style, None, "another");
    mismatch(&by_host, Some("johnsmit"), SECRET);
    mismatch(&get("/johnsmith/photos/kitten.jpg", QUERY, &[]), None, SECRET);
    mismatch(
        &get("/johnsmith/photos/puppy.jpg", &QUERY.replace("1175139620", "1175139621"), &[]),
        None,
        SECRET,
    );
    mismatch(&get("/johnsmith/photos/puppy.jpg", QUERY, &[("content-type", "text/plain")]), None, SECRET);
    mismatch(&get("/johnsmith/photos/puppy.jpg", QUERY, &[("x-amz-acl", "public-read")]), None, SECRET);
    for added in
        ["acl", "versionId=3", "response-content-type=text%2Fhtml", "X-Amz-Acl=public-read", "uploadId="]
    {
        mismatch(&get("/johnsmith/photos/puppy.jpg", &format!("{QUERY}&{added}"), &[]), None, SECRET);
    }
    mismatch(&Sample::new("PUT", "/johnsmith/photos/puppy.jpg", Some(QUERY), &[], b""), None, SECRET);
    for bad in ["", "x", "%00", "NpgCjnDzrM%2BWFzoENXmpNDUsSn8"] {
        let query = QUERY.replace("NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D", bad);
        mismatch(&get("/johnsmith/photos/puppy.jpg", &query, &[]), None, SECRET);
    }
}

#[test]
fn the_end_must_be_a_time() {
    let ends = |query: &str| {
        let sample = get("/b/k", query, &[]);
        let parts = sample.parts();
        let Ok(RequestAuth::PresignedV2(auth)) = RequestAuth::parse(&parts) else { panic!("{query}") };
        PresignedV2::ends_at(&auth).map_err(|error| error.render(Family::S3))
    };
    assert_eq!(ends("AWSAccessKeyId=A&Signature=b&Expires=10").unwrap().unix_s(), 10);
    let refused = ends("AWSAccessKeyId=A&Signature=b").unwrap_err();
    assert_eq!((refused.code, refused.status), ("AccessDenied", 403));
    assert!(refused.message.starts_with("Query-string authentication requires"));
    for bad in ["", "x", "-1", "99999999999999999999", "1.5"] {
        let refused = ends(&format!("AWSAccessKeyId=A&Signature=b&Expires={bad}")).unwrap_err();
        assert_eq!(refused.message, format!("Invalid date (should be seconds since epoch): {bad}"));
    }
}

#[test]
fn a_form_is_signed_by_its_policy() {
    let policy = "eyJleHBpcmF0aW9uIjogIjIwMzAtMDEtMDFUMDA6MDA6MDBaIiwgImNvbmRpdGlvbnMiOiBbXX0=";
    // openssl dgst -sha1 -hmac secret -binary | base64
    let form = |signature: &'static str| {
        let fields = [("key", "k"), ("AWSAccessKeyId", "A"), ("policy", policy), ("signature", signature)];
        let Ok(PostAuth::SigV2(form)) = PostAuth::parse(&fields) else { panic!("not of version 2") };
        form.verify("secret")
    };
    assert_eq!(form("6Xr+qYihALjuk0POnagvkLA9Ync="), Ok(()));
    assert!(form("AAAAAAAAAAAAAAAAAAAAAAAAAAA=").is_err());
    assert!(form("").is_err());
    let without = PostAuth::parse(&[("AWSAccessKeyId", "A"), ("signature", "s")]);
    assert_eq!(without, Err(AuthError::PostFieldMissing { name: "policy" }));
}
