'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const crypto = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra, rejectionOf, thrownBy } = require('./helpers/api.js')

/** A repository with a shared directory, and a task in it. */
function stage(t, tasks = ['42']) {
  const box = apiSandbox(t)
  const main = box.repository('shop', { files: { 'src/main.txt': 'text\n', '.gitignore': '.scratch/\n' } })
  fs.mkdirSync(path.join(main, '.scratch'))
  const made = tasks.map((task) => okstra.provisionTaskWorktreeSync(box.options(main, task)))
  const check = (options = {}) => okstra.doctorSync({ root: main, ...options })
  return { ...box, main, made, common: path.join(main, '.git'), check }
}

const codes = ({ findings }) => findings.map(({ code, outcome }) => `${code}: ${outcome}`)

const hoursAgo = (file, hours = 2) => {
  const then = new Date(Date.now() - hours * 3_600_000)
  fs.lutimesSync(file, then, then)
}

/** Every file, link and directory below a directory: its type, mode, time and content. */
function everything(directory) {
  const seen = {}
  const visit = (place) => {
    const stat = fs.lstatSync(place)
    const content = stat.isSymbolicLink() ? fs.readlinkSync(place) : stat.isFile() ? fs.readFileSync(place) : ''
    const digest = crypto.createHash('sha256').update(content).digest('hex')
    seen[path.relative(directory, place)] = `${stat.mode} ${stat.mtimeMs} ${stat.ino} ${digest}`
    if (stat.isDirectory()) for (const name of fs.readdirSync(place)) visit(path.join(place, name))
  }
  visit(directory)
  return seen
}

/** Finds it, mends it, and finds nothing more of that kind. */
function mends(box, code, { remaining = [] } = {}) {
  const before = box.check()
  assert.ok(codes(before).includes(`${code}: fixable`), `${codes(before)}`)
  assert.equal(before.clean, false)
  const mended = box.check({ fix: true })
  assert.ok(codes(mended).includes(`${code}: fixed`), `${codes(mended)} ${JSON.stringify(mended.findings)}`)
  assert.deepEqual(codes(box.check()), remaining)
  return mended.findings.find((finding) => finding.code === code)
}

test('nothing is wrong in an empty home and with a sound task', (t) => {
  const box = apiSandbox(t)
  assert.deepEqual(okstra.doctorSync(), { clean: true, findings: [], tasks: 0, repositories: 0 })
  assert.equal(fs.existsSync(box.okstraHome), false)
  const { check } = stage(t)
  assert.deepEqual(check(), { clean: true, findings: [], tasks: 1, repositories: 1 })
})

test('without fix nothing is written, whatever is broken', (t) => {
  const { dir, main, made, common, check, git, options } = stage(t, ['1', '2', '3', '4', '5', '6'])
  const [one, two, three, four, five] = made.map((task) => task.path)
  fs.rmSync(path.join(common, 'worktrees', '1'), { recursive: true })
  git(['update-ref', '-d', 'refs/heads/fix-2'], { cwd: main })
  fs.renameSync(three, `${three}-moved`)
  fs.rmSync(four, { recursive: true })
  fs.rmSync(path.join(common, 'worktrees', '5', 'index'))
  fs.writeFileSync(path.join(common, 'info', 'exclude'), '')
  fs.rmSync(path.join(main, '.scratch'), { recursive: true })
  const registry = path.join(dir, 'home', '.okstra', 'worktrees', 'registry.json')
  fs.writeFileSync(registry, fs.readFileSync(registry, 'utf8').slice(0, -40))
  fs.chmodSync(path.dirname(registry), 0o777)
  const foreign = path.join(common, 'worktrees', 'foreign')
  fs.mkdirSync(foreign)
  for (const file of ['commondir', 'locked']) fs.writeFileSync(path.join(foreign, file), '')
  fs.writeFileSync(path.join(common, 'packed-refs.lock'), '')
  hoursAgo(path.join(common, 'packed-refs.lock'))
  hoursAgo(path.join(foreign, 'commondir'))
  fs.mkdirSync(path.join(path.dirname(one), 'orphan'))
  const before = everything(dir)
  const report = check()
  assert.deepEqual(everything(dir), before)
  assert.ok(report.findings.length > 5 && !report.clean, `${codes(report)}`)
  // And all of it is mended, so that every task works again.
  check({ fix: true })
  const left = check().findings.filter(({ severity }) => severity !== 'note')
  assert.deepEqual(left.map(({ code, outcome }) => [code, outcome]), [['directory-unknown', 'decide']])
  for (const task of ['1', '2', '3', '4', '5', '6']) {
    assert.match(okstra.provisionTaskWorktreeSync(options(main, task)).status, /reused|restored/)
  }
  assert.equal(git(['status', '--porcelain'], { cwd: two }), '')
  assert.equal(git(['status', '--porcelain'], { cwd: five }), '')
  git(['fsck'], { cwd: main })
})

