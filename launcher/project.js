'use strict'
// Which project a directory belongs to, and which task a text names.

const fs = require('node:fs')
const path = require('node:path')
const { usageError } = require('./errors.js')

const PROJECT_FILE = path.join('.project-docs', 'okstra', 'project.json')

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * The repository around a directory: `{ main, name }`, `main` being its main worktree (absent where there is none, as
 * in a bare repository) and `name` what its directory is called. Nothing outside a repository.
 */
function findRepository(start) {
  for (let directory = path.resolve(start); ; directory = path.dirname(directory)) {
    const repository = repositoryAt(directory)
    if (repository) return repository
    if (path.dirname(directory) === directory) return undefined
  }
}

function repositoryAt(directory) {
  const dotGit = path.join(directory, '.git')
  const stat = fs.statSync(dotGit, { throwIfNoEntry: false })
  const here = { main: directory, name: path.basename(directory) }
  if (stat?.isDirectory()) return fs.existsSync(path.join(dotGit, 'HEAD')) ? here : undefined
  if (!stat?.isFile()) return undefined
  const link = /^gitdir: (.*?)\r?\n?$/s.exec(readText(dotGit) ?? '')
  if (!link) return undefined
  const gitDirectory = path.resolve(directory, link[1])
  const common = readText(path.join(gitDirectory, 'commondir'))?.replace(/\r?\n$/, '')
  // A submodule, or a main worktree whose git directory lies elsewhere.
  if (common === undefined) return here
  const commonDirectory = path.resolve(gitDirectory, common)
  if (path.basename(commonDirectory) !== '.git') {
    return { main: undefined, name: path.basename(commonDirectory).replace(/\.git$/, '') }
  }
  const main = path.dirname(commonDirectory)
  return { main, name: path.basename(main) }
}

/** The id of the project that a directory belongs to: what its project file says, else the repository's name. */
function projectOf(directory) {
  const repository = findRepository(directory)
  if (!repository) return undefined
  return (repository.main && recordedProject(repository.main)) || asProject(repository.name)
}

// A directory may be called what nobody would type as a project id, with a line break in it: that counts as a space.
function asProject(name) {
  return name.replace(/\p{Cc}+/gu, ' ') || undefined
}

function recordedProject(main) {
  const file = path.join(main, PROJECT_FILE)
  const text = readText(file)
  if (text === undefined) return undefined
  const hint = 'Mend the file, or name the project in the task (`<project>/<group>/<task>`) or with --project.'
  let content
  try {
    content = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw usageError(`cannot read the project id from ${file}: ${error.message}`, hint)
  }
  const id = content?.projectId ?? content?.project_id
  if (id === undefined) return undefined
  if (typeof id === 'string' && id.trim() !== '') return id
  throw usageError(`cannot read the project id from ${file}: it is no text`, hint)
}

/**
 * The three segments that a task argument names, as they were given. `options.project` stands for a project that the
 * argument does not name; `options.directory` is asked when there is none either. With `options.anyDirectory` a
 * directory outside a repository lends its name.
 */
function parseTask(text, { project, directory, anyDirectory = false }) {
  const parts = text.split('/')
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => part.trim() === '')) {
    throw usageError(`${JSON.stringify(text)} names no task`, 'Write <project>/<group>/<task>, or <group>/<task> in a repository or with --project.')
  }
  const [taskId, taskGroup, named] = parts.reverse()
  if (named !== undefined && project !== undefined && named !== project) {
    throw usageError(`the task names the project ${named}, and --project names ${project}`, 'Leave one of them out.')
  }
  const projectId =
    named ?? project ?? projectOf(directory) ?? (anyDirectory ? asProject(path.basename(path.resolve(directory))) : undefined)
  if (!projectId) {
    throw usageError(`which project is ${text} of? This directory is in no repository`, 'Write <project>/<group>/<task>, or add --project.')
  }
  return { projectId, taskGroup, taskId }
}

module.exports = { findRepository, projectOf, parseTask }
