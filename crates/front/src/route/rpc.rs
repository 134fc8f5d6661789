/// `/service/GraniteServiceVersion20100801/operation/PutMetricData` of Smithy's RPC v2, perhaps behind a prefix: the
/// name of the service's shape and the operation. Source: smithy.io, "Smithy RPC v2 CBOR protocol".
pub fn read(path: &str) -> Option<(&str, &str)> {
    let mut segments = path.rsplit('/');
    let operation = segments.next()?;
    if segments.next()? != "operation" {
        return None;
    }
    let service = segments.next()?;
    let right = segments.next()? == "service" && !operation.is_empty() && !service.is_empty();
    right.then_some((service, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let cases = [
            ("/service/Granite/operation/PutMetricData", Some(("Granite", "PutMetricData"))),
            ("/prefix/service/Granite/operation/Put", Some(("Granite", "Put"))),
            ("/service/Granite/operation/", None),
            ("/service//operation/Put", None),
            ("/bucket/operation/Put", None),
            ("/service/operation/Put", None),
            ("/", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(read(path), expected, "{path}");
        }
    }
}
