//! What REST protocols say outside the body: method, path, query string, headers, status.

pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod route;
pub(crate) mod scalar;
