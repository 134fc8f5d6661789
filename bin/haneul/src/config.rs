use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use haneul_base::AccountId;
use haneul_kit::platform::RootKey;
use serde::Deserialize;

use crate::Result;
use crate::cli::{Auth, LogFormat, Sandbox, ServeOptions, Tls};
use crate::master_key::MasterKey;

/// Settings after flags, environment and file were put together, in that order of precedence.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// `None` keeps everything in memory.
    pub(crate) data_dir: Option<PathBuf>,
    /// Where the bytes of objects are kept, beside the data directory's own place.
    pub(crate) pools: Vec<PathBuf>,
    pub(crate) auth: Auth,
    /// What was configured; without it the default account's key is made at the start.
    pub(crate) root_keys: Vec<RootKey>,
    /// What seals the keys in the data directory.
    pub(crate) master_key: Option<MasterKey>,
    pub(crate) tls: Tls,
    pub(crate) tls_files: Option<(PathBuf, PathBuf)>,
    pub(crate) sandbox: Sandbox,
    /// What AWS keeps to itself of IAM.
    pub(crate) iam_catalog: Option<PathBuf>,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
}

/// The TOML file. Unknown names are refused: a misspelt setting must not be a silent default.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Option<SocketAddr>,
    data_dir: Option<PathBuf>,
    pools: Vec<PathBuf>,
    ephemeral: Option<bool>,
    auth: Option<Auth>,
    root_access_key: Option<String>,
    root_secret_key: Option<String>,
    master_key_file: Option<PathBuf>,
    tls: Option<Tls>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    sandbox: Option<Sandbox>,
    iam_catalog: Option<PathBuf>,
    log_format: Option<LogFormat>,
    log: Option<String>,
    /// Further accounts, each with a root key of its own.
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    root_access_key: String,
    root_secret_key: String,
}

pub(crate) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);

impl Config {
    pub(crate) fn from(options: ServeOptions) -> Result<Config> {
        let file = options.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let ephemeral = options.ephemeral.or(file.ephemeral).unwrap_or(false);
        let data_dir = match ephemeral {
            true => None,
            false => Some(data_dir(options.data_dir.or(file.data_dir))?),
        };
        let pools = if options.pools.is_empty() { file.pools } else { options.pools };
        if ephemeral && !pools.is_empty() {
            return Err("--pool and --ephemeral exclude one another".into());
        }
        let key = options.root_access_key.or(file.root_access_key);
        let secret = options.root_secret_key.or(file.root_secret_key);
        let mut root_keys = Vec::new();
        match (key, secret) {
            (Some(key), Some(secret)) => root_keys.push(root_key(AccountId::DEFAULT, key, secret)?),
            (None, None) => {}
            _ => return Err("give the root access key and its secret together".into()),
        }
        for account in file.accounts {
            let id = account.id.parse().map_err(|error| format!("account {}: {error}", account.id))?;
            root_keys.push(root_key(id, account.root_access_key, account.root_secret_key)?);
        }
        let master_key =
            master_key(options.master_key_file.or(file.master_key_file).as_deref(), data_dir.as_deref())?;
        let tls_files = options.tls_cert.or(file.tls_cert).zip(options.tls_key.or(file.tls_key));
        let tls = options.tls.or(file.tls).unwrap_or(if tls_files.is_some() { Tls::Files } else { Tls::Off });
        if tls == Tls::Files && tls_files.is_none() {
            return Err("--tls files needs --tls-cert and --tls-key".into());
        }
        Ok(Config {
            listen: options.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN),
            data_dir,
            pools,
            auth: options.auth.or(file.auth).unwrap_or_default(),
            root_keys,
            master_key,
            tls,
            tls_files,
            sandbox: options.sandbox.or(file.sandbox).unwrap_or_default(),
            iam_catalog: options.iam_catalog.or(file.iam_catalog),
            log_format: options.log_format.or(file.log_format).unwrap_or_default(),
            log: options.log.or(file.log).unwrap_or_else(|| "info".into()),
        })
    }
}

/// Of the file, or of the variable, which is no flag because others can see a program's arguments.
fn master_key(file: Option<&Path>, data_dir: Option<&Path>) -> Result<Option<MasterKey>> {
    let variable = std::env::var("HANEUL_MASTER_KEY").ok().filter(|text| !text.is_empty());
    match (file, variable) {
        (Some(_), Some(_)) => Err("give the master key by file or by HANEUL_MASTER_KEY, not by both".into()),
        (Some(file), None) => MasterKey::read(file, data_dir).map(Some),
        (None, Some(text)) => match MasterKey::parse(&text) {
            Some(key) => Ok(Some(key)),
            None => Err("HANEUL_MASTER_KEY is no master key: base64 of 32 bytes is expected".into()),
        },
        (None, None) => Ok(None),
    }
}

/// The given folder, or the one for a user's data (XDG Base Directory Specification).
pub(crate) fn data_dir(given: Option<PathBuf>) -> Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given
        .or_else(|| from("XDG_DATA_HOME").map(|home| home.join("haneul")))
        .or_else(|| from("HOME").map(|home| home.join(".local/share/haneul")))
        .ok_or_else(|| "no --data-dir was given and HOME is not set; give one, or use --ephemeral".into())
}

fn read(path: &Path) -> Result<File> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn root_key(account: AccountId, id: String, secret: String) -> Result<RootKey> {
    if id.is_empty() || id.len() > 128 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    {
        return Err("a root access key id is 1 to 128 letters, digits, _ and -".into());
    }
    if secret.is_empty() || secret.len() > 256 {
        return Err("a root secret key has 1 to 256 characters".into());
    }
    Ok(RootKey { account, access_key_id: id, secret_access_key: secret })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn with_file(text: &str, options: ServeOptions) -> Result<Config> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Config::from(ServeOptions { config: Some(file.path().to_path_buf()), ..options })
    }

    #[test]
    fn flags_win_over_the_file() {
        let text = "listen = \"127.0.0.1:1\"\nauth = \"relaxed\"\nephemeral = true\n";
        let options =
            ServeOptions { listen: Some("127.0.0.1:2".parse().unwrap()), ..ServeOptions::default() };
        let config = with_file(text, options).unwrap();
        assert_eq!((config.listen.port(), config.auth, config.data_dir), (2, Auth::Relaxed, None));
    }

    #[test]
    fn accounts_and_their_mistakes() {
        let accounts = |id: &str| {
            format!(
                "ephemeral = true\n[[accounts]]\nid = \"{id}\"\nroot_access_key = \"k\"\nroot_secret_key = \"s\"\n"
            )
        };
        let config = with_file(&accounts("111122223333"), ServeOptions::default()).unwrap();
        assert_eq!(config.root_keys[0].account.to_string(), "111122223333");
        assert!(with_file(&accounts("12"), ServeOptions::default()).unwrap_err().contains("twelve digits"));
        assert!(with_file("lisen = \"127.0.0.1:1\"", ServeOptions::default()).unwrap_err().contains("lisen"));
        assert!(with_file("root_access_key = \"k\"", ServeOptions::default()).is_err());
        assert!(with_file("tls = \"files\"", ServeOptions::default()).unwrap_err().contains("--tls-cert"));
    }
}
