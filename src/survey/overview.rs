//! Everything about many tasks at once: their worktrees are examined side by side, their branches a repository at a
//! time.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::branch::{self, Ask, BranchFacts};
use super::disk_use::{self, DiskUse};
use super::processes::{self, Occupants};
use super::status::{self, Depth, WorkStatus};
use super::tasks::{Located, State};
use super::{links, proof};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::operation::{self, Head, Operation};
use crate::git::repository::{Discovery, discover};
use crate::git::{Repository, version};
use crate::registry::{Entry, EntryStatus};
use crate::task::TaskKey;

/// Whether something is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fact<T> {
    /// There is nothing to tell: it was not asked, or the question makes no sense here.
    #[default]
    Absent,
    /// It was asked, and could not be found out.
    Unknown,
    /// It is this.
    Known(T),
}

impl<T> Fact<T> {
    /// What is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// How much in a worktree is not committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Paths with anything uncommitted, each counted once.
    pub changed: u64,
    /// Paths with something staged.
    pub staged: u64,
    /// Tracked paths that differ from what is staged.
    pub unstaged: u64,
    /// Paths with a conflict.
    pub conflicted: u64,
    /// Files that git does not know.
    pub untracked: u64,
}

impl From<&WorkStatus> for Work {
    fn from(status: &WorkStatus) -> Self {
        Self {
            changed: status.changes() as u64,
            staged: status.staged.len() as u64,
            unstaged: status.unstaged.len() as u64,
            conflicted: status.conflicted.len() as u64,
            untracked: status.untracked.len() as u64,
        }
    }
}

/// What is known of one task.
#[derive(Debug, Clone)]
pub struct TaskSurvey {
    /// The task-key; of an orphan, the one that its place stands for.
    pub key: TaskKey,
    /// Its row in the registry.
    pub entry: Option<Entry>,
    /// Its worktree.
    pub path: PathBuf,
    /// What is true of it now.
    pub state: State,
    /// What is wrong with it, for a person.
    pub problem: Option<String>,
    /// The common git directory of its repository.
    pub repository: Option<PathBuf>,
    /// Where its `HEAD` stands.
    pub head: Fact<Head>,
    /// What is not committed.
    pub work: Fact<Work>,
    /// What git is in the middle of.
    pub operations: Fact<Vec<Operation>>,
    /// What became of its branch.
    pub branch: Fact<BranchFacts>,
    /// Who is inside.
    pub occupants: Fact<Occupants>,
    /// What it costs on disk.
    pub disk: Fact<DiskUse>,
}

impl TaskSurvey {
    pub(super) fn new(key: TaskKey, path: PathBuf) -> Self {
        Self {
            key,
            entry: None,
            path,
            state: State::Orphan,
            problem: None,
            repository: None,
            head: Fact::Absent,
            work: Fact::Absent,
            operations: Fact::Absent,
            branch: Fact::Absent,
            occupants: Fact::Absent,
            disk: Fact::Absent,
        }
    }

    /// The branch that is its own: that of its row, else the one that is checked out.
    #[must_use]
    pub fn own_branch(&self) -> Option<&str> {
        match (&self.entry, &self.head) {
            (Some(entry), _) => Some(&entry.branch),
            (None, Fact::Known(Head::Branch(branch))) => Some(branch),
            _ => None,
        }
    }

    fn is_released(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| entry.status == EntryStatus::Released)
    }
}

/// What is asked beside what is always told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// What each worktree costs on disk: a walk over everything in it, caches included.
    pub disk: bool,
}

