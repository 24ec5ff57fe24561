'use strict'
// Trees made in advance: what comes out of a claim is what git makes, and nobody gets another one's.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { FILES, contents, noWarming, place } = require('./helpers/spares.js')

/** What git keeps of a worktree, its name and the times in it replaced. */
function administration(repository, task) {
  const directory = path.join(repository, '.git', 'worktrees', task)
  const neutral = (text) => text.replaceAll(task, 'TASK').replace(/> \d+ \+\d+/g, '> TIME')
  const found = {}
  for (const name of fs.readdirSync(directory, { recursive: true })) {
    const file = path.join(directory, name)
    if (name !== 'index' && name !== 'okstra.json' && fs.statSync(file).isFile()) found[name] = neutral(fs.readFileSync(file, 'utf8'))
  }
  const reflog = path.join(repository, '.git', 'logs', 'refs', 'heads', `task-${task}`)
  return { names: fs.readdirSync(directory).sort(), found, reflog: neutral(fs.readFileSync(reflog, 'utf8')) }
}

test('a claimed worktree cannot be told from a fresh one', async (t) => {
  const { root, git, provision, warm, ready } = place(t)
  fs.symlinkSync('README.md', path.join(root, 'link'))
  fs.writeFileSync(path.join(root, 'tool'), '#!/bin/sh\n', { mode: 0o755 })
  git(['add', '-A'], { cwd: root })
  git(['commit', '-q', '-m', 'a link and a tool'], { cwd: root })
  const hook = path.join(root, '.git', 'hooks', 'post-checkout')
  fs.mkdirSync(path.dirname(hook), { recursive: true })
  fs.writeFileSync(hook, '#!/bin/sh\necho "$@" > "$(git rev-parse --git-dir)/hooked"\n', { mode: 0o755 })
  fs.mkdirSync(path.join(root, '.scratch'))

  const fresh = await provision('fresh')
  assert.deepEqual(await warm(1), { schema: 1, ok: true, ready: 1, made: 1, updated: 0, dropped: 0 })
  assert.match(git(['worktree', 'list'], { cwd: root }), /^(.*\n){1}.*$/, 'git does not know the spare')
  const claimed = await provision('claim')
  assert.equal(ready().length, 0, 'it was claimed')

  assert.deepEqual([claimed.status, claimed.linked, claimed.notes], [fresh.status, fresh.linked, fresh.notes])
  assert.deepEqual(contents(claimed.path), contents(fresh.path))
  const times = (tree) => [...Object.keys(FILES), 'tool'].map((name) => fs.statSync(path.join(tree, name)).mtimeMs)
  assert.deepEqual(times(claimed.path), times(root), 'copied from the main worktree, as ever')
  assert.deepEqual(administration(root, 'claim'), administration(root, 'fresh'))
  assert.equal(git(['status', '--porcelain'], { cwd: claimed.path }), '')
  assert.equal(git(['diff', 'HEAD'], { cwd: claimed.path }), '')
  assert.equal(git(['ls-files', '-s'], { cwd: claimed.path }), git(['ls-files', '-s'], { cwd: fresh.path }))
  git(['fsck', '--strict'], { cwd: root })
})

test('when the base has moved on, only the difference is written', async (t) => {
  const { root, git, provision, warm, ready } = place(t)
  await warm(1)
  assert.equal(ready().length, 1)
  fs.writeFileSync(path.join(root, 'src', 'main.txt'), 'changed\n')
  fs.rmSync(path.join(root, 'src', 'deep'), { recursive: true })
  fs.writeFileSync(path.join(root, 'new.txt'), 'new\n')
  git(['add', '-A'], { cwd: root })
  git(['commit', '-q', '-m', 'second'], { cwd: root })
  const { path: tree, baseRef } = await provision('t')
  assert.equal(ready().length, 0)
  assert.equal(baseRef, git(['rev-parse', 'HEAD'], { cwd: root }))
  assert.equal(git(['status', '--porcelain', '--ignored'], { cwd: tree }), '')
  assert.equal(fs.readFileSync(path.join(tree, 'src', 'main.txt'), 'utf8'), 'changed\n')
  assert.ok(!fs.existsSync(path.join(tree, 'src', 'deep')))
})

