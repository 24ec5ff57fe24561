'use strict'
// Carries a plan out, file by file. Killed between any two lines, it leaves whole files, the old manifest and
// `pending.json`, from which the next installation knows what is okstra's and finishes the work.

const fs = require('node:fs')
const path = require('node:path')
const { inside } = require('../home.js')
const { entriesOf, flushDirectory, look, removeEmpty, removeFile, sweepTemporaries, writeFile } = require('./files.js')

const MEANWHILE = 'it was changed meanwhile'

/** Does the steps; gives them back with what was really done. */
function apply(steps, home) {
  const done = steps.map((step) => {
    if (step.action === 'write' || step.action === 'replace') {
      // The home is private to the user; the agent's folder has the modes that the user's umask gives.
      fs.mkdirSync(path.dirname(step.file), { recursive: true, mode: step.base === home ? 0o700 : 0o777 })
      return writeFile(step.file, step.content, step.expected) ? step : { ...step, action: 'keep', reason: MEANWHILE }
    }
    if (step.action !== 'remove' || removeFile(step.file, step.expected)) return step
    return { ...step, action: 'keep', reason: MEANWHILE }
  })
  for (const directory of directoriesOf(done, 'write', 'replace')) flushDirectory(directory)
  // Also where the file is gone already: whoever removed it may have been killed before he came to its directory.
  for (const { file, base } of done.filter(({ action, hidden }) => action === 'remove' || (action === 'forget' && !hidden))) {
    removeCompiled(file)
    removeEmpty(path.dirname(file), base)
  }
  return done
}

/** Removes what killed installations left in the places of the steps. */
function sweep(steps) {
  const names = new Map()
  for (const { file } of steps.filter(({ hidden }) => !hidden)) {
    const directory = path.dirname(file)
    names.set(directory, (names.get(directory) ?? new Set()).add(path.basename(file)))
  }
  for (const [directory, known] of names) sweepTemporaries(directory, known)
}

function directoriesOf(steps, ...actions) {
  return new Set(steps.filter(({ action }) => actions.includes(action)).map(({ file }) => path.dirname(file)))
}

// What Python made of a module of ours: `__pycache__/<module>.cpython-312.pyc`.
function removeCompiled(file) {
  const [, module] = /^(.+)\.py$/.exec(path.basename(file)) ?? []
  if (module === undefined) return
  const cache = inside(path.dirname(file), '__pycache__')
  for (const name of entriesOf(cache)) {
    if (name.startsWith(`${module}.`) && name.endsWith('.pyc')) fs.rmSync(inside(cache, name), { force: true })
  }
  removeEmpty(cache, path.dirname(file))
}

/** What the manifest says about the steps that were done. */
function manifestEntries(done) {
  return done
    .filter(({ action, beside, retired }) => !retired && !(beside && action === 'keep'))
    .map(({ action, beside, name, file, hash }) => {
      const { size = 0, mtimeMs = 0 } = look(file) ?? {}
      return { path: name, sha256: hash, size, mtimeMs, ...(action === 'keep' && { kept: true }), ...(beside && { beside }) }
    })
}

module.exports = { apply, sweep, manifestEntries }
