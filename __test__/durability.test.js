'use strict'
// The setting that says whether an answer waits for the device, and that something waits for it.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { BIN, sandbox } = require('./helpers/repository.js')

const linux = process.platform === 'linux' && spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0
const traced = { skip: !linux && 'it counts system calls with strace' }

function box(t, settings) {
  const all = sandbox(t)
  const root = all.repository('shop')
  const file = path.join(root, '.project-docs', 'okstra', 'project.json')
  fs.mkdirSync(path.dirname(file), { recursive: true })
  if (settings) fs.writeFileSync(file, JSON.stringify(settings))
  const refused = async (args, env) => {
    const { code, stdout } = await all.okstra([...args, '--json'], { cwd: root, env })
    assert.equal(code, 2, stdout)
    return JSON.parse(stdout).error
  }
  /** How often a command flushes a file system. */
  const flushes = (args, env) => {
    const log = path.join(all.dir, 'calls')
    const traceOf = ['-f', '-qq', '-e', 'trace=syncfs', '-e', 'signal=none', '-o', log]
    const { status, stderr } = spawnSync('strace', [...traceOf, process.execPath, BIN, ...args], { cwd: root, env: { ...all.env, ...env }, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return fs.readFileSync(log, 'utf8').split('\n').filter((line) => line.includes('syncfs(')).length
  }
  return { ...all, root, file, refused, flushes }
}

const provision = (task) => ['provision', `shop/g/${task}`, '--phase', 'one']

test('a wrong durability is refused by name before anything is made', async (t) => {
  const { root, okstraHome, git, refused } = box(t)
  const error = await refused(provision('a'), { OKSTRA_DURABILITY: 'fastest' })
  assert.equal(error.code, 'OKSTRA_INVALID_ARGUMENT')
  assert.match(error.message, /^OKSTRA_DURABILITY "fastest" .*neither "full" nor "fast"/)
  assert.equal(fs.existsSync(path.join(okstraHome, 'worktrees', 'shop')), false)
  assert.equal(git(['branch', '--format=%(refname:short)'], { cwd: root }), 'main')
  for (const args of [['doctor', '--fix'], ['prune', '--yes']]) {
    assert.equal((await refused(args, { OKSTRA_DURABILITY: 'no' })).code, 'OKSTRA_INVALID_ARGUMENT', args[0])
  }
})

test('a wrong durability in the project file is refused, by the core and by the launcher', async (t) => {
  const { file, refused, root, git } = box(t, { projectId: 'shop', durability: true })
  const core = await refused(provision('a'))
  assert.equal(core.code, 'OKSTRA_INVALID_ARGUMENT')
  assert.ok(core.message.includes(file) && core.message.includes('"durability"'), core.message)
  const launcher = await refused(['provision', 'g/a', '--phase', 'one'])
  assert.equal(launcher.code, 'OKSTRA_PROJECT_INVALID')
  assert.match(launcher.message, /durability is true, and neither "full" nor "fast"/)
  assert.equal(git(['branch', '--format=%(refname:short)'], { cwd: root }), 'main')
})

test('an answer waits for the device, unless that is not wanted', traced, (t) => {
  const { flushes } = box(t)
  assert.ok(flushes(provision('a')) > 0)
  assert.ok(flushes(['remove', 'shop/g/a']) > 0)
  assert.ok(flushes(['restore', 'shop/g/a']) > 0)
  assert.equal(flushes(provision('b'), { OKSTRA_DURABILITY: 'fast' }), 0)
  assert.equal(flushes(['remove', 'shop/g/b'], { OKSTRA_DURABILITY: 'fast' }), 0)
})

test('the project file says so for all who work in the repository, and the environment has the last word', traced, (t) => {
  const { flushes } = box(t, { projectId: 'shop', durability: 'fast' })
  assert.equal(flushes(provision('a')), 0)
  assert.ok(flushes(provision('b'), { OKSTRA_DURABILITY: 'full' }) > 0)
})
