'use strict'
// The short way of the calls that agents make before each use, and how the launcher writes.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, ROOT, BIN } = require('./helpers/repository.js')
const { answered } = require('../launcher/quick.js')

/** The modules of okstra that one command line reads. */
async function modulesOf({ dir, env }, args, cwd = dir) {
  const preload = path.join(dir, 'trace.js')
  const file = path.join(dir, 'modules.json')
  fs.writeFileSync(preload, `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(file)}, JSON.stringify(Object.keys(require.cache))))`)
  const answer = await ended(spawn(process.execPath, ['-r', preload, BIN, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }))
  return { ...answer, modules: JSON.parse(fs.readFileSync(file, 'utf8')).map((name) => path.relative(ROOT, name)) }
}

test('path and paths --shell answer without table, parser and generated loader, as the launcher does', async (t) => {
  const box = sandbox(t)
  const cwd = box.repository('shop')
  await box.okstra(['provision', 'g/fix', '--phase', 'p'], { cwd })
  for (const args of [['path', 'g/fix'], ['path', 'shop/g/fix'], ['paths', '--shell']]) {
    const quick = await modulesOf(box, args, cwd)
    // An option in another place leaves the question to the launcher.
    const slow = await modulesOf(box, args[0] === 'path' ? ['path', '--project=shop', args[1]] : ['paths', '--shell=posix'], cwd)
    assert.deepEqual([quick.code, quick.stderr], [0, ''])
    assert.equal(quick.stdout, slow.stdout)
    assert.ok(slow.modules.includes(path.join('launcher', 'parse.js')))
    const heavy = quick.modules.filter((name) => /^index\.js$|(parse|table|output|cli|module)\.js$/.test(name))
    assert.deepEqual(heavy, [], args.join(' '))
  }
})

test('guard PATH answers so too when the path is allowed', async (t) => {
  const box = sandbox(t)
  const cwd = box.repository('shop')
  const place = (await box.okstra(['provision', 'g/fix', '--phase', 'p'], { cwd })).stdout.trim()
  const quick = await modulesOf(box, ['guard', 'src/new'], place)
  assert.deepEqual([quick.code, quick.stdout, quick.stderr], [0, '', ''])
  assert.deepEqual(quick.modules.filter((name) => /^index\.js$|(parse|table|output|cli|module|errors)\.js$/.test(name)), [])
  const refused = await modulesOf(box, ['guard', path.join(cwd, 'src')], place)
  assert.deepEqual([refused.code, refused.stdout], [4, ''])
  assert.ok(refused.stderr.includes(place))
})

test('what is not plain, has a story or fails is left to the launcher', async (t) => {
  const box = sandbox(t)
  const cwd = box.repository('shop')
  for (const argv of [[], ['path'], ['path', '-h'], ['path', 'a/b', '--json'], ['paths'], ['paths', '--shell', 'fish'], ['list'], ['path', 'no-task']]) {
    assert.equal(answered(argv), false, argv.join(' '))
  }
  const unknown = await box.okstra(['path', 'g/none'], { cwd })
  assert.deepEqual([unknown.code, unknown.stdout], [3, ''])
  assert.match(unknown.stderr, /the registry has no task shop\/g\/none/)
  await box.okstra(['provision', 'g/fix', '--phase', 'p'], { cwd })
  const place = (await box.okstra(['path', 'g/fix'], { cwd })).stdout.trim()
  fs.renameSync(place, `${place}-away`)
  const gone = await box.okstra(['path', 'g/fix'], { cwd })
  assert.deepEqual([gone.code, gone.stdout], [0, `${place}\n`])
  assert.match(gone.stderr, /the directory is gone/)
})

// A reader like `ssh` or another Node may have made the pipe non-blocking, and a short pipe is full soon.
test('a text larger than a non-blocking pipe arrives whole', { skip: process.platform === 'win32' }, async (t) => {
  const { dir, env } = sandbox(t)
  const writer = path.join(dir, 'writer.js')
  const module = JSON.stringify(path.join(ROOT, 'launcher', 'write.js'))
  fs.writeFileSync(writer, `require(${module}).writeText('stdout', 'é'.repeat(1_000_000) + '\\n')`)
  const nonBlocking = 'import fcntl, os, sys; fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK); os.execvp(sys.argv[1], sys.argv[1:])'
  const child = spawn('python3', ['-c', nonBlocking, process.execPath, writer], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const { code, stdout, stderr } = await ended(child)
  assert.deepEqual([code, stderr], [0, ''])
  assert.ok(stdout === `${'é'.repeat(1_000_000)}\n`)
})

test('a reader that went away is no error', { skip: process.platform === 'win32' }, async (t) => {
  const { env } = sandbox(t)
  const { code, stderr } = await ended(spawn('bash', ['-c', `"$@" | true; exit "\${PIPESTATUS[0]}"`, 'bash', process.execPath, BIN, 'paths', '--shell'], { env }))
  assert.deepEqual([code, stderr], [0, ''])
})
