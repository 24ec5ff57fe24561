//! A throw-away place: a user's home, an okstra home, a repository, and an environment that owes nothing to the
//! machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use okstra::cancel::Cancel;
use okstra::home::OkstraHome;
use okstra::lock::Patience;
use okstra::registry::Registry;
use okstra::task::TaskKey;
use serde_json::Value;

use super::ask::Ask;
use super::{read, script, write};

/// A throw-away place; gone when dropped.
pub struct Sandbox {
    /// The directory of everything, without symbolic links in its path.
    pub base: PathBuf,
    /// The repository of the tests.
    pub repo: PathBuf,
    /// The okstra home.
    pub home: PathBuf,
    /// The environment of every process started here.
    pub env: BTreeMap<OsString, OsString>,
    /// Runs everything as this user.
    pub user: Option<u32>,
    _directory: tempfile::TempDir,
}

impl Sandbox {
    /// With a repository on branch `main` with one commit.
    pub fn new() -> Self {
        let sandbox = Self::without_repository();
        sandbox.init(&sandbox.repo, &[]);
        sandbox
    }

    /// Without a repository; [`Sandbox::repo`] says where one would be.
    pub fn without_repository() -> Self {
        let directory = tempfile::Builder::new().prefix("okstra-test-").tempdir().unwrap();
        let base = directory.path().canonicalize().unwrap();
        let mut env = BTreeMap::new();
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "A U Thor"),
            ("GIT_AUTHOR_EMAIL", "author@example.invalid"),
            ("GIT_COMMITTER_NAME", "C O Mitter"),
            ("GIT_COMMITTER_EMAIL", "committer@example.invalid"),
        ] {
            env.insert(name.into(), value.into());
        }
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        env.insert("PATH".into(), path);
        env.insert("HOME".into(), base.join("user").into());
        env.insert("GIT_CONFIG_GLOBAL".into(), base.join("user/.gitconfig").into());
        write(
            base.join("user/.gitconfig"),
            "[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n",
        );
        let (repo, home) = (base.join("repo"), base.join("okstra"));
        Self { base, repo, home, env, user: None, _directory: directory }
    }

    /// Sets a variable for the processes started from now on.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.env.insert(name.into(), value.as_ref().into());
        self
    }

    /// Puts a directory first on `PATH`.
    pub fn prepend_path(&mut self, directory: &Path) {
        let mut path = directory.as_os_str().to_owned();
        path.push(":");
        path.push(&self.env[OsStr::new("PATH")]);
        self.set("PATH", path);
    }

    /// Makes a repository with one commit on `main`.
    pub fn init(&self, at: &Path, options: &[&str]) {
        std::fs::create_dir_all(at).unwrap();
        let mut words = vec!["init", "-q"];
        words.extend(options);
        self.git(at, &words);
        self.first_commit(at);
    }

    /// Commits a few files.
    pub fn first_commit(&self, at: &Path) {
        write(at.join("README.md"), "read me\n");
        write(at.join("src/main.txt"), "text\n");
        write(at.join("docs/deep/er/page.txt"), "page\n");
        self.commit_all(at, "first");
    }

    /// Commits everything in a work tree and gives the commit's id.
    pub fn commit_all(&self, at: &Path, message: &str) -> String {
        self.git(at, &["add", "-A"]);
        self.git(at, &["commit", "-q", "--no-verify", "-m", message]);
        self.git(at, &["rev-parse", "HEAD"])
    }

    /// A command in the environment of the sandbox.
    pub fn command(&self, program: impl AsRef<OsStr>, at: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(at).env_clear().envs(&self.env).stdin(std::process::Stdio::null());
        if let Some(user) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, user);
            std::os::unix::process::CommandExt::gid(&mut command, user);
        }
        command
    }

    /// Runs git, whatever becomes of it.
    pub fn try_git<S: AsRef<OsStr>>(&self, at: &Path, words: &[S]) -> Output {
        self.command("git", at).args(words).env("GIT_OPTIONAL_LOCKS", "0").output().unwrap()
    }

    /// Runs git, which must succeed, and gives its trimmed output.
    pub fn git<S: AsRef<OsStr>>(&self, at: &Path, words: &[S]) -> String {
        let output = self.try_git(at, words);
        let line: Vec<_> = words.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        assert!(
            output.status.success(),
            "git {} in {}: {}",
            line.join(" "),
            at.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A request for the task `shop/checkout/<task>` of the sandbox's repository, category `fix`.
    pub fn ask(&self, task: &str) -> Ask<'_> {
        Ask::new(self, task)
    }

    /// Runs a provision that is killed, with its git, when all files but one are there; from a commit of everything.
    pub fn die_in_the_middle(&self, task: &str) {
        let kill = self.base.join("kill");
        script(
            &kill,
            "p=$PPID; while tr '\\0' '\\n' < /proc/$p/environ | grep -q ^OKSTRA_TEST_ANSWER=; do\n\
             victims=\"$victims $p\"; read -r line < /proc/$p/stat; set -- ${line##*) }; p=$2; done; kill -9 $victims",
        );
        write(self.repo.join(".gitattributes"), "last filter=kill\n");
        write(self.repo.join("last"), "last\n");
        self.commit_all(&self.repo, "with a last one");
        self.git(&self.repo, &["config", "filter.kill.smudge", kill.to_str().unwrap()]);
        let (answer, variables) = self.ask(task).hand_over();
        let mut child = self.command(std::env::current_exe().unwrap(), &self.base);
        let ended = child.envs(variables).args(super::child::ARGUMENTS).output().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(9), "{ended:?}");
        assert!(!answer.exists());
        self.git(&self.repo, &["config", "--unset", "filter.kill.smudge"]);
    }

    /// The okstra home, as the crate sees it.
    pub fn okstra_home(&self) -> OkstraHome {
        OkstraHome::at(&self.home).unwrap()
    }

    /// The path of the worktree of `shop/checkout/<task>`.
    pub fn worktree(&self, task: &str) -> PathBuf {
        self.home.join("worktrees/shop/checkout").join(task)
    }

    /// Releases `shop/checkout/<task>`.
    pub fn release(&self, task: &str) {
        let patience = Patience { timeout: Duration::from_secs(60), cancel: Cancel::default() };
        let key = TaskKey::new("shop", "checkout", task).unwrap();
        Registry::open(&self.okstra_home()).release(&key, &patience).unwrap().expect("the task was known");
    }

    /// The registry as a JSON reader sees it; null when there is none.
    pub fn registry(&self) -> Value {
        let file = self.home.join("worktrees/registry.json");
        if !file.exists() {
            return Value::Null;
        }
        // A path that is no UTF-8 is written as Python writes it, with lone surrogates, which serde_json refuses.
        serde_json::from_str(&read(file).replace("\\udc", "\\u00")).unwrap()
    }

    /// The registry's row of `shop/checkout/<task>`.
    pub fn row(&self, task: &str) -> Value {
        self.registry()["tasks"][format!("shop/checkout/{task}")].clone()
    }

    /// Commits a file on a task's branch, in its worktree.
    pub fn work_in(&self, worktree: &Path, name: &str) -> String {
        write(worktree.join(name), format!("{name}\n"));
        self.commit_all(worktree, name)
    }

    /// A clone of the sandbox's repository.
    pub fn clone_to(&self, name: &str, options: &[&str]) -> PathBuf {
        let target = self.base.join(name);
        let mut words: Vec<OsString> = vec!["clone".into(), "-q".into()];
        words.extend(options.iter().map(OsString::from));
        let mut address = OsString::from("file://");
        address.push(&self.repo);
        words.extend([address, target.clone().into_os_string()]);
        self.git(&self.base, &words);
        target
    }
}
