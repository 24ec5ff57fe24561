'use strict'

const assert = require('node:assert')
const fs = require('node:fs')
const path = require('node:path')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { apiSandbox, okstra, thrownBy } = require('./helpers/api.js')

const { registry } = okstra
const BASE = 'a'.repeat(40)

function reservation(box, taskId, more = {}) {
  return {
    projectId: 'shop',
    taskGroup: 'checkout',
    taskId,
    worktreePath: path.join(box.dir, 'worktree', taskId),
    branch: `fix-${taskId}`,
    baseRef: BASE,
    phase: 'analysis',
    ...more,
  }
}

test('an entry lives from reserve to release, in the shape of the old registry', (t) => {
  const box = apiSandbox(t)
  assert.strictEqual(registry.lookup('shop', 'checkout', '42'), null)
  assert.deepStrictEqual(registry.list(), [])

  const entry = registry.reserve(reservation(box, '42'))
  assert.match(entry.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$/)
  assert.deepStrictEqual(entry, {
    taskKey: 'shop/checkout/42',
    projectId: 'shop',
    taskGroup: 'checkout',
    taskId: '42',
    worktreePath: path.join(box.dir, 'worktree', '42'),
    branch: 'fix-42',
    baseRef: BASE,
    createdAt: entry.createdAt,
    lastPhase: 'analysis',
    status: 'active',
  })
  assert.deepStrictEqual(registry.lookup('shop', 'checkout', '42'), entry)

  assert.strictEqual(registry.touchPhase('shop', 'checkout', '42', 'implementation'), undefined)
  assert.strictEqual(registry.touchPhase('shop', 'checkout', 'unknown', 'implementation'), undefined)
  const touched = { ...entry, lastPhase: 'implementation' }
  assert.deepStrictEqual(registry.lookup('shop', 'checkout', '42'), touched)

  const text = fs.readFileSync(path.join(box.okstraHome, 'worktrees', 'registry.json'), 'utf8')
  const file = JSON.parse(text)
  assert.ok(text.endsWith('}\n') && text.startsWith('{\n  "tasks": {\n    "shop/checkout/42": {\n      "project_id"'))
  assert.deepStrictEqual(Object.keys(file.tasks['shop/checkout/42']), [
    'project_id', 'task_group', 'task_id', 'worktree_path', 'branch', 'base_ref', 'created_at', 'last_phase', 'status',
  ])
  assert.deepStrictEqual(file.branches, { 'fix-42': 'shop/checkout/42' })

  assert.deepStrictEqual(registry.release('shop', 'checkout', '42'), touched)
  assert.strictEqual(registry.release('shop', 'checkout', 'unknown'), null)
  assert.strictEqual(registry.lookup('shop', 'checkout', '42').status, 'released')
})

test('the list can be narrowed', (t) => {
  const box = apiSandbox(t)
  for (const [projectId, taskId] of [['shop', '1'], ['shop', '2'], ['blog', '3']]) {
    registry.reserve(reservation(box, taskId, { projectId }))
  }
  registry.release('shop', 'checkout', '1')
  const keys = (filter) => registry.list(filter).map((entry) => entry.taskKey).sort()
  assert.deepStrictEqual(keys(null), ['blog/checkout/3', 'shop/checkout/1', 'shop/checkout/2'])
  assert.deepStrictEqual(keys({}), keys())
  assert.deepStrictEqual(keys({ projectId: 'shop', status: null }), ['shop/checkout/1', 'shop/checkout/2'])
  assert.deepStrictEqual(keys({ projectId: 'shop', status: 'released' }), ['shop/checkout/1'])
  assert.deepStrictEqual(keys({ taskGroup: 'none' }), [])
  assert.strictEqual(thrownBy(() => registry.list({ status: 'gone' })).code, 'OKSTRA_INVALID_ARGUMENT')
  assert.strictEqual(thrownBy(() => registry.list('shop')).code, 'OKSTRA_INVALID_ARGUMENT')
})

test('a task that is named is chosen only where the rest of the choice lets it through', (t) => {
  const box = apiSandbox(t)
  registry.reserve(reservation(box, '1'))
  const chosen = (more) => okstra.surveyTasksSync({ taskKey: 'shop/checkout/1', ...more }).length
  assert.deepStrictEqual([chosen(), chosen({ projectId: 'shop' }), chosen({ taskGroup: 'checkout' })], [1, 1, 1])
  assert.deepStrictEqual([chosen({ projectId: 'blog' }), chosen({ taskGroup: 'none' })], [0, 0])
  assert.strictEqual(thrownBy(() => chosen({ projectId: 7 })).code, 'OKSTRA_INVALID_ARGUMENT')
})

