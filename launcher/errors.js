'use strict'
// Errors of the launcher itself, and the exit code of every error.

/** What the exit codes mean; the same for every command. */
const EXIT = Object.freeze({
  DONE: 0,
  FAILED: 1,
  USAGE: 2,
  NOT_FOUND: 3,
  WORK_WOULD_BE_LOST: 4,
  LOCK_TIMEOUT: 5,
  INTERRUPTED: 130,
})

const EXIT_MEANINGS = Object.freeze([
  [EXIT.DONE, 'done'],
  [EXIT.FAILED, 'failed'],
  [EXIT.USAGE, 'wrong usage, or a project file that cannot be used'],
  [EXIT.NOT_FOUND, 'not found: the task, directory or base that was named, the project file'],
  [EXIT.WORK_WOULD_BE_LOST, 'refused, because work would be lost or a path is outside the task'],
  [EXIT.LOCK_TIMEOUT, 'waited too long for another process'],
  [EXIT.INTERRUPTED, 'interrupted (129 and 143 for SIGHUP and SIGTERM)'],
])

const EXIT_BY_CODE = new Map([
  ['OKSTRA_USAGE', EXIT.USAGE],
  ['OKSTRA_INVALID_ARGUMENT', EXIT.USAGE],
  ['OKSTRA_PROJECT_INVALID', EXIT.USAGE],
  ['OKSTRA_NOT_FOUND', EXIT.NOT_FOUND],
  ['OKSTRA_NO_REPOSITORY', EXIT.NOT_FOUND],
  ['OKSTRA_NO_DIRECTORY', EXIT.NOT_FOUND],
  ['OKSTRA_NO_MAIN_WORKTREE', EXIT.NOT_FOUND],
  ['OKSTRA_PROJECT_NOT_SET_UP', EXIT.NOT_FOUND],
  ['OKSTRA_ROOT_NOT_FOUND', EXIT.NOT_FOUND],
  ['OKSTRA_BASE_NOT_FOUND', EXIT.NOT_FOUND],
  ['OKSTRA_NOT_IN_TRASH', EXIT.NOT_FOUND],
  ['OKSTRA_WOULD_LOSE_WORK', EXIT.WORK_WOULD_BE_LOST],
  ['OKSTRA_FILE_NOT_FOUND', EXIT.NOT_FOUND],
  ['OKSTRA_LOCK_TIMEOUT', EXIT.LOCK_TIMEOUT],
  ['OKSTRA_ABORTED', EXIT.INTERRUPTED],
])

/** An error that the launcher itself raises; shaped like those of the addon. */
class LauncherError extends Error {
  /**
   * `details`: `hint`, and where they apply `path`, `branch`, `taskKey`, `exitCode`. A failure that is an answer all the
   * same has it in `data` and `text`, as the result of a command has.
   */
  constructor(code, message, details = {}) {
    super(message)
    this.name = 'LauncherError'
    this.code = code
    Object.assign(this, details)
  }
}

/** The command line itself is wrong. */
function usageError(message, hint) {
  return new LauncherError('OKSTRA_USAGE', message, { hint })
}

/** The registry has no such task. */
function taskNotFound(taskKey) {
  return new LauncherError('OKSTRA_NOT_FOUND', `the registry has no task ${taskKey}`, {
    hint: 'See `okstra list` for the tasks there are.',
    taskKey,
  })
}

/** A directory that is in no repository. */
function noRepository(directory) {
  return new LauncherError('OKSTRA_NO_REPOSITORY', `${directory} is in no git repository, so it belongs to no project`, {
    hint: 'Run okstra in the repository of the project, or name it with --root.',
    path: directory,
  })
}

/** The directory that this process was started in, and that relative paths count from, is not there any more. */
function noDirectory() {
  return new LauncherError('OKSTRA_NO_DIRECTORY', 'cannot find the current directory: it was deleted or moved away', {
    hint: 'Change into a directory that exists, or name everything in full: the task with its project, paths and --root from the top.',
  })
}

/** A linked worktree whose repository does not tell where its main worktree is. */
function noMainWorktree(directory) {
  return new LauncherError('OKSTRA_NO_MAIN_WORKTREE', `cannot tell where the main worktree of ${directory} is: git does not record it`, {
    hint: 'Run okstra in the main worktree, or name it with --root.',
    path: directory,
  })
}

/** The exit code for an error. */
function exitCodeOf(error) {
  return error.exitCode ?? EXIT_BY_CODE.get(error.code) ?? EXIT.FAILED
}

/** What `--json` says about an error. */
function describe(error) {
  const known = typeof error?.code === 'string' && error.code.startsWith('OKSTRA_')
  const description = {
    code: known ? error.code : 'OKSTRA_INTERNAL',
    message: known ? error.message : `a bug in okstra: ${error?.message ?? error}`,
    hint: known ? (error.hint ?? '') : 'Please report this with the command that led to it (OKSTRA_DEBUG=1 shows more).',
  }
  for (const name of ['path', 'branch', 'taskKey', 'obstacles']) {
    if (known && error[name] !== undefined) description[name] = error[name]
  }
  return description
}

module.exports = { EXIT, EXIT_MEANINGS, LauncherError, usageError, taskNotFound, noRepository, noDirectory, noMainWorktree, exitCodeOf, describe }
