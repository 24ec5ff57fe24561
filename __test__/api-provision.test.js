'use strict'

const assert = require('node:assert')
const fs = require('node:fs')
const path = require('node:path')
const { getEventListeners, once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { apiSandbox, blockingHook, okstra, rejectionOf } = require('./helpers/api.js')

const { provisionTaskWorktree, provisionTaskWorktreeSync, registry } = okstra
const unix = { skip: process.platform === 'win32' && 'uses FIFOs' }

test('a task gets its worktree, and the same one again', async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const head = box.git(['rev-parse', 'HEAD'], { cwd: root })
  const created = await provisionTaskWorktree(box.options(root, 'Login 42'))
  assert.deepStrictEqual(created, {
    status: 'created',
    path: path.join(box.okstraHome, 'worktrees', 'shop', 'checkout', 'login-42'),
    branch: 'fix-login-42',
    baseRef: head,
    note: `task worktree created at ${created.path} on branch fix-login-42 (base ${head.slice(0, 12)}; phase implementation)`,
    notes: [],
    taskKey: 'shop/checkout/login-42',
    linked: [],
  })
  assert.strictEqual(box.git(['status', '--porcelain'], { cwd: created.path }), '')
  const again = provisionTaskWorktreeSync(box.options(root, 'Login 42', { taskType: 'handoff', baseRef: null }))
  assert.deepStrictEqual([again.status, again.path, again.branch], ['reused', created.path, created.branch])
  assert.strictEqual(registry.lookup('shop', 'checkout', 'login-42').lastPhase, 'handoff')
  const [task] = okstra.listTasks()
  assert.deepStrictEqual([task.state, task.repository], ['active', path.join(root, '.git')])
  const events = registry.history({ taskKey: created.taskKey }).map(({ event, phase }) => [event, phase])
  assert.deepStrictEqual(events, [['reused', 'handoff'], ['created', 'implementation']])
})

test('a lost worktree is restored with its commits; other places are left alone', async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const { path: worktree } = await provisionTaskWorktree(box.options(root, '1'))
  fs.writeFileSync(path.join(worktree, 'new.txt'), 'new')
  box.git(['add', '-A'], { cwd: worktree })
  box.git(['commit', '-q', '-m', 'work'], { cwd: worktree })
  fs.rmSync(worktree, { recursive: true })
  assert.strictEqual(okstra.listTasks()[0].state, 'missing')
  const restored = await provisionTaskWorktree(box.options(root, '1'))
  assert.strictEqual(restored.status, 'restored')
  assert.strictEqual(fs.readFileSync(path.join(worktree, 'new.txt'), 'utf8'), 'new')

  const inside = await provisionTaskWorktree(box.options(worktree, '1'))
  assert.deepStrictEqual([inside.status, inside.path], ['skipped-in-worktree', worktree])
  const other = await provisionTaskWorktree(box.options(worktree, '2'))
  assert.deepStrictEqual([other.status, path.basename(other.path)], ['created', '2'])
  const outside = await provisionTaskWorktree(box.options(box.dir, '2'))
  assert.deepStrictEqual([outside.status, outside.path], ['skipped-not-git', box.dir])
})

test('of many calls for one task exactly one creates', async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const calls = Array.from({ length: 12 }, () => provisionTaskWorktree(box.options(root, '1')))
  const statuses = (await Promise.all(calls)).map(({ status }) => status).sort()
  assert.deepStrictEqual(statuses, ['created', ...Array.from({ length: 11 }, () => 'reused')])
})

test('many tasks of one repository at once all succeed', async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const calls = Array.from({ length: 16 }, (_, index) => provisionTaskWorktree(box.options(root, `task-${index}`)))
  const paths = new Set((await Promise.all(calls)).map((each) => `${each.status} ${each.path}`))
  assert.strictEqual(paths.size, 16)
  assert.ok([...paths].every((each) => each.startsWith('created ')))
  assert.strictEqual(registry.list({ status: 'active' }).length, 16)
})

test('a signal that is aborted already starts nothing', async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const reason = new Error('enough')
  const error = await rejectionOf(provisionTaskWorktree(box.options(root, '1'), AbortSignal.abort(reason)))
  assert.deepStrictEqual([error.name, error.code, error.cause], ['AbortError', 'OKSTRA_ABORTED', reason])
  assert.ok(!fs.existsSync(box.okstraHome))
  assert.strictEqual(box.git(['branch', '--list', 'fix-*'], { cwd: root }), '')
})

