//! Every read and write of the store.
//!
//! Reading order: [`keys`] (making, changing, and what falls due), [`aliases`], [`grants`].

mod aliases;
mod grants;
mod keys;

use haneul_kit::{ApiError, Env, Result, Seal};
use haneul_store::{Reads, Store};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::crypto::blob::hex;
use crate::crypto::material::Secret;
use crate::model::{KeyName, ROOT};

pub(crate) use aliases::alias_arn;
pub(crate) use keys::{DAY_MS, rotate};

pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) seal: Seal,
    pub(crate) env: Env,
    /// Under which ids of key material are computed, so that an id tells nothing of what it names.
    root: OnceCell<Secret>,
}

const ROOT_PURPOSE: &str = "kms.root";

impl State {
    pub(crate) fn new(store: Store, seal: Seal, env: Env) -> State {
        State { store, seal, env, root: OnceCell::new() }
    }

    /// The id of key material of a key: the same for the same bytes, which is how a reimport is recognised.
    pub(crate) async fn material_id(&self, name: &KeyName, secret: &[u8]) -> Result<String> {
        let root = self.root.get_or_try_init(|| self.read_root()).await?;
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, root);
        let mut context = aws_lc_rs::hmac::Context::with_key(&key);
        for part in [name.account.to_string().as_bytes(), name.id.as_bytes(), secret] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Ok(hex(context.sign().as_ref()))
    }

    pub(crate) fn seal(&self, name: &KeyName, material_id: &str, secret: &[u8]) -> String {
        self.seal.seal(&purpose(name, material_id), secret)
    }

    async fn read_root(&self) -> Result<Secret> {
        let fresh = self.seal.seal(ROOT_PURPOSE, &self.env.rng.bytes::<32>());
        let fresh = &fresh;
        let kept = self.store.transact(|tx| async move {
            if let Some(kept) = tx.get(&ROOT, "root").await? {
                return Ok::<_, ApiError>(kept);
            }
            tx.put(&ROOT, "root", fresh)?;
            Ok(fresh.clone())
        });
        let opened = self.seal.open(ROOT_PURPOSE, &kept.await?);
        opened.map(Zeroizing::new).ok_or_else(|| ApiError::internal("the KMS root does not open"))
    }
}

/// The bytes of sealed key material.
pub(crate) fn open(seal: &Seal, name: &KeyName, material_id: &str, sealed: &str) -> Result<Secret> {
    let opened = seal.open(&purpose(name, material_id), sealed).map(Zeroizing::new);
    opened.ok_or_else(|| ApiError::internal("sealed key material does not open under this cloud's key"))
}

/// Without the Region: related multi-Region keys share their material.
fn purpose(name: &KeyName, material_id: &str) -> String {
    format!("kms.material {} {} {material_id}", name.account, name.id)
}
