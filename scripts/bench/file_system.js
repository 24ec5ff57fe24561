'use strict'

// The same on another file system: an image, mounted in a mount namespace of its own, so that whatever ends the run also
// unmounts it. The image lies in memory, or on a disk where flushing is measured.
//
//   node scripts/bench/file_system.js DIRECTORY TYPE QUESTION OPTIONS    is started in that namespace, and prints rows as JSON

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')

const { Sandbox, diskRoot } = require('../torture/support/sandbox')

const IMAGE_BYTES = 3 * 2 ** 30
const MAKERS = { ext4: ['mkfs.ext4', '-q'], xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'], btrfs: ['mkfs.btrfs', '-q'] }
/** What can be measured there. */
const QUESTIONS = {
  created: { bench: () => require('./created').benchCreated },
  durable: { bench: () => require('./durable').benchDurable, root: diskRoot, isDisk: true },
}

/** The rows of a question on `type` (`ext4`, `xfs`, `btrfs`), or one that says why there are none. */
function benchFileSystem(type, question, options) {
  const skipped = (note) => [{ what: `${question}, ${options.files} files on ${type}`, median: null, ratio: null, bar: '', met: true, note: `skipped: ${note}` }]
  if (process.platform !== 'linux' || process.getuid() !== 0) return skipped('only root on Linux may mount an image')
  if (spawnSync(MAKERS[type][0], ['-V']).error) return skipped(`${MAKERS[type][0]} is not installed`)
  const sandbox = new Sandbox('bench-image', QUESTIONS[question].root?.())
  try {
    const args = ['--mount', '--propagation', 'private', process.execPath, __filename, sandbox.directory, type, question, JSON.stringify(options)]
    const { status, stdout, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
    if (status === 3) return skipped(stderr.trim())
    if (status !== 0) throw new Error(`on ${type}: ${error?.message ?? stderr.trim()}`)
    return JSON.parse(stdout)
  } finally {
    sandbox.dispose()
  }
}

function onMounted([directory, type, question, options]) {
  const [image, place] = [`${directory}/image`, `${directory}/mounted`]
  fs.writeFileSync(image, '')
  fs.truncateSync(image, IMAGE_BYTES)
  fs.mkdirSync(place)
  const [maker, ...args] = MAKERS[type]
  const { isDisk } = QUESTIONS[question]
  // Like a disk: it has its room already, and no second cache between the file system and the device.
  const before = isDisk ? [['fallocate', '-l', String(IMAGE_BYTES), image]] : []
  const after = isDisk ? [['sh', '-c', 'losetup --direct-io=on "$(findmnt -n -o SOURCE "$0")"', place]] : []
  for (const [program, ...words] of [...before, [maker, ...args, image], ['mount', '-o', 'loop', image, place], ...after]) {
    const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8' })
    if (status === 0) continue
    process.stderr.write(`${program}: ${error?.message ?? stderr.trim()}\n`)
    process.exitCode = 3
    return
  }
  const { World } = require('./world')
  const world = new World(place)
  world.enter()
  const rows = QUESTIONS[question].bench()(world, JSON.parse(options))
  process.stdout.write(JSON.stringify(rows))
}

module.exports = { benchFileSystem }

if (require.main === module) onMounted(process.argv.slice(2))
