'use strict'
// Work is more than what `git status` prints: however an edit is kept from it, a removal refuses, the snapshot holds it, it
// comes back, and nothing proposes to clear it away.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const { apiSandbox, okstra, rejectionOf } = require('./helpers/api.js')

const TASK = { projectId: 'shop', taskGroup: 'checkout', taskId: 't' }

async function withTask(t, files = { 'a.txt': 'one\n', 'd/b.txt': 'two\n', 'run.sh': '#!/bin/sh\n', '.gitignore': '.env\n' }) {
  const box = apiSandbox(t)
  const repository = box.repository('shop', { files })
  const { path: tree, branch } = await okstra.provisionTaskWorktree(box.options(repository, 't'))
  const git = (...args) => box.git(args, { cwd: tree })
  const inMain = (...args) => box.git(args, { cwd: repository })
  const write = (name, content) => {
    fs.mkdirSync(path.dirname(path.join(tree, name)), { recursive: true })
    fs.writeFileSync(path.join(tree, name), content)
  }
  return { ...box, repository, tree, branch, git, inMain, write }
}

const a = (tree) => path.join(tree, 'a.txt')
/** An edit of the same size, with the time put back, within the second in which git looked at the file. */
function behindItsBack({ git, tree }) {
  const file = a(tree)
  const old = new Date('2020-01-01')
  for (let attempt = 0; attempt < 50; attempt++) {
    fs.writeFileSync(file, 'one\n')
    fs.utimesSync(file, old, old)
    git('update-index', '--refresh')
    fs.writeFileSync(file, 'two\n')
    fs.utimesSync(file, old, old)
    if (git('status', '--porcelain') === '') return
  }
}

// How an edit of `a.txt` is kept from `git status`.
const HIDDEN = {
  'assume-unchanged': ({ git, write }) => (git('update-index', '--assume-unchanged', 'a.txt'), write('a.txt', 'precious\n')),
  'skip-worktree': ({ git, write }) => (git('update-index', '--skip-worktree', 'a.txt'), write('a.txt', 'precious\n')),
  'both bits': ({ git, write }) => {
    git('update-index', '--skip-worktree', 'a.txt')
    git('update-index', '--assume-unchanged', 'a.txt')
    write('a.txt', 'precious\n')
  },
  'assume-unchanged, deleted': ({ git, tree }) => (git('update-index', '--assume-unchanged', 'a.txt'), fs.unlinkSync(a(tree))),
  'assume-unchanged, now a link': ({ git, tree }) => {
    git('update-index', '--assume-unchanged', 'a.txt')
    fs.unlinkSync(a(tree))
    fs.symlinkSync('d/b.txt', a(tree))
  },
  'assume-unchanged in a split index': ({ git, write }) => {
    git('update-index', '--split-index')
    git('update-index', '--assume-unchanged', 'a.txt')
    write('a.txt', 'precious\n')
  },
  'assume-unchanged in an index of version 4': ({ git, write }) => {
    git('update-index', '--index-version', '4')
    git('update-index', '--assume-unchanged', 'a.txt')
    write('a.txt', 'precious\n')
  },
  'core.ignoreStat': ({ git, write }) => {
    git('config', 'core.ignoreStat', 'true')
    git('update-index', '--refresh')
    git('checkout', '-q', 'HEAD~0', '--', 'a.txt')
    git('update-index', '--assume-unchanged', 'a.txt')
    write('a.txt', 'precious\n')
  },
  'outside of a sparse checkout, expected there': ({ git, write }) => {
    git('config', 'sparse.expectFilesOutsideOfPatterns', 'true')
    git('sparse-checkout', 'set', '--no-cone', '/d/')
    write('a.txt', 'precious\n')
  },
  'outside of a sparse checkout with a sparse index': ({ git, write }) => {
    git('config', 'sparse.expectFilesOutsideOfPatterns', 'true')
    git('sparse-checkout', 'set', '--cone', '--sparse-index', 'none')
    write('d/b.txt', 'precious\n')
    return 'd/b.txt'
  },
  'core.fileMode': ({ git, tree }) => (git('config', 'core.fileMode', 'false'), fs.chmodSync(a(tree), 0o755)),
  'core.checkStat and core.trustCtime': (box) => {
    box.git('config', 'core.checkStat', 'minimal')
    box.git('config', 'core.trustCtime', 'false')
    behindItsBack(box)
  },
  'size and time of before': behindItsBack,
  'a monitor of the file system that lies': ({ git, write, dir, tree }) => {
    fs.utimesSync(a(tree), 0, 0)
    git('status')
    const monitor = path.join(dir, 'monitor')
    fs.writeFileSync(monitor, '#!/bin/sh\nprintf "token\\0"\n', { mode: 0o755 })
    git('config', 'core.fsmonitor', `'${monitor}'`)
    git('config', 'core.fsmonitorHookVersion', '2')
    git('update-index', '--fsmonitor')
    for (let i = 0; i < 3; i++) git('status')
    write('a.txt', 'precious\n')
  },
}