test('keys and branches have one owner', (t) => {
  const box = apiSandbox(t)
  const [one, other] = ['one', 'other'].map((name) => path.join(box.repository(name), '.git'))
  registry.reserve(reservation(box, '42', { repository: one }))

  const again = thrownBy(() => registry.reserve(reservation(box, '42', { repository: one })))
  assert.deepStrictEqual([again.code, again.taskKey], ['OKSTRA_KEY_EXISTS', 'shop/checkout/42'])
  const taken = { taskGroup: 'cart', worktreePath: path.join(box.dir, 'elsewhere') }
  for (const repository of [one, null]) {
    const owned = thrownBy(() => registry.reserve(reservation(box, '42', { ...taken, repository })))
    assert.deepStrictEqual([owned.code, owned.branch], ['OKSTRA_BRANCH_OWNED', 'fix-42'])
  }
  assert.strictEqual(registry.reserve(reservation(box, '42', { ...taken, repository: other })).branch, 'fix-42')
})

test('wrong arguments are named', () => {
  const cases = [
    [() => registry.lookup('shop', 'checkout'), 'taskId '],
    [() => registry.lookup(1, 'checkout', '42'), 'projectId '],
    [() => registry.touchPhase('shop', 'checkout', '42'), 'phase '],
    [() => registry.reserve(), 'options '],
    [() => registry.reserve({ projectId: 'a', taskGroup: 'b', taskId: 'c' }), 'worktreePath '],
    [() => registry.history({ limit: -1 }), 'limit '],
    [() => registry.taskKey('a/b', 'c', 'd'), 'project id '],
    [() => registry.history({ taskKey: 'a/b' }), 'task-key '],
  ]
  for (const [call, start] of cases) {
    const error = thrownBy(call)
    assert.strictEqual(error.code, 'OKSTRA_INVALID_ARGUMENT')
    assert.ok(error.message.startsWith(start), error.message)
  }
  assert.strictEqual(registry.taskKey('a', 'b', 'c'), 'a/b/c')
})

test('listTasks adds what the disk says', (t) => {
  const box = apiSandbox(t)
  for (const taskId of ['here', 'gone', 'free']) {
    const entry = registry.reserve(reservation(box, taskId))
    if (taskId !== 'gone') fs.mkdirSync(entry.worktreePath, { recursive: true })
  }
  registry.release('shop', 'checkout', 'free')
  const states = Object.fromEntries(okstra.listTasks().map((task) => [task.taskId, [task.status, task.state]]))
  assert.deepStrictEqual(states, {
    here: ['active', 'active'],
    gone: ['active', 'missing'],
    free: ['released', 'released'],
  })
})

test('a broken registry is healed and a warning tells', async (t) => {
  const box = apiSandbox(t)
  registry.reserve(reservation(box, '1'))
  registry.reserve(reservation(box, '2'))
  fs.writeFileSync(path.join(box.okstraHome, 'worktrees', 'registry.json'), '{ not json')
  const warned = once(process, 'warning')
  registry.reserve(reservation(box, '3'))
  const [warning] = await warned
  assert.strictEqual(warning.code, 'OKSTRA_REGISTRY_RECOVERED')
  const kept = registry.list().map((entry) => entry.taskId)
  assert.ok(kept.includes('1') && kept.includes('3'), `the backup was used: ${kept}`)
})

test('threads that write at once lose nothing', async (t) => {
  const box = apiSandbox(t)
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { registry } = require(workerData.addon)
    for (const options of workerData.reservations) registry.reserve(options)
    parentPort.postMessage(registry.list().length)`
  const ends = Array.from({ length: 4 }, (_, thread) => {
    const reservations = Array.from({ length: 10 }, (_unused, index) => reservation(box, `${thread}-${index}`))
    const workerData = { addon: path.join(__dirname, '..'), reservations }
    const worker = new Worker(source, { eval: true, workerData })
    return once(worker, 'exit')
  })
  for (const [code] of await Promise.all(ends)) assert.strictEqual(code, 0)
  assert.strictEqual(registry.list({ status: 'active' }).length, 40)
})
