'use strict'
// How a new tree is filled: what git has to do afterwards, progress, stopping in the middle.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
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

test('trees that are filled at once are each as if they were alone', unix, async (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 600)
  // The same content with other times and another mode, and one file that is too large to be kept for the others.
  const large = 'x'.repeat(300_000)
  for (const [name, content, at] of [['same-1', 'same\n', 1_500_000_001], ['same-2', 'same\n', 1_500_000_002], ['large', large, 1_500_000_003]]) {
    fs.writeFileSync(path.join(root, name), content)
    fs.utimesSync(path.join(root, name), at, at)
  }
  fs.chmodSync(path.join(root, 'same-2'), 0o755)
  box.git(['add', '.'], { cwd: root })
  box.git(['commit', '-qm', 'more'], { cwd: root })
  // Not what is wanted: it is checked out by git in each of them.
  changeUnseen(path.join(root, names[7]))
  const calls = Array.from({ length: 6 }, (_, number) => okstra.provisionTaskWorktree(box.options(root, `t${number}`)))
  for (const { path: tree } of await Promise.all(calls)) {
    assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '')
    box.git(['-c', 'core.checkStat=minimal', 'update-index', '--really-refresh'], { cwd: tree })
    const read = (name) => fs.readFileSync(path.join(tree, name), 'utf8')
    for (const [number, name] of names.entries()) assert.equal(read(name), `content of file ${number}\n`)
    assert.equal(read('large'), large)
    const seen = (name) => [fs.statSync(path.join(tree, name)).mtimeMs / 1000, fs.statSync(path.join(tree, name)).mode & 0o111]
    assert.deepEqual(['same-1', 'same-2', 'large'].map(seen), [[1_500_000_001, 0], [1_500_000_002, 0o111], [1_500_000_003, 0]])
  }
})

/** Provisions a task and gives everything that was told of its progress, once all files were told. */
async function progressOf(t, box, options) {
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
  const { status } = await okstra.provisionTaskWorktree({ ...options, onProgress })
  assert.equal(status, 'created')
  await all
  return told
}

/** It only grows, to all files. */
function assertProgress(told, total) {
  assert.ok(told.every((progress) => progress.total === total && progress.done > 0 && progress.done <= total), JSON.stringify(told))
  for (const [index, { done }] of told.entries()) assert.ok(index === 0 || done >= told[index - 1].done, JSON.stringify(told))
  assert.equal(told.at(-1).done, total)
}

test('progress ends with all files', unix, async (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 1000)
  assertProgress(await progressOf(t, box, box.options(root, 'a')), 1000)
  const wrong = await rejectionOf(okstra.provisionTaskWorktree(box.options(root, 'b', { onProgress: 'often' })))
  assert.equal(wrong.code, 'OKSTRA_INVALID_ARGUMENT')
  assert.match(wrong.message, /onProgress/)
})

test('progress is told while git fills the tree, or what is missing of it', unix, async (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 1000)
  // A filter that tells of itself in the same way must not be taken for git.
  fs.writeFileSync(path.join(root, '.git', 'info', 'attributes'), 'file-7.txt filter=loud\n')
  box.git(['config', 'filter.loud.smudge', String.raw`printf 'Loud:  50%% (1/2)\r' >&2; cat`], { cwd: root })
  for (const name of names.slice(0, 600)) changeUnseen(path.join(root, name))
  const half = await progressOf(t, box, box.options(root, 'half'))
  assertProgress(half, 1000)
  assert.ok(half[0].done < 1000, JSON.stringify(half))
  box.git(['config', 'core.autocrlf', 'true'], { cwd: root })
  const whole = await progressOf(t, box, box.options(root, 'whole'))
  assertProgress(whole, 1000)
  assert.ok(whole.length > 1 && whole[0].done < 1000, JSON.stringify(whole))
  const bare = path.join(box.dir, 'bare.git')
  box.git(['clone', '-q', '--bare', root, bare])
  assertProgress(await progressOf(t, box, { ...box.options(bare, 'bare'), projectId: 'bare' }), 1000)
})

