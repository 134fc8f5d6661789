//! Functions from container images: OCI layouts in a folder that the operator gave. A caller names an image by the URI
//! that it would have in a registry; the folder is never of the caller's choosing.
//!
//! The repository's path is a path below the folder, the tag the name of an image in its layout:
//! `111122223333.dkr.ecr.us-east-1.amazonaws.com/team/app:1` is the image `1` of the layout `team/app`. What a function runs is
//! pinned to the digest of the manifest when it is created or its code is updated.

use std::io;
use std::path::{Path, PathBuf};

use haneul_kit::{ApiError, Result};
use haneul_lambda_wire::shapes as s;

use crate::error;
use crate::exec::image::{self, Image, Reference};
use crate::model::function::{ImageConfig, ImageRecord};

/// What an image's programs are run as: it brings its own runtime.
pub(crate) const RUNTIME: &str = "provided.al2023";
pub(crate) const NO_PACKAGE: &str = "Please don't provide handler or runtime or layer when the intent is to create or update a function with packageType \
     Image.";

/// The quota of an image, unpacked. Source: Developer Guide, "Lambda quotas".
const BYTES_MAX: u64 = 10 << 30;
/// Of `EntryPoint` and `Command` each.
const WORDS_MAX: usize = 1500;
const WORKING_DIRECTORY_MAX: usize = 1000;

/// The operator's folder of layouts, and where they are unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    folder: Option<PathBuf>,
    store: PathBuf,
}

/// What the operator named by `HANEUL_LAMBDA_IMAGES`.
pub(crate) fn folder_of_environment() -> Option<PathBuf> {
    std::env::var_os("HANEUL_LAMBDA_IMAGES").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// An image by its URI.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    /// Of the layout, below the folder.
    path: String,
    /// As it was given, without tag and digest.
    repository: String,
    tag: String,
    digest: Option<String>,
}

impl Images {
    pub(crate) fn new(folder: Option<PathBuf>, store: PathBuf) -> Images {
        Images { folder, store }
    }

    /// Finds the image and pins it to its digest.
    ///
    /// # Errors
    /// InvalidParameterValueException with what is wrong, or what the operator has to do.
    pub(crate) async fn find(
        &self,
        uri: &str,
        architecture: &str,
        config: ImageConfig,
    ) -> Result<ImageRecord> {
        let named = Named::parse(uri).ok_or_else(|| {
            error::parameter(format!("Source image {uri} is not valid. Provide a valid source image."))
        })?;
        let layout = self.layout(&named.path)?;
        let (folder, uri) = (layout.clone(), uri.to_owned());
        let (tag, digest) = (named.tag.clone(), named.digest.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let reference = digest.as_deref().map_or(Reference::Name(&tag), Reference::Digest);
            image::oci_layout(&folder, reference)
        });
        let found = looked.await.map_err(|_| ApiError::internal("the look at an image was given up"))?;
        let found = found.map_err(|cause| refused(&uri, &cause))?;
        let wanted = if architecture == "arm64" { "arm64" } else { "amd64" };
        if found.architecture != wanted {
            return Err(error::parameter(format!(
                "The image {uri} is for {}, the function for {architecture}.",
                found.architecture
            )));
        }
        if found.bytes > BYTES_MAX {
            return Err(error::parameter(format!("The image {uri} is larger than {BYTES_MAX} bytes.")));
        }
        let entry = config.entry_point.as_ref().unwrap_or(&found.entrypoint);
        let command = config.command.as_ref().unwrap_or(&found.command);
        if entry.is_empty() && command.is_empty() {
            return Err(error::parameter(format!(
                "The image {uri} has no entry point, and ImageConfig names none."
            )));
        }
        Ok(ImageRecord {
            resolved: format!("{}@{}", named.repository, found.digest),
            digest: found.digest,
            bytes: found.bytes,
            uri,
            config,
        })
    }

    /// Unpacks what is not unpacked yet.
    pub(crate) async fn unpacked(&self, record: &ImageRecord) -> Result<crate::exec::Image> {
        let named =
            Named::parse(&record.uri).ok_or_else(|| ApiError::internal("an image's URI is not one"))?;
        let (folder, store, record) = (self.layout(&named.path)?, self.store.clone(), record.clone());
        let work = tokio::task::spawn_blocking(move || {
            let found = image::oci_layout(&folder, Reference::Digest(&record.digest));
            let unpacked = found.and_then(|found| {
                let layers = found.unpack(&folder, &store)?;
                Ok((found, layers))
            });
            let (found, layers) = unpacked.map_err(|cause| refused(&record.uri, &cause))?;
            Ok::<_, ApiError>(program(found, layers, record.config))
        });
        work.await.map_err(|_| ApiError::internal("unpacking an image was given up"))?
    }

    fn layout(&self, path: &str) -> Result<PathBuf> {
        match &self.folder {
            Some(folder) => Ok(folder.join(path)),
            None => Err(error::parameter(
                "Container images are taken from a folder of OCI layouts, and this cloud was started without one: set \
                 HANEUL_LAMBDA_IMAGES to a folder in which the layout of each repository lies under the repository's name.",
            )),
        }
    }
}

