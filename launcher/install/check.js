'use strict'
// Whether what is installed is whole. This is the quiet path of `ensure-installed`, which every agent skill goes through:
// one small file is read, each installed file is looked at, nothing is hashed and no other module is loaded.

const fs = require('node:fs')
const { okstraHome } = require('../home.js')
const { fileOf, isPending, readManifest } = require('./manifest.js')

/**
 * `{ whole, version, changed, reason }`: whether every file is there, of which version, which files have another size
 * or time than they were written with (a person changed or touched them: they are kept and count as whole), and, where
 * it is not whole, why.
 */
function check(home) {
  const { state, manifest } = readManifest(home)
  const version = manifest?.version
  const broken = (reason) => ({ whole: false, version, changed: [], reason })
  if (state === 'none') return broken('nothing is installed')
  if (state === 'damaged') return broken('the manifest is damaged')
  if (state === 'foreign') return broken('a later okstra wrote the manifest')
  if (isPending(home)) return broken('an installation was interrupted')
  const changed = []
  for (const { path: name, size, mtimeMs, beside } of manifest.files) {
    // What was put beside a changed file may go as soon as somebody has read it.
    if (beside) continue
    const file = fileOf(home, name)
    let stat
    try {
      stat = fs.statSync(file)
    } catch (error) {
      return broken(error.code === 'ENOENT' || error.code === 'ENOTDIR' ? `${file} is missing` : `${file} cannot be looked at (${error.code})`)
    }
    if (!stat.isFile()) return broken(`${file} is no file`)
    if (stat.size !== size || stat.mtimeMs !== mtimeMs) changed.push(name)
  }
  return { whole: true, version, changed }
}

/** Whether `ensure-installed` has nothing to do and nothing to say. What is wrong is for the command itself to find. */
function isCurrent() {
  try {
    const { whole, version } = check(okstraHome())
    return whole && version === require('../../package.json').version
  } catch {
    return false
  }
}

module.exports = { check, isCurrent }