test('the claim of a spare tells all files at the end', unix, async (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 300)
  await okstra.warmSpares({ projectRoot: root, count: 2 })
  assertProgress(await progressOf(t, box, box.options(root, 'a')), 300)
  fs.writeFileSync(path.join(root, 'more'), 'more\n')
  box.git(['add', 'more'], { cwd: root })
  box.git(['commit', '-qm', 'more'], { cwd: root })
  assertProgress(await progressOf(t, box, box.options(root, 'b')), 301)
})

test('what onProgress throws is an uncaught exception, and the worktree is made all the same', unix, (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 300)
  const program = `
    process.on('uncaughtException', (error) => console.log(error.message))
    const onProgress = () => { throw new Error('mine') }
    require(process.argv[1]).provisionTaskWorktree({ ...JSON.parse(process.argv[2]), onProgress }).then(({ status }) => console.log(status))`
  const args = ['-e', program, path.resolve(__dirname, '..'), JSON.stringify(box.options(root, 'a'))]
  const said = execFileSync(process.execPath, args, { env: box.env, encoding: 'utf8' })
  assert.deepEqual(new Set(said.trim().split('\n')), new Set(['mine', 'created']))
})

/** Everything that an attempt may leave: refs, git's entries, what was moved aside, records of runs, the home's tree. */
function traces(box, root) {
  const list = (...parts) => {
    const directory = path.join(...parts)
    return fs.existsSync(directory) ? fs.readdirSync(directory).sort() : []
  }
  const common = path.join(root, '.git')
  return {
    refs: box.git(['for-each-ref'], { cwd: root }),
    entries: list(common, 'worktrees'),
    kept: list(common, 'okstra-quarantine'),
    locks: fs.readdirSync(common, { recursive: true }).filter((name) => name.endsWith('.lock')),
    quarantine: list(box.okstraHome, 'worktrees', '.quarantine'),
    worktrees: list(box.okstraHome, 'worktrees', 'shop', 'checkout'),
    intents: list(box.okstraHome, 'state', 'intents'),
    claimed: list(box.okstraHome, 'worktrees', '.spares').flatMap((pool) =>
      list(box.okstraHome, 'worktrees', '.spares', pool).filter((name) => name.startsWith('claimed-')),
    ),
  }
}

/** Provisions tasks until one is stopped in the middle by its own progress; gives its name and what was there before. */
async function stoppedInTheMiddle(box, root, meanwhile = () => {}) {
  for (let attempt = 0; attempt < 20; attempt++) {
    const [task, before] = [`t${attempt}`, traces(box, root)]
    const controller = new AbortController()
    const onProgress = () => {
      meanwhile(path.join(box.okstraHome, 'worktrees', 'shop', 'checkout', task))
      controller.abort()
    }
    const call = okstra.provisionTaskWorktree(box.options(root, task, { onProgress }), controller.signal)
    const ended = await call.then(
      (answer) => answer,
      (error) => error,
    )
    if (ended.status === 'created') continue
    assert.equal(ended.code, 'OKSTRA_ABORTED', ended.message)
    return { task, before }
  }
  throw new Error('it was always ready before it could be stopped')
}

test('stopping in the middle leaves nothing', unix, async (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 2000)
  const { task, before } = await stoppedInTheMiddle(box, root)
  assert.deepEqual(traces(box, root), before)
  const again = await okstra.provisionTaskWorktree(box.options(root, task))
  assert.equal(again.status, 'created')
  assert.equal(box.git(['status', '--porcelain'], { cwd: again.path }), '')
})

