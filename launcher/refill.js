'use strict'
// Replaces the spare that a provision took, in a process that nobody waits for.

const path = require('node:path')

const BIN = path.join(__dirname, '..', 'bin', 'okstra.js')

/** How many spares the project of a directory wants ready: "warm" in its project file. */
function wanted(directory) {
  const repository = require('./repository.js').findRepository(directory)
  return (repository && require('./project-file.js').readProject(repository)?.warm) ?? 0
}

/**
 * Starts `okstra warm` for the repository around a directory, where its project wants spares: detached, in a session of
 * its own, so that it neither holds the terminal nor dies with it. It lowers its own priority. What goes wrong there is
 * met again, and said, by the next `okstra warm` that somebody calls.
 */
function refill(directory) {
  try {
    if (wanted(directory) === 0) return
    const { spawn } = require('node:child_process')
    const child = spawn(process.execPath, [BIN, 'warm', '--root', directory], {
      cwd: path.parse(directory).root,
      detached: true,
      stdio: 'ignore',
      windowsHide: true,
    })
    child.on('error', () => {})
    child.unref()
  } catch {
    // The task has its worktree; a spare less is no failure of this command.
  }
}

module.exports = { refill, wanted }
