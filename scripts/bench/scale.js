'use strict'

// What okstra costs on a machine that has used it for years: a registry of very many rows, a repository of very many
// worktrees. Through the command line, because that is what a person and an agent call.

const fs = require('node:fs')
const path = require('node:path')

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { okstra, timed } = require('./command')
const { inTurn, median } = require('./measure')

const PROVISION = ['--phase', 'implementation', '--category', 'feature', '--json']
const GROUPS = 50
const EMPTY = 'node -e 0'

/** Writes a registry of so many further rows as okstra does: three in four released, their directories gone. */
function addRows(sandbox, repository, count) {
  const data = JSON.parse(fs.readFileSync(sandbox.registryFile, 'utf8'))
  data.okstra ??= { version: 1, tasks: {} }
  for (let i = 0; i < count; i++) {
    const [group, task] = [`group-${i % GROUPS}`, `task-${i}`]
    const key = `other/${group}/${task}`
    const status = i % 4 === 0 ? 'active' : 'released'
    data.tasks[key] = {
      project_id: 'other',
      task_group: group,
      task_id: task,
      worktree_path: path.join(sandbox.home, 'worktrees', 'other', group, task),
      branch: `feature-${task}`,
      base_ref: '1'.repeat(40),
      created_at: '2026-11-23T07:00:00+0000',
      last_phase: 'implementation',
      status,
    }
    data.okstra.tasks[key] = { repository: path.join(repository, '.git') }
    if (status === 'active') data.branches[`feature-${task}`] = key
  }
  fs.writeFileSync(sandbox.registryFile, `${JSON.stringify(data, null, 2)}\n`)
}

/** Processor time of each everyday command, with so many rows in the registry. */
function rowsScale({ rows, runs, bar }) {
  const sandbox = new Sandbox('bench')
  try {
    const repository = createRepository(sandbox, { files: 20, seed: 1 })
    const at = { env: sandbox.environment, cwd: repository }
    okstra(['provision', 'bench/scale/task', ...PROVISION], at)
    addRows(sandbox, repository, rows)
    const commands = {
      // What of it is the start of Node, and how fast the machine is now.
      [EMPTY]: () => timed(process.execPath, ['-e', '0'], at),
      path: () => okstra(['path', 'bench/scale/task'], at),
      'provision, reused': () => okstra(['provision', 'bench/scale/task', ...PROVISION], at),
      'list --fast': () => okstra(['list', '--fast'], at),
      'list --fast --json': () => okstra(['list', '--fast', '--json'], at),
      release: (run) => okstra(['release', `other/group-${(4 * run) % GROUPS}/task-${4 * run}`], at),
      'provision of a new task': (run) => okstra(['provision', `bench/scale/new-${run}`, ...PROVISION], at),
    }
    const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
    for (let run = 0; run <= runs; run++) {
      for (const name of inTurn(Object.keys(commands), run)) {
        const taken = commands[name](run)
        if (run > 0) times[name].push(taken)
      }
    }
    const of = (name, what) => median(times[name].map((taken) => taken[what]))
    return Object.keys(commands).map((name) => {
      const cpu = of(name, 'cpu')
      const judge = name === EMPTY ? { bar: '', met: true } : { bar: `${bar} ms user + sys`, met: cpu <= bar }
      return {
        what: `${rows} rows: ${name === EMPTY ? '' : 'okstra '}${name}`,
        median: cpu,
        unit: 'ms user + sys',
        ratio: cpu / of(EMPTY, 'cpu'),
        ...judge,
        note: `${runs} runs in turn with ${EMPTY}; ${of(name, 'wall').toFixed(0)} ms from start to end`,
      }
    })
  } finally {
    sandbox.dispose()
  }
}

/** What doctor, list and one more worktree take in a repository of so many, beside git. */
function worktreesScale({ worktrees, runs, doctorBar, listBar, provisionBar }) {
  const sandbox = new Sandbox('bench')
  try {
    const [full, empty] = ['full', 'empty'].map((name) => createRepository(sandbox, { name, files: 20, seed: 1 }))
    const trees = provisioned(sandbox, full, worktrees)
    const at = (cwd) => ({ env: sandbox.environment, cwd })
    const add = (directory, name) => timed('git', ['worktree', 'add', '-q', '-b', `plain-${name}`, sandbox.path(`plain-${path.basename(directory)}-${name}`)], at(directory))
    const drop = (directory, name) => sandbox.git(directory, 'worktree', 'remove', sandbox.path(`plain-${path.basename(directory)}-${name}`))
    const more = (directory, run) => okstra(['provision', `bench/scale/more-${path.basename(directory)}-${run}`, ...PROVISION], at(directory))
    const ways = {
      doctor: () => okstra(['doctor'], at(full)),
      list: () => okstra(['list'], at(full)),
      status: () => trees.map((tree) => timed('git', ['status', '--porcelain'], at(tree))).reduce(sum),
      'provision, full': (run) => more(full, run),
      'provision, empty': (run) => more(empty, run),
      'git, full': (run) => add(full, run),
      'git, empty': (run) => add(empty, run),
    }
    const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
    for (let run = 0; run <= runs; run++) {
      for (const name of inTurn(Object.keys(ways), run)) {
        const taken = ways[name](run)
        if (run > 0) times[name].push(taken)
        if (name.startsWith('git, ')) drop(sandbox.path(name.slice(5)), run)
      }
    }
    const wall = (name) => median(times[name].map((taken) => taken.wall))
    const note = (name) => `${runs} runs; user + sys ${median(times[name].map((taken) => taken.cpu)).toFixed(0)} ms`
    const row = (what, name, ratio, judge) => ({ what: `${worktrees} worktrees: ${what}`, median: wall(name), ratio, bar: '', met: true, note: note(name), ...judge })
    const [listed, provision] = [wall('list') / wall('status'), wall('provision, full') / wall('provision, empty')]
    return [
      row('okstra doctor', 'doctor', null, { bar: `${doctorBar} ms`, met: wall('doctor') <= doctorBar }),
      row('git status in each, in a row', 'status', 1),
      row('okstra list', 'list', listed, { bar: `${listBar} x git status`, met: listed <= listBar }),
      row('okstra provision in an empty repository', 'provision, empty', 1),
      row('okstra provision of one more', 'provision, full', provision, { bar: `${provisionBar} x in an empty repository`, met: provision <= provisionBar }),
      row('git worktree add in an empty repository', 'git, empty', 1),
      row('git worktree add of one more', 'git, full', wall('git, full') / wall('git, empty')),
    ]
  } finally {
    sandbox.dispose()
  }
}

const sum = (one, other) => ({ wall: one.wall + other.wall, cpu: one.cpu + other.cpu })

/** The worktrees of so many tasks of one repository, made in this process: what is measured comes later. */
function provisioned(sandbox, repository, count) {
  const { provisionTaskWorktreeSync } = require('../../index.js')
  Object.assign(process.env, sandbox.environment)
  const options = { taskType: 'implementation', projectRoot: repository, projectId: 'bench', taskGroupSegment: 'scale', workCategory: 'feature' }
  return Array.from({ length: count }, (_, i) => provisionTaskWorktreeSync({ ...options, taskIdSegment: `task-${i}` }).path)
}

/** Both. With few rows and worktrees it only shows that it runs. */
function benchScale({ rows, worktrees, runs }) {
  return [
    ...rowsScale({ rows, runs, bar: 300 }),
    ...worktreesScale({ worktrees, runs: Math.min(runs, 3), doctorBar: 10_000, listBar: 0.3, provisionBar: 3 }),
  ]
}

module.exports = { benchScale }
