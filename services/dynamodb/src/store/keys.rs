//! Data keys that KMS has opened, for whoever asked: another's permission is not one's own.

use super::seal::ItemKey;

/// By who asked, and the key as KMS sealed it.
pub(crate) type OpenKeys = haneul_kit::OpenKeys<(String, String), ItemKey>;
