'use strict'
// What the commands about registered tasks have in common.

const { addon } = require('./addon.js')
const { namedTask } = require('./project.js')

/** The registered task that an argument names, with its state, or `OKSTRA_NOT_FOUND`. */
async function registeredTask(context) {
  const { segments: [projectId, taskGroup], taskKey } = namedTask(context)
  const tasks = await addon().listTasks({ projectId, taskGroup })
  const task = tasks.find((candidate) => candidate.taskKey === taskKey)
  if (!task) throw require('./errors.js').taskNotFound(taskKey)
  return task
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
]

/** How long ago a moment of the registry was (`2026-11-23T07:00:00+0000`), in its largest unit. */
function age(moment, now = Date.now()) {
  const then = Date.parse(String(moment).replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  if (Number.isNaN(then)) return '-'
  const seconds = Math.max(0, Math.floor((now - then) / 1000))
  const [size, unit] = UNITS.find(([least]) => seconds >= least) ?? [1, 's']
  return `${Math.floor(seconds / size)}${unit}`
}

/** A moment of the history to the second, for people: `2026-11-23T07:00:00Z`. */
function toSecond(at) {
  return at.replace(/\.\d+Z$/, 'Z')
}

module.exports = { registeredTask, age, toSecond }
