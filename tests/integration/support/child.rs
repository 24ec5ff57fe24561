//! One provision in a process of its own: this test binary again, running the one test below, which acts only when its
//! parent left a request in the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use okstra::cancel::Cancel;
use okstra::error::Error;
use okstra::home::OkstraHome;
use okstra::lock::Patience;
use okstra::provision::{Provision, Request, provision};
use serde_json::{Value, json};

const ANSWER: &str = "OKSTRA_TEST_ANSWER";
const HOME: &str = "OKSTRA_TEST_HOME";
const REQUEST: &str = "OKSTRA_TEST_REQUEST";
const ROOT: &str = "OKSTRA_TEST_ROOT";

/// The arguments that make this binary act as the child.
pub const ARGUMENTS: [&str; 4] = ["--exact", "support::child::entry", "--nocapture", "--test-threads=1"];

/// The variables that hand a request to the child, which writes its answer to a file.
pub fn variables(home: &Path, request: &Request, answer: &Path) -> BTreeMap<OsString, OsString> {
    let text = json!({
        "task_type": request.task_type,
        "project_id": request.project_id,
        "task_group": request.task_group,
        "task_id": request.task_id,
        "work_category": request.work_category,
        "base_ref": request.base_ref,
    });
    [
        (ANSWER, answer.as_os_str().to_owned()),
        (HOME, home.as_os_str().to_owned()),
        (REQUEST, text.to_string().into()),
        // Apart from the rest: a path need not be text.
        (ROOT, request.project_root.clone().into_os_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value))
    .collect()
}

/// Runs the child and reads its answer.
pub fn run(mut command: Command, answer: &Path) -> Value {
    let output = command.args(ARGUMENTS).output().unwrap();
    assert!(
        output.status.success() && answer.exists(),
        "the child gave no answer ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap()
}

#[test]
fn entry() {
    let Some(answer) = std::env::var_os(ANSWER) else { return };
    let request: Value = serde_json::from_str(&std::env::var(REQUEST).unwrap()).unwrap();
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    let request = Request {
        task_type: text("task_type"),
        project_root: PathBuf::from(std::env::var_os(ROOT).unwrap()),
        project_id: text("project_id"),
        task_group: text("task_group"),
        task_id: text("task_id"),
        work_category: text("work_category"),
        base_ref: request["base_ref"].as_str().map(str::to_owned),
        ..Request::default()
    };
    let patience = Patience { timeout: Duration::from_secs(60), cancel: Cancel::default() };
    let result = match OkstraHome::at(Path::new(&std::env::var_os(HOME).unwrap())) {
        Ok(home) => provision(&home, &request, &patience),
        Err(error) => Err(error),
    };
    std::fs::write(answer, describe(result).to_string()).unwrap();
}

fn describe(result: Result<Provision, Error>) -> Value {
    match result {
        Ok(answer) => json!({
            "status": answer.status.as_str(),
            "path": hex(answer.path.as_os_str()),
            "branch": answer.branch,
            "base_ref": answer.base_ref,
            "note": answer.note(),
            "notes": answer.remarks.iter().map(|remark| remark.code.as_str()).collect::<Vec<_>>(),
            "task_key": answer.task_key.to_string(),
            "linked": answer.linked,
            "post_checkout_exit": answer.post_checkout_exit,
        }),
        Err(error) => json!({
            "code": error.code().as_str(),
            "message": error.to_string(),
            "hint": error.hint(),
            "path": error.path().map(|path| hex(path.as_os_str())),
            "branch": error.branch(),
            "task_key": error.task_key().map(ToString::to_string),
        }),
    }
}

fn hex(text: &OsStr) -> String {
    okstra::task::hex(text.as_encoded_bytes())
}

/// Undoes the hexadecimal form of a path in an answer.
pub fn path(value: &Value) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let text = value.as_str()?;
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    Some(OsString::from_vec(bytes.collect()).into())
}
