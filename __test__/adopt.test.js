'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, rejectionOf, thrownBy } = require('./helpers/api.js')

/** A repository with a shared directory, and a worktree that git made. */
function stage(t) {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'src/main.txt': 'text\n' } })
  fs.mkdirSync(path.join(main, '.scratch'))
  const tree = path.join(box.dir, 'by hand')
  box.git(['worktree', 'add', '-q', '-b', 'mine', tree], { cwd: main })
  const base = box.git(['rev-parse', 'main'], { cwd: main })
  const adopt = (more = {}) =>
    okstra.adoptWorktreeSync({ path: tree, projectId: 'shop', taskGroup: 'checkout', taskId: '42', ...more })
  return { ...box, main, tree, base, common: path.join(main, '.git'), adopt }
}

/** Everything that an adoption could change. */
function state({ okstraHome, common, tree, git, main }) {
  const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null)
  return {
    registry: read(path.join(okstraHome, 'worktrees', 'registry.json')),
    exclude: read(path.join(common, 'info', 'exclude')),
    files: fs.readdirSync(tree),
    refs: git(['for-each-ref'], { cwd: main }),
    list: git(['worktree', 'list', '--porcelain'], { cwd: main }),
  }
}

test('a worktree that git made becomes a task where it is', (t) => {
  const box = stage(t)
  fs.writeFileSync(path.join(box.tree, 'work.txt'), 'uncommitted\n')
  box.git(['commit', '-qm', 'work', '--allow-empty'], { cwd: box.tree })
  const { status, task, rebuilt, linked } = box.adopt({ phase: 'implementation' })
  assert.deepEqual([status, rebuilt, linked], ['adopted', false, ['.scratch']])
  assert.deepEqual(task, okstra.registry.lookup('shop', 'checkout', '42'))
  assert.deepEqual(
    [task.worktreePath, task.branch, task.baseRef, task.lastPhase, task.status],
    [box.tree, 'mine', box.base, 'implementation', 'active'],
  )
  assert.equal(box.git(['status', '--porcelain'], { cwd: box.tree }), '?? work.txt')
  const again = okstra.provisionTaskWorktreeSync(box.options(box.main, '42'))
  assert.deepEqual([again.status, again.path, again.branch], ['reused', box.tree, 'mine'])
  assert.deepEqual(okstra.doctorSync({ root: box.main }).findings, [])
  assert.equal(box.adopt().status, 'unchanged', 'again')
})

test('a directory whose data git has pruned comes back on the branch that is named', async (t) => {
  const box = stage(t)
  fs.writeFileSync(path.join(box.tree, 'src', 'main.txt'), 'changed\n')
  fs.rmSync(path.join(box.common, 'worktrees'), { recursive: true })
  assert.match(thrownBy(() => box.adopt()).message, /name the branch/)
  assert.match(thrownBy(() => box.adopt({ branch: 'none' })).message, /there is none of that name/)
  assert.match(thrownBy(() => box.adopt({ branch: 'main' })).message, /checked out at .*shop/)
  assert.equal(thrownBy(() => box.adopt({ branch: '-D' })).code, 'OKSTRA_INVALID_ARGUMENT')
  const options = { path: box.tree, projectId: 'shop', taskGroup: 'checkout', taskId: '42', branch: 'mine' }
  const { status, rebuilt } = await okstra.adoptWorktree(options)
  assert.deepEqual([status, rebuilt], ['adopted', true])
  assert.equal(box.git(['status', '--porcelain'], { cwd: box.tree }), ' M src/main.txt')
  assert.equal(box.git(['symbolic-ref', '--short', 'HEAD'], { cwd: box.tree }), 'mine')
})

test('a moved worktree is tied to its new place', (t) => {
  const box = stage(t)
  const moved = path.join(box.dir, 'moved')
  fs.renameSync(box.tree, moved)
  assert.equal(box.adopt({ path: moved }).task.worktreePath, moved)
  assert.match(box.git(['worktree', 'list'], { cwd: box.main }), /moved /)
})

