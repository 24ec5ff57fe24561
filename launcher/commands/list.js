'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { usageError } = require('../errors.js')

// How many columns of the porcelain the registry and the directories fill: task, state, path, branch, phase, created.
const BRIEF = 6
const STATUSES = ['active', 'released', 'missing', 'orphan', 'provisioning', 'broken']

async function list({ values, paint, cwd }) {
  if (values.spares) return spares(values, paint, cwd)
  if (values.root !== undefined) throw usageError('list can use --root only with --spares', 'Add --spares; for tasks there is --project.')
  const { project, status } = values
  const { safeSegment } = addon()
  const choice = project === undefined ? {} : { projectId: safeSegment(project) }
  if (values.fast) return fast(choice, values, paint)
  const { all, text } = await thorough(choice, values, paint)
  // By state, which is what the table shows: a task that is active in the registry may have lost its directory.
  const tasks = status === undefined ? all : all.filter(({ state }) => state === status)
  if (tasks.length === 0) return nothing(all.length, status)
  const problems = values.porcelain ? [] : tasks.filter(({ problem }) => problem).map(({ taskKey, problem }) => `${taskKey}: ${problem}`)
  const { printable } = require('../output.js')
  return { data: { tasks }, text: text(tasks), story: problems.map((line) => printable(line)) }
}

/** The trees that no task has claimed yet. */
function spares(values, paint, cwd) {
  const other = Object.keys(values).find((name) => !['spares', 'root', 'json'].includes(name))
  if (other) {
    const hint = 'Write `okstra list --spares`, with `--root DIR` for those of one repository alone.'
    throw usageError(`list cannot use --${other} with --spares: a spare belongs to a repository, and to no project and no task yet`, hint)
  }
  const common = values.root === undefined ? undefined : repositoryAround(path.resolve(cwd, values.root))
  const concerns = ({ repository }) => common === undefined || repository === common
  const found = addon().listSpares().filter(concerns)
  const leftovers = addon().listSpareLeftovers().filter(concerns)
  const story = [
    ...(found.length === 0 ? ['no spares'] : []),
    ...(leftovers.length === 0 ? [] : [`${leftovers.length} that nobody can claim (${reasons(leftovers)}): \`okstra prune\` deletes them`]),
  ]
  return { data: { spares: found, leftovers }, text: found.length === 0 ? '' : sparesTable(found, paint), story }
}

function repositoryAround(directory) {
  const common = require('../repository.js').findRepository(directory)?.common
  if (common !== undefined) return common
  const { LauncherError } = require('../errors.js')
  throw new LauncherError('OKSTRA_NO_REPOSITORY', `cannot list the spares of ${directory}: it is in no git repository`, {
    hint: 'Name a directory of a repository, or leave --root out.',
    path: directory,
  })
}

const REASONS = { gone: 'of a repository that is gone', unreadable: 'whose record cannot be read' }

/** `2 unfinished, 1 of a repository that is gone`. */
function reasons(leftovers) {
  const counts = new Map()
  for (const { reason } of leftovers) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => `${count} ${REASONS[reason] ?? reason}`).join(', ')
}

function sparesTable(found, paint) {
  const { table } = require('../output.js')
  const { age } = require('../tasks.js')
  const columns = process.stdout.isTTY ? process.stdout.columns || 80 : Infinity
  const rows = found.map(({ repository, usable, madeAt, commit }) => [
    repository.replace(/[\\/]\.git$/, ''), usable ? 'ready' : 'unusable', age(madeAt), commit.slice(0, 12),
  ])
  const header = ['REPOSITORY', 'STATE', 'AGE', 'COMMIT']
  const others = [header, ...rows].map((row) => row.slice(1))
  const room = columns - others[0].reduce((sum, _, i) => sum + 2 + Math.max(...others.map((row) => row[i].length)), 0)
  const fitting = rows.map(([repository, ...rest]) => [ending(repository, Math.max(room, header[0].length)), ...rest])
  return table([header, ...fitting], (line, _column, cell) => (line === 0 ? paint('bold', cell) : cell))
}

/** A path in so many columns: its end tells more than its beginning. */
function ending(place, columns) {
  const { printable, width } = require('../output.js')
  const text = printable(place)
  if (width(text) <= columns) return text
  let end = [...text]
  while (width(end.join('')) > columns - 3) end = end.slice(1)
  return `...${end.join('')}`
}

/** The registry beside the directories: written down by the core, which takes a tenth of what a hundred thousand objects do. */
function fast(choice, { status, porcelain, json }, paint) {
  const form = json ? 'json' : porcelain ? 'porcelain' : 'table'
  const more = porcelain && require('../survey.js').porcelain([{}]).slice('\t'.repeat(BRIEF - 1).length)
  const { all, shown, text } = addon().tasksText({ ...choice, form, ...(status && { state: status }), ...(porcelain && { more }) })
  if (json) return { written: { tasks: text } }
  if (shown === 0) return nothing(all, status)
  return { text: form === 'table' ? withHeader(text, paint) : text }
}

/** The table with its first line painted. */
function withHeader(table, paint) {
  const end = table.indexOf(10)
  const header = Buffer.from(table.subarray(0, end)).toString()
  const painted = paint('bold', header)
  return painted === header ? table : Buffer.concat([Buffer.from(painted), table.subarray(end)])
}

const nothing = (all, status) => ({ data: { tasks: [] }, text: '', story: [all === 0 ? 'no tasks' : `no tasks that are ${status}`] })

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
    root: { value: 'DIR', description: 'With --spares: only those of the repository around a directory' },
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
