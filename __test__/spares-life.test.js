'use strict'
// What becomes of spares that are stopped, killed, damaged, forgotten or too large: nothing is left that nobody can claim,
// and nobody's is taken away who lives.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { FILES, place, gate } = require('./helpers/spares.js')

const GATED = { ...FILES, '.gitattributes': '*.gate filter=gate\n', 'slow.gate': 'slow\n' }

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
  box.git(['config', 'filter.grow.smudge', 'cat >&2; yes | head -c 40000000'], { cwd: box.root })
  await onSmallDisk(t, 30, box, async (free) => {
    const { code, stdout, stderr } = await box.okstra(['warm', '--count', '2', '--keep-free', '10'], { cwd: box.root })
    assert.deepEqual([code, stdout], [0, '0 ready\n'], stderr)
    assert.match(stderr, /^note: only \d+ MB are free/m)
    assert.deepEqual(box.names(), [])
    assert.ok(free() > 28)
  })
})

test('a home inside the repository is refused, as by provision', async (t) => {
  const { root, okstra } = place(t)
  const { code, stdout } = await okstra(['warm', '--json'], { cwd: root, env: { OKSTRA_HOME: path.join(root, '.ok') } })
  assert.deepEqual([code, JSON.parse(stdout).error.code], [1, 'OKSTRA_UNSAFE_HOME'])
  assert.ok(!fs.existsSync(path.join(root, '.ok')))
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

