'use strict'
// What is to be done, found out without changing anything.
//
// A file is okstra's own as long as its content is one that okstra wrote or was about to write there. Only such a file is
// replaced or removed. Whatever else lies in a place stays, and what belongs there is put beside it.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('../errors.js')
const { inside } = require('../home.js')
const { look, obstacle, sha256 } = require('./files.js')
const { fileOf, nameOf } = require('./manifest.js')

const BESIDE = '.okstra-new'

/**
 * The names of the manifest with the hashes of what okstra wrote there, from a manifest and from what a killed
 * installation was about to write.
 */
function knownFiles(manifest, pending) {
  const known = new Map()
  for (const { path: name, sha256: hash } of [...(manifest?.files ?? []), ...pending]) {
    known.set(name, (known.get(name) ?? new Set()).add(hash))
  }
  return known
}

/**
 * The steps that install `assets`, and that take away what an earlier version left. A step is
 * `{ action, name, file, base, expected, content, hash, reason, beside }`: `write`, `replace` and `same` for a file of
 * ours, `keep` for one that is not, `remove` and `forget` for one that is not shipped any more. `base` is the directory
 * that is taken as it is, `beside` says that the file lies there for another one that was kept, `hidden` that a link or a file stands
 * where a directory on the way belongs, `retired` that it belongs to no asset.
 */
function planInstall({ home, skillsDir, former, assets, known }) {
  const places = assets.flatMap(({ path: name, content }) => {
    const own = { base: home, file: inside(home, ...name.split('/')), content }
    const [folder, ...rest] = name.split('/')
    return folder === 'skills' ? [own, { base: skillsDir, file: path.join(skillsDir, ...rest), content }] : [own]
  })
  const steps = new Map()
  for (const place of places) {
    for (const step of stepsFor({ ...place, home, known })) steps.set(step.name, step)
  }
  const rest = new Map([...known].filter(([name]) => !steps.has(name)))
  return [...steps.values(), ...planRemoval({ home, known: rest, skillsDirs: [skillsDir, former] })]
}

function stepsFor({ home, base, file, content, known }) {
  const name = nameOf(home, file)
  const hash = sha256(content)
  const step = { name, file, base, content, hash }
  const hidden = obstacle(base, file)
  if (hidden) {
    if (base === home) throw unsafe(home, hidden)
    return [{ ...step, action: 'keep', hidden: true, reason: `${hidden.path} is a ${hidden.kind}, and okstra does not write through it` }]
  }
  const found = look(file)
  const expected = found?.identity
  if (!found) return [{ ...step, action: 'write', expected }]
  const present = found.kind === 'file' ? sha256(fs.readFileSync(file)) : undefined
  if (present === hash) return [{ ...step, action: 'same' }]
  if (known.get(name)?.has(present)) return [{ ...step, action: 'replace', expected }]
  const reason = found.kind !== 'file' ? `a ${found.kind} stands in its place` : known.has(name) ? 'it was changed' : 'it is not from okstra'
  return [{ ...step, action: 'keep', reason }, offer({ ...step, name: name + BESIDE, file: file + BESIDE, known })]
}

// The new content, beside a file that is kept.
function offer({ known, ...step }) {
  const found = look(step.file)
  const present = found?.kind === 'file' ? sha256(fs.readFileSync(step.file)) : undefined
  const common = { ...step, expected: found?.identity, beside: true }
  if (!found) return { ...common, action: 'write' }
  if (present === step.hash) return { ...common, action: 'same' }
  return known.get(step.name)?.has(present) ? { ...common, action: 'replace' } : { ...common, action: 'keep', reason: 'it was changed' }
}

/** The error for something that stands where a directory of the home belongs. */
function unsafe(home, { path: place, kind }) {
  return new LauncherError('OKSTRA_UNSAFE_HOME', `will not use the okstra home ${home}: ${place} is a ${kind} where a directory belongs`, {
    hint: `Move ${place} away, then try again.`,
    path: place,
  })
}

/**
 * The steps that take away what okstra wrote: `remove`, `keep` for what was changed, `forget` for what is gone or hidden
 * behind a link. `skillsDirs` are the folders that skills were written to.
 */
function planRemoval({ home, known, skillsDirs }) {
  const holds = (directory, file) => directory !== undefined && file.startsWith(directory + path.sep)
  return [...known].map(([name, hashes]) => {
    const file = fileOf(home, name)
    const base = [home, ...skillsDirs].find((directory) => holds(directory, file)) ?? path.dirname(path.dirname(file))
    const step = { name, file, base, beside: name.endsWith(BESIDE), retired: true }
    if (obstacle(base, file)) return { ...step, action: 'forget', hidden: true }
    const found = look(file)
    if (!found) return { ...step, action: 'forget' }
    const ours = found.kind === 'file' && hashes.has(sha256(fs.readFileSync(file)))
    return ours ? { ...step, action: 'remove', expected: found.identity } : { ...step, action: 'keep', reason: 'it was changed' }
  })
}

module.exports = { planInstall, planRemoval, knownFiles, unsafe }
