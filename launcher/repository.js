'use strict'
// Which repository a directory belongs to. The native part knows (src/git/layout.rs), without starting git, so that every
// command can ask; what git would not take for a repository only leads to another name.

const path = require('node:path')

/**
 * The repository around a directory, or nothing: `{ main, common, bare, name }`. `main` is the root of its main worktree;
 * absent in a bare repository, and where that cannot be known (in a linked worktree of a repository that was made with
 * `--separate-git-dir`). `common` is its common git directory. `name` is what people call it.
 */
function findRepository(directory) {
  // Fails where the current directory was deleted, and says so.
  return require('./addon.js').addon().findRepository(path.resolve(directory)) ?? undefined
}

module.exports = { findRepository }
