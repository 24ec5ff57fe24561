'use strict'
// `remove`, `restore` and `prune` as a person and as a script see them.

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { BIN, ended, sandbox } = require('./helpers/repository.js')

const PTY = path.join(__dirname, 'helpers', 'terminal.py')
const terminal = { skip: spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'needs python3 with pty' }

/** A repository with the task `checkout/t`, and `run` in it. */
async function withTask(t) {
  const box = sandbox(t)
  const root = box.repository('shop')
  const run = (...args) => box.okstra(args, { cwd: root })
  const { stdout } = await run('provision', 'checkout/t', '--phase', 'p')
  return { ...box, root, run, tree: stdout.trimEnd() }
}

test('a refusal exits with 4 and shows each obstacle with its option', async (t) => {
  const { run, tree } = await withTask(t)
  fs.writeFileSync(path.join(tree, 'new\nline'), 'n')
  const { code, stdout, stderr } = await run('remove', 'checkout/t')
  assert.deepEqual([code, stdout], [4, ''])
  assert.equal(
    stderr,
    `okstra: will not remove the worktree of shop/checkout/t at ${tree}:\n` +
      '  1 untracked file (--discard-untracked)\n' +
      '    new\\nline\n' +
      '  Commit or save what matters, or allow it: --discard-untracked. Nothing was changed.\n',
  )
  const json = JSON.parse((await run('remove', 'checkout/t', '--json')).stdout)
  assert.equal(json.error.code, 'OKSTRA_WOULD_LOSE_WORK')
  assert.deepEqual(json.error.obstacles, [
    { kind: 'untracked', detail: '1 untracked file', count: 1, examples: ['new\nline'], flag: '--discard-untracked' },
  ])
})

test('every obstacle that can be allowed has its option', async (t) => {
  const { run } = await withTask(t)
  const { stdout } = await run('help', 'remove', '--json')
  const names = new Set(JSON.parse(stdout).commands[0].options.map(({ name }) => name))
  const source = fs.readFileSync(path.join(__dirname, '..', 'src', 'obstacle.rs'), 'utf8')
  const flags = [...source.matchAll(/Some\("(--[a-z-]+)"\)/g)].map(([, flag]) => flag)
  assert.ok(flags.length > 5)
  assert.deepEqual(flags.filter((flag) => !names.has(flag)), [])
})

test('there and back, with what a person is told', async (t) => {
  const { run, tree } = await withTask(t)
  fs.writeFileSync(path.join(tree, 'new'), 'n')
  const removed = await run('remove', 'checkout/t', '--discard-untracked')
  assert.deepEqual([removed.code, removed.stdout], [0, 'removed shop/checkout/t\n'])
  assert.match(removed.stderr, /is in the trash; `okstra restore shop\/checkout\/t` brings it back as it was/)
  assert.match(removed.stderr, /branch task-t is kept/)
  const listed = await run('restore', '--list')
  assert.match(listed.stdout, /^ENTRY +TASK +AGE +BRANCH +HOLDS\n\S+ +shop\/checkout\/t +\d+s +task-t +0 uncommitted, 1 untracked\n$/)
  const restored = await run('restore', 'checkout/t')
  assert.deepEqual([restored.code, restored.stdout], [0, `${tree}\n`])
  assert.equal(restored.stderr, 'shop/checkout/t: brought back from the trash, as it was\n')
  assert.equal(fs.readFileSync(path.join(tree, 'new'), 'utf8'), 'n')
  assert.equal((await run('restore')).code, 2)
  assert.equal((await run('restore', 'checkout/unknown')).code, 3)
})

test('prune changes nothing unless it is told to', async (t) => {
  const { run, tree } = await withTask(t)
  await run('release', 'checkout/t')
  const shown = await run('prune')
  assert.match(shown.stdout, /merged +shop\/checkout\/t +released, without a commit of its own; goes into the trash/)
  assert.match(shown.stderr, /nothing was changed; --yes clears it away/)
  assert.equal(fs.existsSync(tree), true)
  assert.equal((await run('prune', '--yes', '--dry-run')).code, 2)
  const json = JSON.parse((await run('prune', '--json')).stdout)
  assert.deepEqual([json.dryRun, json.items.length, json.items[0].done], [true, 1, false])
  const done = await run('prune', '--yes')
  assert.match(done.stdout, /merged +shop\/checkout\/t +in the trash as /)
  assert.equal(fs.existsSync(tree), false)
  assert.equal((await run('prune')).stderr, 'nothing to prune\n')
})

test('on a terminal prune asks', terminal, async (t) => {
  const { run, tree, root, env } = await withTask(t)
  await run('release', 'checkout/t')
  const ask = async (reply) => {
    const command = [PTY, 'stderr', '--say', '[y/N]', reply, '--', process.execPath, BIN, 'prune']
    const result = await ended(spawn('python3', command, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] }))
    assert.equal(result.code, 0, result.stderr)
    return JSON.parse(result.stdout)
  }
  const asked = await ask('n\n')
  assert.match(asked.terminal, /merged +shop\/checkout\/t/)
  assert.equal(fs.existsSync(tree), true)
  await ask('y\n')
  assert.equal(fs.existsSync(tree), false)
})

test('looking takes no lock of the index: a kill while git looks must leave none in a worktree that stays', async (t) => {
  const { dir, env, root, run, tree } = await withTask(t)
  const place = path.join(dir, 'watched')
  const log = path.join(dir, 'locks')
  const real = env.PATH.split(path.delimiter).map((directory) => path.join(directory, 'git')).find((file) => fs.existsSync(file))
  fs.mkdirSync(place)
  const script = `#!/bin/sh\nfor word; do [ "$word" = status ] && echo "$GIT_OPTIONAL_LOCKS" >> '${log}'; done\nexec '${real}' "$@"\n`
  fs.writeFileSync(path.join(place, 'git'), script, { mode: 0o755 })
  env.PATH = `${place}${path.delimiter}${env.PATH}`
  fs.writeFileSync(path.join(tree, 'new'), 'n')
  assert.equal((await run('remove', 'checkout/t', '--discard-untracked')).code, 0)
  assert.equal((await run('restore', 'checkout/t')).code, 0)
  assert.ok(fs.existsSync(path.join(root, '.git')))
  const asked = fs.readFileSync(log, 'utf8').trim().split('\n')
  assert.ok(asked.length > 0)
  assert.deepEqual([...new Set(asked)], ['0'])
})
