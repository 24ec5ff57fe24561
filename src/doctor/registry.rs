//! The registry file itself.

use super::{Code, Doctor, Finding, Outcome, Severity};
use crate::error::Result;
use crate::registry::{Inspection, Unusable};

/// Looks at the registry, heals it where that is asked for, and gives what is in it.
pub(super) fn examine(doctor: &mut Doctor<'_>) -> Result<Inspection> {
    let file = doctor.home.registry_file();
    let registry = doctor.registry;
    let inspection = match registry.inspect() {
        Ok(inspection) => inspection,
        Err(error) => {
            let finding = Finding::new(Code::RegistryUnreadable, Severity::Error, error.to_string()).at(file);
            doctor.tell(finding, Outcome::Decide, error.hint());
            return Ok(Inspection::default());
        }
    };
    let Some(reason) = &inspection.damage else { return examine_rows(doctor, inspection) };
    let message = format!("the registry cannot be read as it is: {reason}");
    let finding = Finding::new(Code::RegistryDamaged, Severity::Error, message).at(file);
    let rows = inspection.entries.len();
    let remedy = format!(
        "Puts it together from its readable part, its backup and the worktrees on disk ({rows} rows), and keeps the \
         damaged file beside it."
    );
    doctor.mend(finding, remedy, |doctor| {
        registry.heal(doctor.patience)?;
        // What healing has to tell is in the finding.
        drop(registry.warnings());
        Ok(())
    })?;
    let inspection = doctor.inspect_again(inspection);
    examine_rows(doctor, inspection)
}

fn examine_rows(doctor: &mut Doctor<'_>, mut inspection: Inspection) -> Result<Inspection> {
    let registry = doctor.registry;
    let (mendable, others): (Vec<_>, Vec<_>) = inspection.unusable.iter().partition(|row| row.mendable);
    for Unusable { key, reason, .. } in others {
        let message = format!("the row {key:?} of the registry cannot be used: {reason}");
        let finding =
            Finding::new(Code::RegistryRow, Severity::Warning, message).at(doctor.home.registry_file());
        let remedy = "Nothing is done: the row is kept as it is, because its owner may be able to read it. Mend or delete it by hand.";
        doctor.tell(finding, Outcome::Decide, remedy);
    }
    if !mendable.is_empty() {
        let told = mendable.iter().map(|row| format!("{:?} ({})", row.key, row.reason)).collect::<Vec<_>>();
        let message = format!("rows of the registry cannot be used: {}", told.join(", "));
        let finding =
            Finding::new(Code::RegistryRow, Severity::Warning, message).at(doctor.home.registry_file());
        let remedy = "Takes each from the backup or from its worktree, where they know the task; what nothing knows leaves the \
                      registry. The registry as it was is kept beside it.";
        doctor.mend(finding, remedy, |doctor| registry.mend_rows(doctor.patience))?;
        inspection = doctor.inspect_again(inspection);
    }
    if !inspection.misowned.is_empty() {
        let branches = inspection.misowned.join(", ");
        let message =
            format!("the registry's map of branches does not say what its rows say, for {branches}");
        let finding =
            Finding::new(Code::RegistryBranches, Severity::Warning, message).at(doctor.home.registry_file());
        doctor.mend(finding, "Makes the map again from the rows.", |doctor| {
            registry.mend_branches(doctor.patience)
        })?;
    }
    Ok(inspection)
}
