use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads, Tx};

use super::credentials::{holder_key, of_holder, put_credentials};
use super::{LIST_MAX, State, list};
use crate::model::{Enabled, Key, MFA_DEVICES, MfaDevice};
use crate::{error, quotas, totp};

/// After so many wrong codes in a row a device takes none for [`LOCKED_SECS`]: a code cannot be guessed.
const FAILURES_MAX: u32 = 10;
const LOCKED_SECS: u64 = 300;

/// How many steps a code may be early or late.
const WINDOW_STEPS: i64 = 1;

/// The key of a virtual device by its serial number, which is its ARN; `None` for anything else.
pub(crate) fn device_key(account: AccountId, serial: &str) -> Option<Key> {
    let rest = serial.strip_prefix("arn:aws:iam::")?;
    let (owner, place) = rest.split_once(":mfa/")?;
    (owner == account.to_string()).then(|| (account, place.to_ascii_lowercase()))
}

fn key_of(account: AccountId, device: &MfaDevice) -> Key {
    (account, format!("{}{}", &device.path[1..], device.name).to_ascii_lowercase())
}

async fn get(reads: &impl Reads, account: AccountId, serial: &str) -> Result<(Key, MfaDevice)> {
    let missing = || error::no_such_mfa_device(serial);
    let key = device_key(account, serial).ok_or_else(missing)?;
    let found = reads.get(&MFA_DEVICES, &key).await?;
    let found = found.filter(|device| device.arn(account).as_str() == serial).ok_or_else(missing)?;
    Ok((key, found))
}

impl State {
    pub(crate) async fn mfa_device(&self, account: AccountId, serial: &str) -> Result<MfaDevice> {
        Ok(get(&self.store, account, serial).await?.1)
    }

    pub(crate) async fn find_mfa_device(
        &self,
        account: AccountId,
        serial: &str,
    ) -> Result<Option<MfaDevice>> {
        let Some(key) = device_key(account, serial) else { return Ok(None) };
        Ok(self.store.get(&MFA_DEVICES, &key).await?)
    }

    /// By path and name.
    pub(crate) async fn mfa_devices(&self, account: AccountId) -> Result<Vec<MfaDevice>> {
        Ok(list(&self.store, &MFA_DEVICES, account).await?.into_iter().map(|(_, device)| device).collect())
    }

    /// A holder's devices in the order in which they were enabled.
    pub(crate) async fn mfa_devices_of(
        &self,
        account: AccountId,
        holder: Option<&str>,
    ) -> Result<Vec<MfaDevice>> {
        let snapshot = self.store.snapshot().await?;
        let mut devices = Vec::new();
        for name in of_holder(&snapshot, account, holder).await?.mfa {
            devices.extend(snapshot.get(&MFA_DEVICES, &(account, name)).await?);
        }
        Ok(devices)
    }

