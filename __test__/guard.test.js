'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, thrownBy } = require('./helpers/api.js')

/** A repository with a shared directory, and two tasks in it. */
function twoTasks(t) {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'src/main.txt': 'text\n' } })
  fs.mkdirSync(path.join(main, '.scratch', 'deep'), { recursive: true })
  const [here, other] = ['42', '43'].map((task) => okstra.provisionTaskWorktreeSync(box.options(main, task)))
  return { ...box, main, here, other }
}

test('what lies in the worktree, also what does not exist yet, is allowed', (t) => {
  const { here } = twoTasks(t)
  const within = (place) => okstra.guardPath(place, { cwd: here.path })
  for (const place of ['src/main.txt', 'new/deep/file', '.', '', '..'].filter(Boolean)) {
    assert.equal(within(place).allowed, place !== '..', place)
  }
  assert.deepEqual(within(path.join(here.path, 'new', 'x', '..', 'y')), {
    allowed: true,
    place: 'worktree',
    path: path.join(here.path, 'new', 'y'),
    taskKey: 'shop/checkout/42',
    worktreePath: here.path,
    reason: '',
    hint: '',
  })
})

test('what lies outside is refused, and the worktree is named', (t) => {
  const { dir, main, here, other } = twoTasks(t)
  const outside = [
    path.join(main, 'src', 'main.txt'),
    path.join(other.path, 'src', 'main.txt'),
    path.join(here.path, '..', '43', 'new'),
    `${here.path}-sibling`,
    path.join(main, '.git', 'config'),
    path.join(dir, 'nowhere', 'at', 'all'),
    path.parse(dir).root,
  ]
  for (const place of outside) {
    const verdict = okstra.guardPath(place, { taskKey: here.taskKey })
    assert.deepEqual([verdict.allowed, verdict.place], [false, 'outside'], place)
    assert.ok(verdict.hint.includes(here.path), verdict.hint)
  }
  const link = okstra.guardPath('.git', { cwd: here.path })
  assert.deepEqual([link.allowed, link.place], [false, 'git-data'])
})

test('links are followed to where a write would go', (t) => {
  const { dir, main, here } = twoTasks(t)
  const link = (name, target) => fs.symlinkSync(target, path.join(here.path, name))
  link('into-main', path.join(main, 'src'))
  link('dangling', path.join(main, 'not yet'))
  link('inside', 'src')
  link('graphify-out', dir)
  const allowed = (place) => okstra.guardPath(place, { cwd: here.path }).allowed
  assert.equal(allowed('inside/main.txt'), true)
  assert.equal(allowed('into-main/main.txt'), false)
  assert.equal(allowed('into-main/../../shop/src/main.txt'), false)
  assert.equal(allowed('dangling'), false)
  assert.equal(allowed('graphify-out/x'), false, 'a link at the name of a shared directory that leads elsewhere')
  const alias = path.join(dir, 'alias')
  fs.symlinkSync(here.path, alias)
  assert.equal(allowed(path.join(alias, 'src', 'main.txt')), true)
})

test('the shared directories are allowed, by their own path too', (t) => {
  const { main, here } = twoTasks(t)
  for (const place of ['.scratch/note', '.scratch/deep/new/note', path.join(main, '.scratch', 'note')]) {
    const verdict = okstra.guardPath(place, { cwd: here.path })
    assert.deepEqual([verdict.allowed, verdict.place], [true, 'shared'], place)
    assert.equal(verdict.path.startsWith(path.join(main, '.scratch')), true)
  }
  assert.equal(okstra.guardPath(path.join(main, '.scratch-not'), { cwd: here.path }).allowed, false)
  assert.equal(okstra.guardPath('.scratch/../src', { cwd: here.path }).allowed, false, 'up from where the link leads')
})

