'use strict'
// How a new tree is filled: what git has to do afterwards, progress, stopping in the middle.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const { apiSandbox, okstra, rejectionOf } = require('./helpers/api.js')

const unix = { skip: process.platform === 'win32' && 'git fills every tree there' }

/** A repository of `count` files whose times are long past, as they are in a checkout that somebody works in. */
function repositoryOf(box, count) {
  const files = {}
  for (let i = 0; i < count; i++) files[`d${i % 50}/file-${i}.txt`] = `content of file ${i}\n`
  const root = box.repository('shop', { files })
  for (const name of Object.keys(files)) fs.utimesSync(path.join(root, name), 1_600_000_000, 1_600_000_000)
  return { root, names: Object.keys(files) }
}

/** Puts other content of the same length into a file without changing anything that git looks at first. */
function changeUnseen(file) {
  const { size, atime, mtime } = fs.statSync(file)
  const handle = fs.openSync(file, 'r+')
  fs.writeSync(handle, Buffer.alloc(size, 'x'))
  fs.closeSync(handle)
  fs.utimesSync(file, atime, mtime)
}

test('the first git status in a new worktree reads no file', unix, (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 400)
  const { path: tree } = okstra.provisionTaskWorktreeSync(box.options(root, 'a'))
  // If git read a single one of them, it would see that it was changed.
  for (const name of names) changeUnseen(path.join(tree, name))
  const status = () => box.git(['-c', 'core.trustCtime=false', 'status', '--porcelain'], { cwd: tree })
  assert.equal(status(), '')
  fs.utimesSync(path.join(tree, names[0]), 1_600_000_001, 1_600_000_001)
  assert.equal(status(), ` M ${names[0]}`, 'it does see what it reads')
})

test('copies keep the times of their sources', unix, (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 3)
  const { path: tree } = okstra.provisionTaskWorktreeSync(box.options(root, 'a'))
  for (const name of names) assert.equal(fs.statSync(path.join(tree, name)).mtimeMs, 1_600_000_000_000)
})

test('progress ends with all files', unix, async (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 1000)
  const told = []
  let onProgress
  const all = new Promise((resolve) => {
    onProgress = (progress) => {
      told.push(progress)
      if (progress.done === progress.total) resolve()
    }
  })
  // Nothing else keeps this process alive when the last call comes after the answer.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  const { status } = await okstra.provisionTaskWorktree(box.options(root, 'a', { onProgress }))
  assert.equal(status, 'created')
  await all
  assert.ok(told.every(({ done, total }) => total === 1000 && done > 0 && done <= total), JSON.stringify(told))
  const wrong = await rejectionOf(okstra.provisionTaskWorktree(box.options(root, 'b', { onProgress: 'often' })))
  assert.equal(wrong.code, 'OKSTRA_INVALID_ARGUMENT')
  assert.match(wrong.message, /onProgress/)
})

test('stopping in the middle leaves nothing', unix, async (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 2000)
  for (let attempt = 0; ; attempt++) {
    assert.ok(attempt < 20, 'it was always ready before it could be stopped')
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    const call = okstra.provisionTaskWorktree(box.options(root, `t${attempt}`, { onProgress }), controller.signal)
    const ended = await call.then(
      (answer) => answer,
      (error) => error,
    )
    if (ended.status === 'created') continue
    assert.equal(ended.code, 'OKSTRA_ABORTED', ended.message)
    assert.equal(fs.existsSync(path.join(box.okstraHome, 'worktrees', 'shop', 'checkout', `t${attempt}`)), false)
    assert.equal(box.git(['branch', '--list', `fix-t${attempt}`], { cwd: root }), '')
    assert.equal(box.git(['worktree', 'list', '--porcelain'], { cwd: root }).includes(`/t${attempt}`), false)
    const again = await okstra.provisionTaskWorktree(box.options(root, `t${attempt}`))
    assert.equal(again.status, 'created')
    assert.equal(box.git(['status', '--porcelain'], { cwd: again.path }), '')
    return
  }
})
