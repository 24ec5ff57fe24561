'use strict'
const { addon } = require('../addon.js')
const { taskNotFound } = require('../errors.js')
const { table } = require('../output.js')
const { namedTask } = require('../tasks.js')

const LIMIT = 50

async function history(context) {
  const { values, positionals } = context
  const { registry, safeSegment } = addon()
  const filter = { limit: values.limit ?? LIMIT }
  const named = positionals.length > 0 ? namedTask(context) : undefined
  if (named) filter.taskKey = named.taskKey
  else if (values.project !== undefined) filter.projectId = safeSegment(values.project)

  const events = await registry.history(filter)
  if (events.length === 0) {
    if (named && !registry.lookup(...named.segments)) throw taskNotFound(named.taskKey)
    return { data: { events }, text: '', story: ['nothing is recorded'] }
  }
  const rows = events.map(({ at, event, taskKey, phase, branch, detail }) => [
    at,
    event,
    taskKey ?? '-',
    phase ?? '-',
    branch ?? '-',
    detail ?? '',
  ])
  const header = ['TIME', 'EVENT', 'TASK', 'PHASE', 'BRANCH', 'DETAIL']
  const text = table([header, ...rows], (row, _column, cell) => (row === 0 ? context.paint('bold', cell) : cell))
  return { data: { events }, text }
}

module.exports = {
  summary: 'Tell what happened, to one task or to all, the newest first',
  usage: '[<task>] [options]',
  positionals: [0, 1],
  options: {
    project: { value: 'PROJECT', description: "Only one project; with a <group>/<task>, its project (default: the current repository's)" },
    limit: { value: 'N', number: true, least: 1, description: 'At most so many events, the newest (default: 50)' },
  },
  examples: [
    ['okstra history checkout/fix-42', 'of one task'],
    ['okstra history --project shop --limit 10', 'the newest ten of a project'],
  ],
  run: history,
}
