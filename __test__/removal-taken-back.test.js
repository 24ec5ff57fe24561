'use strict'
// What git or the disk would refuse is refused before anything is written; what fails after that is taken back whole. No
// error leaves an intent.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const { apiSandbox, okstra, rejectionOf } = require('./helpers/api.js')

const TASK = { projectId: 'shop', taskGroup: 'checkout', taskId: 't' }
const KEY = 'shop/checkout/t'

async function withTask(t) {
  const box = apiSandbox(t)
  const repository = box.repository('shop', { files: { 'a.txt': 'a\n' } })
  fs.mkdirSync(path.join(repository, '.scratch'))
  const { path: tree, branch } = await okstra.provisionTaskWorktree(box.options(repository, 't'))
  const git = (...args) => box.git(args, { cwd: tree })
  const inMain = (...args) => box.git(args, { cwd: repository })
  const intents = () => {
    const directory = path.join(box.okstraHome, 'worktrees', '.intents')
    return fs.existsSync(directory) ? fs.readdirSync(directory).filter((name) => name.endsWith('.json')) : []
  }
  const work = () => {
    fs.writeFileSync(path.join(tree, 'new'), 'new\n')
    fs.writeFileSync(path.join(tree, 'a.txt'), 'changed\n')
  }
  /** Everything that a failed call must leave as it was. */
  const state = () => [
    inMain('for-each-ref'),
    inMain('worktree', 'list', '--porcelain'),
    okstra.registry.lookup('shop', 'checkout', 't')?.status,
    fs.existsSync(tree) ? [git('status', '--porcelain'), fs.readlinkSync(path.join(tree, '.scratch'))] : null,
    okstra.listTrash().map(({ id, whole }) => [id, whole]),
    intents(),
  ]
  return { ...box, repository, tree, branch, git, inMain, intents, work, state }
}

/** A directory in which nothing can be made or removed, even by root, until the test ends. */
function sealed(t, directory) {
  try {
    execFileSync('chattr', ['+i', directory], { stdio: 'ignore' })
  } catch {
    return false
  }
  const open = () => execFileSync('chattr', ['-i', directory], { stdio: 'ignore' })
  let done = false
  const once = () => done || ((done = true), open())
  t.after(once)
  return once
}

for (const [name, blocking] of Object.entries({ 'below it': 'fix-t/x', 'as before': 'fix-t' })) {
  test(`a return waits until the way of its branch is free: a branch ${name}`, async (t) => {
    const { work, tree, inMain, state, branch, repository, options, intents } = await withTask(t)
    work()
    await okstra.removeTask({ ...TASK, force: true, deleteBranch: true })
    assert.equal(inMain('branch', '--list', branch), '')
    inMain('branch', blocking)
    if (blocking === branch) {
      // One that stands there again is taken: the tree comes back on it, or beside it.
      assert.equal((await okstra.restoreTask(TASK)).path, tree)
      return
    }
    const before = state()
    const error = await rejectionOf(okstra.restoreTask(TASK))
    assert.equal(error.code, 'OKSTRA_BRANCH_EXISTS')
    assert.match(error.hint, /git branch -m fix-t\/x/)
    assert.deepEqual(state(), before)
    const other = await okstra.provisionTaskWorktree(options(repository, 't', { workCategory: 'feature' }))
    assert.equal(other.status, 'created')
    assert.deepEqual(intents(), [])
    assert.equal((await rejectionOf(okstra.restoreTask(TASK))).code, 'OKSTRA_BRANCH_EXISTS')
    assert.equal(inMain('-C', tree, 'symbolic-ref', '--short', 'HEAD'), other.branch, 'nothing made way for nothing')
    inMain('branch', '-m', blocking, 'elsewhere')
    // With work in it, the one that it has by now stays.
    fs.writeFileSync(path.join(tree, 'since'), 's')
    assert.equal((await rejectionOf(okstra.restoreTask(TASK))).code, 'OKSTRA_KEY_EXISTS')
    fs.unlinkSync(path.join(tree, 'since'))
    const back = await okstra.restoreTask(TASK)
    assert.match(back.note, /the worktree on branch feat-t that it had meanwhile, in which nothing was done, is in the trash/)
    assert.equal(fs.readFileSync(path.join(tree, 'new'), 'utf8'), 'new\n')
    assert.equal(inMain('-C', tree, 'symbolic-ref', '--short', 'HEAD'), branch)
  })
}