test('what somebody put into a tree that is stopped in the middle is kept', unix, async (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 2000)
  const { task, before } = await stoppedInTheMiddle(box, root, (tree) => {
    const there = names.find((name) => fs.existsSync(path.join(tree, name)))
    fs.writeFileSync(path.join(tree, there), 'an edit\n')
    fs.mkdirSync(path.join(tree, 'mine'))
    fs.writeFileSync(path.join(tree, 'mine', 'note'), 'a note\n')
    fs.symlinkSync('elsewhere', path.join(tree, 'link'))
  })
  const after = traces(box, root)
  assert.equal(after.quarantine.length, before.quarantine.length + 1)
  assert.deepEqual({ ...after, quarantine: [] }, { ...before, quarantine: [] })
  const place = path.join(box.okstraHome, 'worktrees', '.quarantine', after.quarantine.find((name) => !before.quarantine.includes(name)))
  const files = fs.readdirSync(path.join(place, 'tree'), { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
  const kept = files.map(({ name, parentPath }) => path.relative(path.join(place, 'tree'), path.join(parentPath, name))).sort()
  assert.equal(kept.length, 4, `only the edit, the note, the link and git's own file: ${kept.slice(0, 10)}`)
  for (const name of ['.git', 'link', 'mine/note']) assert.ok(kept.includes(name), name)
  assert.equal(fs.readFileSync(path.join(place, 'tree', kept.find((name) => names.includes(name))), 'utf8'), 'an edit\n')
  assert.equal(JSON.parse(fs.readFileSync(path.join(place, 'why.json'), 'utf8')).taskKey, `shop/checkout/${task}`)
})

test('stopping while git fills leaves nothing, whatever the line ends', unix, async (t) => {
  const box = apiSandbox(t)
  const { root } = repositoryOf(box, 3000)
  box.git(['config', 'core.autocrlf', 'true'], { cwd: root })
  const { before } = await stoppedInTheMiddle(box, root)
  assert.deepEqual(traces(box, root), before)
})

test('stopping the claim of a spare whose base moved leaves nothing of it', unix, async (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 300)
  const [reached, release] = ['reached', 'release'].map((name) => path.join(box.dir, name))
  execFileSync('mkfifo', [reached, release])
  const filter = path.join(box.dir, 'filter')
  fs.writeFileSync(filter, `#!/bin/sh\necho here > '${reached}'\nread line < '${release}'\ncat\n`, { mode: 0o755 })
  fs.writeFileSync(path.join(root, '.git', 'info', 'attributes'), '*.slow filter=slow\n')
  box.git(['config', 'filter.slow.smudge', `'${filter}'`], { cwd: root })
  await okstra.warmSpares({ projectRoot: root })
  for (const name of names.slice(0, 100)) fs.writeFileSync(path.join(root, name), 'other\n')
  fs.writeFileSync(path.join(root, 'z.slow'), 'slow\n')
  box.git(['add', '.'], { cwd: root })
  box.git(['commit', '-qm', 'more'], { cwd: root })
  const before = traces(box, root)
  const controller = new AbortController()
  const call = rejectionOf(okstra.provisionTaskWorktree(box.options(root, 'a'), controller.signal))
  await fs.promises.readFile(reached)
  assert.equal(traces(box, root).claimed.length, 1)
  controller.abort()
  assert.equal((await call).code, 'OKSTRA_ABORTED')
  assert.deepEqual(traces(box, root), before)
})

test("git's own record of a worktree is that of git worktree add, but for the traces of its reset", async (t) => {
  const { repository, git, options, dir } = apiSandbox(t)
  const root = repository('shop')
  git(['worktree', 'add', '-q', '--lock', '-b', 'fix-git', path.join(dir, 'git'), 'HEAD'], { cwd: root })
  const { baseRef } = await okstra.provisionTaskWorktree(options(root, 'own'))
  const record = (id) => path.join(root, '.git', 'worktrees', id)
  const names = (id) => fs.readdirSync(record(id), { recursive: true }).filter((name) => name !== 'ORIG_HEAD' && name !== 'okstra.json')
  assert.deepEqual(names('own').sort(), names('git').sort())
  assert.ok(!fs.existsSync(path.join(record('own'), 'ORIG_HEAD')))
  const neutral = (text) => text.replaceAll(/> \d+ \+\d+/g, '> TIME').split('\n')
  const log = (...parts) => neutral(fs.readFileSync(path.join(root, '.git', ...parts), 'utf8'))
  assert.deepEqual(log('worktrees', 'own', 'logs', 'HEAD'), log('worktrees', 'git', 'logs', 'HEAD').filter((line) => !line.endsWith('reset: moving to HEAD')))
  const [created] = log('logs', 'refs', 'heads', 'fix-git')
  assert.deepEqual(log('logs', 'refs', 'heads', 'fix-own'), [created.replace(/HEAD$/, baseRef), ''])
})

