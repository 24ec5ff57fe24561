//! `doctor` and its synchronous twin.

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::arguments::{Fields, path_text};
use super::background;
use super::error::{Outcome, guarded};
use crate::cancel::Cancel;
use crate::doctor::{self, Finding, Options, Report};
use crate::error::Result;
use crate::home::OkstraHome;
use crate::lock::Patience;

/// What a check-up found.
#[napi(object, object_from_js = false)]
pub struct DoctorReport {
    /// Whether nothing that is wrong still stands. Notes do not count.
    pub clean: bool,
    /// Everything, in the order in which it was looked for.
    pub findings: Vec<DoctorFinding>,
    /// How many tasks were looked at.
    pub tasks: u32,
    /// How many repositories were looked at.
    pub repositories: u32,
}

/// One thing that a check-up found.
#[napi(object, object_from_js = false)]
pub struct DoctorFinding {
    /// What it is; stable, and listed in docs/doctor.md.
    pub code: &'static str,
    /// `error`: something does not work. `warning`: it works, and will not for ever. `note`: nothing is wrong.
    #[napi(ts_type = "'error' | 'warning' | 'note'")]
    pub severity: &'static str,
    /// `fixable`: `fix` mends it. `fixed`: it was mended. `decide`: only a person can decide what is right. `wait`:
    /// somebody may be at it; look again later. `failed`: it was to be mended, and that failed.
    #[napi(ts_type = "'fixable' | 'fixed' | 'decide' | 'wait' | 'failed'")]
    pub outcome: &'static str,
    /// The task that it is about, where there is one.
    pub task_key: Option<String>,
    /// The path that it is about, where there is one.
    pub path: Option<String>,
    /// What was found, in one sentence.
    pub message: String,
    /// What `fix` does or did about it, or what a person can do.
    pub remedy: String,
    /// Why mending it failed.
    pub failure: Option<String>,
}

impl From<Finding> for DoctorFinding {
    fn from(finding: Finding) -> Self {
        let failure = match &finding.outcome {
            doctor::Outcome::Failed(reason) => Some(reason.clone()),
            _ => None,
        };
        Self {
            code: finding.code.as_str(),
            severity: finding.severity.as_str(),
            outcome: finding.outcome.as_str(),
            task_key: finding.task_key.map(|key| key.to_string()),
            path: finding.path.map(|path| path.to_string_lossy().into_owned()),
            message: finding.message,
            remedy: finding.remedy,
            failure,
        }
    }
}

impl From<Report> for DoctorReport {
    fn from(report: Report) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            clean: report.is_clean(),
            tasks: count(report.tasks),
            repositories: count(report.repositories),
            findings: report.findings.into_iter().map(DoctorFinding::from).collect(),
        }
    }
}

struct Call {
    home: OkstraHome,
    options: Options,
    patience: Patience,
}

impl Call {
    fn read(options: Unknown<'_>) -> Outcome<Self> {
        let fields = Fields::optional("options", options)?;
        let options = Options { fix: fields.optional_flag("fix")?, root: fields.optional_path("root")? };
        let home = OkstraHome::from_env()?;
        path_text(home.root())?;
        Ok(Self { home, options, patience: fields.patience("lockTimeoutMs")? })
    }

    fn cancel(&self) -> Cancel {
        self.patience.cancel.clone()
    }

    fn perform(self) -> Result<DoctorReport> {
        doctor::examine(&self.home, &self.options, &self.patience).map(DoctorReport::from)
    }
}

/// A check-up: the registry against the disk against git. With `fix`, what is sure is mended; without it nothing is
/// written anywhere. Whatever was mended, and whatever remains, is in the report.
///
/// It can be stopped, also by a kill, at any point: the next one goes on. Nothing is deleted that could be anybody's
/// work.
///
/// Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_ROOT_NOT_FOUND`, `OKSTRA_GIT_MISSING`, `OKSTRA_GIT_TOO_OLD`,
/// `OKSTRA_IO` or `OKSTRA_ABORTED`.
#[napi(
    ts_args_type = "options?: DoctorOptions | undefined | null, signal?: AbortSignal | undefined | null",
    ts_return_type = "Promise<DoctorReport>"
)]
pub fn doctor<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    signal: Unknown<'env>,
) -> napi::Result<Object<'env>> {
    background::run(env, "the check-up", signal, || {
        let call = Call::read(options)?;
        let cancel = call.cancel();
        Ok((move || call.perform(), cancel))
    })
}

/// The same as `doctor`, but returns when it is done, and blocks JavaScript until then.
#[napi(ts_args_type = "options?: DoctorOptions | undefined | null")]
pub fn doctor_sync(env: Env, options: Unknown<'_>) -> napi::Result<DoctorReport> {
    guarded(&env, || Ok(Call::read(options)?.perform()?))
}
