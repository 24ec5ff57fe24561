//! Whether two repositories are clones of one project.
//!
//! They are when their branches have a root commit in common. Where that cannot be known (history was cut off, there is
//! no commit, an object is missing), they are when one is a remote of the other or both name one remote repository. A name
//! says nothing: two repositories in directories of one name are two projects.
//!
//! Asked only when a repository asks for what another one has: two to eight git processes, and, where neither knows the
//! other's newest commit, a walk through all of history. Nothing is kept of the answer, which changes with what is
//! fetched.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Repository;
use super::repository::path_of;
use crate::error::Result;

/// Whether two repositories are clones of one project.
pub fn are_kin(one: &Repository, other: &Repository) -> Result<bool> {
    if one.common_dir == other.common_dir {
        return Ok(true);
    }
    // A commit in common has its roots in common. An object alone says nothing: it may be borrowed, or fetched.
    for (asked, commit) in [(one, &other.head), (other, &one.head)] {
        if let Some(commit) = commit
            && has_on_branch(asked, commit)?
        {
            return Ok(true);
        }
    }
    if let (Some(one), Some(other)) = (roots(one)?, roots(other)?) {
        return Ok(!one.is_disjoint(&other));
    }
    let (one, other) = (addresses(one)?, addresses(other)?);
    Ok(!one.is_disjoint(&other))
}

/// Whether a commit, by its full id, is on a local branch of the repository or at or behind its `HEAD`.
pub fn has_on_branch(repository: &Repository, commit: &str) -> Result<bool> {
    if commit.is_empty() || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(false);
    }
    if repository.head.as_deref() == Some(commit) {
        return Ok(true);
    }
    let is_there = repository.git().args(["cat-file", "-e", &format!("{commit}^{{commit}}")]).looks_only();
    if !is_there.run()?.status.success() {
        return Ok(false);
    }
    if repository.head.is_some() {
        let git = repository.git().args(["merge-base", "--is-ancestor", commit, "HEAD"]);
        if git.looks_only().run()?.status.success() {
            return Ok(true);
        }
    }
    let git = repository.git().args([
        "for-each-ref",
        "--count=1",
        "--format=x",
        "--contains",
        commit,
        "refs/heads/",
    ]);
    let output = git.looks_only().run()?;
    Ok(output.status.success() && !output.stdout.is_empty())
}

/// The root commits of `HEAD` and all local branches; `None` where they cannot be known.
fn roots(repository: &Repository) -> Result<Option<BTreeSet<String>>> {
    if repository.shallow {
        return Ok(None);
    }
    let mut args = vec!["rev-list", "--max-parents=0", "--branches"];
    args.extend(repository.head.as_ref().map(|_| "HEAD"));
    let output = repository.git().args(args).looks_only().run()?;
    let roots: BTreeSet<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    Ok((output.status.success() && !roots.is_empty()).then_some(roots))
}

/// Where a repository is and what it fetches from, each in one spelling.
fn addresses(repository: &Repository) -> Result<BTreeSet<String>> {
    let base = repository.main_worktree.as_deref().unwrap_or(&repository.common_dir);
    // As git would use them: with `url.<base>.insteadOf`.
    let output = repository.git().args(["remote", "-v"]).looks_only().run()?;
    let mut found: BTreeSet<String> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let (url, _) = line.split_once('\t')?.1.rsplit_once(" (fetch)")?;
            Some(address(url, base))
        })
        .collect();
    found.insert(place(&repository.common_dir));
    Ok(found)
}

/// One spelling for all that name one repository: `host/path` without scheme, user, usual port, and ending; of a place on
/// this machine its path without links.
fn address(url: &str, base: &Path) -> String {
    if let Some(path) = url.strip_prefix("file://") {
        let path = path.strip_prefix("localhost/").map_or_else(|| path.to_owned(), |path| format!("/{path}"));
        return place(Path::new(&*path_of(&decoded(&path)).to_string_lossy()));
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host).to_lowercase();
        let usual = match scheme.to_lowercase().trim_start_matches("git+") {
            "ssh" => ":22",
            "https" => ":443",
            "http" => ":80",
            "git" => ":9418",
            _ => "",
        };
        let host = host.strip_suffix(usual).unwrap_or(&host);
        return format!("{host}/{}", bare(&String::from_utf8_lossy(&decoded(path))));
    }
    match url.split_once(':') {
        // As git tells them apart: a colon before any slash.
        Some((host, path))
            if !(host.is_empty() || host.contains('/') || cfg!(windows) && host.len() == 1) =>
        {
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host).to_lowercase();
            format!("{}/{}", host.trim_matches(['[', ']']), bare(path))
        }
        _ => place(&base.join(url)),
    }
}

fn bare(path: &str) -> &str {
    let path = path.trim_matches('/');
    path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/')
}

/// `%2e` and the like.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

/// A repository on this machine: git takes `x` for `x/.git` and `x.git` too.
fn place(path: &Path) -> String {
    let text = path.to_string_lossy();
    let spelt = ["", "/.git", ".git"].map(|ending| format!("{}{ending}", text.trim_end_matches('/')));
    let found = spelt.iter().skip(1).chain(&spelt[..1]).find_map(|place| fs::canonicalize(place).ok());
    let found = found.unwrap_or_else(|| path.to_owned());
    // A worktree's `.git` file, and what it names, are the same repository.
    let found = super::layout::at(found.parent().unwrap_or(&found))
        .filter(|_| found.file_name() == Some(".git".as_ref()))
        .map_or(found, |around| around.common_dir);
    let text = found.to_string_lossy();
    text.strip_suffix("/.git").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        let base = Path::new("/nowhere/here");
        for url in [
            "git@Example.com:team/api.git",
            "Example.COM:team/api",
            "ssh://git@example.com/team/api.git/",
            "ssh://example.com:22/team/api",
            "https://user:secret@example.com/team/api.git",
            "https://example.com:443//team/api/",
            "git://example.com/team/%61pi.git",
            "git@example.com:/team/api",
        ] {
            assert_eq!(address(url, base), "example.com/team/api", "{url}");
        }
        for url in [
            "https://example.com:8443/team/api",
            "https://example.com/team/apis",
            "https://example.org/team/api",
        ] {
            assert_ne!(address(url, base), "example.com/team/api", "{url}");
        }
        assert_eq!(
            address("[git@example.com]:x", base),
            "[git@example.com]/x".replace("[git@", "").replace(']', "")
        );
    }

    #[test]
    fn a_place_on_this_machine_is_one_whatever_its_spelling() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        for place in ["work/api/.git/objects", "work/other", "store/api.git/objects"] {
            fs::create_dir_all(root.join(place)).unwrap();
        }
        for place in ["work/api/.git/HEAD", "store/api.git/HEAD"] {
            fs::File::create(root.join(place)).unwrap();
        }
        let base = root.join("work/other");
        let api = root.join("work/api").to_string_lossy().into_owned();
        for url in [
            "../api",
            "../api/",
            "../api/.git",
            &format!("file://{api}"),
            &api,
            &format!("file://localhost{api}/.git"),
        ] {
            assert_eq!(address(url, &base), api, "{url}");
        }
        let store = root.join("store/api.git").to_string_lossy().into_owned();
        for url in ["../../store/api", "../../store/api.git/"] {
            assert_eq!(address(url, &base), store, "{url}");
        }
    }
}
