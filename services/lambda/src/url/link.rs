use haneul_blob::BlobId;
use haneul_kit::{ApiError, ByteStream, Cx, Result, paging};
use http::{HeaderValue, Response, header};
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Lambda;
use crate::model::function::CodeRecord;
use crate::ops::LINK_MS;

/// Where packages can be fetched by who has a link. No bucket's name begins so.
pub(super) const PATH: &str = "/_lambda/package/";

const PURPOSE: &str = "lambda package";

#[derive(Serialize, Deserialize)]
struct Link {
    blob: BlobId,
    length: u64,
    ends_ms: i64,
}

impl Lambda {
    /// A link to a package that is good for ten minutes.
    pub(crate) fn link(&self, cx: &Cx, code: &CodeRecord) -> String {
        let link = Link { blob: code.blob, length: code.len, ends_ms: cx.now().millis() + LINK_MS };
        let token = paging::token(&self.platform.seal, PURPOSE, &link);
        format!("{}{PATH}{token}", cx.endpoint())
    }

    pub(super) async fn package(&self, cx: &Cx, token: &str) -> Result<Answer> {
        let link: Option<Link> = paging::position(&self.platform.seal, PURPOSE, token);
        let link = link.filter(|link| cx.now().millis() <= link.ends_ms);
        let Some(link) = link else {
            return Err(ApiError::new("AccessDeniedException", "Request has expired").with_status(403));
        };
        let bytes = self.code.blobs.read(link.blob, 0..link.length).await;
        let bytes = bytes.map_err(|_| crate::error::not_found("The package is not kept any more."))?;
        let mut answer = Response::new(ByteStream::from_bytes(bytes));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
        Ok(answer)
    }
}
