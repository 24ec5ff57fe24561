'use strict'
// Replaces the spare that a provision took, in a process that nobody waits for.

const path = require('node:path')

const BIN = path.join(__dirname, '..', 'bin', 'okstra.js')

/** How many spares the project of a directory wants ready: "warm" in its project file. Nothing where that does not say. */
function wanted(directory) {
  const repository = require('./repository.js').findRepository(directory)
  return repository && require('./project-file.js').readProject(repository)?.warm
}

/**
 * Starts `okstra warm` for the repository around a directory, where its project wants spares: detached, in a session of
 * its own, so that it neither holds the terminal nor dies with it. It lowers its own priority. What goes wrong there is
 * met again, and said, by the next `okstra warm` that somebody calls.
 */
function refill(directory) {
  try {
    if (!wanted(directory)) return
    const { spawn } = require('node:child_process')
    const child = spawn(process.execPath, [BIN, 'warm', '--root', directory], {
      // Nobody's directory is held; so what is relative has to be made absolute.
      cwd: path.parse(directory).root,
      env: { ...process.env, OKSTRA_HOME: require('./home.js').okstraHome() },
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