    pub(crate) async fn create_mfa_device(&self, account: AccountId, device: &MfaDevice) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let key = key_of(account, device);
                if tx.get(&MFA_DEVICES, &key).await?.is_some() {
                    return Err(error::mfa_device_exists());
                }
                let count = tx.scan_keys(&MFA_DEVICES, Range::prefix((account,)), LIST_MAX).await?.len();
                if count >= quotas::MFA_DEVICES as usize {
                    return Err(error::quota("MFADevicesPerAccount", quotas::MFA_DEVICES));
                }
                Ok(tx.put(&MFA_DEVICES, &key, device)?)
            })
            .await
    }

    pub(crate) async fn delete_mfa_device(&self, account: AccountId, serial: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let (key, device) = get(&tx, account, serial).await?;
                if device.enabled.is_some() {
                    return Err(error::mfa_device_in_use());
                }
                Ok(tx.delete(&MFA_DEVICES, &key)?)
            })
            .await
    }

    pub(crate) async fn enable_mfa_device(
        &self,
        account: AccountId,
        holder: Option<&str>,
        serial: &str,
        codes: (&str, &str),
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut credentials = of_holder(&tx, account, holder).await?;
                let (key, mut device) = get(&tx, account, serial).await?;
                if device.enabled.is_some() {
                    return Err(error::mfa_device_enabled());
                }
                if credentials.mfa.len() >= quotas::MFA_DEVICES_PER_USER {
                    return Err(error::quota("MFADevicesPerUser", quotas::MFA_DEVICES_PER_USER));
                }
                let step = self.find_step(&device, codes, now)?;
                device.enabled = Some(Enabled {
                    holder: holder_key(account, holder).1,
                    since: now.into(),
                    offset: step - totp::step(now),
                    last_step: step,
                    failures: 0,
                    failed: None,
                });
                credentials.mfa.push(key.1.clone());
                put_credentials(&tx, account, holder, &credentials)?;
                Ok(tx.put(&MFA_DEVICES, &key, &device)?)
            })
            .await
    }

    /// Learns anew how far the device's clock is off.
    pub(crate) async fn resync_mfa_device(
        &self,
        account: AccountId,
        holder: Option<&str>,
        serial: &str,
        codes: (&str, &str),
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let (key, mut device) = self.held(&tx, account, holder, serial).await?;
                let step = self.find_step(&device, codes, now)?;
                if let Some(enabled) = &mut device.enabled {
                    if step <= enabled.last_step {
                        return Err(error::invalid_mfa_code());
                    }
                    enabled.offset = step - totp::step(now);
                    enabled.last_step = step;
                    enabled.failures = 0;
                }
                Ok(tx.put(&MFA_DEVICES, &key, &device)?)
            })
            .await
    }

    pub(crate) async fn deactivate_mfa_device(
        &self,
        account: AccountId,
        holder: Option<&str>,
        serial: &str,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let (key, mut device) = self.held(&tx, account, holder, serial).await?;
                device.enabled = None;
                let mut credentials = of_holder(&tx, account, holder).await?;
                credentials.mfa.retain(|name| *name != key.1);
                put_credentials(&tx, account, holder, &credentials)?;
                Ok(tx.put(&MFA_DEVICES, &key, &device)?)
            })
            .await
    }

    /// Takes a code of the holder's device: true once for each code that is right now.
    pub(crate) async fn use_mfa_code(
        &self,
        account: AccountId,
        holder: Option<&str>,
        serial: &str,
        code: &str,
        now: Instant,
    ) -> Result<bool> {
        let Some(key) = device_key(account, serial) else { return Ok(false) };
        self.store
            .transact(|tx| {
                let key = &key;
                async move {
                    let Some(mut device) = tx.get(&MFA_DEVICES, key).await? else { return Ok(false) };
                    let seed = totp::read_base32(&device.seed.open(&self.seal)?)?;
                    let is_its = device.arn(account).as_str() == serial;
                    let Some(enabled) = device.enabled.as_mut().filter(|_| is_its) else { return Ok(false) };
                    if enabled.holder != holder_key(account, holder).1 {
                        return Ok(false);
                    }
                    let locked = enabled.failures >= FAILURES_MAX
                        && enabled.failed.is_some_and(|at| now.since(at.into()).as_secs() < LOCKED_SECS);
                    if locked {
                        return Ok(false);
                    }
                    let middle = totp::step(now) + enabled.offset;
                    let mut steps = middle - WINDOW_STEPS..=middle + WINDOW_STEPS;
                    let taken =
                        steps.find(|step| *step > enabled.last_step && totp::is_code(&seed, *step, code));
                    match taken {
                        Some(step) => {
                            enabled.last_step = step;
                            enabled.failures = 0;
                            enabled.failed = None;
                        }
                        None => {
                            enabled.failures = enabled.failures.saturating_add(1);
                            enabled.failed = Some(now.into());
                        }
                    }
                    tx.put(&MFA_DEVICES, key, &device)?;
                    Ok(taken.is_some())
                }
            })
            .await
    }

    /// The device, when it is enabled for the holder.
    async fn held(
        &self,
        tx: &Tx,
        account: AccountId,
        holder: Option<&str>,
        serial: &str,
    ) -> Result<(Key, MfaDevice)> {
        of_holder(tx, account, holder).await?;
        let (key, device) = get(tx, account, serial).await?;
        let is_its = device.enabled.as_ref().is_some_and(|of| of.holder == holder_key(account, holder).1);
        if is_its { Ok((key, device)) } else { Err(error::mfa_device_not_of_user()) }
    }

    fn find_step(&self, device: &MfaDevice, codes: (&str, &str), now: Instant) -> Result<i64> {
        let seed = totp::read_base32(&device.seed.open(&self.seal)?)?;
        totp::find(&seed, now, codes.0, codes.1).ok_or_else(error::invalid_mfa_code)
    }
}
