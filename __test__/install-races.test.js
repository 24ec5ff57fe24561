'use strict'
// Installations that are killed, and several at once.

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra: addon } = require('./helpers/api.js')
const { ended, sandbox } = require('./helpers/repository.js')
const { content, makePackage, treeOf } = require('./helpers/package.js')

const PRELOAD = path.join(__dirname, 'helpers', 'kill-at.js')

// Few files, so that every point can be tried: one that stays, one that the upgrade changes, one that it retires.
function versions(dir) {
  const files = (word) => {
    const { 'skills/okstra-history/SKILL.md': _, ...rest } = content(word)
    return rest
  }
  const { 'templates/reports/final.md': __, ...retired } = files('two')
  const third = { ...files('three'), 'templates/reports/final.md': files('two')['templates/reports/final.md'] }
  const make = (name, version, made) => makePackage(path.join(dir, name), { version, files: made })
  return { one: make('one', '1.0.0', files('one')), two: make('two', '2.0.0', retired), three: make('three', '3.0.0', third) }
}

/** Runs a command with SIGKILL at each of its points, `width` of them at a time, each in a copy of the home `prepared`. */
async function killEverywhere({ dir, env }, prepared, args, verify) {
  const start = (home, more) => {
    const copy = { ...env, HOME: home, USERPROFILE: home, OKSTRA_HOME: path.join(home, '.okstra'), ...more }
    return ended(spawn(process.execPath, ['-r', PRELOAD, ...args], { env: copy, stdio: ['ignore', 'pipe', 'pipe'] }))
  }
  const copyTo = (name) => {
    const home = path.join(dir, name)
    fs.cpSync(prepared, home, { recursive: true, preserveTimestamps: true })
    return home
  }
  const counted = path.join(dir, 'count')
  assert.equal((await start(copyTo('counted'), { COUNT_TO: counted })).code, 0)
  const points = Number(fs.readFileSync(counted, 'utf8'))
  assert.ok(points > 10, `${points} points`)
  const left = Array.from({ length: points }, (_, i) => i + 1)
  const worker = async () => {
    for (let point = left.shift(); point; point = left.shift()) {
      const home = copyTo(`point ${point}`)
      const killed = await start(home, { KILL_AT: String(point) })
      assert.equal(killed.signal, 'SIGKILL', `${point}: ${killed.stderr}`)
      await verify(home, point)
    }
  }
  await Promise.all([worker(), worker()])
  return points
}

/** The files of an installation in a home, without locks and manifest. */
function filesOf(home) {
  return Object.fromEntries(Object.entries(treeOf(home)).filter(([name]) => !/state\/|install\/manifest\.json/.test(name)))
}

test('killed at any point, an upgrade is finished by the next installation, of whatever version', async (t) => {
  const box = sandbox(t)
  const { one, two, three } = versions(box.dir)
  const prepared = path.join(box.dir, 'prepared')
  const at = (home, more = {}) => ({ env: { HOME: home, USERPROFILE: home, OKSTRA_HOME: path.join(home, '.okstra'), ...more } })
  const run = async (bin, home, command) => {
    const { code, stdout, stderr } = await box.okstra([command, '--json'], { ...at(home), bin })
    assert.equal(code, 0, stdout + stderr)
    return JSON.parse(stdout)
  }
  // In the home, so that it moves with the copies.
  const skills = '.okstra/agent'
  const first = await box.okstra(['install', '--skills-dir', path.join(prepared, skills)], { ...at(prepared), bin: one })
  assert.equal(first.code, 0, first.stderr)
  const changed = `${skills}/okstra-setup/SKILL.md`
  fs.writeFileSync(path.join(prepared, changed), 'mine')
  const expected = {}
  for (const [name, bin] of Object.entries({ two, three })) {
    const home = path.join(box.dir, `expected ${name}`)
    fs.cpSync(prepared, home, { recursive: true, preserveTimestamps: true })
    await run(bin, home, 'install')
    expected[name] = filesOf(home)
    assert.equal(expected[name][changed], 'mine')
  }
  const points = await killEverywhere(box, prepared, [two, 'install'], async (home, point) => {
    // Every second time another version comes after the killed one, and must not take its files for a person's.
    const [name, bin] = point % 2 === 0 ? ['two', two] : ['three', three]
    const answer = await run(bin, home, point % 3 === 0 ? 'ensure-installed' : 'install')
    assert.deepEqual(filesOf(home), expected[name], `point ${point}, then ${name}`)
    assert.deepEqual((answer.kept ?? []).map((kept) => path.relative(home, kept.path)), answer.kept ? [changed] : [], `point ${point}`)
    const { version } = JSON.parse(fs.readFileSync(path.join(home, '.okstra/install/manifest.json'), 'utf8'))
    assert.equal(version, name === 'two' ? '2.0.0' : '3.0.0')
  })
  t.diagnostic(`${points} points`)
})