test('a home that everybody may write to is narrowed', { skip: process.platform === 'win32' }, (t) => {
  const box = stage(t)
  fs.chmodSync(box.okstraHome, 0o777)
  mends(box, 'home-permissions')
  assert.equal(fs.statSync(box.okstraHome).mode & 0o777, 0o775)
})

test('a damaged registry is healed and the damaged file kept', (t) => {
  const box = stage(t, ['1', '2'])
  const registry = path.join(box.okstraHome, 'worktrees', 'registry.json')
  fs.writeFileSync(registry, '{ torn')
  mends(box, 'registry-damaged', { remaining: ['kept-aside: decide'] })
  assert.equal(okstra.registry.list().length, 2)
  const kept = fs.readdirSync(path.dirname(registry)).filter((name) => name.startsWith('registry.json.corrupt-'))
  assert.equal(kept.length, 1)
})

test('the map of branches is made again from the rows', (t) => {
  const box = stage(t)
  const registry = path.join(box.okstraHome, 'worktrees', 'registry.json')
  const data = JSON.parse(fs.readFileSync(registry, 'utf8'))
  fs.writeFileSync(registry, JSON.stringify({ ...data, branches: { stale: 'shop/checkout/gone' } }))
  mends(box, 'registry-branches')
  assert.deepEqual(JSON.parse(fs.readFileSync(registry, 'utf8')).branches, { 'fix-42': 'shop/checkout/42' })
})

test('a row that was lost comes back from the record with the worktree', (t) => {
  const box = stage(t, ['1', '2'])
  const entry = okstra.registry.lookup('shop', 'checkout', '1')
  const registry = path.join(box.okstraHome, 'worktrees', 'registry.json')
  const data = JSON.parse(fs.readFileSync(registry, 'utf8'))
  delete data.tasks['shop/checkout/1']
  delete data.branches['fix-1']
  fs.writeFileSync(registry, JSON.stringify(data))
  mends(box, 'row-lost')
  assert.deepEqual(okstra.registry.lookup('shop', 'checkout', '1'), entry)
})

test('a worktree that git has forgotten is known to it again, with every file as it was', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  fs.writeFileSync(path.join(tree, 'src', 'main.txt'), 'changed\n')
  fs.writeFileSync(path.join(tree, 'new.txt'), 'new\n')
  box.git(['commit', '-qm', 'more', '--allow-empty'], { cwd: tree })
  const head = box.git(['rev-parse', 'HEAD'], { cwd: tree })
  fs.rmSync(path.join(box.common, 'worktrees', '42'), { recursive: true })
  mends(box, 'worktree-forgotten')
  assert.equal(box.git(['rev-parse', 'HEAD'], { cwd: tree }), head)
  assert.equal(box.git(['symbolic-ref', '--short', 'HEAD'], { cwd: tree }), 'fix-42')
  assert.deepEqual(box.git(['status', '--porcelain'], { cwd: tree }).split('\n'), [' M src/main.txt', '?? new.txt'])
  assert.equal(okstra.provisionTaskWorktreeSync(box.options(box.main, '42')).status, 'reused')
  box.git(['update-ref', '-d', 'refs/heads/fix-42'], { cwd: box.main })
  mends(box, 'branch-gone')
  assert.equal(box.git(['rev-parse', 'fix-42'], { cwd: box.main }), head, 'the log of HEAD was made anew too')
})

test('one whose branch is checked out elsewhere is left to a person', (t) => {
  const box = stage(t)
  fs.rmSync(path.join(box.common, 'worktrees', '42'), { recursive: true })
  box.git(['worktree', 'add', '-q', path.join(box.dir, 'other'), 'fix-42'], { cwd: box.main })
  fs.writeFileSync(path.join(box.made[0].path, '.git'), `gitdir: ${path.join(box.common, 'worktrees', 'gone')}\n`)
  const report = box.check({ fix: true })
  assert.deepEqual(codes(report), ['worktree-forgotten: decide'])
  assert.match(report.findings[0].remedy, /checked out at .*other/)
})

