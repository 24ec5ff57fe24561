'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { LauncherError, EXIT, taskNotFound, usageError } = require('../errors.js')
const { namedTask } = require('../project.js')

async function reclaim(context) {
  const { values: { project, force = false, yes = false, 'dry-run': dryRun = false }, positionals } = context
  const { canAsk, confirm } = require('../ask.js')
  const { interruptible } = require('../interruptible.js')
  const { reclaim: give, safeSegment } = addon()
  if (!yes && !dryRun && (context.values.json || !canAsk())) {
    throw usageError('reclaim deletes directories, and there is nobody to ask', 'Add --yes to go ahead, or --dry-run to see what it would delete.')
  }
  const taskKey = positionals.length > 0 ? namedTask(context, { acts: true }).taskKey : undefined
  const choice = taskKey ? { taskKey } : project === undefined ? {} : { projectId: safeSegment(project) }
  const planned = await interruptible((signal) => give({ ...choice, force, dryRun: true }, signal))
  if (taskKey && planned.length === 0) await mustBeKnown(taskKey)
  const open = planned.filter(({ skipped }) => !skipped)
  const bytes = open.reduce((sum, task) => sum + task.bytes, 0)
  if (dryRun) return answer(planned, { dryRun: true, bytes: Math.max(bytes, 0), text: tell(planned, context.paint) })
  refuseWhenBusy(taskKey, planned)
  const nothing = open.every(({ caches: list }) => list.length === 0)
  if (!yes && !nothing) {
    const output = require('../output.js')
    output.story([tell(planned, output.painter(process.stderr)), ''])
    const agreed = await interruptible((signal) => confirm(`Delete ${caches(open)}, ${human(bytes)}?`, signal))
    if (!agreed) return { data: { dryRun: false, bytes: 0, tasks: [] }, text: '', story: ['nothing was deleted'] }
  }
  const only = open.flatMap((task) => task.caches.map((cache) => path.join(task.worktreePath, cache.path)))
  // Also when there is nothing: what a killed call left is deleted then.
  const tasks = await interruptible((signal) => give({ ...choice, force, only }, signal))
  if (nothing) return answer(tasks, { dryRun: false, bytes: 0, text: tell([], context.paint) })
  const freed = tasks.reduce((sum, task) => sum + task.bytes, 0)
  return answer(tasks, { dryRun: false, bytes: freed, text: `gave back ${human(freed)} in ${caches(tasks)}` })
}

async function mustBeKnown(taskKey) {
  const task = (await addon().listTasks()).find((candidate) => candidate.taskKey === taskKey)
  if (!task) throw taskNotFound(taskKey)
}

/** A task that was named must not be passed over in silence. */
function refuseWhenBusy(taskKey, [task]) {
  if (!taskKey || !task?.skipped) return
  const busy = task.processes.length > 0
  throw new LauncherError('OKSTRA_WOULD_LOSE_WORK', `will not reclaim ${taskKey}: ${task.skipped}`, {
    hint: busy ? 'End what runs there, or add --force.' : 'Try again when it is done.',
    taskKey,
    path: task.worktreePath,
    exitCode: EXIT.WORK_WOULD_BE_LOST,
    obstacles: busy
      ? [{ kind: 'processes', detail: task.skipped, flag: '--force', count: task.processes.length, examples: task.processes.map(({ pid, command }) => `${pid} ${command}`).slice(0, 5) }]
      : [],
  })
}

const human = (count) => require('../survey.js').bytes(count)

function caches(tasks) {
  const count = tasks.reduce((sum, task) => sum + task.caches.length, 0)
  return `${count} ${count === 1 ? 'cache' : 'caches'}`
}

function answer(tasks, { dryRun, bytes, text }) {
  const { printable } = require('../output.js')
  const story = tasks.flatMap(({ taskKey, skipped, kept, left }) => [
    ...(skipped ? [`${taskKey}: passed over: ${skipped}`] : []),
    ...kept.map(({ path: name, reason }) => `${taskKey}: kept ${name}: ${reason}`),
    ...left.map(({ path: name, reason }) => `${taskKey}: could not delete ${name}: ${reason}`),
  ])
  return { data: { dryRun, bytes, tasks }, text, story: story.map((line) => printable(line)) }
}

function tell(tasks, paint) {
  const { table } = require('../output.js')
  const rows = tasks
    .filter(({ skipped }) => !skipped)
    .flatMap(({ taskKey, caches: list }) => list.map((cache) => ({ taskKey, ...cache })))
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ taskKey, path: name, bytes, why }) => [human(bytes), taskKey, name, why])
  if (rows.length === 0) return 'nothing to give back'
  return table([['SIZE', 'TASK', 'CACHE', 'WHY'], ...rows], (line, _column, cell) => (line === 0 ? paint('bold', cell) : cell))
}

module.exports = {
  summary: 'Give disk back: delete the caches and build output in worktrees',
  usage: '[<task>] [options]',
  positionals: [0, 1],
  options: {
    project: { value: 'PROJECT', description: "Only one project; with a <group>/<task>, its project (default: the current repository's)" },
    yes: { short: 'y', description: 'Do not ask' },
    'dry-run': { short: 'n', description: 'Show what would be deleted, and delete nothing' },
    force: { description: 'Also in worktrees with live processes inside' },
  },
  details: [
    'Deletes directories that carry a CACHEDIR.TAG, and those that git ignores and whose names are known (target, node_modules, dist, build, .venv, __pycache__, ...). Never anything tracked, never through a link, never what is mounted, another repository or another user\'s. On a terminal it shows them and asks.',
    'Worktrees with live processes inside are passed over; the shell or agent that started okstra does not count.',
  ],
  examples: [
    ['okstra reclaim', 'in all worktrees, after a question'],
    ['okstra reclaim checkout/fix-42 --yes', 'in one, without'],
    ['okstra reclaim --dry-run --json', 'what could be given back, for a program'],
  ],
  run: reclaim,
}
