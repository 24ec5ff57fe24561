//! Asking for a worktree, and what comes back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use okstra::provision::Request;
use okstra::task::TaskKey;
use serde_json::Value;

use super::invariants::Before;
use super::{Sandbox, child};

/// A request that is being put together.
pub struct Ask<'a> {
    /// Where it runs.
    pub sandbox: &'a Sandbox,
    /// What is asked for.
    pub request: Request,
    cwd: PathBuf,
    env: BTreeMap<OsString, OsString>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// What happened.
    pub status: String,
    /// Where to work.
    pub path: PathBuf,
    /// The branch.
    pub branch: String,
    /// The commit it started from.
    pub base: String,
    /// The whole answer as a sentence.
    pub note: String,
    /// The codes of what it tells beside.
    pub notes: Vec<String>,
    /// The task-key.
    pub key: String,
    /// The linked shared directories.
    pub linked: Vec<String>,
    /// The exit code of the post-checkout hook.
    pub post_checkout_exit: Option<i64>,
}

/// An error.
#[derive(Debug)]
pub struct Refusal {
    /// Its code.
    pub code: String,
    /// Its message.
    pub message: String,
    /// Its hint.
    pub hint: String,
    /// Its path.
    pub path: Option<PathBuf>,
    /// Its branch.
    pub branch: Option<String>,
}

impl<'a> Ask<'a> {
    /// For `shop/checkout/<task>`, category `fix`.
    pub fn new(sandbox: &'a Sandbox, task: &str) -> Self {
        let request = Request {
            task_type: "implementation".into(),
            project_root: sandbox.repo.clone(),
            project_id: "shop".into(),
            task_group: "checkout".into(),
            task_id: task.into(),
            work_category: "fix".into(),
            ..Request::default()
        };
        Self { sandbox, request, cwd: sandbox.base.clone(), env: BTreeMap::new() }
    }

    /// From another directory.
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.request.project_root = root.into();
        self
    }

    /// In another phase.
    pub fn phase(mut self, phase: &str) -> Self {
        self.request.task_type = phase.into();
        self
    }

    /// From another base.
    pub fn base(mut self, base: &str) -> Self {
        self.request.base_ref = Some(base.into());
        self
    }

    /// In another group.
    pub fn group(mut self, group: &str) -> Self {
        self.request.task_group = group.into();
        self
    }

    /// In another project.
    pub fn project(mut self, project: &str) -> Self {
        self.request.project_id = project.into();
        self
    }

    /// With another category of work.
    pub fn category(mut self, category: &str) -> Self {
        self.request.work_category = category.into();
        self
    }

    /// In a process with another working directory.
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = cwd.into();
        self
    }

    /// In a process with one more variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// The file for the child's answer, and the variables that hand it this request.
    pub fn hand_over(&self) -> (PathBuf, BTreeMap<OsString, OsString>) {
        let answers = self.sandbox.base.join("answers");
        std::fs::create_dir_all(&answers).unwrap();
        if let Some(user) = self.sandbox.user {
            std::os::unix::fs::chown(&answers, Some(user), Some(user)).unwrap();
        }
        let answer = answers.join(format!("{:016x}", okstra::disk::random()));
        let variables = child::variables(&self.sandbox.home, &self.request, &answer);
        (answer, variables)
    }

    /// Asks, whatever comes back.
    pub fn run(&self) -> Result<Answer, Refusal> {
        let (answer, variables) = self.hand_over();
        let mut command = self.sandbox.command(std::env::current_exe().unwrap(), &self.cwd);
        command.envs(variables).envs(&self.env);
        understand(&child::run(command, &answer))
    }

    /// Asks and expects an answer with this status.
    pub fn expect(&self, status: &str) -> Answer {
        let answer = self.run().unwrap_or_else(|refusal| panic!("{status} was expected: {refusal:#?}"));
        assert_eq!(answer.status, status, "{answer:#?}");
        answer
    }

    /// Asks, expects a new worktree, and checks every invariant.
    pub fn created(&self) -> Answer {
        let before = Before::of(self);
        let answer = self.expect("created");
        before.check_made(self, &answer, &answer.base);
        answer
    }

    /// Asks, expects the worktree to be brought back with its branch at this commit, and checks every invariant.
    pub fn restored(&self, head: &str) -> Answer {
        let before = Before::of(self);
        let answer = self.expect("restored");
        before.check_made(self, &answer, head);
        answer
    }

    /// Asks and expects the worktree that is there.
    pub fn reused(&self) -> Answer {
        let answer = self.expect("reused");
        assert_eq!(answer.path, self.path());
        assert_eq!(self.sandbox.registry()["tasks"][&answer.key]["last_phase"], *self.request.task_type);
        answer
    }

    /// Asks, expects an error with this code, and checks that nothing was made or changed.
    pub fn refused(&self, code: &str) -> Refusal {
        let before = Before::of(self);
        let refusal = match self.run() {
            Err(refusal) => refusal,
            Ok(answer) => panic!("{code} was expected: {answer:#?}"),
        };
        assert_eq!(refusal.code, code, "{refusal:#?}");
        assert!(!refusal.message.is_empty() && !refusal.hint.is_empty(), "{refusal:#?}");
        before.check_nothing_made(self);
        refusal
    }

    /// Asks and expects either a worktree that keeps every invariant or a typed error that left nothing.
    pub fn created_or_refused(&self) -> Result<Answer, Refusal> {
        let before = Before::of(self);
        let result = self.run();
        match &result {
            Ok(answer) => before.check_made(self, answer, &answer.base),
            Err(refusal) => {
                assert_ne!(refusal.code, "OKSTRA_INTERNAL", "{refusal:#?}");
                before.check_nothing_made(self);
            }
        }
        result
    }

    /// The path that the worktree has or would have.
    pub fn path(&self) -> PathBuf {
        let Request { project_id, task_group, task_id, .. } = &self.request;
        let home = self.sandbox.okstra_home();
        TaskKey::sanitised(project_id, task_group, task_id)
            .map_or_else(|_| home.worktrees().join("no such key"), |key| home.worktree_path(&key))
    }

    /// The directory asked from, absolute.
    pub fn project_root(&self) -> PathBuf {
        Path::new(&self.cwd).join(&self.request.project_root)
    }
}

/// Reads a child's answer.
pub fn understand(answer: &Value) -> Result<Answer, Refusal> {
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let list = |name: &str| {
        answer[name].as_array().unwrap().iter().map(|name| name.as_str().unwrap().into()).collect()
    };
    if let Some(code) = text("code") {
        return Err(Refusal {
            code,
            message: text("message").unwrap(),
            hint: text("hint").unwrap(),
            path: child::path(&answer["path"]),
            branch: text("branch"),
        });
    }
    Ok(Answer {
        status: text("status").unwrap(),
        path: child::path(&answer["path"]).unwrap(),
        branch: text("branch").unwrap(),
        base: text("base_ref").unwrap(),
        note: text("note").unwrap(),
        notes: list("notes"),
        key: text("task_key").unwrap(),
        linked: list("linked"),
        post_checkout_exit: answer["post_checkout_exit"].as_i64(),
    })
}
