'use strict'
// removeTask, restoreTask, listTrash and prune: what each promises, one by one. Dirty states and kills are in the torture
// suite.

const assert = require('node:assert/strict')
const { execFileSync, spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { apiSandbox, okstra, rejectionOf, thrownBy } = require('./helpers/api.js')

const TASK = { projectId: 'shop', taskGroup: 'checkout', taskId: 't' }
const KEY = 'shop/checkout/t'

/** A repository with a task in it. */
async function withTask(t) {
  const box = apiSandbox(t)
  const repository = box.repository('shop', { files: { 'a.txt': 'a\n', '.gitignore': '.env\n' } })
  fs.mkdirSync(path.join(repository, '.scratch'))
  const { path: tree, branch } = await okstra.provisionTaskWorktree(box.options(repository, 't'))
  const git = (...args) => box.git(args, { cwd: tree })
  const inMain = (...args) => box.git(args, { cwd: repository })
  const dirty = () => {
    fs.writeFileSync(path.join(tree, 'a.txt'), 'changed\n')
    fs.writeFileSync(path.join(tree, 'new'), 'new\n')
    fs.writeFileSync(path.join(tree, '.env'), 'SECRET=1\n')
  }
  const entry = () => okstra.registry.lookup('shop', 'checkout', 't')
  return { ...box, repository, tree, branch, git, inMain, dirty, entry, trash: path.join(box.okstraHome, 'worktrees', '.trash') }
}

test('a refusal lists everything that stands in the way, and changes nothing', async (t) => {
  const { dirty, git, tree, entry } = await withTask(t)
  dirty()
  const before = git('status', '--porcelain')
  const error = await rejectionOf(okstra.removeTask(TASK))
  assert.equal(error.code, 'OKSTRA_WOULD_LOSE_WORK')
  assert.deepEqual(error.obstacles.map(({ kind, count, examples, flag }) => [kind, count, examples, flag]), [
    ['uncommitted', 1, ['a.txt'], '--discard-changes'],
    ['untracked', 1, ['new'], '--discard-untracked'],
    ['ignored', 1, ['.env'], '--discard-ignored'],
  ])
  assert.equal(error.taskKey, KEY)
  assert.equal(error.path, tree)
  assert.equal(git('status', '--porcelain'), before)
  assert.equal(entry().status, 'active')
  const rest = await rejectionOf(okstra.removeTask({ ...TASK, allow: ['uncommitted', 'ignored'] }))
  assert.deepEqual(rest.obstacles.map(({ kind }) => kind), ['untracked'])
  assert.equal((await rejectionOf(okstra.removeTask({ ...TASK, allow: ['nested'] }))).code, 'OKSTRA_INVALID_ARGUMENT')
  assert.equal(thrownBy(() => okstra.removeTaskSync({ ...TASK, taskId: 'no-such' })).code, 'OKSTRA_NOT_FOUND')
})

test('what was removed is in the trash, in a commit that git stash applies, and comes back as it was', async (t) => {
  const { dirty, git, inMain, tree, entry, branch, trash, repository } = await withTask(t)
  dirty()
  const before = git('status', '--porcelain', '--ignored')
  const removed = okstra.removeTaskSync({ ...TASK, force: true })
  assert.equal(entry().status, 'released')
  assert.equal(inMain('rev-parse', branch), inMain('rev-parse', 'main'), 'the branch stays')
  assert.equal(fs.existsSync(tree), false)
  assert.equal(fs.readFileSync(path.join(trash, removed.trashId, 'tree', '.env'), 'utf8'), 'SECRET=1\n')
  assert.equal(fs.existsSync(path.join(trash, removed.trashId, 'tree', '.scratch')), false, 'shared links are unlinked')
  const held = inMain('log', '--format=', '--name-only', '-m', `${removed.snapshot}^3`)
  assert.deepEqual(held.split('\n'), ['new'], 'secrets are in no commit')
  inMain('stash', 'apply', '--quiet', removed.snapshot)
  assert.equal(inMain('status', '--porcelain'), ' M a.txt\n?? new')
  inMain('checkout', '--quiet', 'a.txt')
  fs.unlinkSync(path.join(repository, 'new'))

  const [listed] = okstra.listTrash({ taskKey: KEY })
  assert.deepEqual([listed.id, listed.whole, listed.uncommitted, listed.untracked], [removed.trashId, true, 1, 1])
  const restored = await okstra.restoreTask(TASK)
  assert.deepEqual([restored.source, restored.path, restored.note], ['trash', tree, ''])
  assert.equal(git('status', '--porcelain', '--ignored'), before)
  assert.equal(fs.readlinkSync(path.join(tree, '.scratch')).endsWith('shop/.scratch'), true)
  assert.equal(entry().status, 'active')
  assert.deepEqual(okstra.listTrash(), [])
  assert.equal(inMain('for-each-ref', 'refs/okstra'), '')
  const events = okstra.registry.history({ taskKey: KEY }).map(({ event }) => event)
  assert.deepEqual(events, ['restored', 'removed', 'released', 'created'])
})

test('nothing is changed when something is in the way of a return', async (t) => {
  const { dirty, tree, repository, inMain, branch, options } = await withTask(t)
  assert.equal((await rejectionOf(okstra.restoreTask(TASK))).code, 'OKSTRA_KEY_EXISTS')
  dirty()
  const { trashId } = await okstra.removeTask({ ...TASK, force: true })
  fs.mkdirSync(tree)
  assert.equal((await rejectionOf(okstra.restoreTask(TASK))).code, 'OKSTRA_PATH_EXISTS')
  fs.rmdirSync(tree)
  const other = { ...TASK, taskId: 'other', worktreePath: path.join(repository, '..', 'elsewhere'), branch, baseRef: inMain('rev-parse', 'main') }
  okstra.registry.reserve({ ...other, repository: path.join(repository, '.git') })
  assert.equal((await rejectionOf(okstra.restoreTask(TASK))).code, 'OKSTRA_BRANCH_OWNED')
  okstra.registry.release('shop', 'checkout', 'other')
  assert.equal((await rejectionOf(okstra.restoreTask({ ...TASK, from: 'no such entry' }))).code, 'OKSTRA_NOT_IN_TRASH')
  assert.equal((await rejectionOf(okstra.restoreTask({ ...TASK, taskId: 'unknown' }))).code, 'OKSTRA_NOT_FOUND')
  assert.equal(okstra.listTrash()[0].id, trashId)

  const again = await okstra.provisionTaskWorktree(options(repository, 't'))
  assert.equal(again.status, 'restored')
  assert.match(again.note, /in the trash; `git stash apply [0-9a-f]{12}`/)
})

test('in the place of a worktree that vanished, one from the trash comes back on its branch', async (t) => {
  const { dirty, git, inMain, branch, tree, options, repository } = await withTask(t)
  dirty()
  await okstra.removeTask({ ...TASK, force: true })
  await okstra.provisionTaskWorktree(options(repository, 't'))
  fs.writeFileSync(path.join(tree, 'staged'), 'staged in the second\n')
  git('add', 'staged')
  const blob = git('rev-parse', ':staged')
  fs.rmSync(tree, { recursive: true })
  assert.equal((await okstra.restoreTask(TASK)).source, 'trash')
  assert.equal(git('symbolic-ref', '--short', 'HEAD'), branch)
  assert.equal(inMain('worktree', 'list', '--porcelain').split(`worktree ${tree}\n`).length, 2, 'git has it once')
  assert.ok(inMain('rev-list', '--objects', '--all').includes(blob), 'what was staged in the second is kept')
  assert.equal(fs.readFileSync(path.join(tree, 'a.txt'), 'utf8'), 'changed\n')
})

test('a worktree that was moved with mv is not replaced by one from the trash', async (t) => {
  const { tree, options, repository } = await withTask(t)
  await okstra.removeTask(TASK)
  await okstra.provisionTaskWorktree(options(repository, 't'))
  fs.renameSync(tree, `${tree}-moved`)
  const error = await rejectionOf(okstra.restoreTask(TASK))
  assert.equal(error.code, 'OKSTRA_WORKTREE_BROKEN')
  assert.match(error.message, /t-moved without git's knowledge/)
  fs.renameSync(`${tree}-moved`, tree)
  assert.equal((await okstra.provisionTaskWorktree(options(repository, 't'))).status, 'reused')
})

test('a task that begins anew after its branch was deleted is created, also when a run of that died', async (t) => {
  const { dir, env, tree, options, repository, inMain, branch } = await withTask(t)
  await okstra.removeTask({ ...TASK, deleteBranch: true })
  const killing = path.join(dir, 'killing')
  fs.mkdirSync(killing)
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  fs.writeFileSync(path.join(killing, 'git'), `#!/bin/sh\n'${real}' "$@" || exit\ncase "$*" in *'worktree add'*) kill -9 $PPID;; esac\n`, { mode: 0o755 })
  const call = `require(process.argv[1]).provisionTaskWorktreeSync(JSON.parse(process.argv[2]))`
  const { signal } = spawnSync(process.execPath, ['-e', call, path.resolve(__dirname, '..'), JSON.stringify(options(repository, 't'))], {
    env: { ...env, PATH: `${killing}:${env.PATH}` },
  })
  assert.equal(signal, 'SIGKILL')
  assert.ok(inMain('rev-parse', '--verify', branch), 'it had made the branch')
  assert.equal((await okstra.provisionTaskWorktree(options(repository, 't'))).status, 'created')
  assert.ok(fs.existsSync(path.join(tree, 'a.txt')))
})

test('on a branch that moved since, the worktree comes back with a detached HEAD', async (t) => {
  const { dirty, git, inMain, branch, tree } = await withTask(t)
  dirty()
  const before = git('status', '--porcelain')
  const head = git('rev-parse', 'HEAD')
  await okstra.removeTask({ ...TASK, force: true })
  inMain('checkout', '-q', branch)
  inMain('commit', '-q', '--allow-empty', '-m', 'meanwhile')
  inMain('checkout', '-q', 'main')
  const { note } = await okstra.restoreTask(TASK)
  assert.match(note, /has moved to [0-9a-f]{12} since/)
  assert.equal(git('rev-parse', 'HEAD'), head)
  assert.throws(() => git('symbolic-ref', '-q', 'HEAD'))
  assert.equal(git('status', '--porcelain'), before)
  assert.equal(fs.existsSync(tree), true)
})

test("git's name for the worktree may be another's by now", async (t) => {
  const { dir, git, inMain } = await withTask(t)
  await okstra.removeTask(TASK)
  inMain('worktree', 'add', '-q', '--detach', path.join(dir, 'x', 't'))
  await okstra.restoreTask(TASK)
  assert.equal(git('status', '--porcelain'), '')
  assert.equal(path.basename(git('rev-parse', '--absolute-git-dir')), 't1')
  assert.equal(inMain('worktree', 'list').split('\n').length, 3)
})

test('a deleted branch keeps its commits as long as the trash keeps the worktree', async (t) => {
  const { git, inMain, branch } = await withTask(t)
  git('commit', '-q', '--allow-empty', '-m', 'own')
  const own = git('rev-parse', 'HEAD')
  const error = await rejectionOf(okstra.removeTask({ ...TASK, deleteBranch: true }))
  assert.deepEqual(error.obstacles.map(({ kind }) => kind), ['unmerged'])
  const removed = await okstra.removeTask({ ...TASK, deleteBranch: true, allow: ['unmerged'] })
  assert.equal(removed.branchDeleted, true)
  assert.equal(inMain('branch', '--list', branch), '')
  inMain('gc', '-q', '--prune=now')
  await okstra.restoreTask(TASK)
  assert.equal(inMain('rev-parse', branch), own)
  inMain('checkout', '-q', '--detach')
  inMain('merge', '-q', branch)
  const second = await okstra.removeTask({ ...TASK, deleteBranch: true, force: true })
  assert.equal(second.branchDeleted, true)
  await okstra.prune({ apply: true, olderThanDays: 0 })
  assert.deepEqual(okstra.listTrash(), [])
  assert.equal(inMain('for-each-ref', 'refs/okstra'), '')
})

test('only the one entry of a directory that is gone leaves git, and what was staged comes back', async (t) => {
  const { dir, git, inMain, tree, entry } = await withTask(t)
  fs.writeFileSync(path.join(tree, 'staged'), 'staged\n')
  git('add', 'staged')
  fs.rmSync(tree, { recursive: true })
  // A worktree on a disk that is not mounted now: a repository-wide prune would take it.
  inMain('worktree', 'add', '-q', '--detach', path.join(dir, 'unmounted'))
  fs.renameSync(path.join(dir, 'unmounted'), path.join(dir, 'away'))
  const { note } = await okstra.removeTask(TASK)
  assert.match(note, /gone already/)
  assert.equal(entry().status, 'released')
  const listed = inMain('worktree', 'list')
  assert.equal(listed.includes(tree), false)
  assert.equal(listed.includes('unmounted'), true)
  const restored = await okstra.restoreTask(TASK)
  assert.equal(restored.source, 'snapshot')
  assert.equal(git('status', '--porcelain'), 'A  staged')
})

test('an aborted removal changed nothing', async (t) => {
  const { dirty, git, entry } = await withTask(t)
  dirty()
  const before = git('status', '--porcelain')
  const error = await rejectionOf(okstra.removeTask({ ...TASK, force: true }, AbortSignal.abort()))
  assert.equal(error.name, 'AbortError')
  assert.equal(git('status', '--porcelain'), before)
  assert.equal(entry().status, 'active')
})

test('a process inside stands in the way', async (t) => {
  if (process.platform !== 'linux') return t.skip('it is found through /proc')
  const { tree } = await withTask(t)
  const child = spawn('sleep', ['600'], { cwd: tree })
  t.after(() => child.kill('SIGKILL'))
  const error = await rejectionOf(okstra.removeTask(TASK))
  assert.deepEqual(error.obstacles.map(({ kind }) => kind), ['processes'])
  assert.match(error.obstacles[0].examples[0], new RegExp(`^${child.pid} \\(sleep 600`))
})

test('what is mounted inside is never touched', async (t) => {
  const { tree, repository } = await withTask(t)
  const mounted = path.join(tree, 'mounted')
  fs.mkdirSync(mounted)
  try {
    execFileSync('mount', ['--bind', path.join(repository, '.scratch'), mounted], { stdio: 'ignore' })
  } catch {
    return t.skip('mounting is not allowed here')
  }
  fs.writeFileSync(path.join(mounted, 'precious'), 'p')
  try {
    const error = await rejectionOf(okstra.removeTask({ ...TASK, force: true }))
    assert.equal(error.obstacles.some(({ kind, flag }) => kind === 'mount' && flag === null), true)
  } finally {
    execFileSync('umount', [mounted])
  }
  assert.equal(fs.existsSync(path.join(repository, '.scratch', 'precious')), true)
})

test('a worktree on another file system has its trash beside it', async (t) => {
  const box = apiSandbox(t)
  const elsewhere = ['/dev/shm', os.homedir()].find((one) => fs.existsSync(one) && fs.statSync(one).dev !== fs.statSync(box.dir).dev)
  if (!elsewhere) return t.skip('there is only one file system')
  const repository = box.repository('shop')
  const outside = fs.mkdtempSync(path.join(elsewhere, 'okstra-test-'))
  t.after(() => fs.rmSync(outside, { recursive: true, force: true }))
  const tree = path.join(outside, 'tree')
  box.git(['worktree', 'add', '-q', '-b', 'task-t', tree], { cwd: repository })
  const row = { worktreePath: tree, branch: 'task-t', baseRef: box.git(['rev-parse', 'HEAD'], { cwd: repository }) }
  okstra.registry.reserve({ ...TASK, ...row, repository: path.join(repository, '.git') })
  fs.writeFileSync(path.join(tree, 'new'), 'n')
  const { trashId } = await okstra.removeTask({ ...TASK, force: true })
  assert.equal(fs.existsSync(path.join(outside, '.okstra-trash', trashId, 'tree', 'new')), true)
  await okstra.restoreTask(TASK)
  assert.equal(fs.readFileSync(path.join(tree, 'new'), 'utf8'), 'n')
  assert.deepEqual(fs.readdirSync(path.join(outside, '.okstra-trash')), [])
})

// Each makes a repository; `false` when this git cannot.
const SHAPES = {
  'refs in tables': (box) => shape(box, ['init', '-q', '--ref-format=reftable', '-b', 'main', 'shop']),
  'ids of 256 bits': (box) => shape(box, ['init', '-q', '--object-format=sha256', '-b', 'main', 'shop']),
  'a git directory elsewhere': (box) => shape(box, ['init', '-q', '--separate-git-dir', path.join(box.dir, 'elsewhere.git'), '-b', 'main', 'shop']),
  'a bare repository': (box) => {
    const bare = path.join(box.dir, 'bare.git')
    box.git(['clone', '-q', '--bare', box.repository('source'), bare])
    return bare
  },
  'a sparse checkout with its own configuration': (box) => {
    const root = box.repository('shop', { files: { 'in/a': 'a\n', 'out/b': 'b\n' } })
    box.git(['sparse-checkout', 'set', 'in'], { cwd: root })
    return root
  },
  'a split index': (box) => {
    const root = box.repository('shop')
    box.git(['config', 'core.splitIndex', 'true'], { cwd: root })
    return root
  },
}

function shape(box, init) {
  try {
    box.git(init)
  } catch {
    return false
  }
  const root = path.join(box.dir, 'shop')
  fs.writeFileSync(path.join(root, 'README.md'), 'r\n')
  box.git(['add', '.'], { cwd: root })
  box.git(['commit', '-q', '-m', 'first'], { cwd: root })
  return root
}

for (const [name, make] of Object.entries(SHAPES)) {
  test(`there and back, and back from the snapshot alone: ${name}`, async (t) => {
    const sandbox = apiSandbox(t)
    const root = make(sandbox)
    if (!root) return t.skip('this git cannot make it')
    const { path: tree, branch } = await okstra.provisionTaskWorktree(sandbox.options(root, 't'))
    const git = (...args) => sandbox.git(args, { cwd: tree })
    const look = () => [git('status', '--porcelain=v2', '--branch', '-uall'), git('log', '-g', '--format=%H', 'HEAD'), git('ls-files', '-s')]
    for (const [file, how] of [['committed', 'commit'], ['staged', 'add'], ['new', 'leave']]) {
      fs.writeFileSync(path.join(tree, file), `${file}\n`)
      if (how !== 'leave') git('add', '--sparse', file)
      if (how === 'commit') git('commit', '-q', '-m', file)
    }
    const before = look()
    for (const source of ['trash', 'snapshot']) {
      const removed = await okstra.removeTask({ ...TASK, force: true, deleteBranch: true })
      assert.equal(removed.branchDeleted, true)
      assert.equal(sandbox.git(['branch', '--list', branch], { cwd: root }), '')
      sandbox.git(['gc', '-q', '--prune=now'], { cwd: root })
      if (source === 'snapshot') fs.rmSync(path.join(sandbox.okstraHome, 'worktrees', '.trash'), { recursive: true })
      assert.equal((await okstra.restoreTask(TASK)).source, source)
      const after = look()
      // In tables the log of HEAD is a part of what was thrown away.
      if (source === 'snapshot' && name === 'refs in tables') after[1] = before[1]
      assert.deepEqual(after, before)
    }
    sandbox.git(['fsck', '--connectivity-only'], { cwd: root })
  })
}

test('prune proposes, and clears away only what was agreed to', async (t) => {
  const { okstraHome, tree, repository, options, inMain, trash } = await withTask(t)
  const at = (task) => ({ ...TASK, taskId: task })
  for (const task of ['merged', 'gone', 'old']) await okstra.provisionTaskWorktree(options(repository, task))
  okstra.registry.release('shop', 'checkout', 'merged')
  fs.rmSync(path.join(tree, '..', 'gone'), { recursive: true })
  await okstra.removeTask(at('old'))
  const orphan = path.join(okstraHome, 'worktrees', 'shop', 'checkout', 'orphan')
  fs.mkdirSync(orphan)
  fs.writeFileSync(path.join(orphan, 'content'), 'c')
  fs.mkdirSync(path.join(okstraHome, 'worktrees', '.quarantine', 'old', 'tree'), { recursive: true })

  const young = await okstra.prune()
  assert.deepEqual(young.map(({ why }) => why), ['merged'], 'what lies in the trash has its days, what is strange has one')
  const old = new Date(Date.now() - 25 * 60 * 60 * 1000)
  fs.utimesSync(orphan, old, old)
  fs.utimesSync(path.dirname(orphan), old, old)
  assert.deepEqual((await okstra.prune()).map(({ why }) => why), ['merged', 'missing', 'orphan'])
  assert.deepEqual(await okstra.prune({ apply: true, only: [] }), [], 'agreed to nothing')
  assert.ok(fs.existsSync(orphan))
  const proposed = await okstra.prune({ olderThanDays: 0 })
  assert.deepEqual(proposed.map(({ why }) => why), ['merged', 'missing', 'orphan', 'expired', 'quarantine'])
  assert.equal(proposed.every(({ done, outcome }) => !done && outcome === undefined), true)
  assert.equal(fs.existsSync(orphan), true)
  assert.deepEqual(await okstra.prune({ olderThanDays: 0, projectId: 'other' }), [])

  const [first] = okstra.pruneSync({ apply: true, olderThanDays: 0, only: ['orphan:shop/checkout/orphan'] })
  assert.deepEqual([first.why, first.done], ['orphan', true])
  assert.equal(fs.existsSync(orphan), false)
  const buried = okstra.listTrash({ taskKey: 'shop/checkout/orphan' })[0]
  assert.equal(fs.readFileSync(path.join(buried.tree, 'content'), 'utf8'), 'c')

  const agreed = proposed.filter(({ why }) => ['merged', 'missing'].includes(why)).map(({ id }) => id)
  const done = await okstra.prune({ apply: true, olderThanDays: 0, only: agreed })
  assert.deepEqual(done.map(({ why, done: gone }) => [why, gone]), [['merged', true], ['missing', true]])
  await okstra.prune({ apply: true, olderThanDays: 0 })
  assert.deepEqual(fs.readdirSync(trash), [])
  assert.deepEqual(await okstra.prune({ olderThanDays: 0 }), [])
  assert.equal(inMain('branch', '--list', 'fix-*').split('\n').length, 4, 'branches stay')
  assert.equal(fs.existsSync(tree), true, 'an active task stays')
})

test('of a trash that was emptied by hand, prune finds the halves in the repositories', async (t) => {
  const { dirty, inMain, repository, trash } = await withTask(t)
  dirty()
  await okstra.removeTask({ ...TASK, force: true })
  fs.rmSync(trash, { recursive: true })
  assert.deepEqual(await okstra.prune(), [])
  const [item] = await okstra.prune({ apply: true, olderThanDays: 0 })
  assert.deepEqual([item.why, item.done], ['expired', true])
  assert.deepEqual(fs.readdirSync(path.join(repository, '.git', 'okstra-trash')), [])
  assert.equal(inMain('for-each-ref', 'refs/okstra'), '')
  assert.equal((await rejectionOf(okstra.restoreTask({ ...TASK, from: 'x' }))).code, 'OKSTRA_NOT_IN_TRASH')
})

test('a record that names a place outside the trash is not believed', async (t) => {
  const { dir, dirty, trash } = await withTask(t)
  dirty()
  const { trashId } = await okstra.removeTask({ ...TASK, force: true })
  const precious = path.join(dir, 'precious')
  fs.mkdirSync(path.join(precious, 'tree'), { recursive: true })
  const file = path.join(trash, trashId, 'record.json')
  const record = JSON.parse(fs.readFileSync(file, 'utf8'))
  fs.renameSync(path.join(trash, trashId, 'tree'), path.join(dir, 'aside'))
  for (const forged of [{ tree: path.join(precious, 'tree') }, { id: '../../x' }, { git: { ...record.git, kept: precious } }]) {
    fs.writeFileSync(file, JSON.stringify({ ...record, ...forged }))
    assert.deepEqual(okstra.listTrash(), [])
    const items = await okstra.prune({ olderThanDays: 0 })
    assert.equal(items.some(({ path: place }) => place.startsWith(precious)), false)
  }
  assert.equal(fs.existsSync(path.join(precious, 'tree')), true)
})

test('what prune may not take stays, with the reason', async (t) => {
  const { okstraHome, dirty } = await withTask(t)
  dirty()
  okstra.registry.release('shop', 'checkout', 't')
  const repository = path.join(okstraHome, 'worktrees', 'shop', 'checkout', 'repository')
  execFileSync('git', ['init', '-q', repository])
  // Work in a released task is nothing that nobody needs: what is proposed is what is then done.
  const shown = await okstra.prune({ olderThanDays: 0 })
  assert.deepEqual(shown.map(({ why, blocked, done, outcome }) => [why, blocked, done, outcome]), [['orphan', true, false, undefined]])
  const items = await okstra.prune({ apply: true, olderThanDays: 0 })
  assert.deepEqual(items.map(({ why, done }) => [why, done]), [['orphan', false]])
  assert.match(items[0].outcome, /it is a repository/)
  assert.equal(fs.existsSync(repository), true)
})

test('an unknown directory with work in it stands, with what stands in the way', async (t) => {
  const { dirty, git, tree, okstraHome, inMain } = await withTask(t)
  dirty()
  const file = path.join(okstraHome, 'worktrees', 'registry.json')
  const forgotten = JSON.parse(fs.readFileSync(file, 'utf8'))
  for (const section of ['worktrees', 'entries', 'tasks']) if (forgotten[section]) delete forgotten[section][KEY]
  delete forgotten[KEY]
  fs.writeFileSync(file, JSON.stringify(forgotten))
  for (const admin of fs.readdirSync(path.join(inMain('rev-parse', '--absolute-git-dir'), 'worktrees'))) {
    fs.rmSync(path.join(inMain('rev-parse', '--absolute-git-dir'), 'worktrees', admin, 'locked'), { force: true })
  }
  const before = git('status', '--porcelain')
  for (const options of [{ olderThanDays: 0 }, { olderThanDays: 0, apply: true }]) {
    const [item, ...more] = await okstra.prune(options)
    assert.deepEqual(more, [])
    assert.deepEqual([item.why, item.blocked, item.done], ['orphan', true, false])
    assert.deepEqual(item.obstacles.map(({ kind }) => kind), ['uncommitted', 'untracked', 'ignored'])
    assert.match(item.detail, /stays: .*1 tracked file with uncommitted changes/)
  }
  assert.equal(git('status', '--porcelain'), before)
  assert.deepEqual(await okstra.prune(), [], 'it is young')
  git('checkout', '-q', 'a.txt')
  for (const name of ['new', '.env']) fs.unlinkSync(path.join(tree, name))
  const [item] = await okstra.prune({ olderThanDays: 0, apply: true })
  assert.deepEqual([item.why, item.done], ['orphan', true])
})

test('an unknown directory whose repository is not there is not buried: nobody can tell what in it is committed', async (t) => {
  const { tree, repository, okstraHome } = await withTask(t)
  const orphan = path.join(okstraHome, 'worktrees', 'shop', 'checkout', 'other')
  fs.cpSync(tree, orphan, { recursive: true })
  fs.writeFileSync(path.join(orphan, '.git'), `gitdir: ${path.join(repository, '..', 'unmounted', '.git', 'worktrees', 't')}\n`)
  const [item] = await okstra.prune({ olderThanDays: 0, apply: true })
  assert.deepEqual([item.why, item.blocked, item.done], ['orphan', true, false])
  assert.equal(fs.existsSync(path.join(orphan, 'a.txt')), true)
})

for (const [name, prepare] of Object.entries({
  'an ignored secret': ({ tree }) => fs.writeFileSync(path.join(tree, '.env'), 'SECRET=1\n'),
  'a lock': ({ inMain, tree }) => inMain('worktree', 'lock', tree),
  'an untracked file': ({ tree }) => fs.writeFileSync(path.join(tree, 'new'), 'n'),
  'a repository inside': ({ tree }) => execFileSync('git', ['init', '-q', path.join(tree, 'inner')]),
  'a stash': ({ git, tree }) => (fs.writeFileSync(path.join(tree, 'a.txt'), 's'), git('stash', '-q')),
})) {
  test(`prune proposes only what it then does: a merged task with ${name}`, async (t) => {
    const box = await withTask(t)
    okstra.registry.release('shop', 'checkout', 't')
    assert.deepEqual((await okstra.prune()).map(({ why }) => why), ['merged'])
    prepare(box)
    assert.deepEqual(await okstra.prune(), [])
    assert.deepEqual(await okstra.prune({ apply: true }), [])
    assert.equal(fs.existsSync(box.tree), true)
  })
}

test('who lives in the git data of a worktree is asked before it is removed, and before its trash is purged', async (t) => {
  const { repository: library, dir, env, tree, git, inMain, okstraHome } = await withTask(t)
  git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib')
  git('commit', '-qm', 'a library')
  const elsewhere = path.join(dir, 'elsewhere')
  execFileSync('git', ['-C', path.join(tree, 'lib'), 'worktree', 'add', '-q', '-b', 'x', elsewhere], { env })
  const commit = (message) => execFileSync('git', ['-C', elsewhere, 'commit', '-q', '--allow-empty', '-m', message], { env })
  commit('work of somebody')
  const error = await rejectionOf(okstra.removeTask({ ...TASK, force: true }))
  assert.deepEqual(error.obstacles.map(({ kind, examples, flag }) => [kind, examples, flag]), [['residents', [elsewhere], null]])
  commit('still at work')
  // One that went into the trash when nobody asked.
  const submodule = path.join(inMain('rev-parse', '--absolute-git-dir'), 'worktrees', path.basename(git('rev-parse', '--absolute-git-dir')), 'modules', 'lib')
  const registered = path.join(submodule, 'worktrees', 'elsewhere')
  fs.renameSync(registered, path.join(dir, 'aside'))
  await okstra.removeTask({ ...TASK, force: true })
  const [{ id }] = okstra.listTrash()
  const kept = path.join(inMain('rev-parse', '--absolute-git-dir'), 'okstra-trash', id, 'modules', 'lib', 'worktrees')
  fs.mkdirSync(kept, { recursive: true })
  fs.renameSync(path.join(dir, 'aside'), path.join(kept, 'elsewhere'))
  for (const options of [{ olderThanDays: 0 }, { olderThanDays: 0, apply: true }]) {
    const [item] = await okstra.prune(options)
    assert.deepEqual([item.why, item.blocked, item.done], ['expired', true, false])
    assert.match(item.detail, /git data of .*elsewhere; `okstra restore shop\/checkout\/t` brings it back/)
  }
  assert.equal(fs.existsSync(path.join(okstraHome, 'worktrees', '.trash', id)), true)
  await okstra.restoreTask(TASK)
  commit('and goes on')
})

for (const [name, make] of Object.entries({
  "a person's worktree of the same repository": ({ inMain, place }) => inMain('worktree', 'add', '-q', '-b', 'theirs', place),
  'a worktree of another repository': ({ dir, place }) => {
    execFileSync('git', ['init', '-q', '-b', 'main', path.join(dir, 'theirs')])
    const git = (...args) => execFileSync('git', ['-C', path.join(dir, 'theirs'), '-c', 'user.name=n', '-c', 'user.email=e@x.y', ...args])
    git('commit', '-q', '--allow-empty', '-m', 'theirs')
    git('worktree', 'add', '-q', '-b', 'fix-t', place)
  },
  "another task's": async ({ repository, options, okstraHome }) => {
    await okstra.provisionTaskWorktree(options(repository, 'other'))
    return path.join(okstraHome, 'worktrees', 'shop', 'checkout', 'other')
  },
})) {
  test(`a row that names ${name} lets nobody take it`, async (t) => {
    const box = await withTask(t)
    const place = path.join(box.dir, 'theirs-at-work')
    const foreign = (await make({ ...box, place })) || place
    const file = path.join(box.okstraHome, 'worktrees', 'registry.json')
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll(JSON.stringify(box.tree), JSON.stringify(foreign)))
    assert.equal(okstra.registry.lookup('shop', 'checkout', 't').worktreePath, foreign)
    fs.mkdirSync(path.join(foreign, 'node_modules'))
    const error = await rejectionOf(okstra.removeTask({ ...TASK, force: true, deleteBranch: true }))
    assert.equal(error.code, 'OKSTRA_WORKTREE_BROKEN')
    assert.match(error.message, /is not the task's: /)
    assert.doesNotMatch(error.hint, /move/)
    await okstra.reclaim({ taskKeys: [KEY] }).catch(() => {})
    const items = await okstra.prune({ olderThanDays: 0, apply: true })
    assert.deepEqual(items.filter(({ path: at, done }) => at === foreign && done), [])
    assert.equal(fs.existsSync(path.join(foreign, '.git')), true)
  })
}
