//! What lies among the spares and can never be claimed.

use super::intents::at_once;
use super::{Code, Doctor, Finding, Severity};
use crate::error::Result;
use crate::provision::spare::drop_left_over;
use crate::provision::spare::left_overs;
use crate::survey::disk_use;

/// After the intents: a spare that a dead run had claimed goes with it.
pub(super) fn examine(doctor: &mut Doctor<'_>) -> Result<()> {
    // A directory that cannot be read is found by other checks.
    for left in left_overs(doctor.home).unwrap_or_default() {
        let size = disk_use::measure(&left.directory, &[], &doctor.patience.cancel)?.allocated;
        let message =
            format!("{} is {}, {}", left.directory.display(), left.described(), disk_use::spoken(size));
        let finding = Finding::new(Code::SpareLeft, Severity::Warning, message).at(&left.directory);
        let remedy = "Deletes it, or gives it back where it is whole: nobody has worked in a spare.";
        doctor.mend(finding, remedy, |doctor| {
            drop_left_over(doctor.home, &left, &at_once(doctor.patience.cancel.clone())).map(drop)
        })?;
    }
    Ok(())
}
