//! The operations, one file each.

mod assume_role;
mod decode_authorization_message;
mod get_access_key_info;
mod get_caller_identity;
mod get_federation_token;
mod get_session_token;
