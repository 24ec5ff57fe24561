//! What a base names: its commit, and by which of several meanings it was taken.

use super::repository::Repository;
use crate::error::{Error, Result};

/// A base that names a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The full id of the commit.
    pub commit: String,
    /// The full name of the reference that it names, where it names one and nothing more.
    pub reference: Option<String>,
    /// Where its name has several meanings: all of them.
    pub ambiguous: Option<Ambiguity>,
}

/// The meanings of a name, as git takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguity {
    /// The name.
    pub name: String,
    /// Full names of the references that it may mean, the one that was taken first. A single one: the name begins the id of
    /// an object too.
    pub meanings: Vec<String>,
}

impl Repository {
    /// The commit that a checked base names, in one call; see [`crate::task::check_base`]. A second one where the name has
    /// several meanings.
    pub fn base(&self, base: &str) -> Result<Base> {
        let spec = format!("{base}^{{commit}}");
        // Checked, it cannot be taken for an option. Without --quiet git tells of a name with several meanings.
        let args = ["rev-parse", &spec, "--symbolic-full-name", base];
        let output = self.git().setting("core.warnAmbiguousRefs=true").args(args).run()?;
        match output.status.code() {
            Some(0) => {}
            Some(1 | 128) => return Err(self.no_commit_at(base)?),
            _ => return Err(output.into_error("rev-parse", self.anchor())),
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        let commit = lines.next().filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit()));
        // A file of that name in the working tree is echoed.
        let Some(commit) = commit else { return Err(self.no_commit_at(base)?) };
        let reference = lines.next().filter(|name| name.starts_with("refs/")).map(str::to_owned);
        let mut warned = output.stderr.lines().filter_map(|line| {
            line.strip_prefix("warning: refname '").and_then(|rest| rest.strip_suffix("' is ambiguous."))
        });
        let ambiguous = match warned.next() {
            Some(name) => Some(Ambiguity { name: name.to_owned(), meanings: self.meanings(name)? }),
            None => None,
        };
        // Of several meanings git prints none as the full name.
        let taken =
            ambiguous.as_ref().and_then(|found| found.meanings.first().filter(|_| found.name == base));
        Ok(Base { reference: reference.or_else(|| taken.cloned()), commit: commit.to_owned(), ambiguous })
    }

    /// The commit alone.
    pub fn resolve(&self, base: &str) -> Result<String> {
        self.base(base).map(|base| base.commit)
    }

    /// Full names of the references that a name may mean, in the order in which git prefers them.
    fn meanings(&self, name: &str) -> Result<Vec<String>> {
        let candidates = ["", "tags/", "heads/", "remotes/"]
            .map(|place| format!("refs/{place}{name}"))
            .into_iter()
            .chain([format!("refs/remotes/{name}/HEAD")])
            .collect::<Vec<_>>();
        let git = self.git().args(["for-each-ref", "--format=%(refname)", "--"]);
        let listed = git.args(&candidates).looks_only().read()?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let there = |candidate: &String| listed.lines().any(|line| line == candidate);
        Ok(candidates.into_iter().filter(there).collect())
    }

    /// Why a base names no commit.
    fn no_commit_at(&self, base: &str) -> Result<Error> {
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", base];
        let output = self.git().args(args).looks_only().run()?;
        if !matches!(output.status.code(), Some(0 | 1 | 128)) {
            return Err(output.into_error("rev-parse", self.anchor()));
        }
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // Of a full id that nobody has, git says that it is one.
        let is_name = output.status.success() && !id.is_empty() && !base.eq_ignore_ascii_case(&id);
        if is_name && !self.has_object(&id)? {
            return Ok(Error::ObjectsMissing { repository: self.place(), what: base.to_owned(), commit: id });
        }
        Ok(Error::BaseNotFound { base: base.to_owned(), repository: self.place(), shallow: self.shallow })
    }

    /// Whether an object is in the repository; none is fetched.
    pub(super) fn has_object(&self, id: &str) -> Result<bool> {
        let output = self.git().args(["cat-file", "-e", id]).looks_only().run()?;
        match output.status.code() {
            Some(code) => Ok(code == 0),
            None => Err(output.into_error("cat-file", self.anchor())),
        }
    }

    /// Where a person finds the repository.
    pub(super) fn place(&self) -> std::path::PathBuf {
        self.main_worktree.clone().unwrap_or_else(|| self.common_dir.clone())
    }
}
