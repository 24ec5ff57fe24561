'use strict'
// Filling a tree on a file system that shares extents: an image that is mounted in a mount namespace of its own, in which
// this file runs a second time. Whatever ends it also unmounts it.

const assert = require('node:assert/strict')
const { execFileSync, spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { apiSandbox, okstra } = require('./helpers/api.js')

const MAKERS = { xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'], btrfs: ['mkfs.btrfs', '-q'] }
const LARGE = 8 << 20
const INSIDE = 'TEST_ON_MOUNTED'

const available = () => Object.keys(MAKERS).filter((type) => !spawnSync(MAKERS[type][0], ['-V']).error)
const reason = () => {
  if (process.platform !== 'linux' || process.getuid() !== 0) return 'only root on Linux may mount an image'
  return available().length === 0 && 'neither mkfs.xfs nor mkfs.btrfs is installed'
}

if (process.env[INSIDE]) inside()
else
  test('on a file system that shares extents', { skip: reason() }, (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'okstra-shared-'))
    t.after(() => fs.rmSync(directory, { recursive: true, force: true }))
    for (const type of available()) {
      const [image, place] = [path.join(directory, `${type}.image`), path.join(directory, type)]
      fs.writeFileSync(image, '')
      fs.truncateSync(image, 512 << 20)
      fs.mkdirSync(place)
      execFileSync(MAKERS[type][0], [...MAKERS[type].slice(1), image])
      // strictatime: what is read can be told from its time.
      const script = 'mount -o loop,strictatime "$1" "$2" || exit 75; shift 2; exec "$@"'
      const words = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', image, place, process.execPath, '--test', '--test-reporter=tap', __filename]
      const env = { ...process.env, TMPDIR: place, [INSIDE]: type }
      delete env.NODE_TEST_CONTEXT
      const { status, stdout, stderr } = spawnSync('unshare', words, { env, encoding: 'utf8' })
      if (status === 75) return t.skip(stderr.trim())
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /^# pass [1-9]/m)
    }
  })

/** A repository whose files came to rest long enough ago to be shared. */
async function repository(box) {
  const files = { large: 'x'.repeat(LARGE), small: 'small\n', tool: '#!/bin/sh\n', empty: '' }
  const root = box.repository('shop', { files })
  const settled = Math.max(...Object.keys(files).map((name) => fs.statSync(path.join(root, name)).ctimeMs))
  // What changed in the last seconds is never shared, because a further change might show the same time.
  while (Date.now() < settled + 3500) await new Promise((resolve) => setTimeout(resolve, settled + 3500 - Date.now()))
  return { root, files }
}

function inside() {
  test('a new tree takes no room, and the next one reads nothing', async (t) => {
    const box = apiSandbox(t)
    const { root, files } = await repository(box)
    const names = ['large', 'small', 'tool']
    const readAt = () => names.map((name) => fs.statSync(path.join(root, name), { bigint: true }).atimeNs)
    const free = () => {
      execFileSync('sync', ['-f', root])
      const { bavail, bsize } = fs.statfsSync(root)
      return bavail * bsize
    }
    const provision = (task) => okstra.provisionTaskWorktreeSync(box.options(root, task)).path
    const [room, unread] = [free(), readAt()]
    const first = provision('a')
    const read = readAt()
    assert.ok(room - free() < LARGE / 4, `${room - free()} bytes were taken`)
    assert.ok(read.every((at, file) => at > unread[file]), 'the first one reads all')
    const second = provision('b')
    assert.deepEqual(readAt(), read)
    // A commit of another branch proves nothing anew.
    box.git(['commit', '-q', '--allow-empty', '-m', 'later'], { cwd: root })
    // git itself reads files that are as young as its index.
    const committed = readAt()
    const third = provision('c')
    assert.deepEqual(readAt(), committed)
    for (const tree of [first, second, third]) {
      assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '')
      for (const [name, content] of Object.entries(files)) assert.ok(fs.readFileSync(path.join(tree, name), 'utf8') === content, name)
    }
  })

  test('what was proven is not believed of a file that changed since, nor of a damaged memory', async (t) => {
    const box = apiSandbox(t)
    const { root, files } = await repository(box)
    const provision = (task) => okstra.provisionTaskWorktreeSync(box.options(root, task)).path
    provision('a')
    const memory = path.join(root, '.git', 'okstra-proven')
    const good = fs.readFileSync(memory)
    const check = (task) => {
      const tree = provision(task)
      for (const [name, content] of Object.entries(files)) assert.ok(fs.readFileSync(path.join(tree, name), 'utf8') === content, `${task}: ${name}`)
      assert.equal(box.git(['status', '--porcelain'], { cwd: tree }), '')
    }
    const file = path.join(root, 'small')
    const { atime, mtime } = fs.statSync(file)
    fs.writeFileSync(file, 'SMALL\n')
    fs.utimesSync(file, atime, mtime)
    check('same-size-and-time')
    for (const [task, bytes] of [['cut', good.subarray(0, 30)], ['nothing', ''], ['other', Buffer.alloc(good.length, 1)]]) {
      fs.writeFileSync(memory, bytes)
      check(task)
    }
  })

  test('a file that somebody writes to through a mapping all the time is never copied torn', async (t) => {
    const box = apiSandbox(t)
    const { root, files } = await repository(box)
    const writer = spawn('python3', ['-c', MAPPED, path.join(root, 'large')], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => writer.kill('SIGKILL'))
    await new Promise((resolve) => writer.stdout.once('data', resolve))
    for (let round = 0; round < 12; round++) {
      const tree = okstra.provisionTaskWorktreeSync(box.options(root, `t${round}`)).path
      assert.ok(fs.readFileSync(path.join(tree, 'large'), 'utf8') === files.large, `round ${round}`)
    }
  })
}

/** Changes the last byte and back, without a pause, and says when it has begun. */
const MAPPED = `
import mmap, sys
with open(sys.argv[1], 'r+b') as file:
    memory = mmap.mmap(file.fileno(), 0)
    memory[-1] = ord('x')
    print('begun', flush=True)
    while True:
        memory[-1] = ord('y')
        memory[-1] = ord('x')
`
