'use strict'
const { addon } = require('../addon.js')
const { taskNotFound, usageError } = require('../errors.js')
const { table } = require('../output.js')
const { namedTask } = require('../project.js')
const { toSecond } = require('../tasks.js')

const LIMIT = 50
const SHOWN_PHASES = 8

async function history(context) {
  const { values } = context
  const scope = scopeOf(context)
  const since = values.since === undefined ? undefined : momentOf(values.since)
  const admits = ({ at, phase }) => (since === undefined || at >= since) && (values.phase === undefined || phase === values.phase)
  const limit = values.limit ?? LIMIT

  const { registry, listTasks } = addon()
  const all = await registry.history(scope.filter)
  if (scope.named && all.length === 0 && !registry.lookup(...scope.named.segments)) throw taskNotFound(scope.named.taskKey)
  const { RUNS, runsOf, tasksOf } = require('../runs.js')
  const states = new Map((await listTasks(scope.states)).map(({ taskKey, state }) => [taskKey, state]))
  const wanted = all.filter(admits)
  const runs = runsOf(wanted.filter(({ event }) => RUNS.has(event)), states)
  const found = { runs, events: wanted, tasks: tasksOf(runs) }
  const data = { project: scope.filter.projectId ?? scope.named?.segments[0] ?? null }
  for (const [name, lines] of Object.entries(found)) data[name] = lines.slice(0, limit)
  const view = values['by-task'] ? 'tasks' : scope.named || values.events ? 'events' : 'runs'
  const more = found[view].length > limit
  return { data, ...tell(data, view, { context, scope, more, any: all.length > 0 }) }
}

/** Whose history is asked for: one task's, one project's, or that of the whole machine. */
function scopeOf(context) {
  const { values, positionals, cwd } = context
  const { safeSegment } = addon()
  if (positionals.length > 0) {
    if (values.all) throw usageError('--all is about every project, and a task was named', 'Leave one of them out.')
    const named = namedTask(context)
    const [projectId, taskGroup] = named.segments
    return { named, filter: { taskKey: named.taskKey }, states: { projectId, taskGroup } }
  }
  if (values.all && values.project !== undefined) throw usageError('--all is about every project, and --project names one', 'Leave one of them out.')
  const project = values.all ? undefined : (values.project ?? require('../project.js').projectOf(cwd))
  const filter = project === undefined ? {} : { projectId: safeSegment(project) }
  return { filter, states: filter }
}

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** The moment, as events have it, that `2h` ago was, or that a date names (of the local time zone, where it has none). */
function momentOf(text) {
  const ago = /^(\d{1,6})([smhdw])$/.exec(text)
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text
  const time = ago ? Date.now() - Number(ago[1]) * UNITS[ago[2]] * 1_000 : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(date) : Number.NaN
  if (Number.isNaN(time)) throw usageError(`--since cannot be ${JSON.stringify(text)}`, 'Give a time ago (90m, 12h, 3d, 2w) or a date (2026-11-23, 2026-11-23T07:00Z).')
  return new Date(time).toISOString()
}

const ROWS = { runs: runRows, events: eventRows, tasks: taskRows }

function tell(data, view, { context: { values, paint }, scope, more, any }) {
  if (data[view].length === 0) return { text: '', story: [nothing(scope, values, any)] }
  const text = table(ROWS[view](data[view]), (row, _column, cell) => (row === 0 ? paint('bold', cell) : cell))
  return { text, story: more ? [`these are the newest ${data[view].length}; --limit N shows more`] : [] }
}

function nothing({ named, filter }, { phase, since, all }, any) {
  if (any && (phase !== undefined || since !== undefined)) return 'nothing of that phase or time is recorded'
  const project = !named && !all && filter.projectId
  if (any) return 'no run is recorded; --events shows what is'
  return project ? `nothing is recorded of ${project}; \`okstra history --all\` shows every project` : 'nothing is recorded'
}

function runRows(runs) {
  const rows = runs.map(({ at, taskKey, phase, event, branch, state }) => [toSecond(at), taskKey, phase ?? '-', event, branch ?? '-', state ?? 'gone'])
  return [['TIME', 'TASK', 'PHASE', 'EVENT', 'BRANCH', 'STATE NOW'], ...rows]
}

// A task that went back and forth for weeks would fill the screen.
const newest = (phases) => (phases.length > SHOWN_PHASES ? ['...', ...phases.slice(-SHOWN_PHASES)] : phases)

function taskRows(tasks) {
  const rows = tasks.map(({ taskKey, state, runs, last, phases }) => [taskKey, state ?? 'gone', String(runs), toSecond(last), newest(phases).join(', ')])
  return [['TASK', 'STATE NOW', 'RUNS', 'LAST', 'PHASES'], ...rows]
}

function eventRows(events) {
  const rows = events.map(({ at, event, taskKey, phase, branch, detail }) => [toSecond(at), event, taskKey ?? '-', phase ?? '-', branch ?? '-', detail ?? ''])
  return [['TIME', 'EVENT', 'TASK', 'PHASE', 'BRANCH', 'DETAIL'], ...rows]
}

module.exports = {
  summary: 'List the past runs of a project, or what happened to one task, newest first',
  usage: '[<task>] [options]',
  positionals: [0, 1],
  options: {
    project: { value: 'PROJECT', description: "Only this project; with a <group>/<task>, its project (default: the current repository's)" },
    all: { description: 'The runs of every project on this machine (outside a repository: the default)' },
    phase: { value: 'PHASE', description: 'Only this phase' },
    since: { value: 'WHEN', description: 'Only what is not older: a time ago (90m, 12h, 3d, 2w) or a date' },
    'by-task': { description: 'One line for each task, with its phases in the order they ran' },
    events: { description: 'Not only runs: also what was released, removed, recovered and refused' },
    limit: { value: 'N', number: true, least: 1, description: 'At most so many lines, the newest (default: 50)' },
  },
  details: [
    'A run is a phase of a task that asked for the worktree. Asking again in the same phase, as agents do, belongs to the same run; a phase that comes back after another one is a new run. With a task, everything that happened to it is listed.',
    'The state is that of now: active, released, missing (the directory is gone), or gone (the registry does not know the task any more). With --json the answer has runs, events and tasks, whatever the table would show.',
  ],
  examples: [
    ['okstra history', "the runs of the current repository's project"],
    ['okstra history checkout/fix-42', 'everything that happened to one task'],
    ['okstra history --by-task --since 7d', 'what each task went through in a week'],
    ['okstra history --all --limit 10 --json', 'the newest ten of every project, for a program'],
  ],
  run: history,
}