test('a signal that never fires keeps nothing', async (t) => {
  const box = apiSandbox(t)
  const { signal } = new AbortController()
  signal.addEventListener('abort', () => assert.fail('not aborted'))
  const mine = () => {}
  signal.onabort = mine
  const before = getEventListeners(signal, 'abort').length
  await provisionTaskWorktree(box.options(box.repository('project'), '1'), signal)
  await rejectionOf(provisionTaskWorktree(box.options(path.join(box.dir, 'none'), '1'), signal))
  assert.strictEqual(getEventListeners(signal, 'abort').length, before)
  assert.strictEqual(signal.onabort, mine)
  for (const wrong of [7, {}, 'abort']) {
    const error = await rejectionOf(provisionTaskWorktree(box.options(box.dir, '1'), wrong))
    assert.strictEqual(error.code, 'OKSTRA_INVALID_ARGUMENT')
    assert.ok(error.message.startsWith('signal '), error.message)
  }
})

test('waiting calls can be aborted, time out, and stop nothing else', unix, async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const hook = blockingHook(box, root)
  const first = provisionTaskWorktree(box.options(root, '1'))
  await hook.reached

  const late = await rejectionOf(provisionTaskWorktree(box.options(root, '1', { lockTimeoutMs: 30 })))
  assert.strictEqual(late.code, 'OKSTRA_LOCK_TIMEOUT')
  assert.ok(late.message.includes(`pid ${process.pid}`), late.message)
  assert.ok(late.path.startsWith(box.okstraHome))

  const controller = new AbortController()
  const waiting = Array.from({ length: 8 }, () =>
    rejectionOf(provisionTaskWorktree(box.options(root, '1'), controller.signal)),
  )
  // Eight calls wait for a lock. Node's pool has four threads: were they its own, this read would never end.
  await fs.promises.readFile(__filename)
  controller.abort(new Error('enough'))
  for (const error of await Promise.all(waiting)) {
    assert.deepStrictEqual([error.name, error.code], ['AbortError', 'OKSTRA_ABORTED'])
    assert.strictEqual(error.cause, controller.signal.reason)
  }
  assert.strictEqual(getEventListeners(controller.signal, 'abort').length, 0)

  await hook.release()
  assert.strictEqual((await first).status, 'created')
})

test('a call that is aborted at work leaves nothing in the way', unix, async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const hook = blockingHook(box, root)
  const controller = new AbortController()
  const call = rejectionOf(provisionTaskWorktree(box.options(root, '1'), controller.signal))
  await hook.reached
  controller.abort()
  const error = await call
  assert.deepStrictEqual([error.name, error.code], ['AbortError', 'OKSTRA_ABORTED'])
  assert.strictEqual(error.cause, controller.signal.reason)
  fs.rmSync(path.join(root, '.git', 'hooks', 'post-checkout'))
  const next = await provisionTaskWorktree(box.options(root, '1'))
  assert.strictEqual(next.status, 'created')
  assert.strictEqual(box.git(['status', '--porcelain'], { cwd: next.path }), '')
})

test('worker threads provision, and may be ended in the middle', unix, async (t) => {
  const box = apiSandbox(t)
  const root = box.repository('project')
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    require(workerData.addon).provisionTaskWorktree(workerData.options).then(
      (provision) => parentPort.postMessage(provision.status),
      (error) => parentPort.postMessage(error.code))`
  const start = (task) => {
    const workerData = { addon: path.join(__dirname, '..'), options: box.options(root, task) }
    return new Worker(source, { eval: true, workerData })
  }
  const messages = await Promise.all(['1', '1', '2'].map(async (task) => (await once(start(task), 'message'))[0]))
  assert.deepStrictEqual(messages.sort(), ['created', 'created', 'reused'])

  const hook = blockingHook(box, root)
  const worker = start('3')
  await hook.reached
  await worker.terminate()
  await hook.release()
  fs.rmSync(path.join(root, '.git', 'hooks', 'post-checkout'))
  const next = await provisionTaskWorktree(box.options(root, '3'))
  assert.strictEqual(next.status, 'reused', 'the thread of the call finished its work')
})
