'use strict'
// What becomes of spares that are stopped, killed, damaged, forgotten or too large: nothing is left that nobody can claim,
// and nobody's is taken away who lives.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { FILES, place, gate, noWarming } = require('./helpers/spares.js')

const GATED = { ...FILES, '.gitattributes': '*.gate filter=gate\n', 'slow.gate': 'slow\n' }

/** Resolves when a condition holds that the end of a process brings about; one that nobody can wait for. */
async function until(condition) {
  const patience = Date.now() + 30_000
  while (!(await condition())) {
    assert.ok(Date.now() < patience, 'it ends')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a warming that is stopped leaves nothing of what it was making', async (t) => {
  const box = place(t, GATED)
  const door = gate(t, box)
  door.close()
  const { child, done } = box.start(['warm', '--count', '3', '--keep-free', '0'], { cwd: box.root })
  await door.entered()
  assert.match(box.names().join(), /^making-/)
  child.kill('SIGINT')
  assert.equal((await done).code, 130)
  assert.deepEqual(box.names(), [])
})

test('a warming that fails leaves nothing of what it was making, or bringing up to date', async (t) => {
  const { root, git, warm, names, okstra } = place(t, GATED)
  git(['config', 'filter.gate.smudge', 'cat'], { cwd: root })
  git(['config', 'filter.gate.required', 'true'], { cwd: root })
  await warm(1)
  git(['config', 'filter.gate.smudge', 'false'], { cwd: root })
  const { code, stderr } = await okstra(['warm', '--count', '2', '--keep-free', '0'], { cwd: root })
  assert.deepEqual([code, names()], [1, []], stderr)
})

test('a claim that is stopped leaves nothing of the spare', async (t) => {
  const box = place(t, GATED)
  const { root, git } = box
  const door = gate(t, box)
  await box.warm(1)
  fs.writeFileSync(path.join(root, 'other.gate'), 'other\n')
  git(['add', '-A'], { cwd: root })
  git(['commit', '-q', '-m', 'second'], { cwd: root })
  door.close()
  const { child, done } = box.start(['provision', 'g/t', '--phase', 'p'], { cwd: root })
  await door.entered()
  assert.match(box.names().join(), /^claimed-/)
  child.kill('SIGINT')
  assert.equal((await done).code, 130)
  assert.deepEqual(box.names(), [])
})

test('what is being made is left alone as long as its maker or its git lives, and swept when both are dead', async (t) => {
  const box = place(t, GATED)
  const door = gate(t, box)
  const other = box.repository('other')
  const sweep = () => box.run('warm', '--root', other, '--count', '0')
  const leftovers = async () => (await box.run('list', '--spares')).leftovers.map(({ reason }) => reason)
  door.close()
  const { child, done } = box.start(['warm', '--count', '1', '--keep-free', '0'], { cwd: box.root })
  await door.entered()
  await sweep()
  assert.deepEqual([await leftovers(), box.names().length], [[], 1])
  child.kill('SIGKILL')
  await done
  await sweep()
  await box.run('prune', '--yes')
  assert.deepEqual([await leftovers(), box.names().length], [[], 1], 'its git goes on')
  await door.open()
  await until(async () => (await leftovers()).length > 0)
  assert.deepEqual(await leftovers(), ['unfinished'])
  await sweep()
  assert.deepEqual(box.names(), [])
})

// As kills, damage and deleted repositories leave them.
const LEFT = {
  'one that was being made': (spare) => fs.renameSync(spare, spare.replace('ready-', 'making-')),
  'one without a record': (spare) => fs.rmSync(path.join(spare, 'record.json')),
  'one whose record is torn': (spare) => fs.truncateSync(path.join(spare, 'record.json'), 20),
  'one that was half claimed': (spare) => {
    fs.rmSync(path.join(spare, 'tree'), { recursive: true })
    fs.renameSync(spare, spare.replace('ready-', 'claimed-'))
  },
  'one of a repository that is gone': (_spare, { root }) => fs.rmSync(path.join(root, '.git'), { recursive: true }),
}
const SWEEPERS = {
  'warm of another repository': ['warm', '--count', '0'],
  'prune': ['prune', '--yes'],
  'doctor --fix': ['doctor', '--fix'],
}

for (const [what, leave] of Object.entries(LEFT)) {
  for (const [name, args] of Object.entries(SWEEPERS)) {
    test(`${name} drops ${what}`, async (t) => {
      const box = place(t)
      await box.warm(1)
      leave(path.join(box.pools, fs.readdirSync(box.pools)[0], box.ready()[0]), box)
      const other = box.repository('other')
      const before = box.names()
      const told = await box.okstra(['prune', '--dry-run'], { cwd: other })
      assert.match(told.stdout, /^spare +.*a spare.*; is deleted$/m)
      const found = await box.okstra(['doctor'], { cwd: other })
      assert.equal(found.code, 1)
      assert.match(found.stdout, /\[spare-left\]/)
      assert.match((await box.okstra(['list', '--spares'], { cwd: other })).stderr, /^1 that nobody can claim/m)
      assert.deepEqual(box.names(), before, 'nothing was changed')

      const { code, stdout, stderr } = await box.okstra(args, { cwd: other })
      assert.equal(code, 0, stderr + stdout)
      assert.deepEqual(box.names(), [])
      assert.deepEqual((await box.run('prune', '--dry-run')).items, [])
    })
  }
}