test('what cannot be a task is refused, and nothing changes', async (t) => {
  const box = stage(t)
  const other = okstra.provisionTaskWorktreeSync(box.options(box.main, '43'))
  const plain = path.join(box.dir, 'plain')
  fs.mkdirSync(plain)
  const link = path.join(box.dir, 'link')
  fs.symlinkSync(box.tree, link)
  const copy = path.join(box.dir, 'copy')
  fs.cpSync(box.tree, copy, { recursive: true })
  const detached = path.join(box.dir, 'detached')
  box.git(['worktree', 'add', '-q', '--detach', detached], { cwd: box.main })
  const taken = path.join(box.dir, 'taken')
  okstra.registry.reserve({
    projectId: 'shop', taskGroup: 'x', taskId: 'y', worktreePath: taken, branch: 'mine', baseRef: box.base, repository: box.common,
  })
  const before = state(box)
  for (const [options, code, message] of [
    [{ path: box.main }, 'OKSTRA_INVALID_ARGUMENT', /main worktree/],
    [{ path: plain }, 'OKSTRA_INVALID_ARGUMENT', /no \.git file/],
    [{ path: link }, 'OKSTRA_INVALID_ARGUMENT', /symbolic link/],
    [{ path: path.join(box.dir, 'nothing') }, 'OKSTRA_INVALID_ARGUMENT', /does not exist/],
    [{ path: path.join(box.tree, 'src', 'main.txt') }, 'OKSTRA_INVALID_ARGUMENT', /no directory/],
    [{ path: path.join(box.tree, 'src') }, 'OKSTRA_INVALID_ARGUMENT', /no \.git file/],
    [{ path: copy }, 'OKSTRA_INVALID_ARGUMENT', /copy of the other/],
    [{ path: detached }, 'OKSTRA_INVALID_ARGUMENT', /on no branch/],
    [{ path: other.path }, 'OKSTRA_INVALID_ARGUMENT', /worktree of the task shop\/checkout\/43/],
    [{ taskId: '43' }, 'OKSTRA_KEY_EXISTS', /active already/],
    [{}, 'OKSTRA_BRANCH_OWNED', /shop\/x\/y/],
    [{ branch: 'other' }, 'OKSTRA_INVALID_ARGUMENT', /the worktree is on mine/],
    [{ taskId: 'a/b' }, 'OKSTRA_INVALID_ARGUMENT', /task id/],
    [{ path: undefined }, 'OKSTRA_INVALID_ARGUMENT', /path /],
  ]) {
    const all = { path: box.tree, projectId: 'shop', taskGroup: 'checkout', taskId: '42', ...options }
    const error = thrownBy(() => okstra.adoptWorktreeSync(all))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    assert.equal((await rejectionOf(okstra.adoptWorktree(all))).message, error.message)
    assert.deepEqual(state(box), before, error.message)
  }
})

test('a rebase in progress is to be finished first', (t) => {
  const box = stage(t)
  for (const name of ['one', 'two']) box.git(['commit', '-qm', name, '--allow-empty'], { cwd: box.tree })
  thrownBy(() => box.git(['rebase', '--exec', 'false', 'HEAD~1'], { cwd: box.tree }))
  assert.match(thrownBy(() => box.adopt()).message, /a rebase is in progress/)
})

test('the command prints the path and tells the rest', async (t) => {
  const box = stage(t)
  const run = await box.okstra(['adopt', 'by hand', '--task', 'checkout/42'])
  assert.deepEqual(run, {
    code: 0,
    signal: null,
    stdout: `${box.tree}\n`,
    stderr: 'shop/checkout/42: adopted, on branch mine\nlinked: .scratch\n',
  })
  const json = JSON.parse((await box.okstra(['adopt', box.tree, '--task', 'shop/checkout/42', '--json'])).stdout)
  assert.deepEqual([json.ok, json.status, json.task.branch], [true, 'unchanged', 'mine'])
  assert.equal((await box.okstra(['adopt', box.tree])).code, 2)
})
