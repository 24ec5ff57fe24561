//! What is to be said of the place where a new branch starts: that its name has several meanings, that it is behind what it
//! follows or in the middle of something, and that a remote has a branch of the new one's name.

use std::path::Path;

use super::{Remark, RemarkCode, behind, short_id, standing};
use crate::error::Result;
use crate::git::base::{Ambiguity, Base};
use crate::git::operation::{self, Head};
use crate::shell;

use super::super::Job;

/// What was found out.
#[derive(Debug, Default)]
pub(in super::super) struct AboutBase {
    /// In the order in which they are told.
    pub remarks: Vec<Remark>,
    /// The full name of the reference that says how far the base is behind, now and later.
    pub follows: Option<String>,
}

/// Looks, while git registers the worktree: one call, and one more for each remote that has a branch of the new one's name.
/// What cannot be found out is not told; the worktree is none the worse.
pub(in super::super) fn look(job: &Job<'_>, base: &Base) -> AboutBase {
    let mut about = AboutBase::default();
    if let Some(ambiguity) = &base.ambiguous {
        about.remarks.push(ambiguous(base, ambiguity));
    }
    let by_head = job.plan.base.as_deref().is_none_or(|base| matches!(base, "HEAD" | "@"));
    let followed = if by_head { at_head(job, base, &mut about.remarks) } else { base.reference.clone() };
    if let Ok(listed) = listed(job, followed.as_deref()) {
        let upstream = upstream(job, base, followed.as_deref(), &listed, &mut about.remarks);
        about.follows = upstream;
        remote_branches(job, base, &listed, &mut about.remarks);
    }
    about
}

fn ambiguous(base: &Base, ambiguity: &Ambiguity) -> Remark {
    let Ambiguity { name, meanings } = ambiguity;
    let taken = meanings.first().map_or("a reference of git's own", String::as_str);
    let others = match meanings.get(1..) {
        Some(others) if !others.is_empty() => others.join(" and "),
        _ => "the beginning of an object's id".to_owned(),
    };
    let said = format!(
        "the base {name} is ambiguous: it was taken for {taken} ({}), and may mean {others} too; \
         the full name, say `--base {}`, says which",
        short_id(&base.commit),
        shell::word(meanings.get(1).map_or(taken, String::as_str))
    );
    Remark::new(RemarkCode::BaseAmbiguous, said).about(taken)
}

/// For a base that is the `HEAD` of the main worktree: what it is in the middle of. Gives the full name of its branch.
fn at_head(job: &Job<'_>, base: &Base, remarks: &mut Vec<Remark>) -> Option<String> {
    let common_dir = &job.repository.common_dir;
    let place = job.repository.anchor();
    let shown = place.display();
    let operations = match &job.repository.main_worktree {
        Some(_) => operation::in_progress(place, common_dir).unwrap_or_default(),
        None => Vec::new(),
    };
    for operation in &operations {
        let instead = operation.branch.as_ref().map_or_else(String::new, |branch| {
            format!("; `--base {}` starts at the branch as it was", shell::word(branch))
        });
        let said = format!(
            "the base is the HEAD of {shown}, where git is in the middle of {}{instead}; {}",
            operation.told(),
            standing::ways_out(place, operation)
        );
        remarks.push(Remark::new(RemarkCode::BaseOperation, said).about(operation.kind.as_str()));
    }
    match operation::head(place, common_dir) {
        Ok(Head::Branch(branch)) => Some(format!("refs/heads/{branch}")),
        Ok(Head::Detached(_)) if operations.is_empty() => {
            let said = format!(
                "the base is the detached HEAD of {shown}, at {}, which is no branch's",
                short_id(&base.commit)
            );
            remarks.push(Remark::new(RemarkCode::BaseDetached, said).about(&base.commit));
            None
        }
        _ => None,
    }
}

/// A reference as git lists it.
struct Listed {
    name: String,
    commit: String,
    upstream: String,
    track: String,
}

/// The branch that the base follows, and the branches of all remotes that end as the new one is called.
fn listed(job: &Job<'_>, followed: Option<&str>) -> Result<Vec<Listed>> {
    let format = "--format=%(refname)%00%(objectname)%00%(upstream)%00%(upstream:track,nobracket)";
    let of_remotes = format!("refs/remotes/**/{}", job.plan.branch);
    let git = job.repository.git().args(["for-each-ref", format, "--", &of_remotes]);
    let local = followed.filter(|name| name.starts_with("refs/heads/"));
    let output = git.args(local).looks_only().cancel(&job.patience.cancel).read()?;
    let text = String::from_utf8_lossy(&output);
    let fields = |line: &str| {
        let fields: Vec<&str> = line.split('\0').collect();
        let [name, commit, upstream, track] = fields[..] else { return None };
        let [name, commit, upstream, track] = [name, commit, upstream, track].map(str::to_owned);
        Some(Listed { name, commit, upstream, track })
    };
    Ok(text.lines().filter_map(fields).collect())
}

fn upstream(
    job: &Job<'_>,
    base: &Base,
    followed: Option<&str>,
    listed: &[Listed],
    remarks: &mut Vec<Remark>,
) -> Option<String> {
    let name = followed?;
    if name.starts_with("refs/remotes/") {
        return Some(name.to_owned());
    }
    let branch = listed.iter().find(|one| one.name == name && one.commit == base.commit)?;
    if branch.upstream.is_empty() {
        return None;
    }
    let count = branch.track.split(", ").find_map(|part| part.strip_prefix("behind ")?.parse::<u64>().ok());
    if let Some(count) = count {
        remarks.push(behind::remark(&base.commit, &branch.upstream, count, Some(&job.plan.branch)));
    }
    Some(branch.upstream.clone())
}

fn remote_branches(job: &Job<'_>, base: &Base, listed: &[Listed], remarks: &mut Vec<Remark>) {
    let own = &job.plan.branch;
    let mut remotes = None;
    for one in listed {
        let Some(short) = one.name.strip_prefix("refs/remotes/") else { continue };
        let Some(remote) = short.strip_suffix(own.as_str()).and_then(|name| name.strip_suffix('/')) else {
            continue;
        };
        // `origin/feature/<branch>` is a branch of `origin`, unless there is a remote of that long name.
        if remote.contains('/') {
            let known = remotes.get_or_insert_with(|| {
                let output = job.repository.git().args(["remote"]).looks_only().read().unwrap_or_default();
                String::from_utf8_lossy(&output).into_owned()
            });
            if !known.lines().any(|line| line == remote) {
                continue;
            }
        }
        let count = behind::count(job.repository.git(), &base.commit, &one.commit);
        if let Some(count) = count.filter(|count| *count > 0) {
            remarks.push(remote_branch(&job.plan.path, own, short, remote, count));
        }
    }
}

fn remote_branch(worktree: &Path, own: &str, short: &str, remote: &str, count: u64) -> Remark {
    let place = shell::path(worktree);
    let word = shell::word(short);
    let said = format!(
        "{remote} has a branch {own} already: {short} has {} that the new branch lacks, and a push to it will be rejected; \
         `git -C {place} reset --keep {word} && git -C {place} branch --set-upstream-to={word}` goes on from there",
        behind::commits(count)
    );
    Remark::new(RemarkCode::RemoteBranch, said).about(short).count(count)
}