test('a spare is brought up to date by the next warming', async (t) => {
  const { root, git, warm, run, okstraHome } = place(t)
  await warm(2)
  fs.writeFileSync(path.join(root, 'new.txt'), 'new\n')
  git(['add', '-A'], { cwd: root })
  git(['commit', '-q', '-m', 'second'], { cwd: root })
  assert.deepEqual(await warm(2), { schema: 1, ok: true, ready: 2, made: 0, updated: 2, dropped: 0 })
  assert.deepEqual(await warm(0), { schema: 1, ok: true, ready: 0, made: 0, updated: 0, dropped: 2 })
  const left = fs.readdirSync(path.join(okstraHome, 'worktrees', '.spares'), { recursive: true })
  assert.ok(left.length <= 1, `nothing of them is left: ${left}`)
  assert.equal((await run('list')).tasks.length, 0)
})

test('provisions at once never get the same spare', async (t) => {
  const { provision, warm, ready, git } = place(t)
  await warm(3)
  const made = await Promise.all(Array.from({ length: 6 }, (_, i) => provision(`t${i}`)))
  assert.equal(ready().length, 0)
  const inodes = made.map(({ path: tree }) => fs.statSync(path.join(tree, 'README.md')).ino)
  assert.equal(new Set(inodes).size, made.length)
  for (const { path: tree } of made) assert.equal(git(['status', '--porcelain'], { cwd: tree }), '')
})

test('none is made where a copy could differ, when disk is short, or for a repository without a commit', async (t) => {
  const { root, git, run, repository } = place(t)
  const short = await run('warm', '--count', '1', '--keep-free', String(Number.MAX_SAFE_INTEGER).slice(0, 9))
  assert.deepEqual([short.ready, /are free/.test(short.reason)], [0, true])
  git(['config', 'core.sparseCheckout', 'true'], { cwd: root })
  const sparse = await run('warm', '--count', '1', '--keep-free', '0')
  assert.deepEqual([sparse.ready, /sparse/.test(sparse.reason)], [0, true])
  const empty = repository('empty', { commit: false })
  const none = await run('warm', '--root', empty, '--count', '1', '--keep-free', '0')
  assert.deepEqual([none.ready, /no commit/.test(none.reason)], [0, true])
})

test('the spares of a repository that is gone are dropped by any warming', async (t) => {
  const { root, repository, warm, run, ready } = place(t)
  await warm(2)
  const other = repository('other')
  fs.rmSync(root, { recursive: true })
  fs.mkdirSync(root)
  const { dropped } = await run('warm', '--root', other, '--count', '1', '--keep-free', '0')
  assert.equal(dropped, 2)
  assert.equal(ready().length, 1)
})

test('a project that wants spares gets each one that was taken replaced in the background', async (t) => {
  if (process.platform !== 'linux') return t.skip('the process that nobody waits for is found in /proc')
  const { root, provision, run, ready } = place(t)
  await run('setup')
  const file = path.join(root, '.project-docs', 'okstra', 'project.json')
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), warm: 1 }))
  await provision('first')
  await noWarming(root)
  const [spare, ...more] = ready()
  assert.ok(spare)
  assert.deepEqual(more, [])
  await provision('second')
  await noWarming(root)
  assert.equal(ready().length, 1)
  assert.notEqual(ready()[0], spare, 'the first was claimed, and another made')
  assert.equal((await provision('second')).status, 'reused')
  await noWarming(root)
})

test('a wrong number of spares in the project file is said, and changes nothing', async (t) => {
  const { root, okstra, run } = place(t)
  await run('setup')
  const file = path.join(root, '.project-docs', 'okstra', 'project.json')
  for (const warm of [-1, 1.5, '2', 17, null]) {
    fs.writeFileSync(file, JSON.stringify({ schemaVersion: 1, projectId: 'shop', warm }))
    const { code, stderr } = await okstra(['warm'], { cwd: root })
    assert.equal(code, 2, stderr)
    assert.match(stderr, /warm is .*not a whole number from 0 to 16/)
  }
})