fn program(found: Image, layers: Vec<PathBuf>, config: ImageConfig) -> crate::exec::Image {
    // Who gives an entry point of his own does without the image's command, as with other container runtimes.
    let own_entry = config.entry_point.is_some();
    let mut command = config.entry_point.unwrap_or(found.entrypoint);
    command.extend(config.command.unwrap_or(if own_entry { Vec::new() } else { found.command }));
    let environment = found.environment.iter().filter_map(|pair| pair.split_once('='));
    crate::exec::Image {
        layers,
        command,
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        working_directory: config.working_directory.unwrap_or(found.working_directory),
    }
}

/// What the caller, or the operator, is told.
fn refused(uri: &str, cause: &io::Error) -> ApiError {
    match cause.kind() {
        io::ErrorKind::NotFound => {
            error::parameter(format!("Source image {uri} does not exist. Provide a valid source image."))
        }
        io::ErrorKind::InvalidData => error::parameter(format!("Source image {uri} cannot be used: {cause}")),
        // Of this host (no room, no right), which another try may find mended.
        _ => ApiError::internal(format!("image {uri}: {cause}")),
    }
}

impl Named {
    fn parse(uri: &str) -> Option<Named> {
        let (rest, digest) = match uri.split_once('@') {
            Some((rest, digest)) => {
                let hex = digest.strip_prefix("sha256:")?;
                let known =
                    hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                (rest, Some(known.then(|| digest.to_owned())?))
            }
            None => (uri, None),
        };
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match rest[slash..].rfind(':') {
            Some(at) => (&rest[..slash + at], &rest[slash + at + 1..]),
            None => (rest, "latest"),
        };
        let tagged = !tag.is_empty()
            && tag.len() <= 128
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        // A registry's name has a dot, a port, or is localhost.
        let path = match repository.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
                let first = host.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
                (first && host.bytes().all(known)).then_some(path)?
            }
            _ => repository,
        };
        // Names as registries have them: none begins with a dot, so none leads upwards.
        let part = |part: &str| {
            let first =
                part.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            first
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
        };
        let good = tagged && path.len() <= 255 && path.split('/').all(part);
        let (path, repository, tag) = (path.to_owned(), repository.to_owned(), tag.to_owned());
        good.then_some(Named { path, repository, tag, digest })
    }
}

/// What was given of an image's configuration; empty lists and texts take it away.
pub(crate) fn config(given: Option<s::ImageConfig>) -> Result<ImageConfig> {
    let given = given.unwrap_or_default();
    let words = |words: Option<Vec<String>>, name: &str| match words.filter(|words| !words.is_empty()) {
        Some(words) if words.len() > WORDS_MAX => {
            Err(error::parameter(format!("{name} has too many words.")))
        }
        words => Ok(words),
    };
    let working_directory = given.working_directory.filter(|folder| !folder.is_empty());
    if working_directory
        .as_ref()
        .is_some_and(|folder| folder.len() > WORKING_DIRECTORY_MAX || !Path::new(folder).is_absolute())
    {
        return Err(error::parameter("WorkingDirectory is not an absolute path."));
    }
    Ok(ImageConfig {
        entry_point: words(given.entry_point, "EntryPoint")?,
        command: words(given.command, "Command")?,
        working_directory,
    })
}

pub(crate) fn show(config: &ImageConfig) -> Option<s::ImageConfigResponse> {
    if *config == ImageConfig::default() {
        return None;
    }
    let shown = s::ImageConfig {
        entry_point: config.entry_point.clone(),
        command: config.command.clone(),
        working_directory: config.working_directory.clone(),
    };
    Some(s::ImageConfigResponse { image_config: Some(shown), error: None })
}

#[cfg(test)]
mod tests {
    use haneul_kit::Fault;

    use super::*;

    #[test]
    fn only_what_is_wrong_with_the_image_is_the_callers_fault() {
        for (kind, fault) in [
            (io::ErrorKind::NotFound, Fault::Client),
            (io::ErrorKind::InvalidData, Fault::Client),
            (io::ErrorKind::StorageFull, Fault::Server),
            (io::ErrorKind::PermissionDenied, Fault::Server),
        ] {
            assert_eq!(refused("app:1", &kind.into()).fault(), fault, "{kind}");
        }
    }

    #[test]
    fn names_never_lead_outside() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (uri, path, tag) in [
            ("111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1", "app", "1"),
            ("111122223333.dkr.ecr.us-east-1.amazonaws.com/team/app", "team/app", "latest"),
            ("localhost:5000/app:v1.2", "app", "v1.2"),
            ("app", "app", "latest"),
            (&format!("x.y/app@{digest}"), "app", "latest"),
        ] {
            let named = Named::parse(uri).unwrap_or_else(|| panic!("{uri}"));
            assert_eq!((named.path.as_str(), named.tag.as_str()), (path, tag), "{uri}");
        }
        for uri in [
            "",
            "/",
            "../app",
            "x.y/../../etc",
            "x.y//etc",
            "/etc",
            "app:",
            "x.y/app/",
            "x.y/.app",
            "app@sha256:12",
            "app@md5:1",
            "x.y/a\0b",
            "x.y/App",
            "x.y/app:a/b",
            "file:///etc/app",
        ] {
            assert_eq!(Named::parse(uri), None, "{uri}");
        }
    }
}