test('a whole spare of a claim that is over is given back', async (t) => {
  const { pools, names, ready, warm, run } = place(t)
  await warm(1)
  const [spare] = ready()
  const [pool] = fs.readdirSync(pools)
  fs.renameSync(path.join(pools, pool, spare), path.join(pools, pool, spare.replace('ready-', 'claimed-')))
  await run('prune', '--yes')
  assert.deepEqual(names(), [spare])
})

test('where disk is short, spares are dropped, and it is said', async (t) => {
  const { root, git, run, warm, names, okstra } = place(t)
  await warm(3)
  fs.writeFileSync(path.join(root, 'new.txt'), 'new\n')
  git(['add', '-A'], { cwd: root })
  git(['commit', '-q', '-m', 'second'], { cwd: root })
  const { reason, ...counts } = await run('warm', '--count', '3', '--keep-free', '999999999')
  assert.deepEqual(counts, { schema: 1, ok: true, ready: 0, made: 0, updated: 0, dropped: 3 })
  assert.match(reason, /^only \d+ MB are free, and 999999999 MB are to stay free: 3 spares were dropped$/)
  assert.deepEqual(names(), [])
  await warm(1)
  const { code, stdout, stderr } = await okstra(['warm', '--count', '16', '--keep-free', '999999999'], { cwd: root })
  assert.deepEqual([code, stdout], [0, '0 ready (1 dropped)\n'])
  assert.match(stderr, /^note: .*: 1 spare was dropped$/m)
})

/** Calls something with the spares on a file system of so many megabytes; skips where nobody may mount one. */
async function onSmallDisk(t, megabytes, box, work) {
  fs.mkdirSync(box.okstraHome, { mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', box.okstraHome], { stdio: 'ignore' })
  } catch {
    return t.skip('only the superuser may mount a file system')
  }
  try {
    const free = () => {
      const { bavail, bsize } = fs.statfsSync(box.okstraHome)
      return (bavail * bsize) / 1_000_000
    }
    await work(free)
  } finally {
    execFileSync('umount', [box.okstraHome])
  }
}

const MB = 1_000_000
const large = () => Object.fromEntries(['a', 'b', 'c'].map((name) => [name, 'x'.repeat(2 * MB)]))

test('a spare that would leave too little room is not begun, and the oldest go first', async (t) => {
  const box = place(t, large())
  await onSmallDisk(t, 30, box, async (free) => {
    const first = await box.run('warm', '--count', '5', '--keep-free', '10')
    assert.deepEqual([first.ready, first.made], [3, 3])
    assert.match(first.reason, /no room for a spare of about 6 MB$/)
    assert.ok(free() >= 10)
    const newest = (await box.run('list', '--spares')).spares[0].id
    const second = await box.run('warm', '--count', '5', '--keep-free', '20')
    assert.deepEqual([second.ready, second.made, second.dropped], [1, 0, 2])
    assert.equal((await box.run('list', '--spares')).spares[0].id, newest)
  })
})

test('a spare that turns out larger than it seemed is deleted when it crosses the limit', async (t) => {
  const box = place(t, { ...large(), '.gitattributes': 'a filter=grow\n' })
  box.git(['config', 'filter.grow.smudge', 'cat >/dev/null; yes | head -c 40000000'], { cwd: box.root })
  await onSmallDisk(t, 30, box, async (free) => {
    const { code, stdout, stderr } = await box.okstra(['warm', '--count', '2', '--keep-free', '10'], { cwd: box.root })
    assert.deepEqual([code, stdout], [0, '0 ready\n'], stderr)
    assert.match(stderr, /^note: only \d+ MB are free/m)
    assert.deepEqual(box.names(), [])
    assert.ok(free() > 28)
  })
})

test('a background warming keeps a relative okstra home', async (t) => {
  if (process.platform !== 'linux') return t.skip('the process that nobody waits for is found in /proc')
  const { root, dir, okstra } = place(t)
  await okstra(['setup'], { cwd: root })
  const file = path.join(root, '.project-docs', 'okstra', 'project.json')
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), warm: 1 }))
  const env = { OKSTRA_HOME: `relative-${path.basename(dir).replace(' ', '-')}` }
  // Where it would be made if it counted from where the process in the background runs.
  const escaped = path.join(path.parse(dir).root, env.OKSTRA_HOME)
  t.after(() => fs.rmSync(escaped, { recursive: true, force: true }))
  const { code, stderr } = await okstra(['provision', 'shop/g/t', '--phase', 'p', '--root', root], { cwd: dir, env })
  assert.equal(code, 0, stderr)
  const pools = path.join(dir, env.OKSTRA_HOME, 'worktrees', '.spares')
  const made = () => fs.existsSync(pools) && fs.readdirSync(pools, { recursive: true }).some((name) => /ready-[^/]*$/.test(name))
  await noWarming(root)
  assert.ok(made())
  assert.ok(!fs.existsSync(escaped))
})