/// Examines tasks. `notify` is called from several threads whenever something became known of one, with its place in
/// the list.
///
/// What fails for one task is told with it ([`TaskSurvey::problem`], [`Fact::Unknown`]) and keeps nothing from the
/// others. Fails when git is missing or too old, and when `cancel` is set.
pub fn examine(
    tasks: Vec<Located>,
    extras: Extras,
    cancel: &Cancel,
    notify: &(dyn Fn(usize, &TaskSurvey) + Sync),
) -> Result<Vec<TaskSurvey>> {
    let survey = Survey::new(tasks, cancel, notify);
    let mut repositories: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (index, task) in survey.tasks().iter().enumerate() {
        if let Some(repository) = task.repository.as_ref().filter(|path| path.is_dir()) {
            repositories.entry(repository.clone()).or_default().push(index);
        }
    }
    if !repositories.is_empty() {
        version::check()?;
    }
    let repositories: Vec<(PathBuf, Vec<usize>)> = repositories.into_iter().collect();
    let opened = side_by_side(repositories.len(), |index| {
        let (common_dir, tasks) = &repositories[index];
        survey.open(common_dir, tasks)
    });
    let opened: Vec<Opened> = opened.into_iter().flatten().collect();
    // What waits for git comes first, so that the walks fill the time.
    let mut jobs: Vec<Job<'_>> = vec![Job::Processes];
    jobs.extend(opened.iter().map(Job::Branches));
    for one in &opened {
        jobs.extend(
            one.tasks
                .iter()
                .filter(|index| survey.admins[**index].is_some())
                .map(|index| Job::Worktree(one, *index)),
        );
    }
    if extras.disk {
        jobs.extend(
            survey
                .tasks()
                .iter()
                .enumerate()
                .filter(|(_, task)| task.path.is_dir())
                .map(|(index, _)| Job::Disk(index)),
        );
    }
    side_by_side(jobs.len(), |index| {
        if cancel.is_cancelled() {
            return;
        }
        match &jobs[index] {
            Job::Processes => survey.processes(),
            Job::Branches(repository) => survey.branches(repository),
            Job::Worktree(repository, index) => survey.worktree(repository, *index),
            Job::Disk(index) => survey.disk(*index),
        }
    });
    cancel.check("looking at the tasks")?;
    Ok(survey.tasks.into_inner().unwrap_or_else(PoisonError::into_inner))
}

enum Job<'a> {
    Processes,
    Branches(&'a Opened),
    Worktree(&'a Opened, usize),
    Disk(usize),
}

/// A repository with what its worktrees need.
struct Opened {
    repository: Repository,
    tasks: Vec<usize>,
    /// The tree of each task's `HEAD`.
    trees: HashMap<usize, String>,
}

struct Survey<'a> {
    tasks: Mutex<Vec<TaskSurvey>>,
    admins: Vec<Option<PathBuf>>,
    cancel: &'a Cancel,
    notify: &'a (dyn Fn(usize, &TaskSurvey) + Sync),
}

impl<'a> Survey<'a> {
    fn new(
        located: Vec<Located>,
        cancel: &'a Cancel,
        notify: &'a (dyn Fn(usize, &TaskSurvey) + Sync),
    ) -> Self {
        let (tasks, admins) = located.into_iter().map(|one| (one.survey, one.admin)).unzip();
        Self { tasks: Mutex::new(tasks), admins, cancel, notify }
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<TaskSurvey>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, index: usize, change: impl FnOnce(&mut TaskSurvey)) {
        let mut tasks = self.tasks();
        change(&mut tasks[index]);
        (self.notify)(index, &tasks[index]);
    }

    /// Something went wrong with a task that otherwise works.
    fn fail(&self, index: usize, error: &Error, change: impl FnOnce(&mut TaskSurvey)) {
        self.learn(index, |task| {
            task.problem.get_or_insert_with(|| error.to_string());
            change(task);
        });
    }

    fn open(&self, common_dir: &Path, tasks: &[usize]) -> Option<Opened> {
        let heads: Vec<(usize, Head)> = tasks.iter().filter_map(|index| self.head(*index)).collect();
        let opened = repository_at(common_dir).and_then(|repository| {
            let trees = trees(&repository, &heads, self.cancel)?;
            Ok(Opened { repository, tasks: tasks.to_vec(), trees })
        });
        match opened {
            Ok(opened) => Some(opened),
            Err(error) => {
                for index in tasks {
                    self.fail(*index, &error, |task| {
                        task.work = Fact::Unknown;
                        task.branch = Fact::Unknown;
                    });
                }
                None
            }
        }
    }

    fn head(&self, index: usize) -> Option<(usize, Head)> {
        let admin = self.admins[index].as_ref()?;
        let worktree = self.tasks()[index].path.clone();
        match operation::head(&worktree, admin) {
            Ok(head) => {
                self.tasks()[index].head = Fact::Known(head.clone());
                Some((index, head))
            }
            Err(error) => {
                self.fail(index, &error, |task| task.head = Fact::Unknown);
                None
            }
        }
    }

    fn processes(&self) {
        let paths: Vec<PathBuf> = self.tasks().iter().map(|task| task.path.clone()).collect();
        let found = processes::inside(&paths, false);
        for (index, occupants) in found.into_iter().enumerate() {
            let gone = self.tasks()[index].state == State::Missing;
            self.learn(index, |task| match occupants.occupied() {
                _ if gone => {}
                None => task.occupants = Fact::Unknown,
                Some(_) => task.occupants = Fact::Known(occupants),
            });
        }
    }

