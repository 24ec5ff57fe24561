'use strict'

const fs = require('node:fs')
const path = require('node:path')

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { milliseconds, median } = require('./measure')

const BAR_MS = 0.1

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
function benchReused(addon, { rows, calls }) {
  const sandbox = new Sandbox('bench')
  const { PATH } = process.env
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
    addRows(sandbox, rows)
    const started = plantMarks(sandbox)
    const times = []
    for (let i = 0; i < calls; i++) {
      let status
      times.push(milliseconds(() => ({ status } = addon.provisionTaskWorktreeSync(options))))
      if (status !== 'reused') throw new Error(`call ${i}: ${status}`)
    }
    const spawned = started()
    return [
      {
        what: `reused, ${rows} rows, same phase`,
        median: median(times),
        ratio: null,
        bar: `${BAR_MS} ms, no git process`,
        met: median(times) <= BAR_MS && !spawned,
        note: `${calls} calls; git was ${spawned ? '' : 'not '}started`,
      },
    ]
  } finally {
    process.env.PATH = PATH
    sandbox.dispose()
  }
}

module.exports = { benchReused }
