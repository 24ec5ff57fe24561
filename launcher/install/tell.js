'use strict'
// An installation in the words of the answer: the fields of the JSON, and lines for a person.

const { printable } = require('../output.js')

const did = (steps, action) => steps.filter((step) => step.action === action)
const filesOf = (steps, action) => did(steps, action).map(({ file }) => file)

/** What was done to which files. */
function fieldsOf(steps) {
  const offers = new Set(steps.filter(({ beside, action }) => beside && action !== 'keep' && action !== 'remove').map(({ file }) => file))
  return {
    written: filesOf(steps, 'write'),
    replaced: filesOf(steps, 'replace'),
    removed: filesOf(steps, 'remove'),
    kept: did(steps, 'keep').map(({ file, reason }) => ({
      path: file,
      reason,
      ...(offers.has(`${file}.okstra-new`) && { newVersion: `${file}.okstra-new` }),
    })),
    unchanged: did(steps, 'same').length,
  }
}

/** One line for each file that a person should hear of; with `every`, for each that is changed. */
function linesOf(steps, { every = false, would = '' } = {}) {
  const { written, replaced, removed, kept } = fieldsOf(steps)
  const counted = (verb, files) => {
    if (every) return files.map((file) => `${would}${verb} ${file}`)
    return files.length === 0 ? [] : [`${verb} ${files.length} file${files.length === 1 ? '' : 's'}`]
  }
  const past = (verb, done) => (every ? verb : done)
  return [
    ...counted(past('write', 'wrote'), written),
    ...counted(past('replace', 'replaced'), replaced),
    ...(every ? removed.map((file) => `${would}remove ${file}`) : counted('removed', removed)),
    ...kept.map(({ path, reason, newVersion }) => {
      const beside = newVersion ? `; the new one is beside it: ${newVersion}` : ''
      return `${would}${past('keep', 'kept')} ${path}: ${reason}${beside}`
    }),
  ].map((line) => printable(line))
}

module.exports = { fieldsOf, linesOf }