test('which task it is about', (t) => {
  const { main, here, other } = twoTasks(t)
  assert.equal(okstra.guardPath('x', { cwd: path.join(other.path, 'src') }).taskKey, other.taskKey)
  assert.equal(okstra.guardPath(path.join(here.path, 'x'), { cwd: main }), null)
  assert.equal(okstra.guardPath(path.join(here.path, 'x'), { cwd: main, taskKey: here.taskKey }).allowed, true)
  fs.rmSync(here.path, { recursive: true })
  assert.equal(okstra.guardPath(path.join(here.path, 'x'), { taskKey: here.taskKey }).allowed, true, 'before it is back')
  const codes = [
    [() => okstra.guardPath('x', { taskKey: 'shop/checkout/none' }), 'OKSTRA_NOT_FOUND'],
    [() => okstra.guardPath('x', { taskKey: 'shop' }), 'OKSTRA_INVALID_ARGUMENT'],
    [() => okstra.guardPath('', { cwd: other.path }), 'OKSTRA_INVALID_ARGUMENT'],
    [() => okstra.guardPath('a\0b', { cwd: other.path }), 'OKSTRA_INVALID_ARGUMENT'],
    [() => okstra.guardPath(), 'OKSTRA_INVALID_ARGUMENT'],
  ]
  for (const [call, code] of codes) assert.equal(thrownBy(call).code, code)
})

test('the command: silent when allowed, 4 with a way out when not, 3 without a task', async (t) => {
  const box = twoTasks(t)
  const run = (args, cwd = box.here.path) => box.okstra(['guard', ...args], { cwd })
  assert.deepEqual(await run(['src/new.txt']), { code: 0, signal: null, stdout: '', stderr: '' })
  const refused = await run([path.join(box.main, 'src', 'main.txt')])
  assert.deepEqual([refused.code, refused.stdout], [4, ''])
  assert.match(refused.stderr, /lies outside the worktree of the task shop\/checkout\/42\n {2}Write below /)
  assert.ok(refused.stderr.includes(box.here.path))
  const json = JSON.parse((await run([path.join(box.main, 'x'), '--json'])).stdout)
  assert.deepEqual([json.ok, json.error.code, json.error.taskKey], [false, 'OKSTRA_OUTSIDE_WORKTREE', 'shop/checkout/42'])
  const named = await run(['x', '--task', 'checkout/42', '--json'], box.main)
  assert.equal(named.code, 4, 'a relative path counts from the current directory')
  assert.equal((await run(['x'], box.main)).code, 3)
  assert.equal((await run(['x', '--task', 'checkout/none'])).code, 3)
  assert.equal((await run([])).code, 2)
})

test('the command as a hook of an agent', async (t) => {
  const box = twoTasks(t)
  const call = (input, args = []) =>
    box.okstra(['guard', '--hook', ...args], { cwd: box.main, input: typeof input === 'string' ? input : JSON.stringify(input) })
  const inMain = path.join(box.main, 'src', 'main.txt')
  const denied = await call({ cwd: box.here.path, tool_name: 'Write', tool_input: { file_path: inMain, content: '' } })
  assert.equal(denied.code, 0)
  const { hookSpecificOutput: decision } = JSON.parse(denied.stdout)
  assert.deepEqual([decision.hookEventName, decision.permissionDecision], ['PreToolUse', 'deny'])
  assert.ok(decision.permissionDecisionReason.includes(box.here.path))
  for (const input of [
    { cwd: box.here.path, tool_input: { file_path: path.join(box.here.path, 'x') } },
    { cwd: box.here.path, tool_input: { notebook_path: 'x.ipynb' } },
    { cwd: box.here.path, tool_input: { command: 'ls' } },
    { cwd: box.main, tool_input: { file_path: inMain } },
    {},
  ]) {
    assert.deepEqual(await call(input), { code: 0, signal: null, stdout: '', stderr: '' })
  }
  const notebook = await call({ cwd: box.here.path, tool_input: { notebook_path: inMain } })
  assert.match(notebook.stdout, /"deny"/)
  assert.match((await call({ cwd: box.main, tool_input: { file_path: inMain } }, ['--task', box.here.taskKey])).stdout, /"deny"/)
  for (const input of ['', 'null', '[']) assert.equal((await call(input)).code, 2, 'which such a hook takes for a no')
})
