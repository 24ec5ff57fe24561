'use strict'
const { addon } = require('../addon.js')

const STATUSES = ['active', 'released', 'missing', 'orphan', 'provisioning', 'broken']

async function list({ values, paint }) {
  if (values.spares) return spares(values, paint)
  const { project, status } = values
  const { safeSegment } = addon()
  const choice = project === undefined ? {} : { projectId: safeSegment(project) }
  const survey = values.fast ? fast : thorough
  const { all, text } = await survey(choice, values, paint)
  // By state, which is what the table shows: a task that is active in the registry may have lost its directory.
  const tasks = status === undefined ? all : all.filter(({ state }) => state === status)
  if (tasks.length === 0) {
    return { data: { tasks }, text: '', story: [all.length === 0 ? 'no tasks' : `no tasks that are ${status}`] }
  }
  const problems = values.porcelain ? [] : tasks.filter(({ problem }) => problem).map(({ taskKey, problem }) => `${taskKey}: ${problem}`)
  const { printable } = require('../output.js')
  return { data: { tasks }, text: text(tasks), story: problems.map((line) => printable(line)) }
}

/** The trees that no task has claimed yet. */
function spares(values, paint) {
  const other = Object.keys(values).find((name) => name !== 'spares' && name !== 'json')
  if (other) {
    const { usageError } = require('../errors.js')
    throw usageError(`list cannot use --${other} with --spares: a spare belongs to no task`, 'Write `okstra list --spares`.')
  }
  const found = addon().listSpares()
  if (found.length === 0) return { data: { spares: [] }, text: '', story: ['no spares'] }
  const { table } = require('../output.js')
  const { age } = require('../tasks.js')
  const row = ({ repository, usable, madeAt, commit, path }) => [
    repository.replace(/[\\/]\.git$/, ''), usable ? 'ready' : 'unusable', age(madeAt), commit.slice(0, 12), path,
  ]
  const text = table([['REPOSITORY', 'STATE', 'AGE', 'COMMIT', 'PATH'], ...found.map(row)], (line, _column, cell) => (line === 0 ? paint('bold', cell) : cell))
  return { data: { spares: found }, text }
}

/** The registry beside the directories. */
async function fast(choice, { porcelain }, paint) {
  const all = await addon().listTasks(choice)
  if (porcelain) return { all, text: require('../survey.js').porcelain }
  const { table } = require('../output.js')
  const { age } = require('../tasks.js')
  const row = (task) => [task.taskKey, task.state, age(task.createdAt), task.branch, task.lastPhase, task.worktreePath]
  const header = ['TASK', 'STATE', 'AGE', 'BRANCH', 'PHASE', 'PATH']
  return {
    all,
    text: (tasks) => table([header, ...tasks.map(row)], (line, _column, cell) => (line === 0 ? paint('bold', cell) : cell)),
  }
}

/** Everything, shown on a terminal while it becomes known. */
async function thorough(choice, { status, disk = false, porcelain, json }, paint) {
  const { interruptible } = require('../interruptible.js')
  const { tasksTable, porcelain: lines } = require('../survey.js')
  const columns = process.stdout.isTTY ? process.stdout.columns || 80 : Infinity
  const text = (tasks) => tasksTable(tasks, { paint, columns, disk })
  const known = new Map()
  let live
  let onTask
  if (process.stdout.isTTY && !json && !porcelain) {
    const { showLive } = require('../live.js')
    const draw = () => {
      const tasks = [...known.values()].filter(({ state }) => status === undefined || state === status)
      return tasks.length === 0 ? '' : tasksTable(tasks, { paint, columns, disk, pending: true })
    }
    live = showLive(draw)
    onTask = (task) => {
      known.set(`${task.taskKey}\n${task.worktreePath}`, task)
      live.changed()
    }
  }
  try {
    const all = await interruptible((signal) => addon().surveyTasks({ ...choice, disk, onTask }, signal))
    return { all, text: porcelain ? lines : text }
  } finally {
    live?.end()
  }
}

module.exports = {
  summary: 'List the tasks of this machine, with what is in their worktrees',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    project: { value: 'PROJECT', description: 'Only those of one project' },
    status: { value: 'STATUS', choices: STATUSES, description: `Only those that are ${STATUSES.join(', ')}` },
    disk: { description: 'Measure what each worktree costs on disk too' },
    fast: { description: 'Look at the registry and the directories alone: no git, no uncommitted work, no orphans' },
    spares: { description: 'The trees made in advance instead (`okstra warm`), which belong to no task yet' },
    porcelain: { description: 'One line per task, parted by tabs, for shells; see docs/list.md for the columns' },
  },
  details: [
    'WORK counts files: +staged ~changed ?untracked !in conflict. BASE is how many commits the branch is ahead (+) and behind (-) of where it started, UPSTREAM of what it follows, = is neither. MERGED: into the default branch, also as a squash. PUSHED: whether every commit is on a remote-tracking branch, else how many are not. INSIDE: live processes. ? is unknown.',
    'States: missing has lost its directory, orphan is a directory that the registry does not know, provisioning is being made right now, broken says what is wrong.',
  ],
  examples: [
    ['okstra list', 'all of them'],
    ['okstra list --project shop --status active', 'those of one project that are being worked on'],
    ['okstra list --porcelain | cut -f 1,7', 'how many files each has uncommitted'],
    ['okstra list --spares', 'what the next provisions may claim'],
    ['okstra list --json --disk', 'for a program, with what each costs on disk'],
  ],
  run: list,
}
