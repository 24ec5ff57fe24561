'use strict'
const { printable, table } = require('../output.js')
const { usageError } = require('../errors.js')

async function prune({ values, paint }) {
  if (values.yes && values['dry-run']) throw usageError('--yes and --dry-run exclude each other', 'Leave one of them out.')
  const { addon } = require('../addon.js')
  const { interruptible } = require('../interruptible.js')
  const options = {
    ...(values.project !== undefined && { projectId: addon().safeSegment(values.project) }),
    ...(values['older-than'] !== undefined && { olderThanDays: values['older-than'] }),
  }
  let items = await interruptible((signal) => addon().prune(options, signal))
  const may = items.filter(({ blocked }) => !blocked).length
  const asks = !values.yes && may > 0 && mayAsk(values)
  const agreed = may > 0 && (values.yes || (asks && (await asked(items, may, paint))))
  if (agreed) {
    // What appeared meanwhile was not seen, and waits for the next time.
    const only = items.map(({ id }) => id)
    items = await interruptible((signal) => addon().prune({ ...options, apply: true, only }, signal))
  }
  const data = { dryRun: !agreed, items }
  if (items.length === 0) return { data, text: '', story: ['nothing to prune'] }
  if (agreed) return { data, text: shown(items, paint) }
  // Whoever was asked has seen the list already.
  if (asks) return { data, text: '', story: ['nothing was changed'] }
  return { data, text: shown(items, paint), story: [may > 0 ? 'nothing was changed; --yes clears it away' : 'nothing to prune'] }
}

/** Only a person at a terminal can be asked. */
const mayAsk = (values) => process.stdin.isTTY === true && process.stderr.isTTY === true && !values['dry-run'] && !values.json

async function asked(items, may, paint) {
  process.stderr.write(`${shown(items, paint)}\n`)
  const readline = require('node:readline/promises')
  const questions = readline.createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await questions.question(`Clear away ${may === items.length ? 'these ' : ''}${may}? [y/N] `)).trim())
  } catch {
    // The input ended.
    return false
  } finally {
    questions.close()
  }
}

function shown(items, paint) {
  if (items.length === 0) return ''
  const rows = items.map(({ why, taskKey, path, detail, outcome, done }) => [
    why,
    taskKey ?? path,
    outcome === undefined ? detail : done ? outcome : `stays: ${outcome}`,
  ])
  return table([['WHY', 'WHAT', 'OUTCOME'], ...rows].map((row) => row.map((cell) => printable(cell))), (row, _column, cell) =>
    row === 0 ? paint('bold', cell) : cell,
  )
}

module.exports = {
  summary: 'Clear away what nobody needs any more, after asking',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    'dry-run': { description: 'Only show what would go (the default where nobody can be asked)' },
    yes: { short: 'y', description: 'Clear it away without asking' },
    'older-than': { value: 'DAYS', number: true, least: 0, description: 'Only what is at least so old (default: 14 days, or OKSTRA_TRASH_DAYS, for what is deleted; a day for directories that are unknown or gone)' },
    project: { value: 'PROJECT', description: 'Only what belongs to one project' },
  },
  details: [
    'Into the trash go: worktrees of released tasks whose work is in the default branch, and directories that no row of the registry knows. Rows whose directory is gone are released; their branches stay. An unknown directory with work in it stays, and is told with what stands in the way.',
    'Deleted for good is only what has lain in the trash, or where recovery moved it, for its days, and what nobody can claim among the spares: of a repository that is gone, damaged, or left by a killed run. Links are never followed and mount points never entered.',
  ],
  examples: [
    ['okstra prune', 'shows what may go and asks'],
    ['okstra prune --yes --older-than 30', 'for a script'],
    ['okstra prune --dry-run --json', 'for a program'],
  ],
  run: prune,
}
