//! The lock under which the launcher installs. What it installs, and how, is decided in JavaScript.

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::arguments::Fields;
use super::background;
use super::error::{Outcome, guarded};
use crate::error::Result;
use crate::home::OkstraHome;
use crate::lock::{self, Patience};

/// Holds the lock of what is installed in an okstra home, until `release` is called or the process ends.
#[napi]
pub struct InstallationLock(Option<lock::InstallationLock>);

#[napi]
impl InstallationLock {
    /// Lets others install. A second call does nothing.
    #[napi]
    pub fn release(&mut self) {
        drop(self.0.take());
    }
}

fn read(options: Unknown<'_>) -> Outcome<(OkstraHome, Patience)> {
    let fields = Fields::optional("options", options)?;
    Ok((OkstraHome::from_env()?, fields.patience("lockTimeoutMs")?))
}

fn acquire(home: &OkstraHome, patience: &Patience) -> Result<InstallationLock> {
    home.prepare()?;
    lock::InstallationLock::acquire(home, patience).map(|lock| InstallationLock(Some(lock)))
}

/// Waits until nobody else installs into the okstra home, and keeps others from it. Makes the home when there is none.
///
/// The lock of `okstra install`, `ensure-installed` and `uninstall`. `signal` ends the wait.
///
/// Rejects with `OKSTRA_LOCK_TIMEOUT` (the message names the holder), `OKSTRA_UNSAFE_HOME`, `OKSTRA_IO`,
/// `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_ABORTED`.
#[napi(
    ts_args_type = "options?: LockOptions | undefined | null, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<InstallationLock>"
)]
pub fn lock_installation<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "waiting for the installation", signal, || {
        let (home, patience) = read(options)?;
        let cancel = patience.cancel.clone();
        Ok((move || acquire(&home, &patience), cancel))
    })
}

/// The same as `lockInstallation`, but blocks JavaScript until the lock is held. Throws the same errors.
#[napi(ts_args_type = "options?: LockOptions | undefined | null")]
pub fn lock_installation_sync(env: Env, options: Unknown<'_>) -> napi::Result<InstallationLock> {
    guarded(&env, || {
        let (home, patience) = read(options)?;
        Ok(acquire(&home, &patience)?)
    })
}
