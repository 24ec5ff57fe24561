'use strict'
// What times the files of a new tree have: later than anything that may have been built from its path, wherever somebody
// may have built from it.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const { sandbox } = require('./helpers/repository.js')

const unix = { skip: process.platform === 'win32' && 'git fills every tree there' }
const OLD = 1_600_000_000

/** A repository whose files were changed long ago, a task in it, and what is wanted of its next tree. */
async function built(t, { warm = false } = {}) {
  const box = sandbox(t)
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, number) => [`d${number % 20}/file-${number}`, `${number}\n`]))
  const root = box.repository('shop', { files })
  fs.symlinkSync('d0', path.join(root, 'link'))
  box.git(['add', '.'], { cwd: root })
  box.git(['commit', '-qm', 'link'], { cwd: root })
  const names = Object.keys(files)
  for (const name of names) fs.utimesSync(path.join(root, name), OLD, OLD)
  const okstra = async (...args) => {
    const run = await box.okstra(args, { cwd: root })
    assert.equal(run.code, 0, `${args.join(' ')}: ${run.stderr}`)
    return run.stdout
  }
  const provision = async () => JSON.parse(await okstra('provision', 'g/t', '--phase', 'one', '--project', 'shop', '--json'))
  const { path: tree } = await provision()
  for (const name of names) assert.equal(fs.statSync(path.join(tree, name)).mtimeMs, OLD * 1000, 'nobody can have built from it yet')
  if (warm) await okstra('warm', '--count', '1')
  const output = path.join(box.dir, 'output')
  fs.writeFileSync(output, 'built')
  const before = fs.statSync(output, { bigint: true }).mtimeNs

  /** Provisions again and looks at the times; the first status must read no file. */
  const again = async (status) => {
    const answer = await provision()
    assert.deepEqual([answer.status, answer.path], [status, tree])
    fs.writeFileSync(output, 'built')
    const after = fs.statSync(output, { bigint: true }).mtimeNs
    const times = [...names, 'link'].map((name) => fs.lstatSync(path.join(tree, name), { bigint: true }).mtimeNs)
    for (const time of times) assert.ok(time > before && time <= after, `${time} is not between ${before} and ${after}`)
    assert.equal(new Set(times).size, 1, 'one time for all')
    const index = fs.statSync(box.git(['rev-parse', '--path-format=absolute', '--git-path', 'index'], { cwd: tree }))
    assert.ok(Math.floor(index.mtimeMs / 1000) > Number(times[0] / 1_000_000_000n), 'git compares whole seconds')
    // If git read a single one of them, it would see that it was changed.
    for (const name of names) {
      const file = path.join(tree, name)
      const { size, atime, mtime } = fs.statSync(file)
      fs.writeFileSync(file, 'x'.repeat(size))
      fs.utimesSync(file, atime, mtime)
    }
    assert.equal(box.git(['-c', 'core.trustCtime=false', 'status', '--porcelain'], { cwd: tree }), '')
  }
  const home = path.join(box.okstraHome, 'worktrees')
  const forget = (pattern) => {
    for (const name of fs.readdirSync(home)) if (pattern.test(name)) fs.rmSync(path.join(home, name), { recursive: true })
  }
  return { ...box, root, tree, okstra, again, forget, home }
}

test('removed with its branch', unix, async (t) => {
  const { okstra, again } = await built(t)
  await okstra('remove', 'shop/g/t', '--delete-branch')
  await again('created')
})

test('removed, and the trash emptied', unix, async (t) => {
  const { okstra, again } = await built(t)
  await okstra('remove', 'shop/g/t', '--delete-branch')
  await okstra('prune', '--yes', '--older-than', '0')
  await again('created')
})

test('removed, and back on its branch', unix, async (t) => {
  const { okstra, again } = await built(t)
  await okstra('remove', 'shop/g/t')
  await again('restored')
})

test('deleted by hand', unix, async (t) => {
  const { tree, again } = await built(t)
  fs.rmSync(tree, { recursive: true })
  await again('restored')
})

test('deleted by hand with its branch', unix, async (t) => {
  const { tree, root, git, again } = await built(t)
  git(['worktree', 'remove', '-f', '-f', tree], { cwd: root })
  git(['branch', '-qD', 'task-t'], { cwd: root })
  await again('created')
})

test('a spare is there, with the times of its sources', unix, async (t) => {
  const { okstra, again } = await built(t, { warm: true })
  await okstra('remove', 'shop/g/t', '--delete-branch')
  await again('created')
})

test('the registry was taken away', unix, async (t) => {
  const { okstra, again, forget } = await built(t)
  await okstra('remove', 'shop/g/t', '--delete-branch')
  forget(/^registry\.json/)
  await again('created')
})

test('only the history remembers it', unix, async (t) => {
  const { okstra, again, forget, root, home } = await built(t)
  await okstra('remove', 'shop/g/t', '--delete-branch')
  await okstra('prune', '--yes', '--older-than', '0')
  forget(/^registry\.json/)
  await okstra('provision', 'g/other', '--phase', 'one', '--project', 'shop')
  assert.ok(fs.existsSync(path.join(home, 'history.jsonl')) && root)
  await again('created')
})

test('only git remembers it', unix, async (t) => {
  const { root, git, again, okstraHome, okstra } = await built(t)
  fs.rmSync(okstraHome, { recursive: true })
  const entry = path.join(root, '.git/worktrees/t')
  assert.ok(fs.existsSync(entry))
  git(['update-ref', '-d', 'refs/heads/task-t'], { cwd: root })
  await okstra('provision', 'g/other', '--phase', 'one', '--project', 'shop')
  await again('created')
})

test('a path that nobody has used keeps the times of the sources beside others', unix, async (t) => {
  const { okstra, root } = await built(t)
  await okstra('remove', 'shop/g/t', '--delete-branch')
  for (const task of ['g/tt', 'gg/t', 'g/t-2']) {
    const { path: tree } = JSON.parse(await okstra('provision', task, '--phase', 'one', '--project', 'shop', '--json'))
    assert.equal(fs.statSync(path.join(tree, 'd0/file-0')).mtimeMs, OLD * 1000, `${task} ${root}`)
  }
})
