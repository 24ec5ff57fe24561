'use strict'
// Runs, made from the events of the history.

/** The events with which a phase begins: each is recorded once for as long as the phase stays the same. */
const RUNS = new Set(['created', 'reused', 'restored'])

/** Runs from events (newest first), with the state of each task now; `null` where the registry has no such task. */
function runsOf(events, states) {
  return events.map(({ at, event, taskKey, phase, branch, path }) => ({
    at,
    taskKey,
    phase: phase ?? null,
    event,
    branch: branch ?? null,
    path: path ?? null,
    state: states.get(taskKey) ?? null,
  }))
}

/** The tasks of runs (newest first): the one that ran last comes first, its phases in the order they ran. */
function tasksOf(runs) {
  const tasks = new Map()
  for (const { taskKey, state, branch, at, phase } of runs) {
    if (!tasks.has(taskKey)) tasks.set(taskKey, { taskKey, state, branch, runs: 0, first: at, last: at, phases: [] })
    const task = tasks.get(taskKey)
    task.runs += 1
    task.first = at
    if (phase !== null) task.phases.unshift(phase)
  }
  return [...tasks.values()]
}

module.exports = { RUNS, runsOf, tasksOf }
