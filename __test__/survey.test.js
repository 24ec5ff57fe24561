'use strict'
// list, show, disk and reclaim: what they tell of worktrees in every state, and what they never touch.

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, BIN } = require('./helpers/repository.js')

const PTY = path.join(__dirname, 'helpers', 'terminal.py')
const terminal = { skip: spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'needs python3 with pty' }
const linux = { skip: process.platform !== 'linux' && 'only Linux tells of other processes' }
const unix = { skip: process.platform === 'win32' && 'needs a Unix' }

function json(result, code = 0) {
  assert.equal(result.code, code, result.stdout + result.stderr)
  const object = JSON.parse(result.stdout)
  assert.deepEqual([object.schema, object.ok], [1, code === 0])
  return object
}

/** A project with tasks in it; `make(task)` gives the directory of a new worktree. */
function shop(t) {
  const box = sandbox(t)
  const root = box.repository('shop', { files: { 'README.md': 'read me\n', '.gitignore': 'target/\nnode_modules\n.env\nbuild/*\n' } })
  const okstra = (...args) => box.okstra(args, { cwd: root })
  const make = async (task) => json(await okstra('provision', `g/${task}`, '--phase', 'one', '--category', 'bug', '--json')).path
  const tasks = async (...args) =>
    Object.fromEntries(json(await okstra('list', '--json', ...args)).tasks.map((task) => [task.taskKey.replace('shop/', ''), task]))
  return { ...box, root, okstra, make, tasks }
}

/** Writes files below a directory, and the directories above them. */
function write(directory, files) {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, content)
  }
}