for (const [name, place] of Object.entries({
  'the directory above': (box) => path.dirname(box.tree),
  'the worktree itself': (box) => box.tree,
  "git's entries": (box) => path.join(box.repository, '.git', 'worktrees'),
})) {
  test(`a removal is refused before anything is written where it cannot be moved: ${name}`, async (t) => {
    const box = await withTask(t)
    box.work()
    const before = box.state()
    const open = sealed(t, place(box))
    if (!open) return t.skip('this file system has no immutable flag, or this user may not set it')
    const error = await rejectionOf(okstra.removeTask({ ...TASK, force: true }))
    assert.equal(error.code, 'OKSTRA_WOULD_LOSE_WORK')
    assert.deepEqual(error.obstacles.filter(({ flag }) => flag === null).map(({ kind }) => kind), ['unmovable'])
    okstra.registry.release('shop', 'checkout', 't')
    assert.deepEqual(await okstra.prune({ olderThanDays: 0 }), [], 'and nobody proposes it')
    open()
    await okstra.provisionTaskWorktree(box.options(box.repository, 't'))
    assert.deepEqual(box.state(), before)
    await okstra.removeTask({ ...TASK, force: true })
    assert.equal(fs.existsSync(box.tree), false)
  })
}

for (const [name, place] of Object.entries({
  'the trash': (box) => path.join(box.okstraHome, 'worktrees', '.trash'),
  "git's half of the trash": (box) => path.join(box.repository, '.git', 'okstra-trash'),
})) {
  test(`a removal that fails half-way is taken back whole: ${name}`, async (t) => {
    const box = await withTask(t)
    box.work()
    fs.mkdirSync(place(box), { recursive: true, mode: 0o700 })
    const before = box.state()
    const open = sealed(t, place(box))
    if (!open) return t.skip('this file system has no immutable flag, or this user may not set it')
    const error = await rejectionOf(okstra.removeTask({ ...TASK, force: true }))
    assert.equal(error.code, 'OKSTRA_IO')
    open()
    assert.deepEqual(box.state(), before)
    await okstra.removeTask({ ...TASK, force: true })
    await okstra.restoreTask(TASK)
    assert.equal(fs.readFileSync(path.join(box.tree, 'new'), 'utf8'), 'new\n')
  })
}

for (const [name, place] of Object.entries({
  'the place of the worktree': (box) => path.dirname(box.tree),
  "git's entries": (box) => path.join(box.repository, '.git', 'worktrees'),
  'the tree in the trash': () => okstra.listTrash()[0].tree,
})) {
  test(`a return that fails is refused, or taken back whole: ${name}`, async (t) => {
    const box = await withTask(t)
    box.work()
    await okstra.removeTask({ ...TASK, force: true, deleteBranch: true })
    fs.mkdirSync(place(box), { recursive: true })
    const before = box.state()
    const open = sealed(t, place(box))
    if (!open) return t.skip('this file system has no immutable flag, or this user may not set it')
    const error = await rejectionOf(okstra.restoreTask(TASK))
    assert.equal(error.code, 'OKSTRA_IO')
    open()
    assert.deepEqual(box.state(), before)
    await okstra.restoreTask(TASK)
    assert.equal(box.git('status', '--porcelain'), ' M a.txt\n?? new')
    assert.equal(box.git('symbolic-ref', '--short', 'HEAD'), box.branch)
  })
}

test('a shell in a worktree that was removed is told so, and how to bring it back', async (t) => {
  const { tree, repository, env, options } = await withTask(t)
  await okstra.removeTask({ ...TASK, allow: ['processes'] })
  const [{ tree: place }] = okstra.listTrash()
  const inside = path.join(place, 'deeper')
  fs.mkdirSync(inside)
  const removed = (error) => {
    assert.equal(error.code, 'OKSTRA_WORKTREE_REMOVED')
    assert.match(error.message, /shop\/checkout\/t was removed at 20/)
    assert.match(error.hint, /`okstra restore shop\/checkout\/t`/)
    assert.doesNotMatch(error.hint, /move/)
  }
  for (const directory of [place, inside]) {
    removed(await rejectionOf(okstra.provisionTaskWorktree(options(directory, 't'))))
    removed(await rejectionOf(okstra.adoptWorktree({ ...TASK, taskId: 'other', path: directory })))
    removed(await rejectionOf(okstra.doctor({ root: directory })))
  }
  const bin = path.join(__dirname, '..', 'bin', 'okstra.js')
  const run = (...args) => {
    try {
      return { code: 0, out: JSON.parse(execFileSync(process.execPath, [bin, ...args, '--json'], { cwd: inside, env, encoding: 'utf8' })) }
    } catch (error) {
      return { code: error.status, out: JSON.parse(error.stdout) }
    }
  }
  for (const args of [['show', 'checkout/t'], ['path', 'checkout/t'], ['guard', 'file'], ['provision', 'checkout/t', '--phase', 'x'], ['release', 'checkout/t']]) {
    const { code, out } = run(...args)
    assert.notEqual(code, 0, args.join(' '))
    removed(out.error)
  }
  // The hint works from there.
  assert.equal(run('restore', KEY).code, 0)
  assert.equal(fs.existsSync(tree), true)
  assert.equal((await okstra.provisionTaskWorktree(options(repository, 't'))).status, 'reused')
})