test('a worktree that was moved with mv keeps its task, its index and its branch', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  fs.writeFileSync(path.join(tree, 'staged.txt'), 'staged\n')
  box.git(['add', 'staged.txt'], { cwd: tree })
  const moved = path.join(path.dirname(tree), 'elsewhere')
  fs.renameSync(tree, moved)
  mends(box, 'worktree-moved')
  assert.equal(okstra.registry.lookup('shop', 'checkout', '42').worktreePath, moved)
  assert.equal(box.git(['status', '--porcelain'], { cwd: moved }), 'A  staged.txt')
  assert.match(box.git(['worktree', 'list'], { cwd: box.main }), /elsewhere/)
  assert.equal(okstra.provisionTaskWorktreeSync(box.options(box.main, '42')).path, moved)
})

test('a provision does not make a moved worktree anew, and says how to go on', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  const moved = path.join(path.dirname(path.dirname(tree)), 'elsewhere', '42')
  fs.mkdirSync(path.dirname(moved))
  fs.renameSync(tree, moved)
  const error = thrownBy(() => okstra.provisionTaskWorktreeSync(box.options(box.main, '42')))
  assert.deepEqual([error.code, error.path], ['OKSTRA_WORKTREE_BROKEN', tree])
  assert.ok(error.message.includes(`moved to ${moved}`), error.message)
  assert.match(error.hint, /okstra doctor --fix/)
  assert.equal(box.git(['status', '--porcelain'], { cwd: moved }), '', 'its link is whole')
  mends(box, 'worktree-moved')
  assert.equal(okstra.provisionTaskWorktreeSync(box.options(box.main, '42')).path, moved)
})

test('one that was moved where nobody looks never acts on the new one, and can be adopted', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  const moved = path.join(box.dir, 'far', 'away', 'tree')
  fs.mkdirSync(path.dirname(moved), { recursive: true })
  fs.renameSync(tree, moved)
  fs.writeFileSync(path.join(moved, 'src', 'main.txt'), 'changed\n')
  for (let round = 0; round < 2; round++) {
    assert.equal(okstra.provisionTaskWorktreeSync(box.options(box.main, '42')).status, 'restored')
    if (round === 0) {
      assert.match(thrownBy(() => box.git(['status'], { cwd: moved })).message, /not a git repository/)
      box.git(['branch', 'kept', 'fix-42'], { cwd: box.main })
      const options = { path: moved, projectId: 'shop', taskGroup: 'checkout', taskId: 'old', branch: 'kept' }
      assert.equal(okstra.adoptWorktreeSync(options).rebuilt, true)
      fs.rmSync(tree, { recursive: true })
    }
  }
  assert.equal(box.git(['status', '--porcelain'], { cwd: moved }), ' M src/main.txt')
  assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '')
  assert.deepEqual(codes(box.check()), ['kept-aside: decide'])
})

test('a registry that was damaged while a worktree was moved invents no second task', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  const moved = path.join(path.dirname(tree), 'elsewhere')
  const registry = path.join(box.okstraHome, 'worktrees', 'registry.json')
  const before = fs.readFileSync(registry)
  fs.renameSync(tree, moved)
  for (const name of ['registry.json', 'registry.json.bak']) fs.writeFileSync(path.join(path.dirname(registry), name), '{ torn')
  box.check({ fix: true })
  assert.deepEqual(okstra.registry.list().map(({ taskKey, worktreePath }) => [taskKey, worktreePath]), [['shop/checkout/42', moved]])
  // And one that came back with the old place in it is put right.
  fs.writeFileSync(registry, before)
  mends(box, 'worktree-moved', { remaining: ['kept-aside: decide'] })
  assert.equal(okstra.registry.lookup('shop', 'checkout', '42').worktreePath, moved)
  const again = `${moved}-again`
  fs.renameSync(moved, again)
  fs.writeFileSync(registry, before)
  mends(box, 'worktree-moved', { remaining: ['kept-aside: decide'] })
  assert.equal(okstra.registry.lookup('shop', 'checkout', '42').worktreePath, again)
})

