'use strict'
const { addon } = require('../addon.js')
const { taskNotFound } = require('../errors.js')
const { namedTask } = require('../project.js')

const BESIDE = [
  ['trash', 'removed worktrees (`okstra prune` empties it)'],
  ['spares', 'trees made in advance (`okstra warm`)'],
  ['quarantine', 'what recovery took out of the way'],
  ['reclaimed', 'caches that are being deleted'],
]

async function disk(context) {
  const { values: { project }, positionals } = context
  const { interruptible } = require('../interruptible.js')
  const { safeSegment } = addon()
  const taskKey = positionals.length > 0 ? namedTask(context).taskKey : undefined
  const choice = taskKey ? { taskKey } : project === undefined ? {} : { projectId: safeSegment(project) }
  const report = await interruptible((signal) => addon().diskUse(choice, signal))
  if (taskKey && report.tasks.length === 0) {
    const known = (await addon().listTasks()).some((task) => task.taskKey === taskKey)
    if (!known) throw taskNotFound(taskKey)
    return { data: report, text: '', story: ['its directory is gone, so it costs nothing'] }
  }
  return { data: report, text: describe(report, context.paint), story: unread(report.tasks) }
}

function describe({ tasks, ...beside }, paint) {
  const { bytes } = require('../survey.js')
  const { table } = require('../output.js')
  const largest = [...tasks].sort((a, b) => b.disk.allocated - a.disk.allocated)
  const row = (name, { apparent, allocated, unique, reclaimable }, what = '') => [
    name, bytes(apparent), bytes(allocated), bytes(unique), reclaimable === null && what ? '' : bytes(reclaimable), what,
  ]
  const rows = largest.map(({ taskKey, disk: use }) => row(taskKey, use))
  if (tasks.length > 1) rows.push(row('all tasks', total(tasks.map(({ disk: use }) => use))))
  for (const [name, what] of BESIDE) {
    if (beside[name].entries > 1) rows.push(row(`(${name})`, beside[name], what))
  }
  const header = ['TASK', 'APPARENT', 'ON DISK', 'UNIQUE', 'RECLAIMABLE', '']
  return table([header, ...rows], (line, _column, cell) => (line === 0 ? paint('bold', cell) : cell))
}

function total(uses) {
  const sum = (name) => (uses.some((use) => use[name] === null) ? null : uses.reduce((all, use) => all + use[name], 0))
  return Object.fromEntries(['apparent', 'allocated', 'unique', 'reclaimable'].map((name) => [name, sum(name)]))
}

function unread(tasks) {
  return tasks
    .filter(({ disk: use }) => use.unreadable)
    .map(({ taskKey, disk: use }) => `${taskKey}: ${use.unreadable} directories could not be read and are not counted`)
}

module.exports = {
  summary: 'Tell what worktrees cost on disk, and what can be given back',
  usage: '[<task>] [options]',
  positionals: [0, 1],
  options: {
    project: { value: 'PROJECT', description: "Only one project; with a <group>/<task>, its project (default: the current repository's)" },
  },
  details: [
    'APPARENT is the sizes of all files; ON DISK the blocks they take, a file with several names once; UNIQUE the blocks that would be free without the worktree (? where the file system shares blocks and does not tell which); RECLAIMABLE what `okstra reclaim` gives back. Links are not followed.',
  ],
  examples: [
    ['okstra disk', 'all worktrees, the largest first'],
    ['okstra disk checkout/fix-42 --json', 'one, for a program'],
  ],
  progress: 'measuring',
  run: disk,
}
