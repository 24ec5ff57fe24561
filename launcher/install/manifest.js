'use strict'
// What was written, and where. Two files in `<home>/install`: `manifest.json`, the finished installation, and
// `pending.json`, what an installation is about to write, so that whoever comes after a killed one knows its files.
//
// `ensure-installed` reads this on its quiet path: nothing but `fs` is loaded.

const fs = require('node:fs')
const path = require('node:path')
const { inside } = require('../home.js')

const SCHEMA = 1

const manifestFile = (home) => inside(home, 'install', 'manifest.json')
const pendingFile = (home) => inside(home, 'install', 'pending.json')

/**
 * `{ state, manifest }`, the folder of skills absolute in it. `none`: there is no manifest. `damaged`: it cannot be read as one. `foreign`: a later okstra
 * wrote it in a form that this one does not know. `good`: `manifest` holds it.
 */
function readManifest(home) {
  const found = read(manifestFile(home), ({ version, skillsDir, files }) => {
    return typeof version === 'string' && typeof skillsDir === 'string' && skillsDir !== '' && files.every(isWritten)
  })
  if (found.state !== 'good') return found
  found.manifest.skillsDir = fileOf(home, found.manifest.skillsDir)
  // What is named here is replaced and deleted: only what okstra would have written there, below the home or that folder.
  const below = (name) => !path.isAbsolute(name) || name.startsWith(found.manifest.skillsDir + path.sep)
  return found.manifest.files.every((entry) => below(entry.path)) ? found : { state: 'damaged' }
}

/** What a killed installation was about to write: `[{ path, sha256 }]`. */
function readPending(home) {
  const { manifest } = read(pendingFile(home), ({ files }) => files.every(isNamed))
  return manifest?.files ?? []
}

/** Whether an installation was begun and not finished. */
const isPending = (home) => fs.existsSync(pendingFile(home))

function read(file, isGood) {
  let text
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    // Whatever else keeps it from being read, a new one may well take its place.
    return { state: error.code === 'ENOENT' || error.code === 'ENOTDIR' ? 'none' : 'damaged' }
  }
  try {
    const manifest = JSON.parse(text)
    if (Number.isInteger(manifest.schema) && manifest.schema > SCHEMA) return { state: 'foreign', manifest }
    if (manifest.schema === SCHEMA && Array.isArray(manifest.files) && isGood(manifest)) return { state: 'good', manifest }
  } catch {
    // Not JSON, or JSON of another shape.
  }
  return { state: 'damaged' }
}

const isNamed = (entry) => isPlain(entry.path) && /^[0-9a-f]{64}$/.test(entry.sha256)
/** A name that leads nowhere but down. */
const isPlain = (name) => typeof name === 'string' && name !== '' && !name.split(/[\\/]/).some((part) => part === '..' || part === '.')
const isWritten = (entry) => isNamed(entry) && Number.isInteger(entry.size) && typeof entry.mtimeMs === 'number'

/** How the manifest names a file: below the home relative to it, so that a home can be moved; elsewhere absolute. */
function nameOf(home, file) {
  const relative = path.relative(home, file)
  const below = relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..'
  return below ? relative.split(path.sep).join('/') : file
}

/** The file that a name of the manifest means. */
const fileOf = (home, name) => (path.isAbsolute(name) ? name : inside(home, ...name.split('/')))

/** The text of a manifest. */
const manifestText = (fields) => `${JSON.stringify({ schema: SCHEMA, ...fields }, null, 2)}\n`

module.exports = { readManifest, readPending, isPending, manifestFile, pendingFile, manifestText, nameOf, fileOf }
