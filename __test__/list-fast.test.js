'use strict'
// list --fast: written down by the core, and the same as what the API gives and what the launcher's own tables would be.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { table } = require('../launcher/output.js')
const { porcelain } = require('../launcher/survey.js')
const { age } = require('../launcher/tasks.js')
const { sandbox, BIN } = require('./helpers/repository.js')

/** A home with rows of every kind, and the registry's own words about them. */
function home(t, tasksMore = 0) {
  const box = sandbox(t)
  const worktrees = path.join(box.okstraHome, 'worktrees')
  const tasks = {}
  const row = (project, task, changes = {}) => {
    const fields = { project_id: project, task_group: 'g', task_id: task, worktree_path: path.join(worktrees, project, 'g', task) }
    const rest = { branch: `fix-${task}`, base_ref: '1'.repeat(40), created_at: '2026-11-23T07:00:00+0000', last_phase: 'one', status: 'active' }
    tasks[`${project}/g/${task}`] = { ...fields, ...rest, ...changes }
  }
  row('shop', 'there')
  row('shop', 'gone', { base_ref: '' })
  row('shop', 'released', { status: 'released', created_at: 'some day' })
  row('shop', 'odd', { last_phase: 'a\tb\\c\n\u001b[31m "q" \u0085', created_at: '2026-11-23T09:00:00+0530' })
  row('shop', 'wide', { last_phase: '要件定義', branch: 'e\u0301tude' })
  row('shop', 'linked')
  row('other', 'elsewhere', { worktree_path: path.join(box.dir, 'elsewhere') })
  for (let i = 0; i < tasksMore; i++) row('many', `task-${i}`)
  for (const directory of [path.join(worktrees, 'shop/g/there'), path.join(box.dir, 'elsewhere')]) fs.mkdirSync(directory, { recursive: true })
  if (process.platform !== 'win32') fs.symlinkSync(path.join(box.dir, 'elsewhere'), path.join(worktrees, 'shop/g/linked'))
  const okstra = { version: 1, tasks: { 'shop/g/gone': { repository: path.join(box.dir, 'shop.git') } } }
  fs.writeFileSync(path.join(worktrees, 'registry.json'), `${JSON.stringify({ tasks, branches: {}, okstra }, null, 2)}\n`)
  const api = (call) => JSON.parse(execFileSync(process.execPath, ['-p', `JSON.stringify(require(${JSON.stringify(path.join(__dirname, '..'))}).${call})`], { env: box.env }))
  const list = (...args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'list', '--fast', ...args], { env: box.env, cwd: box.dir, encoding: 'utf8', maxBuffer: 1 << 26 })
    return { status, stdout, stderr }
  }
  return { ...box, api, list }
}

const linesOf = (tasks) => tasks.map((task) => [task.taskKey, task.state, age(task.createdAt), task.branch, task.lastPhase, task.worktreePath])
const tableOf = (tasks) => `${table([['TASK', 'STATE', 'AGE', 'BRANCH', 'PHASE', 'PATH'], ...linesOf(tasks)])}\n`

test('list --fast says in each of its forms what listTasks gives', (t) => {
  const { api, list } = home(t)
  const tasks = api('listTasks()')
  const states = Object.fromEntries(tasks.map(({ taskId, state }) => [taskId, state]))
  const linked = process.platform === 'win32' ? 'missing' : 'active'
  assert.deepEqual(states, { there: 'active', gone: 'missing', released: 'released', odd: 'missing', wide: 'missing', linked, elsewhere: 'active' })
  assert.ok(tasks.find(({ taskId }) => taskId === 'gone').repository.endsWith('shop.git'))
  assert.deepEqual(list('--json'), { status: 0, stdout: `${JSON.stringify({ schema: 1, ok: true, tasks })}\n`, stderr: '' })
  assert.deepEqual(list('--porcelain'), { status: 0, stdout: `${porcelain(tasks)}\n`, stderr: '' })
  assert.deepEqual(list(), { status: 0, stdout: tableOf(tasks), stderr: '' })

  for (const [args, keep] of [
    [['--project', 'shop'], ({ projectId }) => projectId === 'shop'],
    [['--status', 'missing'], ({ state }) => state === 'missing'],
    [['--project', 'Other', '--status', 'active'], ({ taskId }) => taskId === 'elsewhere'],
  ]) {
    const chosen = tasks.filter(keep)
    assert.ok(chosen.length > 0)
    assert.equal(list(...args).stdout, tableOf(chosen), args.join(' '))
    assert.deepEqual(JSON.parse(list(...args, '--json').stdout).tasks, chosen)
  }
  assert.deepEqual(list('--project', 'none'), { status: 0, stdout: '', stderr: 'no tasks\n' })
  assert.deepEqual(list('--status', 'orphan'), { status: 0, stdout: '', stderr: 'no tasks that are orphan\n' })
  assert.deepEqual(list('--status', 'orphan', '--json'), { status: 0, stdout: '{"schema":1,"ok":true,"tasks":[]}\n', stderr: '' })
})

const SLOW_READER = `
import os, select, subprocess, sys
read, write = os.pipe()
os.set_blocking(write, False)
child = subprocess.Popen(sys.argv[1:], stdout=write)
while child.poll() is None and select.select([], [write], [], 0)[1]:
    pass
os.close(write)
sys.stdout.flush()
while chunk := os.read(read, 1 << 16):
    sys.stdout.buffer.write(chunk)
sys.exit(child.wait())
`
const python = { skip: (process.platform === 'win32' || spawnSync('python3', ['--version']).status !== 0) && 'needs python3 on a Unix' }

test('a reader that is slow gets a long answer whole and in order', python, (t) => {
  const { api, dir, env } = home(t, 1000)
  const options = { env, cwd: dir, encoding: 'utf8', maxBuffer: 1 << 26 }
  const { status, stdout, stderr } = spawnSync('python3', ['-c', SLOW_READER, process.execPath, BIN, 'list', '--fast', '--json'], options)
  assert.equal(status, 0, stderr)
  assert.equal(stdout.length > 1 << 17, true)
  assert.equal(stdout, `${JSON.stringify({ schema: 1, ok: true, tasks: api('listTasks()') })}\n`)
})
