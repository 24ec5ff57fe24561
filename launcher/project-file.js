'use strict'
// The project file. The only code that reads, checks or writes it; docs/project.md describes it.
//
// It lies in the main worktree, whichever worktree asks. A bare repository has none: there it lies in the git directory.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('./errors.js')

const PROJECT_FILE = ['.project-docs', 'okstra', 'project.json']
const FILE_OF_BARE = ['okstra', 'project.json']
/** The newest form of the file that this version knows. */
const SCHEMA_VERSION = 1
const LONGEST_ID = 200
/** What the core takes for "durability". */
const DURABILITIES = new Set(['full', 'fast'])
/** The most spares that the core keeps of one repository. */
const MOST_SPARES = 16
const LARGEST_FILE = 1 << 20

/** Where the project file of a repository (see repository.js) lies; nothing where its main worktree cannot be known. */
function projectFileOf({ main, common, bare }) {
  if (main) return path.join(main, ...PROJECT_FILE)
  return bare ? path.join(common, ...FILE_OF_BARE) : undefined
}

/**
 * The project file of a repository: `{ file, id, schemaVersion, warm, settings, text }`, or nothing when it has none. `id`
 * and `warm` are absent when the file names none; `settings` is everything in it. Fails with `OKSTRA_PROJECT_INVALID` when it is there
 * and cannot be used.
 */
function readProject(repository) {
  const file = projectFileOf(repository)
  const text = file && readText(file)
  if (text === undefined) return undefined
  const settings = parse(file, text)
  const { schemaVersion = 1 } = settings
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1) {
    throw invalid(file, `schemaVersion is ${shown(schemaVersion)}, and not a whole number from 1`)
  }
  if (schemaVersion > SCHEMA_VERSION) {
    const hint = 'Update okstra (`npm install -g okstra@latest`); nothing was changed.'
    throw invalid(file, `it has schema version ${schemaVersion}, and this okstra knows ${SCHEMA_VERSION} at most`, hint)
  }
  // The second spelling is the one that people who know 0.12.0's registry write by hand.
  const id = settings.projectId ?? settings.project_id
  const problem = id === undefined ? undefined : idProblem(id)
  if (problem) throw invalid(file, `projectId ${shown(id)} cannot be used: ${problem}`)
  const { warm = 0 } = settings
  if (!Number.isSafeInteger(warm) || warm < 0 || warm > MOST_SPARES) {
    throw invalid(file, `warm is ${shown(warm)}, and not a whole number from 0 to ${MOST_SPARES}`)
  }
  const { durability = 'full' } = settings
  if (!DURABILITIES.has(durability)) {
    throw invalid(file, `durability is ${shown(durability)}, and neither "full" nor "fast"`)
  }
  return { file, id, schemaVersion, warm: settings.warm, settings, text }
}

function parse(file, text) {
  let settings
  try {
    settings = JSON.parse(text)
  } catch (error) {
    const fault = require('./json.js').jsonFault(text)
    const where = fault
      ? `line ${fault.line}, column ${fault.column}: expected ${fault.expected}, found ${fault.found}`
      : error.message
    throw invalid(file, `it is no JSON: ${where}`)
  }
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return settings
  throw invalid(file, `it holds ${shown(settings)}, and not an object`)
}

// A FIFO would be waited for, and a project file is small.
function readText(file) {
  let bytes
  try {
    const stat = fs.statSync(file)
    if (!stat.isFile()) throw invalid(file, 'it is not a regular file')
    if (stat.size > LARGEST_FILE) throw invalid(file, `it has ${stat.size} bytes, and more than ${LARGEST_FILE} are not read`)
    bytes = fs.readFileSync(file)
  } catch (error) {
    if (error instanceof LauncherError) throw error
    const missing = error.code === 'ENOENT' || error.code === 'ENOTDIR'
    if (missing && !fs.lstatSync(file, { throwIfNoEntry: false })) return undefined
    if (missing) throw invalid(file, 'it is a symbolic link to nothing')
    throw ioError('read the project file', file, error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid(file, 'it is not UTF-8')
  }
}

/** Why a text is no project id; nothing when it is one. */
function idProblem(id) {
  if (typeof id !== 'string') return 'it is no text'
  if (id.trim() === '') return 'it is empty'
  if (/\p{Cc}/u.test(id)) return 'it holds a control character'
  if (!id.isWellFormed()) return 'it holds half a surrogate pair, which is no character'
  if (/[/\\]/.test(id)) return 'it holds a slash, which parts the segments of a task-key'
  if (!/[\p{L}\p{N}]/u.test(id)) return 'it holds no letter and no digit'
  if ([...id].length > LONGEST_ID) return `it is longer than ${LONGEST_ID} characters`
  return undefined
}

/** Makes the project file; `false` when it is there meanwhile. Its directory must exist. */
function createProject(file, id) {
  const { createFile } = require('./disk.js')
  return attempt('make', file, () => createFile(file, format({ schemaVersion: SCHEMA_VERSION, projectId: id }, '  ')))
}

/** Gives an existing project file another id. Everything else in it is kept, in its order and indentation. */
function changeId({ file, settings, text }, id) {
  const { replaceFile } = require('./disk.js')
  const next = settings.schemaVersion === undefined ? { schemaVersion: SCHEMA_VERSION, ...settings } : { ...settings }
  if ('project_id' in next) next.project_id = id
  if ('projectId' in next || !('project_id' in next)) next.projectId = id
  const indentation = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  '
  attempt('write', file, () => replaceFile(file, format(next, indentation)))
}

const format = (settings, indentation) => `${JSON.stringify(settings, null, indentation)}\n`

function attempt(action, file, work) {
  try {
    return work()
  } catch (error) {
    throw ioError(`${action} the project file`, file, error)
  }
}

/** The operating system refused a file operation of the launcher. */
function ioError(action, file, error) {
  const reason = error.message?.replace(/^[A-Z]+: /, '').replace(/, \w+ '.*$/s, '') ?? String(error)
  return new LauncherError('OKSTRA_IO', `cannot ${action} ${file}: ${reason}`, {
    hint: 'See that the place exists, is writable and has free space, then try again.',
    path: file,
  })
}

function invalid(file, problem, hint = 'Mend the file, or move it away and run `okstra setup`.') {
  return new LauncherError('OKSTRA_PROJECT_INVALID', `cannot use the project file ${file}: ${problem}`, { hint, path: file })
}

function shown(value) {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

module.exports = { SCHEMA_VERSION, projectFileOf, readProject, createProject, changeId, idProblem, ioError }
