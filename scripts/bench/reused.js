'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { milliseconds, median } = require('./measure')

const ADDON = path.join(__dirname, '..', '..', 'index.js')
// What a process does that asks once: the call alone is timed, without Node's start and without loading the addon.
const FIRST_CALL = `
  const addon = require(${JSON.stringify(ADDON)})
  const start = process.hrtime.bigint()
  const { status } = addon.provisionTaskWorktreeSync(JSON.parse(process.argv[1]))
  const took = Number(process.hrtime.bigint() - start) / 1e6
  if (status !== 'reused') throw new Error(status)
  console.log(took)`
const FIRST_CALL_BAR_MS = 3
const WRITE_BAR_MS = 20

/** Adds rows of other tasks, as 0.12.0 writes them. */
function addRows(sandbox, count) {
  const data = JSON.parse(fs.readFileSync(sandbox.registryFile, 'utf8'))
  for (let i = Object.keys(data.tasks).length; i < count; i++) {
    const [group, task] = [`group-${i % 20}`, `task-${i}`]
    data.tasks[`other/${group}/${task}`] = {
      project_id: 'other',
      task_group: group,
      task_id: task,
      worktree_path: path.join(sandbox.home, 'worktrees', 'other', group, task),
      branch: `feat-${task}`,
      base_ref: '1'.repeat(40),
      created_at: '2026-11-23T07:00:00+0000',
      last_phase: 'implementation',
      status: 'active',
    }
    data.branches[`feat-${task}`] = `other/${group}/${task}`
  }
  fs.writeFileSync(sandbox.registryFile, `${JSON.stringify(data, null, 2)}\n`)
}

/** Puts programs before the real ones on PATH that leave a mark when somebody starts them. */
function plantMarks(sandbox) {
  const directory = sandbox.path('marked')
  fs.mkdirSync(directory)
  const mark = sandbox.path('started')
  fs.writeFileSync(path.join(directory, 'git'), `#!/bin/sh\necho "$@" >> '${mark}'\nexit 1\n`, { mode: 0o755 })
  process.env.PATH = directory
  return () => fs.existsSync(mark)
}

/** The time to get the worktree of a task that has one, same phase, and that no git is started for it. */
function repeated(addon, sandbox, options, { rows, calls, bar }) {
  const { PATH } = process.env
  const started = plantMarks(sandbox)
  try {
    const times = []
    for (let i = 0; i < calls; i++) {
      let status
      times.push(milliseconds(() => ({ status } = addon.provisionTaskWorktreeSync(options))))
      if (status !== 'reused') throw new Error(`call ${i}: ${status}`)
    }
    const spawned = started()
    return {
      what: `reused, ${rows} rows, same phase`,
      median: median(times),
      ratio: null,
      bar: `${bar} ms, no git process`,
      met: median(times) <= bar && !spawned,
      note: `${calls} calls; git was ${spawned ? '' : 'not '}started`,
    }
  } finally {
    process.env.PATH = PATH
    fs.rmSync(sandbox.path('marked'), { recursive: true })
  }
}

/** The same as the first call of a fresh process, which has to read the registry. */
function first(options, { rows, bar, processes = 15 }) {
  const ask = () => Number(execFileSync(process.execPath, ['-e', FIRST_CALL, JSON.stringify(options)], { encoding: 'utf8' }))
  const time = median(Array.from({ length: processes }, ask))
  const judged = bar === undefined ? { bar: '', met: true } : { bar: `${bar} ms`, met: time <= bar }
  return { what: `reused, ${rows} rows, first call`, median: time, ratio: null, ...judged, note: `${processes} processes` }
}

/** A change of one row, on a file system whose flush costs nothing: what a write costs beyond its fsync. */
function write(addon, { rows, bar, changes = 30 }) {
  const times = Array.from({ length: changes }, (_, i) =>
    milliseconds(() => addon.registry.touchPhase('bench', 'reused', 'task', `phase-${i}`)),
  )
  const time = median(times)
  const judged = bar === undefined ? { bar: '', met: true } : { bar: `${bar} ms`, met: time <= bar }
  return { what: `registry write, ${rows} rows`, median: time, ratio: null, ...judged, note: `${changes} changes, flush is free here` }
}

/** What happens at every phase of every task, in a small and in a large registry. */
function rowsOf(addon, { calls }) {
  const sandbox = new Sandbox('bench')
  try {
    Object.assign(process.env, sandbox.environment)
    const options = {
      taskType: 'implementation',
      projectRoot: createRepository(sandbox, { files: 200, seed: 1 }),
      projectId: 'bench',
      taskGroupSegment: 'reused',
      taskIdSegment: 'task',
      workCategory: 'feature',
    }
    addon.provisionTaskWorktreeSync(options)
    addRows(sandbox, 1000)
    const small = [repeated(addon, sandbox, options, { rows: 1000, calls, bar: 0.05 }), first(options, { rows: 1000, bar: FIRST_CALL_BAR_MS })]
    addRows(sandbox, 10_000)
    return [
      ...small,
      repeated(addon, sandbox, options, { rows: 10_000, calls, bar: 0.1 }),
      first(options, { rows: 10_000 }),
      write(addon, { rows: 10_000, bar: WRITE_BAR_MS }),
    ]
  } finally {
    sandbox.dispose()
  }
}

/**
 * The same in a process of its own: what other scenarios leave to be collected would be counted here, and the rows that
 * this one makes would make git cost more to start there.
 */
function benchReused({ calls }) {
  return JSON.parse(execFileSync(process.execPath, [__filename, `${calls}`], { encoding: 'utf8' }))
}

module.exports = { benchReused }

if (require.main === module) process.stdout.write(JSON.stringify(rowsOf(require(ADDON), { calls: Number(process.argv[2]) })))
