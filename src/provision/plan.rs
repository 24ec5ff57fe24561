//! A request after every value in it has been checked. Nothing is touched before that.

use std::path::PathBuf;
use std::time::Duration;

use super::{Request, share};
use crate::asked::Asked;
use crate::durability;
use crate::error::{Error, IoContext, Result};
use crate::git::Repository;
use crate::git::command::seconds_from_env;
use crate::home::OkstraHome;
use crate::intent::Intent;
use crate::progress::Progress;
use crate::task::{self, TaskKey};

/// What is to be provisioned.
#[derive(Debug)]
pub struct Plan {
    /// The task-key, made of safe segments.
    pub key: TaskKey,
    /// The id as it was asked for; `None` where only the key is known.
    pub asked: Option<Asked>,
    /// The branch that a new worktree would get.
    pub branch: String,
    /// The place that a new worktree would get.
    pub path: PathBuf,
    /// The project root, absolute, as the caller spells it.
    pub root: PathBuf,
    /// The phase to be recorded.
    pub phase: String,
    /// The checked base, where the caller names one.
    pub base: Option<String>,
    /// The configured shared directories.
    pub shared: Vec<String>,
    /// Who wants to know how far the tree is.
    pub progress: Progress,
}

impl Plan {
    /// Checks a request.
    pub fn new(home: &OkstraHome, request: &Request) -> Result<Self> {
        let key = TaskKey::sanitised(&request.project_id, &request.task_group, &request.task_id)?;
        task::no_control("task type", &request.task_type)?;
        task::no_control("work category", &request.work_category)?;
        let branch = task::branch_name(&request.work_category, key.task());
        task::check_branch(&branch)?;
        if let Some(base) = &request.base_ref {
            task::check_base(base)?;
        }
        let root = &request.project_root;
        if root.as_os_str().is_empty() {
            return Err(Error::invalid("project root", "", "it is empty"));
        }
        if root.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(Error::invalid("project root", root.to_string_lossy(), "it holds a NUL byte"));
        }
        let root = std::path::absolute(root).context("make absolute the project root", root)?;
        Ok(Self {
            path: home.worktree_path(&key),
            key,
            asked: Some(Asked::new(&request.task_group, &request.task_id)),
            branch,
            root,
            phase: request.task_type.clone(),
            base: request.base_ref.clone(),
            shared: share::configured()?,
            progress: request.progress.clone(),
        })
    }

    /// Checks what a task that has its worktree does without: looking at the root and into the environment would be a
    /// tenth of the time in which that is answered.
    pub fn check_surroundings(&self) -> Result<()> {
        if !self.root.is_dir() {
            return Err(Error::RootNotFound { path: self.root.clone() });
        }
        // Read where they are used; checked here, so that a bad value is refused before anything is made.
        for name in ["OKSTRA_GIT_TIMEOUT", "OKSTRA_HOOK_TIMEOUT"] {
            seconds_from_env(name, Duration::ZERO)?;
        }
        durability::from_env()?;
        Ok(())
    }

    /// The plan that a dead run followed, as far as settling its intent needs it.
    pub fn of(intent: &Intent, key: &TaskKey, repository: &Repository) -> Result<Self> {
        Ok(Self {
            key: key.clone(),
            asked: intent.asked.clone(),
            branch: intent.branch.clone(),
            path: intent.path.clone(),
            root: repository.main_worktree.clone().unwrap_or_else(|| intent.common_dir.clone()),
            phase: intent.phase.clone(),
            base: None,
            shared: share::configured()?,
            progress: Progress::default(),
        })
    }
}
