'use strict'
// What `okstra setup` does once it knows the project's id: directories first, the project file last, so that a project
// with a file is set up completely. Each step looks at what is there, so that it can be repeated, also by two at once.

const fs = require('node:fs')
const path = require('node:path')
const { addon } = require('./addon.js')
const { LauncherError, noRepository } = require('./errors.js')
const { addLines, ignoreLine } = require('./gitignore.js')
const { changeId, createProject, ioError, readProject } = require('./project-file.js')
const { findRepository } = require('./repository.js')

/** The repository that a directory belongs to, after git has agreed that there is one. */
async function repositoryOf(root) {
  const { repository } = await addon().locateDirectory(root)
  const found = repository && findRepository(root)
  if (found) return found
  throw noRepository(root)
}

/** Carries out a plan, or with `dryRun` only finds out what there is to do. */
async function carryOut({ file, id, present, repository, dryRun, gitignore }) {
  const { main, common } = repository
  const writes = present?.id !== id
  if (writes) refuseToLeave(file, main ?? common, id)

  const directories = { made: [], present: [], refused: [] }
  for (const { name, present: there } of main ? await addon().sharedDirectories(main, common) : []) {
    const reason = there ? undefined : obstacle(path.join(main, name), main)
    if (there) directories.present.push(name)
    else if (reason) directories.refused.push({ name, reason })
    else directories.made.push(name)
  }
  if (!dryRun) {
    for (const name of directories.made) makeDirectory(path.join(main, name))
    if (writes) makeDirectory(path.dirname(file))
  }

  // Asked only now: git says more about directories that are there.
  const lines = main ? await missingLines(main, common) : []
  if (gitignore && lines.length > 0 && !dryRun) addLines(main, lines)

  const outcome = writeFile({ file, id, present, repository, dryRun })
  const written = gitignore && lines.length > 0
  const changed = outcome.file !== 'kept' || directories.made.length > 0 || written
  const changes = { changed, file: outcome.file, directories, gitignore: { lines, written } }
  return { id: outcome.id, changes, offered: gitignore ? [] : lines }
}

async function missingLines(main, common) {
  const all = await addon().sharedDirectories(main, common)
  return all.filter(({ tracked, ignored }) => !tracked && !ignored).map(({ name }) => ignoreLine(name))
}

function writeFile({ file, id, present, repository, dryRun }) {
  if (present?.id === id) return { file: 'kept', id }
  if (present) {
    if (!dryRun) changeId(present, id)
    return { file: 'changed', id }
  }
  if (dryRun || createProject(file, id)) return { file: 'created', id }
  // Another setup was faster: the file that it made counts.
  const { id: other } = readProject(repository) ?? {}
  if (other === id) return { file: 'kept', id }
  throw new LauncherError('OKSTRA_PROJECT_ID_DIFFERS', `the project was set up as ${other} in this moment, not as ${id}`, {
    hint: 'Look at the file and decide which id is right; --change-id replaces it.',
    path: file,
  })
}

/** Why a directory is not made at a place below `main`; nothing when it can be. */
function obstacle(place, main) {
  let nearest = place
  while (!fs.lstatSync(nearest, { throwIfNoEntry: false })) nearest = path.dirname(nearest)
  let real
  try {
    real = fs.realpathSync.native(nearest)
  } catch {
    return `${nearest} is a symbolic link to nothing`
  }
  if (!fs.statSync(real).isDirectory()) return `${nearest} is not a directory`
  return isWithin(real, main) ? undefined : `${nearest} leads out of ${main}, to ${real}`
}

// A repository that comes from somebody else may hold links: nothing is written through one that leads elsewhere.
function refuseToLeave(file, boundary, id) {
  const reason = obstacle(path.dirname(file), boundary) ?? (fs.existsSync(file) ? leavingFile(file, boundary) : undefined)
  if (!reason) return
  throw new LauncherError('OKSTRA_IO', `will not write the project file ${file}: ${reason}`, {
    hint: `Put a directory of its own there, or write the file yourself: {"schemaVersion": 1, "projectId": ${JSON.stringify(id)}}`,
    path: file,
  })
}

function leavingFile(file, boundary) {
  const real = fs.realpathSync.native(file)
  return isWithin(real, boundary) ? undefined : `it leads out of ${boundary}, to ${real}`
}

function isWithin(place, directory) {
  const relative = path.relative(fs.realpathSync.native(directory), place)
  return relative === '' || (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative))
}

function makeDirectory(directory) {
  try {
    fs.mkdirSync(directory, { recursive: true })
  } catch (error) {
    throw ioError('make the directory', directory, error)
  }
}

module.exports = { repositoryOf, carryOut }
