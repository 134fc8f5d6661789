use haneul_base::Instant;
use http::HeaderValue;
use parking_lot::Mutex;

/// The `Date` of answers, by the cloud's clock: SDKs set their own by it when a signature was refused as too old.
/// Formatted once a second.
#[derive(Default)]
pub(crate) struct DateHeader {
    last: Mutex<Option<(i64, HeaderValue)>>,
}

impl DateHeader {
    pub(crate) fn at(&self, now: Instant) -> HeaderValue {
        let mut last = self.last.lock();
        match &*last {
            Some((secs, value)) if *secs == now.secs() => value.clone(),
            _ => {
                let value = HeaderValue::from_str(&now.http_date()).expect("a date is ASCII");
                *last = Some((now.secs(), value.clone()));
                value
            }
        }
    }
}