for (const [name, hide] of Object.entries(HIDDEN)) {
  test(`an edit that git status does not show is work: ${name}`, async (t) => {
    const box = await withTask(t)
    const file = hide(box) ?? 'a.txt'
    const { git, inMain, tree } = box
    assert.equal(git('status', '--porcelain'), '', 'git shows nothing')
    const look = () => {
      const found = fs.lstatSync(path.join(tree, file), { throwIfNoEntry: false })
      if (!found) return null
      return found.isSymbolicLink() ? fs.readlinkSync(path.join(tree, file)) : [fs.readFileSync(path.join(tree, file), 'utf8'), found.mode]
    }
    const before = [look(), git('ls-files', '-v')]

    const error = await rejectionOf(okstra.removeTask(TASK))
    assert.deepEqual(error.obstacles.map(({ kind, examples }) => [kind, examples]), [['uncommitted', [file]]])
    assert.deepEqual([look(), git('ls-files', '-v')], before, 'a refusal changes nothing')
    const { worktree } = await okstra.inspectTask({ taskKey: 'shop/checkout/t' })
    // What only stat data hides is looked for before a removal alone: a table does not read files.
    if (!/time/i.test(name)) assert.deepEqual(worktree.unstaged, [file])

    okstra.registry.release('shop', 'checkout', 't')
    assert.deepEqual(await okstra.prune({ olderThanDays: 0 }), [], 'nobody proposes it')

    const { snapshot, trashId } = await okstra.removeTask({ ...TASK, force: true })
    assert.equal((await okstra.restoreTask(TASK)).source, 'trash')
    assert.deepEqual([look(), git('ls-files', '-v')], before, 'from the trash')
    assert.ok(snapshot && trashId)
    const again = await okstra.removeTask({ ...TASK, force: true })
    assert.equal(inMain('diff', '--name-only', `${again.snapshot}^1`, again.snapshot), file, 'the commit holds it')
    // Nothing is left but the commit.
    fs.rmSync(path.join(box.okstraHome, 'worktrees', '.trash'), { recursive: true })
    fs.rmSync(path.join(box.repository, '.git', 'okstra-trash'), { recursive: true })
    assert.equal((await okstra.restoreTask(TASK)).source, 'snapshot')
    assert.deepEqual(look(), before[0], 'from the commit')
    if (!name.includes('sparse')) assert.equal(git('ls-files', '-v'), before[1], 'the bits too')
  })
}

test('configuration that makes git status say less hides nothing', async (t) => {
  const { git, write } = await withTask(t)
  for (const setting of ['status.showUntrackedFiles=no', 'core.untrackedCache=true', 'diff.ignoreSubmodules=all', 'core.ignoreCase=true']) {
    git('config', ...setting.split('='))
  }
  git('status')
  write('A.TXT', 'another file\n')
  assert.equal(git('status', '--porcelain'), '')
  const error = await rejectionOf(okstra.removeTask(TASK))
  assert.deepEqual(error.obstacles.map(({ kind, examples }) => [kind, examples]), [['untracked', ['A.TXT']]])
})

test('files that git was told not to look at and that are as they were stand in nobody\'s way', async (t) => {
  const { git, tree } = await withTask(t)
  git('update-index', '--assume-unchanged', 'a.txt')
  git('update-index', '--skip-worktree', 'd/b.txt')
  fs.unlinkSync(path.join(tree, 'd/b.txt'))
  const { snapshot } = await okstra.removeTask(TASK)
  assert.equal(snapshot, undefined)
  await okstra.restoreTask(TASK)
  assert.equal(git('ls-files', '-v', 'a.txt', 'd/b.txt'), 'h a.txt\nS d/b.txt')
})

