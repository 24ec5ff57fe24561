'use strict'
const { addon } = require('../addon.js')
const { table } = require('../output.js')
const { PROJECT, registeredTask, age, toSecond } = require('../tasks.js')

const EVENTS = 10

async function show(context) {
  const task = await registeredTask(context)
  const events = await addon().registry.history({ taskKey: task.taskKey, limit: EVENTS })
  return { data: { task, events }, text: describe(task, events, context.paint) }
}

function describe(task, events, paint) {
  const lines = events.map(({ at, event, phase, detail }) => [toSecond(at), event, phase ?? '', detail ?? ''])
  const history = lines.length > 0 ? table(lines).split('\n') : []
  const rows = [
    ['task', task.taskKey],
    ['state', task.state],
    ['path', task.worktreePath],
    ['branch', task.branch],
    ['base', task.baseRef],
    ['repository', task.repository ?? '(not recorded)'],
    ['created', `${task.createdAt} (${age(task.createdAt)} ago)`],
    ['phase', task.lastPhase],
    ...history.map((line, i) => [i === 0 ? 'history' : '', line]),
  ]
  return table(rows, (_row, column, text) => (column === 0 ? paint('bold', text) : text))
}

module.exports = {
  summary: 'Show everything about one task',
  usage: '<task> [options]',
  positionals: [1, 1],
  options: { project: PROJECT },
  examples: [
    ['okstra show checkout/fix-42', 'in the repository of the project'],
    ['okstra show shop/checkout/fix-42 --json', 'from anywhere, for a program'],
  ],
  run: show,
}