/** What an index is apart from its entries: version, extensions, whether a hash ends it. */
function formOf(file) {
  const bytes = fs.readFileSync(file)
  const extensions = ['TREE', 'UNTR', 'EOIE', 'IEOT', 'FSMN', 'link', 'sdir'].filter((name) => bytes.includes(name))
  return { version: bytes.readUInt32BE(4), extensions, hashed: !bytes.subarray(-20).equals(Buffer.alloc(20)) }
}

test('the index has the form that git gives it under every setting', unix, async (t) => {
  const box = apiSandbox(t)
  const { root, names } = repositoryOf(box, 130)
  const plain = path.join(box.dir, 'plain')
  const git = (...args) => box.git(args, { cwd: root })
  const settings = [
    [], ['index.version', '4'], ['index.version', '3'], ['index.version', '9'], ['feature.manyFiles', 'true'], ['feature.manyFiles', 'false'],
    ['core.untrackedCache', 'true'], ['core.untrackedCache', 'keep'], ['index.skipHash', 'true'], ['index.threads', '4'], ['index.threads', 'true'], ['index.threads', '1'],
    ['core.splitIndex', 'true'], ['index.sparse', 'true'], ['index.recordEndOfIndexEntries', 'true'], ['index.recordOffsetTable', 'true'],
  ]
  let number = 0
  /** Compares a new worktree with one that git makes beside it. */
  const compare = (what) => {
    number += 1
    git('worktree', 'add', '-q', '--detach', plain)
    const { path: tree } = okstra.provisionTaskWorktreeSync(box.options(root, `t${number}`))
    const indexOf = (at) => box.git(['rev-parse', '--path-format=absolute', '--git-path', 'index'], { cwd: at })
    assert.deepEqual(formOf(indexOf(tree)), formOf(indexOf(plain)), what)
    const staged = (at) => box.git(['ls-files', '--stage'], { cwd: at })
    assert.equal(staged(tree), staged(plain), what)
    assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '', what)
    git('worktree', 'remove', '--force', plain)
    // With half of it in the repository the index is git's, which reads what it wrote in the same second.
    if (what.includes('splitIndex')) return
    for (const name of names.slice(0, 3)) changeUnseen(path.join(tree, name))
    assert.equal(box.git(['-c', 'core.trustCtime=false', 'status', '--porcelain'], { cwd: tree }), '', `${what}: it is read again`)
  }
  for (const [key, value] of settings) {
    if (key) git('config', key, value)
    compare(`${key}=${value}`)
    // What git completes, and what it fills by itself.
    fs.renameSync(path.join(root, names[0]), path.join(root, 'away'))
    const change = fs.statSync(path.join(root, 'away'))
    number += 1
    git('worktree', 'add', '-q', '--detach', plain)
    const { path: tree } = okstra.provisionTaskWorktreeSync(box.options(root, `c${number}`))
    const indexOf = (at) => box.git(['rev-parse', '--path-format=absolute', '--git-path', 'index'], { cwd: at })
    assert.deepEqual(formOf(indexOf(tree)), formOf(indexOf(plain)), `completed, ${key}=${value}`)
    git('worktree', 'remove', '--force', plain)
    fs.renameSync(path.join(root, 'away'), path.join(root, names[0]))
    fs.utimesSync(path.join(root, names[0]), change.atime, change.mtime)
    // A spare that was made under the same settings.
    await okstra.warmSpares({ projectRoot: root, count: 1 })
    compare(`from a spare, ${key}=${value}`)
    await okstra.warmSpares({ projectRoot: root, count: 0 })
    if (key) git('config', '--unset', key)
  }
  process.env.GIT_INDEX_VERSION = '4'
  box.env.GIT_INDEX_VERSION = '4'
  compare('GIT_INDEX_VERSION=4')
})
