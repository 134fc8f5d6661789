//! What AWS keeps privately of IAM, as the operator gives it: a folder with `partners`, who may ask accounts for delegated
//! access, and `role-templates`, from which AcquireRole makes roles. Each file, TOML or JSON, is one of them.
//!
//! Reading order: [`partners`], [`role_templates`], [`placeholders`] (how both are filled in). Read once, when IAM opens; a
//! file that cannot be understood stops that, because what it should have limited would not be limited.

mod partners;
mod placeholders;
mod role_templates;

use std::io::ErrorKind;
use std::path::Path;

use haneul_kit::{AccountId, ApiError, Result};
use serde::de::DeserializeOwned;

pub(crate) use partners::{PARTNER_POLICY_START, Partner, Template, boundary_arn};
pub(crate) use placeholders::{Problem, Value, Values, fill_document, fill_text};
pub(crate) use role_templates::{ACCOUNT, RoleTemplate, TemplateVersion};

/// Files of one kind.
const FILES_MAX: usize = 1000;
const FILE_SIZE_MAX: u64 = 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub partners: Vec<Partner>,
    pub role_templates: Vec<RoleTemplate>,
}

impl Catalog {
    /// # Errors
    /// With the file and what is wrong with it.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Catalog> {
        let Some(folder) = folder else { return Ok(Catalog::default()) };
        let said = |problem: String| ApiError::internal(format_args!("the catalog of IAM: {problem}"));
        if !folder.is_dir() {
            return Err(said(format!("{} is not a folder", folder.display())));
        }
        let partners: Vec<Partner> = files(&folder.join("partners"), partners::check).map_err(said)?;
        let role_templates: Vec<RoleTemplate> =
            files(&folder.join("role-templates"), role_templates::check).map_err(said)?;
        let catalog = Catalog { partners, role_templates };
        catalog.check().map_err(said)?;
        Ok(catalog)
    }

    /// What no file can see alone.
    fn check(&self) -> Result<(), String> {
        for (at, partner) in self.partners.iter().enumerate() {
            let others = &self.partners[..at];
            if others.iter().any(|other| other.account == partner.account || other.domain == partner.domain) {
                return Err(format!("two partners are {} or {}", partner.account, partner.domain));
            }
        }
        for (at, template) in self.role_templates.iter().enumerate() {
            if self.role_templates[..at].iter().any(|other| other.arn == template.arn) {
                return Err(format!("two role templates are {}", template.arn));
            }
        }
        Ok(())
    }

    pub(crate) fn partner(&self, account: AccountId) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.account() == account)
    }

    pub(crate) fn role_template(&self, arn: &str) -> Option<&RoleTemplate> {
        self.role_templates.iter().find(|template| template.arn == arn)
    }
}

/// The files of a folder, by name; none when there is no such folder.
fn files<T: DeserializeOwned>(
    folder: &Path,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Vec<T>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let is_toml = path.extension().is_some_and(|end| end == "toml");
        let is_json = path.extension().is_some_and(|end| end == "json");
        if !is_toml && !is_json {
            continue;
        }
        if all.len() >= FILES_MAX {
            return Err(format!("{} has more than {FILES_MAX} files", folder.display()));
        }
        let said = |problem: String| format!("{}: {problem}", path.display());
        let size = std::fs::metadata(&path).map_err(|error| said(error.to_string()))?.len();
        if size > FILE_SIZE_MAX {
            return Err(said(format!("longer than {FILE_SIZE_MAX} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| said(error.to_string()))?;
        let read: T = match is_toml {
            true => toml::from_str(&text).map_err(|error| said(error.to_string()))?,
            false => serde_json::from_str(&text).map_err(|error| said(error.to_string()))?,
        };
        check(&read).map_err(said)?;
        all.push(read);
    }
    Ok(all)
}