test('a home inside the repository is refused, as by provision', async (t) => {
  const { root, okstra } = place(t)
  const { code, stdout } = await okstra(['warm', '--json'], { cwd: root, env: { OKSTRA_HOME: path.join(root, '.ok') } })
  assert.deepEqual([code, JSON.parse(stdout).error.code], [1, 'OKSTRA_UNSAFE_HOME'])
  assert.ok(!fs.existsSync(path.join(root, '.ok')))
})

test('warm without --count keeps what the project file says, none for 0, and one where it says nothing', async (t) => {
  const { root, run, okstra } = place(t)
  await run('setup')
  const file = path.join(root, '.project-docs', 'okstra', 'project.json')
  const settings = JSON.parse(fs.readFileSync(file, 'utf8'))
  assert.equal((await run('warm', '--keep-free', '0')).ready, 1)
  fs.writeFileSync(file, JSON.stringify({ ...settings, warm: 2 }))
  assert.equal((await run('warm', '--keep-free', '0')).ready, 2)
  fs.writeFileSync(file, JSON.stringify({ ...settings, warm: 0 }))
  const { stdout, stderr } = await okstra(['warm', '--keep-free', '0'], { cwd: root })
  assert.equal(stdout, '0 ready (2 dropped)\n')
  assert.match(stderr, /"warm" of the project file is 0/)
})

test('spares are not said to be dropped while another process makes them', async (t) => {
  const box = place(t, GATED)
  const door = gate(t, box)
  door.close()
  const making = box.start(['warm', '--count', '1', '--keep-free', '0'], { cwd: box.root })
  await door.entered()
  const more = await box.run('warm', '--count', '2')
  assert.ok(more.reason.startsWith(`another process (pid ${making.child.pid}) is making the spares of ${box.root}`), more.reason)
  const impatient = await box.okstra(['warm', '--count', '0'], { cwd: box.root, env: { OKSTRA_LOCK_TIMEOUT_MS: '1' } })
  assert.equal(impatient.code, 5)
  assert.match(impatient.stderr, new RegExp(`pid ${making.child.pid}`))
  const patient = box.start(['warm', '--count', '0'], { cwd: box.root })
  await door.open()
  assert.equal((await making.done).stdout, '1 ready (1 made)\n')
  assert.match((await patient.done).stdout, /^0 ready/)
  assert.deepEqual(box.names(), [])
})

test('why a repository can have no spares is said with its name and with what to do', async (t) => {
  const { root, git, run } = place(t)
  git(['sparse-checkout', 'set', 'src'], { cwd: root })
  const { reason } = await run('warm', '--count', '1', '--keep-free', '0')
  assert.ok(reason.startsWith(`${root} cannot have spares, because `), reason)
  assert.match(reason, /leave "warm" out of its project file$/)
})

test('list --spares fits a narrow terminal, and shows one repository where that is asked', async (t) => {
  const box = place(t)
  const { dir, root, env, run, okstra } = box
  const deep = box.repository(`${'a-long-name-of-a-directory/'.repeat(4)}deep`)
  await box.warm(1)
  await run('warm', '--root', deep, '--count', '1', '--keep-free', '0')
  const python = path.join(__dirname, 'helpers', 'terminal.py')
  const bin = path.join(__dirname, '..', 'bin', 'okstra.js')
  const shown = execFileSync('python3', [python, 'stdout', '--', process.execPath, bin, 'list', '--spares'], { cwd: dir, env: { ...env, COLUMNS: '80', NO_COLOR: '1' }, encoding: 'utf8' })
  const lines = JSON.parse(shown).terminal
  for (const line of lines.split(/\r?\n/)) assert.ok(line.length <= 80, line)
  assert.match(lines, /^\.\.\..*\/deep +ready/m)
  const { spares } = await run('list', '--spares', '--root', path.join(root, 'src'))
  assert.deepEqual(spares.map(({ repository }) => repository), [path.join(root, '.git')])
  const wrong = await okstra(['list', '--spares', '--project', 'shop'], { cwd: root })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /belongs to a repository.*\n.*--root DIR/)
  assert.equal((await okstra(['list', '--root', root], { cwd: root })).code, 2)
  assert.equal((await okstra(['list', '--spares', '--root', '/'], { cwd: root })).code, 3)
})