test('list --spares shows what is ready, and disk counts it', async (t) => {
  const { root, run, warm, okstra, git } = place(t)
  assert.deepEqual(await run('list', '--spares'), { schema: 1, ok: true, spares: [], leftovers: [] })
  assert.deepEqual(await okstra(['list', '--spares'], { cwd: root }), { code: 0, signal: null, stdout: '', stderr: 'no spares\n' })
  assert.equal((await run('disk')).spares.entries, 0)
  await warm(2)
  const { spares } = await run('list', '--spares')
  assert.equal(spares.length, 2)
  for (const spare of spares) {
    assert.deepEqual([spare.repository, spare.commit, spare.usable], [path.join(root, '.git'), git(['rev-parse', 'HEAD'], { cwd: root }), true])
    assert.ok(fs.existsSync(path.join(spare.path, 'src', 'main.txt')))
  }
  const lines = (await okstra(['list', '--spares'], { cwd: root })).stdout.trimEnd().split('\n')
  assert.match(lines[0], /^REPOSITORY +STATE +AGE +COMMIT$/)
  assert.equal(lines.length, 3)
  assert.ok(lines[1].startsWith(`${root}  ready  `), lines[1])
  assert.ok((await run('disk')).spares.entries > 2 * Object.keys(FILES).length)
  git(['config', 'core.autocrlf', 'true'], { cwd: root })
  assert.match((await okstra(['list', '--spares'], { cwd: root })).stdout, /unusable/)
  const wrong = await okstra(['list', '--spares', '--fast'], { cwd: root })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /--fast with --spares/)
})

/** Resolves when the clock shows a later second than the times of all these files. */
async function secondAfter(files) {
  const newest = Math.max(...files.map((file) => Math.floor(fs.statSync(file).mtimeMs / 1000)))
  while (Math.floor(Date.now() / 1000) <= newest) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** Which files the first `git status` reads: each gets another content behind git's back, which only reading shows. */
function readByStatus(git, tree, files) {
  for (const name of files) {
    const file = path.join(tree, name)
    const { mtimeNs, size } = fs.statSync(file, { bigint: true })
    fs.writeFileSync(file, 'x'.repeat(Number(size)))
    // Through touch(1), because Node sets no nanoseconds.
    execFileSync('touch', ['-d', `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`, file])
    assert.equal(fs.statSync(file, { bigint: true }).mtimeNs, mtimeNs)
  }
  const lines = git(['-c', 'core.trustctime=false', 'status', '--porcelain'], { cwd: tree }).split('\n')
  return lines.filter((line) => line !== '').map((line) => line.slice(3)).sort()
}

const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i % 20}/file-${i}.txt`, `${i}\n`]))

for (const count of [40, 700]) {
  test(`the first git status in a worktree from a spare reads no file: ${count} files`, async (t) => {
    const files = many(count)
    const sample = Object.keys(files).slice(0, 40)
    const { provision, run, warm, git, ready } = place(t, files)
    await warm(1)
    const [spare] = (await run('list', '--spares')).spares
    await secondAfter(Object.keys(files).map((file) => path.join(spare.path, file)))
    const { path: tree } = await provision('t')
    assert.equal(ready().length, 0)
    assert.equal(git(['status', '--porcelain'], { cwd: tree, env: { GIT_OPTIONAL_LOCKS: '0' } }), '')
    assert.deepEqual(readByStatus(git, tree, sample), [])
  })
}

test('the first git status reads only what was written by the claim, when the base has moved on', async (t) => {
  const files = many(40)
  const [changed, ...others] = Object.keys(files)
  const { root, provision, run, warm, git, ready } = place(t, files)
  await warm(1)
  fs.writeFileSync(path.join(root, changed), 'moved on\n')
  git(['commit', '-q', '-a', '-m', 'second'], { cwd: root })
  const [spare] = (await run('list', '--spares')).spares
  await secondAfter(Object.keys(files).map((file) => path.join(spare.path, file)))
  const { path: tree } = await provision('t')
  assert.equal(ready().length, 0)
  assert.equal(fs.readFileSync(path.join(tree, changed), 'utf8'), 'moved on\n')
  assert.deepEqual(readByStatus(git, tree, others), [])
})
