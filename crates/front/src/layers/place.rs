use haneul_base::Region;
use haneul_kit::ApiError;
use haneul_sigv4::{AuthError, Family, SigV4};

use super::authn;

/// The Region of a call: that of its signature's scope, else of its host, else `us-east-1`.
///
/// # Errors
/// The family's error for a scope with a Region that does not exist, unless `relaxed`.
pub fn region(
    signature: Option<&SigV4<'_>>,
    of_host: Option<Region>,
    family: Family,
    relaxed: bool,
) -> Result<Region, ApiError> {
    let default = of_host.unwrap_or(Region::US_EAST_1);
    let Some(signature) = signature else { return Ok(default) };
    let name = signature.credential.region();
    match name.parse() {
        Ok(region) => Ok(region),
        Err(_) if relaxed || name == "aws-global" => Ok(default),
        Err(_) => {
            let (carrier, expected) = (signature.carrier, default.to_string());
            Err(authn::api_error(
                &AuthError::WrongRegion { carrier, region: name.to_owned(), expected },
                family,
            ))
        }
    }
}