/** A process whose working directory is `cwd`, ended after the test. */
async function stays(t, cwd) {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

test('list tells what is in every worktree, and null is never said of what was not asked', async (t) => {
  const { make, tasks, git, root, okstra, okstraHome } = shop(t)
  const [, dirty, ahead, squashed, gone, other] = [
    await make('clean'), await make('dirty'), await make('ahead'), await make('squashed'), await make('gone'), await make('other'),
  ]
  write(dirty, { 'README.md': 'changed\n', new: 'x', staged: 'x', 'target/x': 'x' })
  git(['add', 'staged'], { cwd: dirty })
  for (const [tree, file] of [[ahead, 'a'], [squashed, 's']]) {
    write(tree, { [file]: `${file}\n` })
    git(['add', '-A'], { cwd: tree })
    git(['commit', '-q', '-m', file], { cwd: tree })
  }
  git(['merge', '-q', '--squash', 'fix-squashed'], { cwd: root })
  git(['commit', '-q', '-m', 'squash'], { cwd: root })
  fs.rmSync(gone, { recursive: true })
  git(['checkout', '-q', '-b', 'elsewhere'], { cwd: other })
  write(path.join(okstraHome, 'worktrees/shop/g/orphan'), { file: 'x' })
  await okstra('release', 'g/clean')

  const all = await tasks()
  const states = Object.fromEntries(Object.entries(all).map(([key, { state }]) => [key, state]))
  assert.deepEqual(states, {
    'g/clean': 'released', 'g/dirty': 'active', 'g/ahead': 'active', 'g/squashed': 'active', 'g/gone': 'missing', 'g/other': 'active', 'g/orphan': 'orphan',
  })
  const none = { changed: 0, staged: 0, unstaged: 0, conflicted: 0, untracked: 0 }
  assert.deepEqual(all['g/clean'].work, none)
  assert.deepEqual(all['g/dirty'].work, { ...none, changed: 3, staged: 1, unstaged: 1, untracked: 1 })
  assert.deepEqual(all['g/ahead'].base, { ahead: 1, behind: 0 })
  assert.deepEqual([all['g/clean'].merged, all['g/ahead'].merged, all['g/squashed'].merged], [{ how: 'empty' }, { how: 'no' }, { how: 'changes', into: 'main' }])
  assert.equal(all['g/ahead'].onlyHere, 1)
  assert.equal(all['g/other'].checkedOut, 'elsewhere')
  assert.deepEqual([all['g/gone'].work, all['g/gone'].branch, all['g/gone'].merged.how], [undefined, 'fix-gone', 'empty'])
  assert.deepEqual([all['g/orphan'].status, all['g/orphan'].branch, all['g/orphan'].work], [undefined, undefined, undefined])
  for (const name of ['unpushed', 'upstream', 'operations', 'disk', 'problem']) assert.ok(!(name in all['g/clean']), name)
  assert.deepEqual(Object.keys(await tasks('--status', 'orphan')), ['g/orphan'])
  assert.deepEqual((await tasks('--status', 'active', '--disk'))['g/dirty'].disk.reclaimable > 0, true)

  const text = (await okstra('list')).stdout
  assert.match(text, /^TASK +STATE +AGE +BRANCH +PHASE +WORK +BASE +UPSTREAM +MERGED +PUSHED +INSIDE$/m)
  assert.match(text, /^shop\/g\/dirty +active +\d+[smhd] +fix-dirty +one +\+1 ~1 \?1 +=/m)
  assert.match(text, /^shop\/g\/squashed .* clean +\+1 +- +squashed/m)
  assert.match(text, /^shop\/g\/other .* fix-other \(on elsewhere\)/m)
  const lines = (await okstra('list', '--porcelain')).stdout.trimEnd().split('\n').map((line) => line.split('\t'))
  const dirtyLine = lines.find(([key]) => key === 'shop/g/dirty')
  assert.equal(dirtyLine.length, 27)
  assert.deepEqual(dirtyLine.slice(0, 11), ['shop/g/dirty', 'active', dirty, 'fix-dirty', 'one', dirtyLine[5], '3', '1', '1', '1', '0'])
  const fast = await okstra('list', '--fast')
  assert.match(fast.stdout, /^TASK +STATE +AGE +BRANCH +PHASE +PATH$/m)
  assert.doesNotMatch(fast.stdout, /orphan/)
})

test('one broken worktree keeps nothing from the others, and says what is wrong', async (t) => {
  const { make, tasks, okstra } = shop(t)
  const [good, broken] = [await make('good'), await make('broken')]
  fs.writeFileSync(path.join(broken, '.git'), 'gitdir: /nowhere/at/all\n')
  write(good, { new: 'x' })
  const all = await tasks()
  assert.equal(all['g/broken'].state, 'broken')
  assert.match(all['g/broken'].problem, /nowhere/)
  assert.equal(all['g/good'].work.untracked, 1)
  const text = await okstra('list')
  assert.match(text.stderr, /^shop\/g\/broken: .*nowhere/m)
  assert.equal((await okstra('show', 'g/broken')).code, 0)
})

test('what somebody is making right now is told as provisioning', unix, async (t) => {
  const box = shop(t)
  const [reached, release] = ['reached', 'release'].map((name) => path.join(box.dir, name))
  spawnSync('mkfifo', [reached, release])
  const hook = path.join(box.root, '.git/hooks/post-checkout')
  fs.mkdirSync(path.dirname(hook), { recursive: true })
  fs.writeFileSync(hook, `#!/bin/sh\necho > '${reached}'\nread line < '${release}'\n`, { mode: 0o755 })
  const making = box.start(['provision', 'g/slow', '--phase', 'one'], { cwd: box.root }).done
  await fs.promises.readFile(reached)
  const { state, problem } = (await box.tasks())['g/slow']
  await fs.promises.writeFile(release, 'go\n')
  await making
  assert.equal(state, 'provisioning')
  assert.match(problem, /being provisioned by process \d+/)
  assert.equal((await box.tasks())['g/slow'].state, 'active')
})

test('list shows who is inside', linux, async (t) => {
  const { make, tasks, okstra } = shop(t)
  const tree = await make('busy')
  await make('idle')
  const child = await stays(t, tree)
  const all = await tasks()
  assert.deepEqual(all['g/idle'].processes, [])
  const [{ pid, by, ancestor }] = all['g/busy'].processes
  assert.deepEqual([pid, by, ancestor], [child.pid, 'working directory', false])
  assert.match((await okstra('list')).stdout, new RegExp(`^shop/g/busy .* node ${child.pid}$`, 'm'))
  assert.match((await okstra('show', 'g/busy')).stdout, new RegExp(`^inside +${child.pid} `, 'm'))
})

test('on a terminal the table fills in and stands there once at the end', terminal, async (t) => {
  const box = shop(t)
  const tree = await box.make('one')
  write(tree, { new: 'x' })
  const command = [PTY, 'stdout', '--', process.execPath, BIN, 'list']
  const shown = await ended(spawn('python3', command, { cwd: box.root, env: { ...box.env, TERM: 'xterm-256color', NO_COLOR: '1' } }))
  const { code, terminal: text } = JSON.parse(shown.stdout)
  assert.equal(code, 0)
  const frames = text.split('\u001b[J')
  assert.ok(frames.length >= 3, 'drawn, and taken away')
  const last = frames.at(-1)
  assert.match(last, /^shop\/g\/one +active/m)
  assert.match(last, /\?1/)
  assert.doesNotMatch(last, /\u001b|\.\.\./)
  for (const line of last.split('\n')) assert.ok(line.length <= 80, line)
})

test('show tells a worktree path by path', async (t) => {
  const { make, okstra, git, root } = shop(t)
  fs.mkdirSync(path.join(root, '.scratch'))
  const tree = await make('one')
  write(tree, { 'README.md': 'x', loose: 'x', '.env': 'SECRET=1', 'node_modules/a/index.js': 'x' })
  git(['checkout', '-q', '--detach'], { cwd: tree })
  const { task, worktree, events } = json(await okstra('show', 'g/one', '--json'))
  assert.deepEqual(worktree.unstaged, ['README.md'])
  assert.deepEqual(worktree.untracked, ['loose'])
  assert.deepEqual(worktree.ignored, ['.env'])
  assert.deepEqual(worktree.caches, ['node_modules'])
  assert.deepEqual(worktree.links, ['.scratch'])
  assert.deepEqual([worktree.nowhere, worktree.lastCommit.subject, task.detached], [0, 'first', worktree.lastCommit.id])
  assert.ok(task.disk.allocated > 0 && events.length > 0)
  const text = (await okstra('show', 'g/one')).stdout
  assert.match(text, /^branch +fix-one \(HEAD is detached at [0-9a-f]{12}\)$/m)
  assert.match(text, /^ignored +\.env$/m)
  assert.equal((await okstra('show', 'g/none')).code, 3)
})

test('disk counts a file with two names once and tells what can be given back', unix, async (t) => {
  const { make, okstra, dir } = shop(t)
  const tree = await make('one')
  const block = Buffer.alloc(100_000)
  write(tree, { 'node_modules/a': block, '.env': block, both: block })
  fs.linkSync(path.join(tree, 'both'), path.join(tree, 'again'))
  fs.linkSync(path.join(tree, '.env'), path.join(dir, 'outside'))
  const { tasks: [{ taskKey, disk }], trash } = json(await okstra('disk', 'g/one', '--json'))
  assert.equal(taskKey, 'shop/g/one')
  assert.ok(disk.apparent >= 400_000 && disk.allocated >= 300_000 && disk.allocated < 400_000, JSON.stringify(disk))
  if (disk.unique !== null) assert.ok(disk.allocated - disk.unique >= 100_000 && disk.allocated - disk.unique < 110_000, JSON.stringify(disk))
  assert.ok(disk.reclaimable >= 100_000 && disk.reclaimable < 120_000)
  assert.equal(trash.allocated, 0)
  assert.match((await okstra('disk')).stdout, /^TASK +APPARENT +ON DISK +UNIQUE +RECLAIMABLE\nshop\/g\/one +\d+ kB/)
  assert.equal((await okstra('disk', 'g/none')).code, 3)
})

test('reclaim deletes caches and nothing else', unix, async (t) => {
  const { make, okstra, git, dir, okstraHome } = shop(t)
  const tree = await make('one')
  const outside = path.join(dir, 'outside')
  write(outside, { 'node_modules/keep': 'x' })
  write(tree, {
    'node_modules/a/index.js': 'x',
    'node_modules/read-only/file': 'x',
    'target/debug/x': 'x',
    'web/node_modules/b': 'x',
    '.env': 'SECRET=1',
    'build/made': 'x',
    'build/tracked': 'x',
    'tagged/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n',
    'tagged/x': 'x',
    'loose': 'x',
    'repo/target/.git/HEAD': 'x',
  })
  git(['add', '-f', 'build/tracked'], { cwd: tree })
  git(['commit', '-q', '-m', 'tracked'], { cwd: tree })
  fs.symlinkSync(path.join(outside, 'node_modules'), path.join(tree, 'web/target'))
  fs.chmodSync(path.join(tree, 'node_modules/read-only'), 0o555)
  const asked = await okstra('reclaim')
  assert.deepEqual([asked.code, asked.stdout], [2, ''])
  assert.match(asked.stderr, /--yes/)
  const plan = json(await okstra('reclaim', '--dry-run', '--json'))
  const names = (tasks) => tasks[0].caches.map(({ path: name }) => name).sort()
  const expected = ['node_modules', 'tagged', 'target', 'web/node_modules']
  assert.deepEqual([plan.dryRun, names(plan.tasks)], [true, expected])
  assert.ok(plan.bytes > 0 && fs.existsSync(path.join(tree, 'target')))
  const done = json(await okstra('reclaim', '--yes', '--json'))
  assert.deepEqual(names(done.tasks), expected)
  assert.equal(done.bytes, plan.bytes)
  for (const name of expected) assert.ok(!fs.existsSync(path.join(tree, name)), name)
  for (const name of ['.env', 'build/made', 'build/tracked', 'loose', 'repo/target/.git/HEAD', 'web/target/keep']) {
    assert.ok(fs.existsSync(path.join(tree, name)), name)
  }
  assert.deepEqual(fs.readdirSync(path.join(okstraHome, 'worktrees/.reclaimed')), [])
  assert.equal((await okstra('reclaim', '--yes')).stdout, 'nothing to give back\n')
  assert.equal((await okstra('reclaim', 'g/none', '--yes')).code, 3)
})

test('reclaim passes over a worktree with somebody at work inside, unless it is told', linux, async (t) => {
  const { make, okstra } = shop(t)
  const tree = await make('busy')
  write(tree, { 'target/x': 'x' })
  const child = await stays(t, tree)
  const refused = await okstra('reclaim', 'g/busy', '--yes', '--json')
  const { error } = json(refused, 4)
  assert.equal(error.code, 'OKSTRA_WOULD_LOSE_WORK')
  assert.match(error.message, new RegExp(`process ${child.pid}`))
  const all = await okstra('reclaim', '--yes')
  assert.deepEqual([all.code, all.stdout], [0, 'nothing to give back\n'])
  assert.match(all.stderr, /passed over: process/)
  assert.ok(fs.existsSync(path.join(tree, 'target/x')))
  assert.match((await okstra('reclaim', 'g/busy', '--yes', '--force')).stdout, /^gave back .* in 1 cache\n$/)
  assert.ok(!fs.existsSync(path.join(tree, 'target')))
})

test('a caller that works inside a worktree may reclaim it', linux, async (t) => {
  const { make, env } = shop(t)
  const tree = await make('own')
  write(tree, { 'target/x': 'x' })
  const words = [process.execPath, BIN, 'reclaim', 'shop/g/own', '--yes'].map((word) => `'${word}'`).join(' ')
  const result = await ended(spawn('sh', ['-c', `${words}; echo the shell ends with $?`], { cwd: tree, env, stdio: ['ignore', 'pipe', 'pipe'] }))
  assert.match(result.stdout, /^gave back .*\nthe shell ends with 0\n$/, result.stderr)
})

test('what a killed reclaim left is deleted by the next one, also when there is nothing to give back', unix, async (t) => {
  const { make, okstra, okstraHome } = shop(t)
  await make('one')
  const left = path.join(okstraHome, 'worktrees/.reclaimed/0123456789abcdef')
  write(left, { 'a/b': 'x' })
  assert.match((await okstra('disk')).stdout, /^\(reclaimed\)/m)
  assert.equal((await okstra('reclaim', '--yes')).stdout, 'nothing to give back\n')
  assert.ok(!fs.existsSync(left))
})

test('a task that was removed with its branch is listed without a complaint', async (t) => {
  const { make, tasks, okstra } = shop(t)
  await make('done')
  json(await okstra('remove', 'g/done', '--delete-branch', '--json'))
  const { 'g/done': done } = await tasks()
  assert.deepEqual([done.state, done.problem], ['released', undefined])
})

test('killed in the middle, reclaim leaves each cache whole or gone, and the next one finishes', unix, async (t) => {
  const { make, okstra, okstraHome, start, root } = shop(t)
  const tree = await make('one')
  const aside = path.join(okstraHome, 'worktrees/.reclaimed')
  fs.mkdirSync(aside, { mode: 0o700 })
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${i % 10}/${i}`, 'x']))
  const caches = ['node_modules', 'target', 'a/target', 'b/node_modules']
  let inTheMiddle = 0
  for (let round = 0; round < 3; round++) {
    for (const cache of caches) write(path.join(tree, cache), files)
    const { child, done } = start(['reclaim', '--yes'], { cwd: root })
    // The moment in which a cache has left the worktree, and is about to be deleted.
    const watcher = fs.watch(aside, () => {
      watcher.close()
      child.kill('SIGKILL')
    })
    const { signal } = await done
    watcher.close()
    const count = (directory) => fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    for (const cache of caches) {
      const place = path.join(tree, cache)
      if (fs.existsSync(place)) assert.equal(count(place), 200, `${cache} is half deleted`)
    }
    if (signal === 'SIGKILL' && fs.readdirSync(aside).length > 0) inTheMiddle++
    assert.equal((await okstra('reclaim', '--yes')).code, 0)
    assert.deepEqual(fs.readdirSync(aside), [])
    for (const cache of caches) assert.ok(!fs.existsSync(path.join(tree, cache)), cache)
  }
  assert.ok(inTheMiddle > 0, 'no kill came in the middle')
})

const mounts = ['mkfs.btrfs', 'mount', 'cp'].every((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) && process.getuid?.() === 0

test('what a copy shares with its source is not counted as its own', { skip: !mounts && 'needs root and mkfs.btrfs' }, async (t) => {
  const { dir, root, env } = shop(t)
  const [image, place] = [path.join(dir, 'image'), path.join(dir, 'mounted')]
  fs.mkdirSync(place)
  fs.closeSync(fs.openSync(image, 'w'))
  fs.truncateSync(image, 256 * 1024 * 1024)
  const run = (...words) => spawnSync(words[0], words.slice(1), { encoding: 'utf8' })
  if (run('mkfs.btrfs', '-q', image).status !== 0 || run('mount', '-o', 'loop', image, place).status !== 0) return t.skip('cannot mount')
  try {
    const tree = path.join(place, 'worktrees/shop/g/one')
    write(tree, { own: Buffer.alloc(500_000, 1), source: Buffer.alloc(2_000_000, 2) })
    run('sync')
    assert.equal(run('cp', '--reflink=always', path.join(tree, 'source'), path.join(place, 'copy')).status, 0)
    run('sync')
    const { tasks: [{ disk }] } = json(await sandboxed(env, place, root, 'disk', '--json'))
    assert.ok(disk.allocated >= 2_500_000 && disk.unique >= 500_000 && disk.unique < 600_000, JSON.stringify(disk))
  } finally {
    run('umount', place)
  }
})

function sandboxed(env, home, cwd, ...args) {
  return ended(spawn(process.execPath, [BIN, ...args], { cwd, env: { ...env, OKSTRA_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] }))
}