test('a repository that was moved is known again in its new place', (t) => {
  const box = stage(t)
  const moved = path.join(box.dir, 'moved')
  fs.renameSync(box.main, moved)
  assert.deepEqual(codes(okstra.doctorSync({ fix: true })), ['repository-gone: decide'])
  assert.ok(codes(okstra.doctorSync({ root: moved, fix: true })).includes('repository-moved: fixed'))
  assert.deepEqual(codes(okstra.doctorSync()), [])
  assert.equal(box.git(['status', '--porcelain'], { cwd: box.made[0].path }), '')
  assert.equal(okstra.provisionTaskWorktreeSync(box.options(moved, '42')).status, 'reused')
})

test('a branch that somebody deleted is made again at the last commit', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  box.git(['commit', '-qm', 'work', '--allow-empty'], { cwd: tree })
  const head = box.git(['rev-parse', 'HEAD'], { cwd: tree })
  box.git(['update-ref', '-d', 'refs/heads/fix-42'], { cwd: box.main })
  mends(box, 'branch-gone')
  assert.equal(box.git(['rev-parse', 'fix-42'], { cwd: box.main }), head)
})

test('what a check-up that was killed leaves is no obstacle to the next one', { skip: process.platform !== 'linux' }, (t) => {
  const box = stage(t, ['1', '2'])
  // Killed while git made the branch anew: its lock is seconds old, and nobody holds it.
  box.git(['update-ref', '-d', 'refs/heads/fix-1'], { cwd: box.main })
  fs.writeFileSync(path.join(box.common, 'refs', 'heads', 'fix-1.lock'), '')
  // Killed when git knew the new place and the registry did not.
  const [, { path: tree }] = box.made
  const moved = `${tree}-moved`
  fs.renameSync(tree, moved)
  fs.writeFileSync(path.join(box.common, 'worktrees', '2', 'gitdir'), `${path.join(moved, '.git')}\n`)
  const mended = box.check({ fix: true })
  assert.deepEqual(codes(mended).sort(), ['branch-gone: fixed', 'worktree-moved: fixed'])
  assert.deepEqual(codes(box.check()), [])
  assert.equal(okstra.registry.lookup('shop', 'checkout', '2').worktreePath, moved)
})

test('a worktree on another branch is left to a person; a rebase in progress is not one', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  box.git(['switch', '-qc', 'other'], { cwd: tree })
  assert.deepEqual(codes(box.check({ fix: true })), ['branch-other: decide'])
  box.git(['switch', '-q', 'fix-42'], { cwd: tree })
  for (const name of ['one', 'two']) {
    fs.writeFileSync(path.join(tree, 'src', 'main.txt'), `${name}\n`)
    box.git(['commit', '-qam', name], { cwd: tree })
  }
  thrownBy(() => box.git(['rebase', '--exec', 'false', 'HEAD~1'], { cwd: tree }))
  assert.ok(thrownBy(() => box.git(['symbolic-ref', '-q', 'HEAD'], { cwd: tree })))
  assert.deepEqual(codes(box.check()), [])
})

test('a missing directory needs nothing, a missing index and record are made again', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  const admin = path.join(box.common, 'worktrees', '42')
  fs.rmSync(path.join(admin, 'index'))
  mends(box, 'index-lost')
  assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '')
  const record = fs.readFileSync(path.join(admin, 'okstra.json'), 'utf8')
  fs.rmSync(path.join(admin, 'okstra.json'))
  mends(box, 'record-lost')
  assert.equal(fs.readFileSync(path.join(admin, 'okstra.json'), 'utf8'), record)
  fs.rmSync(tree, { recursive: true })
  const report = box.check({ fix: true })
  assert.deepEqual([codes(report), report.clean], [['worktree-missing: decide'], true])
})

test('links that point nowhere and the exclude block are put right', (t) => {
  const box = stage(t)
  const [{ path: tree }] = box.made
  fs.writeFileSync(path.join(box.common, 'info', 'exclude'), '# mine\n')
  assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '?? .scratch')
  mends(box, 'exclude-lost')
  assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '')
  assert.match(fs.readFileSync(path.join(box.common, 'info', 'exclude'), 'utf8'), /^# mine\n/)
  const link = path.join(tree, '.scratch')
  fs.unlinkSync(link)
  fs.symlinkSync(path.join(box.dir, 'old place', '.scratch'), link)
  mends(box, 'link-broken')
  assert.equal(fs.readlinkSync(link), path.join(box.main, '.scratch'))
  fs.rmSync(path.join(box.main, '.scratch'), { recursive: true })
  mends(box, 'link-broken')
  assert.equal(fs.existsSync(link), false)
})

