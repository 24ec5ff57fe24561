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

/** What was done: how many files, and by name those that were kept. */
function linesOf(steps) {
  const { written, replaced, removed, kept } = fieldsOf(steps)
  const count = (verb, { length }) => (length === 0 ? [] : [`${verb} ${length} file${length === 1 ? '' : 's'}`])
  const lines = [...count('wrote', written), ...count('replaced', replaced), ...count('removed', removed), ...kept.map((one) => `kept ${aboutKept(one)}`)]
  return lines.map((line) => printable(line))
}

/** What would be done, file by file. */
function planOf(steps) {
  const { written, replaced, removed, kept } = fieldsOf(steps)
  const each = (verb, files) => files.map((file) => `would ${verb} ${file}`)
  const lines = [...each('write', written), ...each('replace', replaced), ...each('remove', removed), ...each('keep', kept.map(aboutKept))]
  return lines.map((line) => printable(line))
}

function aboutKept({ path, reason, newVersion }) {
  return `${path}: ${reason}${newVersion ? `; the new one is beside it: ${newVersion}` : ''}`
}

module.exports = { fieldsOf, linesOf, planOf }
