'use strict'
// How what a survey tells is shown to people and to shells. A field that is absent has nothing to tell; `null` was asked
// and is unknown.

const { age } = require('./tasks.js')

const NONE = '-'
const UNKNOWN = '?'
const PENDING = '...'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** A number of bytes as people read it: `1.4 GB`, in powers of 1000 as disks are sold. */
function bytes(count) {
  if (count === null) return UNKNOWN
  let unit = 0
  let value = count
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** `cell` of a value that may be absent, unknown or not known yet. */
function fact(value, pending, cell) {
  if (value === undefined) return pending ? PENDING : NONE
  return value === null ? UNKNOWN : cell(value)
}

const distance = ({ ahead, behind }) =>
  [ahead > 0 ? `+${ahead}` : '', behind > 0 ? `-${behind}` : ''].filter(Boolean).join(' ') || '='

/** `+1 ~2 ?3 !4`: staged, changed, untracked, in conflict; and what git is in the middle of. */
function work({ work: counts, operations }, pending) {
  const cell = fact(counts, pending, ({ staged, unstaged, untracked, conflicted }) => {
    const parts = [['+', staged], ['~', unstaged], ['?', untracked], ['!', conflicted]]
    return parts.filter(([, count]) => count > 0).map(([sign, count]) => sign + count).join(' ') || 'clean'
  })
  return operations ? `${cell} (${operations.join(', ')})` : cell
}

const MERGED = { commits: 'yes', changes: 'squashed', no: 'no', empty: NONE }

/** The name of a process without its path and arguments. */
function programName(command) {
  return command.split(' ', 1)[0].split('/').pop() || command
}

function inside(processes) {
  if (processes.length === 0) return NONE
  const [first] = processes
  const more = processes.length > 1 ? ` +${processes.length - 1}` : ''
  return `${programName(first.command)} ${first.pid}${more}`
}

// Name, and how much a person misses the column where a terminal is too narrow for all: the least goes first.
const COLUMNS = [
  ['TASK', 99, (task) => task.taskKey],
  ['STATE', 98, (task) => task.state],
  ['AGE', 4, (task) => (task.createdAt ? age(task.createdAt) : NONE)],
  ['BRANCH', 5, (task) => (task.checkedOut ? `${task.branch} (on ${task.checkedOut})` : task.detached ? `${task.branch ?? NONE} (detached)` : (task.branch ?? NONE))],
  ['PHASE', 3, (task) => task.lastPhase ?? NONE],
  ['WORK', 97, work],
  ['BASE', 6, (task, pending) => fact(task.base, pending, distance)],
  ['UPSTREAM', 2, (task, pending) => fact(task.upstream, pending, (upstream) => (upstream.distance ? distance(upstream.distance) : 'gone'))],
  ['MERGED', 8, (task, pending) => fact(task.merged, pending, ({ how }) => MERGED[how])],
  ['PUSHED', 7, (task, pending) => fact(task.unpushed, pending, (count) => (count === 0 ? 'yes' : `no (${count})`))],
  ['INSIDE', 9, (task, pending) => fact(task.processes, pending, inside)],
]
const DISK = ['DISK', 10, (task, pending) => fact(task.disk, pending, ({ allocated }) => bytes(allocated))]
const STATES = { active: 'green', released: 'gray', missing: 'yellow', orphan: 'yellow', provisioning: 'cyan', broken: 'red' }

/**
 * The table of tasks. `columns`: how wide it may be; columns that do not fit go, the least missed first. `pending`: what is
 * absent may still come.
 */
function tasksTable(tasks, { paint, columns = Infinity, disk = false, pending = false }) {
  const { table, width } = require('./output.js')
  let shown = disk ? [...COLUMNS, DISK] : COLUMNS
  const cells = new Map(shown.map((column) => [column, [column[0], ...tasks.map((task) => column[2](task, pending))]]))
  const widest = (column) => Math.max(...cells.get(column).map(width))
  while (shown.length > 3 && shown.reduce((sum, column) => sum + widest(column) + 2, -2) > columns) {
    const least = shown.reduce((a, b) => (a[1] <= b[1] ? a : b))
    shown = shown.filter((column) => column !== least)
  }
  const rows = Array.from({ length: tasks.length + 1 }, (_, row) => shown.map((column) => cells.get(column)[row]))
  return table(rows, (row, column, cell) => {
    if (row === 0) return paint('bold', cell)
    const text = cell.trim()
    const [name] = shown[column]
    if (name === 'STATE' && STATES[text]) return paint(STATES[text], cell)
    if (name === 'WORK' && text !== 'clean' && text !== NONE && text !== PENDING) return paint('yellow', cell)
    return text === NONE || text === PENDING ? paint('dim', cell) : cell
  })
}

/** The columns of `list --porcelain`, in their order. New ones are only ever added at the end. */
const PORCELAIN = [
  ['task', (task) => task.taskKey],
  ['state', (task) => task.state],
  ['path', (task) => task.worktreePath],
  ['branch', (task) => task.branch],
  ['phase', (task) => task.lastPhase],
  ['created', (task) => task.createdAt],
  ['changed', (task) => part(task.work, 'changed')],
  ['staged', (task) => part(task.work, 'staged')],
  ['unstaged', (task) => part(task.work, 'unstaged')],
  ['untracked', (task) => part(task.work, 'untracked')],
  ['conflicted', (task) => part(task.work, 'conflicted')],
  ['operations', (task) => (task.operations ? task.operations.join(',') : task.operations)],
  ['base-ahead', (task) => part(task.base, 'ahead')],
  ['base-behind', (task) => part(task.base, 'behind')],
  ['upstream', (task) => task.upstream?.name],
  ['upstream-ahead', (task) => part(task.upstream && task.upstream.distance, 'ahead')],
  ['upstream-behind', (task) => part(task.upstream && task.upstream.distance, 'behind')],
  ['merged', (task) => part(task.merged, 'how')],
  ['merged-into', (task) => part(task.merged, 'into')],
  ['unpushed', (task) => task.unpushed],
  ['only-here', (task) => task.onlyHere],
  ['pids', (task) => (task.processes ? task.processes.map(({ pid }) => pid).join(',') : task.processes)],
  ['apparent', (task) => part(task.disk, 'apparent')],
  ['allocated', (task) => part(task.disk, 'allocated')],
  ['unique', (task) => part(task.disk, 'unique')],
  ['reclaimable', (task) => part(task.disk, 'reclaimable')],
  ['problem', (task) => task.problem],
]

const part = (value, name) => (value === null ? null : value?.[name])

/** One line per task, parted by tabs: nothing is empty, `?` is unknown; `\`, tab and line breaks are escaped. */
function porcelain(tasks) {
  const escapes = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
  const field = (value) =>
    value === undefined ? '' : value === null ? '?' : String(value).replace(/[\\\t\n\r]/g, (c) => escapes[c])
  return tasks.map((task) => PORCELAIN.map(([, read]) => field(read(task))).join('\t')).join('\n')
}

module.exports = { bytes, distance, porcelain, PORCELAIN, tasksTable, work, programName }
