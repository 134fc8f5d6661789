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
    if signature.is_asymmetric() {
        return of_set(signature, of_host, default, family, relaxed);
    }
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

/// Of a signature of version 4A: the Region that the host names, or the only one that the signature is for.
fn of_set(
    signature: &SigV4<'_>,
    of_host: Option<Region>,
    default: Region,
    family: Family,
    relaxed: bool,
) -> Result<Region, ApiError> {
    let set = signature.region_set.as_deref().unwrap_or_default();
    let region = of_host.or_else(|| set.parse().ok()).unwrap_or(default);
    if relaxed || signature.is_for_region(region.as_str()) {
        return Ok(region);
    }
    let (carrier, expected) = (signature.carrier, region.to_string());
    Err(authn::api_error(&AuthError::WrongRegion { carrier, region: set.to_owned(), expected }, family))
}
