//! A request to stop, handed down to everything that may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// How long a waiting thread may take to notice a request to stop. What it waits for wakes it at once; only the
/// request itself is looked at in these slices.
pub const NOTICE_WITHIN: Duration = Duration::from_millis(20);

/// A shared flag that asks an operation to stop. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the operation to stop. It undoes what it began and then fails with [`Error::Aborted`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Fails with [`Error::Aborted`] when somebody asked to stop; `what` names the operation.
    pub fn check(&self, what: &str) -> Result<()> {
        if self.is_cancelled() { Err(Error::Aborted { what: what.to_owned() }) } else { Ok(()) }
    }
}
