'use strict'
// Which project a directory belongs to, and which task a text names. `okstra path` comes through here, so that what a
// task that is named in full does not need is loaded where it is needed.

const path = require('node:path')

/** The option of every command that takes a task. */
const PROJECT = { value: 'PROJECT', description: "The project of a <group>/<task> (default: the current repository's)" }

/**
 * The id of the project that a directory belongs to: what its project file says, else the one under which there are tasks
 * of the repository, else the repository's name.
 */
function projectOf(directory) {
  const repository = require('./repository.js').findRepository(directory)
  if (!repository) return undefined
  const { readProject } = require('./project-file.js')
  return readProject(repository)?.id ?? require('./addon.js').addon().defaultProjectId(directory) ?? undefined
}

// A directory may be called what nobody would type as a project id, with a line break in it: that counts as a space.
function asProject(name) {
  return name.replace(/\p{Cc}+/gu, ' ') || undefined
}

const wrong = (message, hint) => require('./errors.js').usageError(message, hint)

/**
 * The three segments that a task argument names, as they were given. `options.project` stands for a project that the
 * argument does not name; `options.directory` is asked when there is none either. With `options.anyDirectory` a
 * directory outside a repository lends its name.
 */
function parseTask(text, { project, directory, anyDirectory = false }) {
  const parts = text.split('/')
  // A blank group is one that the caller left out: the task is in none, `_`.
  const group = parts.length - 2
  if (parts.length < 2 || parts.length > 3 || parts.some((part, at) => at !== group && part.trim() === '')) {
    throw wrong(`${JSON.stringify(text)} names no task`, 'Write <project>/<group>/<task>, or <group>/<task> in a repository or with --project.')
  }
  const [taskId, taskGroup, named] = parts.reverse()
  if (named !== undefined && project !== undefined && named !== project) {
    throw wrong(`the task names the project ${named}, and --project names ${project}`, 'Leave one of them out.')
  }
  const projectId =
    named ?? project ?? projectOf(directory) ?? (anyDirectory ? asProject(path.basename(path.resolve(directory))) : undefined)
  if (!projectId) {
    throw wrong(`which project is ${text} of? This directory is in no repository`, 'Write <project>/<group>/<task>, or add --project.')
  }
  return { projectId, taskGroup, taskId }
}

/**
 * The task that an argument names, with safe segments, as `provision` would register it. With `acts`, for a command that
 * changes something: by its key, or by the id that it was asked for as, and not by another id that is only spelt the same in
 * paths. One whose project the directory
 * gives must be of the directory's own project, and not only of another one of that name.
 */
function namedTask({ values, positionals: [text], cwd }, { acts = false } = {}) {
  const { safeSegment, registry, checkIdOfTask, checkProjectOfTask } = require('./addon.js').addon()
  const named = parseTask(text, { project: values.project, directory: cwd })
  const segments = [named.projectId, named.taskGroup, named.taskId].map((segment) => safeSegment(segment))
  const taskKey = registry.taskKey(...segments)
  if (acts && (named.taskGroup !== segments[1] || named.taskId !== segments[2])) checkIdOfTask(taskKey, named.taskGroup, named.taskId)
  if (values.project === undefined && text.split('/').length === 2) checkProjectOfTask(taskKey, cwd)
  return { segments, taskKey }
}

module.exports = { PROJECT, asProject, projectOf, parseTask, namedTask }