test('a stash that was made here, and a ref of this worktree alone, stand in the way', async (t) => {
  const { git, inMain, write, repository, options } = await withTask(t)
  write('a.txt', 'stashed\n')
  git('stash', '-q')
  write('a.txt', 'aside\n')
  git('commit', '-qam', 'aside')
  git('update-ref', 'refs/worktree/aside', 'HEAD')
  git('reset', '-q', '--hard', 'HEAD~1')
  const error = await rejectionOf(okstra.removeTask(TASK))
  assert.deepEqual(error.obstacles.map(({ kind, flag }) => [kind, flag]), [['refs', '--discard-refs'], ['stashes', '--ignore-stashes']])
  assert.match(error.obstacles[1].examples[0], /^stash@\{0\}: WIP on fix-t/)
  // Another task's stash is not its own.
  await okstra.provisionTaskWorktree(options(repository, 'other'))
  await okstra.removeTask({ ...TASK, taskId: 'other' })
  const { snapshot } = await okstra.removeTask({ ...TASK, allow: ['refs', 'stashes'] })
  assert.match(inMain('stash', 'list'), /WIP on fix-t/)
  inMain('gc', '-q', '--prune=now')
  assert.match(inMain('rev-list', snapshot), new RegExp(inMain('log', '--format=%H', '--all', '--grep=^aside$')))
  await okstra.restoreTask(TASK)
  assert.equal(git('log', '-1', '--format=%s', 'refs/worktree/aside'), 'aside')
})

test('what the project tracks is its content, also where it looks like a bare repository', async (t) => {
  const fixture = (name) => ({ [`${name}/HEAD`]: 'ref: refs/heads/main\n', [`${name}/config`]: '[core]\n', [`${name}/objects/.gitkeep`]: '', [`${name}/refs/heads/.gitkeep`]: '' })
  const { git, write, tree } = await withTask(t, { 'a.txt': 'one\n', ...fixture('tests/fixture.git'), ...fixture('spaces in/the name.gitted'), ...fixture('.') })
  await okstra.removeTask(TASK)
  await okstra.restoreTask(TASK)
  write('tests/fixture.git/objects/aa/bb', 'new\n')
  const error = await rejectionOf(okstra.removeTask(TASK))
  assert.deepEqual(error.obstacles.map(({ kind, examples }) => [kind, examples]), [['untracked', ['tests/fixture.git/objects/aa/bb']]])
  fs.rmSync(path.join(tree, 'tests/fixture.git/objects/aa'), { recursive: true })
  // One that is not tracked, within one that is, still stands in the way.
  git('init', '-q', '--bare', path.join(tree, 'tests/fixture.git/inner.git'))
  git('init', '-q', path.join(tree, 'tests/fixture.git/work'))
  const nested = await rejectionOf(okstra.removeTask({ ...TASK, force: true }))
  assert.deepEqual(nested.obstacles.find(({ kind }) => kind === 'nested').examples, ['tests/fixture.git/inner.git', 'tests/fixture.git/work'])
})

test('files that vanish, shrink and grow while they are written down do not fail a removal', async (t) => {
  const { tree, repository } = await withTask(t)
  const { spawn } = require('node:child_process')
  for (let i = 0; i < 1500; i++) fs.writeFileSync(path.join(tree, `w${i}`), `${i}\n`.repeat(200))
  // Somebody at work until the tree is gone; their directory is not in it.
  const script = `
    const fs = require('fs'), path = require('path')
    process.stdout.write('ready\\n')
    for (let i = 1499; ; i = i > 0 ? i - 1 : 1499) {
      const file = path.join(${JSON.stringify(tree)}, 'w' + i)
      try {
        if (i % 3 === 0) fs.unlinkSync(file)
        else if (i % 3 === 1) fs.truncateSync(file, 3)
        else fs.appendFileSync(file, 'more')
      } catch (error) { if (!fs.existsSync(${JSON.stringify(tree)})) process.exit(0) }
    }`
  const busy = spawn(process.execPath, ['-e', script], { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => busy.kill('SIGKILL'))
  await new Promise((resolve) => busy.stdout.once('data', resolve))
  const removed = await okstra.removeTask({ ...TASK, force: true })
  assert.ok(removed.snapshot)
  const left = fs.readdirSync(path.join(repository, '.git'), { recursive: true }).filter((name) => name.includes('fast_import_crash'))
  assert.deepEqual(left, [])
})

test('a removal that is stopped in the snapshot leaves no report of a crash', async (t) => {
  const { tree, repository } = await withTask(t)
  for (let i = 0; i < 40; i++) fs.writeFileSync(path.join(tree, `large${i}`), Buffer.alloc(4 << 20, i))
  const controller = new AbortController()
  const intents = path.join(process.env.OKSTRA_HOME, 'worktrees', '.intents')
  const removal = okstra.removeTask({ ...TASK, force: true }, controller.signal)
  const watch = setInterval(() => {
    if (fs.existsSync(intents) && fs.readdirSync(intents).some((name) => name.endsWith('.json'))) controller.abort()
  }, 1)
  t.after(() => clearInterval(watch))
  await removal.catch(() => {})
  clearInterval(watch)
  const left = fs.readdirSync(path.join(repository, '.git'), { recursive: true }).filter((name) => name.includes('fast_import_crash'))
  assert.deepEqual(left, [])
})