test('old lock files go, young ones and held ones stay', { skip: process.platform !== 'linux' }, async (t) => {
  const box = stage(t)
  const names = ['packed-refs.lock', 'config.lock', 'refs/heads/gone.lock', 'worktrees/42/index.lock', 'worktrees/42/HEAD.lock']
  const locks = names.map((name) => path.join(box.common, name))
  for (const lock of locks) {
    fs.writeFileSync(lock, lock.endsWith('index.lock') ? 'staged' : '')
    hoursAgo(lock)
  }
  const holder = spawn('sh', ['-c', 'exec 3<"$0"; echo ready; read line', locks[0]], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  const held = box.check({ fix: true }).findings.filter(({ code }) => code === 'git-lock')
  assert.deepEqual([held.length, held[0].outcome], [5, 'wait'])
  assert.ok(held[0].message.includes(`pid ${holder.pid} (sh -c`), held[0].message)
  holder.stdin.end()
  await once(holder, 'close')
  mends(box, 'git-lock', { remaining: ['kept-aside: decide'] })
  assert.deepEqual(locks.filter((lock) => fs.existsSync(lock)), [])
  const [kept] = fs.readdirSync(path.join(box.common, 'okstra-quarantine'))
  assert.equal(fs.readFileSync(path.join(box.common, 'okstra-quarantine', kept), 'utf8'), 'staged')
  fs.writeFileSync(locks[1], '')
  assert.deepEqual(codes(box.check({ fix: true })), ['git-lock: wait', 'kept-aside: decide'])
  assert.ok(fs.existsSync(locks[1]))
})

test('the asynchronous form gives the same, and both say what is wrong with their options', async (t) => {
  const box = stage(t)
  fs.rmSync(path.join(box.common, 'worktrees', '42', 'index'))
  assert.deepEqual(await okstra.doctor({ root: box.main }), box.check())
  for (const options of [{ fix: 1 }, { root: 7 }, 'fix', { lockTimeoutMs: -1 }]) {
    assert.equal(thrownBy(() => okstra.doctorSync(options)).code, 'OKSTRA_INVALID_ARGUMENT')
    assert.equal((await rejectionOf(okstra.doctor(options))).code, 'OKSTRA_INVALID_ARGUMENT')
  }
  assert.equal((await rejectionOf(okstra.doctor({}, AbortSignal.abort()))).name, 'AbortError')
  const nowhere = await box.okstra(['doctor', '--root', path.join(box.dir, 'nowhere'), '--json'])
  assert.deepEqual([nowhere.code, JSON.parse(nowhere.stdout).error.code], [3, 'OKSTRA_ROOT_NOT_FOUND'])
})

test('the command: 1 while something remains, 0 when it is mended, people and programs told apart', async (t) => {
  const box = stage(t)
  const run = (...args) => box.okstra(['doctor', ...args], { cwd: box.main })
  assert.deepEqual(await run(), { code: 0, signal: null, stdout: '', stderr: 'nothing is wrong (1 task, 1 repository)\n' })
  fs.rmSync(path.join(box.common, 'worktrees', '42', 'index'))
  fs.mkdirSync(path.join(path.dirname(box.made[0].path), 'orphan'))
  const found = await run()
  assert.equal(found.code, 1)
  assert.match(found.stdout, /^error .*\[index-lost\]\n +--fix: .*\n\nFor you to decide:\nwarning .*\[directory-unknown\]\n +yours: .*okstra adopt /)
  assert.match(found.stderr, /2 findings, nothing changed: 1 that `okstra doctor --fix` mends, 1 for you to decide/)
  const json = JSON.parse((await run('--json')).stdout)
  assert.deepEqual([json.ok, json.error.code, json.clean, codes(json).length], [false, 'OKSTRA_FINDINGS_REMAIN', false, 2])
  fs.rmdirSync(path.join(path.dirname(box.made[0].path), 'orphan'))
  const fixed = await run('--fix', '--json')
  assert.equal(fixed.code, 0)
  assert.deepEqual(codes(JSON.parse(fixed.stdout)), ['index-lost: fixed'])
  assert.match((await box.okstra(['history', '--all', '--events', '--limit', '1'])).stdout, /recovered .*doctor: index-lost/)
})