    fn branches(&self, opened: &Opened) {
        let asked: Vec<(usize, String, Option<String>)> = {
            let tasks = self.tasks();
            let ask = |index: &usize| {
                let task = &tasks[*index];
                let base = task.entry.as_ref().map(|entry| entry.base_ref.clone());
                Some((*index, task.own_branch()?.to_owned(), base))
            };
            opened.tasks.iter().filter_map(ask).collect()
        };
        let asks: Vec<Ask<'_>> =
            asked.iter().map(|(_, branch, base)| Ask { branch, base: base.as_deref() }).collect();
        match branch::facts(&opened.repository, &asks, self.cancel) {
            Ok(facts) => {
                for ((index, branch, _), facts) in asked.iter().zip(facts) {
                    self.learn(*index, |task| match facts {
                        Some(facts) => task.branch = Fact::Known(facts),
                        // A branch that was removed with its worktree is as it should be.
                        None if task.is_released() && self.admins[*index].is_none() => {}
                        None => {
                            task.problem.get_or_insert_with(|| format!("its branch {branch} does not exist"));
                        }
                    });
                }
            }
            Err(error) => {
                for (index, ..) in &asked {
                    self.fail(*index, &error, |task| task.branch = Fact::Unknown);
                }
            }
        }
    }

    fn worktree(&self, opened: &Opened, index: usize) {
        let Some(admin) = &self.admins[index] else { return };
        let worktree = self.tasks()[index].path.clone();
        let operations = operation::in_progress(&worktree, admin);
        let work = work(opened, &worktree, admin, opened.trees.get(&index), self.cancel);
        self.learn(index, |task| {
            task.operations = operations.map_or(Fact::Unknown, Fact::Known);
            match work {
                Ok(work) => task.work = Fact::Known(work),
                Err(error) => {
                    task.work = Fact::Unknown;
                    task.problem.get_or_insert_with(|| error.to_string());
                }
            }
        });
    }

    fn disk(&self, index: usize) {
        let path = self.tasks()[index].path.clone();
        let found = disk_use::of_worktree(&path, self.cancel);
        self.learn(index, |task| task.disk = found.map_or(Fact::Unknown, Fact::Known));
    }
}

/// What is not committed in one worktree: proven to be nothing where that is possible, else as git says.
fn work(
    opened: &Opened,
    worktree: &Path,
    admin: &Path,
    tree: Option<&String>,
    cancel: &Cancel,
) -> Result<Work> {
    let repository = &opened.repository;
    let links = links::own(worktree, &repository.common_dir, repository.main_worktree.as_deref());
    if let Some(tree) = tree
        && proof::is_clean(worktree, &admin.join("index"), tree, &links, cancel)?
    {
        return Ok(Work::default());
    }
    let status = status::ask(worktree, Depth::Changes, &links, cancel)?;
    Ok(Work::from(&status))
}

/// The repository with this common git directory.
pub fn repository_at(common_dir: &Path) -> Result<Repository> {
    let main = common_dir.parent().filter(|_| common_dir.file_name() == Some(".git".as_ref()));
    for root in main.into_iter().chain([common_dir]) {
        if let Discovery::Main(repository) = discover(root, "okstra")?
            && repository.common_dir == common_dir
        {
            return Ok(repository);
        }
    }
    let reason = format!("git finds another repository than {} there", common_dir.display());
    Err(Error::WorktreeBroken { path: common_dir.to_owned(), reason })
}

/// The tree of each `HEAD`, by one call; a `HEAD` without a commit has none.
fn trees(
    repository: &Repository,
    heads: &[(usize, Head)],
    cancel: &Cancel,
) -> Result<HashMap<usize, String>> {
    if heads.is_empty() {
        return Ok(HashMap::new());
    }
    let name = |head: &Head| match head {
        Head::Branch(branch) => format!("refs/heads/{branch}^{{tree}}\n"),
        Head::Detached(commit) => format!("{commit}^{{tree}}\n"),
    };
    let input: String = heads.iter().map(|(_, head)| name(head)).collect();
    let git = repository.git().args(["cat-file", "--batch-check=%(objectname)"]);
    let output = git.looks_only().input_bytes(input.into_bytes()).cancel(cancel).read()?;
    let text = String::from_utf8_lossy(&output);
    let is_id = |line: &&str| line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lines = heads.iter().zip(text.lines()).filter(|(_, line)| is_id(line));
    Ok(lines.map(|((index, _), line)| (*index, line.to_owned())).collect())
}

/// Runs numbered jobs on as many threads as there are cores, and gives what they give, in order.
pub(super) fn side_by_side<T: Send>(jobs: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<T>>> = Mutex::new((0..jobs).map(|_| None).collect());
    std::thread::scope(|scope| {
        // One more than cores: some jobs wait for git.
        for _ in 0..jobs.min(cores + 1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= jobs {
                        break;
                    }
                    let result = run(index);
                    results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().flatten().collect()
}
