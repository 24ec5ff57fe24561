'use strict'
const { addon } = require('../addon.js')
const { table } = require('../output.js')
const { age } = require('../tasks.js')

const COLOURS = { active: 'green', released: 'gray', missing: 'yellow' }
const STATE = 1

async function list({ values: { project, status }, paint }) {
  const { listTasks, safeSegment } = addon()
  const all = await listTasks(project === undefined ? {} : { projectId: safeSegment(project) })
  // By state, which is what the table shows: a task that is active in the registry may have lost its directory.
  const tasks = status === undefined ? all : all.filter(({ state }) => state === status)
  if (tasks.length === 0) {
    return { data: { tasks }, text: '', story: [all.length === 0 ? 'no tasks' : `no tasks that are ${status}`] }
  }
  const rows = tasks.map((task) => [task.taskKey, task.state, age(task.createdAt), task.branch, task.lastPhase, task.worktreePath])
  const text = table([['TASK', 'STATE', 'AGE', 'BRANCH', 'PHASE', 'PATH'], ...rows], (row, column, cell) => {
    if (row === 0) return paint('bold', cell)
    return column === STATE && COLOURS[cell.trim()] ? paint(COLOURS[cell.trim()], cell) : cell
  })
  return { data: { tasks }, text }
}

module.exports = {
  summary: 'List the tasks of this machine',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    project: { value: 'PROJECT', description: 'Only those of one project' },
    status: { value: 'STATUS', choices: ['active', 'released', 'missing'], description: 'Only those that are active, released or missing (their directory is gone)' },
  },
  examples: [
    ['okstra list', 'all of them'],
    ['okstra list --project shop --status active', 'those of one project that are being worked on'],
    ['okstra list --json', 'for a program'],
  ],
  run: list,
}
