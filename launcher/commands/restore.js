'use strict'
const { PROJECT, namedTask } = require('../project.js')
const { age } = require('../tasks.js')
const { printable, table } = require('../output.js')
const { usageError } = require('../errors.js')

async function restore(context) {
  const { values, positionals } = context
  if (values.list) return list(context)
  if (positionals.length === 0) throw usageError('restore needs a task', 'Usage: okstra restore <task> [options], or okstra restore --list')
  const { addon } = require('../addon.js')
  const { interruptible } = require('../interruptible.js')
  const { segments: [projectId, taskGroup, taskId] } = namedTask(context, { acts: true })
  const restored = await interruptible((signal) =>
    addon().restoreTask(
      {
        projectId,
        taskGroup,
        taskId,
        ...(values.from !== undefined && { from: values.from }),
        ...(values['lock-timeout'] !== undefined && { lockTimeoutMs: values['lock-timeout'] }),
      },
      signal,
    ),
  )
  return { data: restored, text: restored.path, story: tell(restored) }
}

const SOURCES = {
  trash: 'from the trash, as it was',
  snapshot: 'from its snapshot',
  branch: 'on its branch',
}

function tell({ taskKey, source, note }) {
  return [`${taskKey}: brought back ${SOURCES[source] ?? source}`, ...(note ? [`note: ${note}`] : [])].map((line) => printable(line))
}

async function list(context) {
  const { addon } = require('../addon.js')
  const { values, positionals, paint } = context
  const filter = {}
  if (positionals.length > 0) filter.taskKey = namedTask(context).taskKey
  else if (values.project !== undefined) filter.projectId = addon().safeSegment(values.project)
  const entries = addon().listTrash(filter)
  if (entries.length === 0) return { data: { entries }, text: '', story: ['the trash is empty'] }
  const rows = entries.map(({ id, taskKey, removedAt, branch, uncommitted, untracked, whole }) => [
    id,
    taskKey,
    age(removedAt),
    branch ?? '-',
    `${uncommitted} uncommitted, ${untracked} untracked${whole ? '' : ', tree gone'}`,
  ])
  const text = table([['ENTRY', 'TASK', 'AGE', 'BRANCH', 'HOLDS'], ...rows], (row, _column, cell) => (row === 0 ? paint('bold', cell) : cell))
  return { data: { entries }, text }
}

module.exports = {
  summary: 'Bring a removed or released task back as it was',
  usage: '<task> [options]',
  positionals: [0, 1],
  options: {
    project: PROJECT,
    from: { value: 'ENTRY', description: 'Which entry of the trash, when there are several (default: the newest)' },
    list: { description: 'Show what is in the trash, of the task or of all, and change nothing' },
    'lock-timeout': { value: 'MS', number: true, least: 0, description: 'How long to wait for other processes (default: 120000)' },
  },
  details: [
    'Brings back the directory, the branch, and every uncommitted, staged, untracked and ignored file, in the middle of a rebase too. When something lies at its place by now, nothing is changed.',
    'When the trash was emptied, the files are made again from the commit that holds them; a task of which the trash has nothing comes back on its branch.',
  ],
  examples: [
    ['cd "$(okstra restore checkout/fix-42)"', 'in the repository of the project'],
    ['okstra restore --list', 'what the trash holds'],
    ['okstra restore checkout/fix-42 --from 20261124T101500Z-0123456789abcdef', 'an older one'],
  ],
  progress: 'bringing the worktree back',
  run: restore,
}