test('killed at any point, an uninstallation is finished by the next one', async (t) => {
  const box = sandbox(t)
  const { one } = versions(box.dir)
  const prepared = path.join(box.dir, 'prepared')
  const env = (home) => ({ HOME: home, USERPROFILE: home, OKSTRA_HOME: path.join(home, '.okstra') })
  const skills = '.okstra/agent'
  await box.okstra(['install', '--skills-dir', path.join(prepared, skills)], { env: env(prepared), bin: one })
  fs.writeFileSync(path.join(prepared, skills, 'okstra-setup', 'SKILL.md'), 'mine')
  await killEverywhere(box, prepared, [one, 'uninstall'], async (home, point) => {
    const { code, stderr } = await box.okstra(['uninstall'], { env: env(home), bin: one })
    assert.equal(code, 0, stderr)
    assert.deepEqual(filesOf(home), { [`${skills}/okstra-setup/SKILL.md`]: 'mine' }, `point ${point}`)
    assert.deepEqual(fs.readdirSync(path.join(home, '.okstra')).sort(), ['agent', 'state', 'worktrees'], `point ${point}`)
  })
})

test('several at once: one writes, the others find everything in place', async (t) => {
  const box = sandbox(t)
  const bin = makePackage(path.join(box.dir, 'one'))
  const args = ['install', 'ensure-installed', 'install', 'ensure-installed', 'install', 'ensure-installed']
  const results = await Promise.all(args.map((command) => box.okstra([command, '--json'], { bin })))
  assert.deepEqual(results.map(({ code, stderr }) => [code, stderr]), args.map(() => [0, '']))
  const written = results.map(({ stdout }) => JSON.parse(stdout).written?.length ?? 0)
  assert.deepEqual(written.sort(), [0, 0, 0, 0, 0, 6])
  assert.equal((await box.okstra(['ensure-installed'], { bin })).stderr, '')
})

test('installations of two versions at once leave one of them whole', async (t) => {
  const box = sandbox(t)
  const one = makePackage(path.join(box.dir, 'one'))
  const two = makePackage(path.join(box.dir, 'two'), { version: '2.0.0', files: content('two') })
  const results = await Promise.all([one, two, one, two].map((bin) => box.okstra(['install', '--json'], { bin })))
  for (const { code, stdout } of results) assert.deepEqual([code, JSON.parse(stdout).kept], [0, []])
  const { version } = JSON.parse(fs.readFileSync(path.join(box.okstraHome, 'install/manifest.json'), 'utf8'))
  const word = version === '1.0.0' ? 'one' : 'two'
  const texts = Object.entries(filesOf(box.home)).map(([, text]) => text)
  assert.equal(texts.length, 6)
  assert.ok(texts.every((text) => text.includes(word)))
})

test('an installation that waits says for whom when its time is over, and goes on when the lock is free', async (t) => {
  const box = apiSandbox(t)
  const bin = makePackage(path.join(box.dir, 'one'))
  const lock = await addon.lockInstallation()
  const env = { OKSTRA_LOCK_TIMEOUT_MS: '30' }
  for (const command of ['install', 'ensure-installed']) {
    const { code, stderr } = await box.okstra([command], { bin, env })
    assert.equal(code, 5, stderr)
    assert.match(stderr, new RegExp(`the installation .*held by pid ${process.pid} `))
  }
  await assert.rejects(addon.lockInstallation({ lockTimeoutMs: 0 }), { code: 'OKSTRA_LOCK_TIMEOUT' })
  await assert.rejects(addon.lockInstallation({}, AbortSignal.abort()), { code: 'OKSTRA_ABORTED' })
  assert.throws(() => addon.lockInstallationSync({ lockTimeoutMs: -1 }), { code: 'OKSTRA_INVALID_ARGUMENT' })
  const waiting = box.start(['install'], { bin })
  lock.release()
  lock.release()
  assert.equal((await waiting.done).code, 0)
  addon.lockInstallationSync().release()
  // A process that dies with the lock held leaves it free.
  const die = `require(${JSON.stringify(path.join(__dirname, '..'))}).lockInstallationSync(); process.kill(process.pid, 'SIGKILL')`
  assert.equal(spawnSync(process.execPath, ['-e', die], { env: box.env }).signal, 'SIGKILL')
  assert.equal((await box.okstra(['install'], { bin, env })).code, 0)
})
