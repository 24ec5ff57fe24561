'use strict'
// Terminals, pipes, colours and signals.

const assert = require('node:assert/strict')
const { execFileSync, spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, BIN } = require('./helpers/repository.js')

const PTY = path.join(__dirname, 'helpers', 'terminal.py')
const unix = { skip: process.platform === 'win32' && 'needs a Unix' }
const terminal = { skip: spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'needs python3 with pty' }
const ESCAPE = '\u001b'
const CLEAR_LINE = `\r${ESCAPE}[K`
const NOTHING_HANGS = { timeout: 60_000 }

/** Runs the launcher with streams on a terminal; what it shows, and what it writes to those that are pipes. */
async function onTerminal(box, args, { streams = 'stderr', cwd, env = {}, answer = [] } = {}) {
  const command = [PTY, streams, ...answer.flatMap((item) => ['--when', ...item]), '--', process.execPath, BIN, ...args]
  const result = await ended(
    spawn('python3', command, { cwd, env: { ...box.env, TERM: 'xterm-256color', ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  assert.equal(result.code, 0, result.stderr)
  return JSON.parse(result.stdout)
}

/** A repository whose post-checkout hook says that it runs and then waits until it may go on. */
function slowRepository(t) {
  const box = sandbox(t)
  const root = box.repository('shop')
  const gate = path.join(box.dir, 'gate')
  const started = path.join(box.dir, 'signs')
  fs.mkdirSync(started)
  execFileSync('mkfifo', [gate])
  const hook = path.join(root, '.git', 'hooks', 'post-checkout')
  fs.mkdirSync(path.dirname(hook), { recursive: true })
  fs.writeFileSync(hook, `#!/bin/sh\n: > '${started}/hook'\ncat < '${gate}' > /dev/null\n`, { mode: 0o755 })
  return { ...box, root, gate, hook, started: () => appears(started, 'hook') }
}

/** Neither progress nor an escape sequence. */
function calm(text) {
  assert.ok(!text.includes('making the worktree ready') && !text.includes(ESCAPE), text)
}

function appears(directory, name) {
  return new Promise((resolve) => {
    // Not persistent: when okstra ends without the sign, the test fails instead of waiting for ever.
    const watcher = fs.watch(directory, { persistent: false }, look)
    function look() {
      if (!fs.existsSync(path.join(directory, name))) return
      watcher.close()
      resolve()
    }
    look()
  })
}

test('Ctrl-C reaches every process of the group: cleaned up, 130, and the next attempt works', { ...unix, ...NOTHING_HANGS }, async (t) => {
  const box = slowRepository(t)
  const { child, done } = box.start(['provision', 'g/t', '--phase', 'p'], { cwd: box.root, detached: true })
  await box.started()
  process.kill(-child.pid, 'SIGINT')
  const { code, stdout } = await done
  assert.deepEqual([code, stdout], [130, ''])
  fs.rmSync(box.hook)
  assert.equal((await box.okstra(['provision', 'g/t', '--phase', 'p'], { cwd: box.root })).code, 0)
})

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  test(`${signal} while a hook hangs: cleaned up, ${code}, and the next attempt works`, { ...unix, ...NOTHING_HANGS }, async (t) => {
    const box = slowRepository(t)
    const { child, done } = box.start(['provision', 'g/t', '--phase', 'p', '--json'], { cwd: box.root })
    await box.started()
    child.kill(signal)
    const result = await done
    assert.deepEqual([result.code, result.signal], [code, null], result.stderr)
    const { ok, error } = JSON.parse(result.stdout)
    assert.deepEqual([ok, error.code], [false, 'OKSTRA_ABORTED'])
    fs.rmSync(box.hook)
    const next = await box.okstra(['provision', 'g/t', '--phase', 'p', '--json'], { cwd: box.root })
    assert.equal(next.code, 0, next.stdout)
    const { path: place } = JSON.parse(next.stdout)
    assert.equal(box.git(['status', '--porcelain'], { cwd: place }), '')
  })
}

test('SIGINT while a filter hangs, as text: nothing on stdout', { ...unix, ...NOTHING_HANGS }, async (t) => {
  const box = slowRepository(t)
  fs.rmSync(box.hook)
  const filter = path.join(box.dir, 'filter.sh')
  fs.writeFileSync(filter, `#!/bin/sh\n: > '${box.dir}/signs/hook'\ncat '${box.gate}'\n`, { mode: 0o755 })
  fs.writeFileSync(path.join(box.root, '.gitattributes'), '*.txt filter=slow\n')
  fs.writeFileSync(path.join(box.root, 'a.txt'), 'a\n')
  box.git(['add', '-A'], { cwd: box.root })
  box.git(['commit', '-q', '-m', 'filtered'], { cwd: box.root })
  box.git(['config', 'filter.slow.smudge', `'${filter}'`], { cwd: box.root })
  const { child, done } = box.start(['provision', 'g/t', '--phase', 'p'], { cwd: box.root })
  await box.started()
  child.kill('SIGINT')
  const { code, stdout, stderr } = await done
  assert.deepEqual([code, stdout], [130, ''])
  assert.match(stderr, /^okstra: interrupted by SIGINT: .+\n {2}.+\n$/)
  box.git(['config', '--unset', 'filter.slow.smudge'], { cwd: box.root })
  assert.equal((await box.okstra(['provision', 'g/t', '--phase', 'p'], { cwd: box.root })).code, 0)
})

test('a terminal shows progress while it takes long, and the line is gone at the end', { ...terminal, ...NOTHING_HANGS }, async (t) => {
  const box = slowRepository(t)
  const args = ['provision', 'g/t', '--phase', 'p']
  // The hook goes on when the progress line has been seen: no line, no end.
  const long = await onTerminal(box, args, { cwd: box.root, answer: [['making the worktree ready', box.gate]] })
  assert.equal(long.code, 0, long.terminal)
  assert.match(long.stdout, /^\/.*\/shop\/g\/t\n$/)
  const lastDrawn = long.terminal.lastIndexOf('making the worktree ready')
  const [, afterwards] = long.terminal.slice(lastDrawn).split(CLEAR_LINE)
  assert.match(afterwards, /^shop\/g\/t: created/)
  const short = await onTerminal(box, args, { cwd: box.root })
  calm(short.terminal)
})

test('a pipe and a dumb terminal show no progress, however long it takes', { ...unix, ...NOTHING_HANGS }, async (t) => {
  const box = slowRepository(t)
  fs.writeFileSync(box.hook, '#!/bin/sh\nsleep 0.7\n')
  const piped = await box.okstra(['provision', 'g/t', '--phase', 'p'], { cwd: box.root })
  assert.equal(piped.code, 0)
  calm(piped.stderr)
  if (terminal.skip) return
  const dumb = await onTerminal(box, ['provision', 'g/u', '--phase', 'p'], { cwd: box.root, env: { TERM: 'dumb' } })
  calm(dumb.terminal)
})

test('colours on a terminal, none with NO_COLOR, none in a pipe', terminal, async (t) => {
  const box = sandbox(t)
  const coloured = await onTerminal(box, ['help'], { streams: 'stdout' })
  assert.ok(coloured.terminal.includes(`${ESCAPE}[1mUsage:`), coloured.terminal)
  const plain = await onTerminal(box, ['help'], { streams: 'stdout', env: { NO_COLOR: '1' } })
  calm(plain.terminal)
  calm((await box.okstra(['help'])).stdout)
  const error = await onTerminal(box, ['nonsense'], { streams: 'stderr' })
  assert.ok(error.terminal.includes(`${ESCAPE}[31mokstra:`), error.terminal)
  const plainError = await onTerminal(box, ['nonsense'], { streams: 'stderr', env: { NO_COLOR: '1' } })
  assert.equal(plainError.code, 2)
  calm(plainError.terminal)
})

test('a reader that goes away is no error', unix, async (t) => {
  const box = sandbox(t)
  const shell = (script) =>
    ended(spawn('bash', ['-c', script, 'bash', process.execPath, BIN], { cwd: box.dir, env: box.env, stdio: ['ignore', 'pipe', 'pipe'] }))
  const head = await shell('set -o pipefail; "$1" "$2" help | head -1')
  assert.deepEqual([head.code, head.stderr], [0, ''])
  assert.match(head.stdout, /^okstra gives .*\n$/)
  // `true` reads nothing at all.
  const none = await shell('for i in 1 2 3 4 5; do "$1" "$2" help --json | true; echo "${PIPESTATUS[0]}"; done')
  assert.deepEqual([none.stdout, none.stderr], ['0\n'.repeat(5), ''])
  const closed = await shell('"$1" "$2" nonsense 2>&1 | true; echo "${PIPESTATUS[0]}"')
  assert.equal(closed.stdout, '2\n', 'an error stays an error')
})

test('an answer that cannot be written is an error', { skip: !fs.existsSync('/dev/full') && 'needs /dev/full' }, async (t) => {
  const { env } = sandbox(t)
  const full = fs.openSync('/dev/full', 'w')
  try {
    const { code, stderr } = await ended(spawn(process.execPath, [BIN, 'help'], { env, stdio: ['ignore', full, 'pipe'] }))
    assert.equal(code, 1)
    assert.match(stderr, /^okstra: cannot write the answer: .*ENOSPC/)
  } finally {
    fs.closeSync(full)
  }
})

test('help keeps to the width of a narrow terminal', { ...terminal, ...NOTHING_HANGS }, async (t) => {
  const box = sandbox(t)
  const script = 'stty cols "$1" <&1; shift; exec "$@"'
  const longest = async (columns, ...args) => {
    const command = [PTY, 'stdout', '--', 'sh', '-c', script, 'sh', String(columns), process.execPath, BIN, ...args]
    const { code, stdout } = await ended(spawn('python3', command, { env: box.env, stdio: ['ignore', 'pipe', 'pipe'] }))
    assert.equal(code, 0)
    const lines = JSON.parse(stdout).terminal.split('\n').filter((line) => !line.startsWith('  $ '))
    return Math.max(...lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, '').length))
  }
  assert.ok((await longest(64, 'help', 'setup')) <= 64)
  const wide = await longest(200, 'help', 'setup')
  assert.ok(wide > 64 && wide <= 100, String(wide))
})
