'use strict'

// The same on a file system that shares extents: an image in memory, mounted in a mount namespace of its own, so that
// whatever ends the run also unmounts it.
//
//   node scripts/bench/file_system.js TYPE OPTIONS    is started in that namespace, and prints rows as JSON

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')

const { Sandbox } = require('../torture/support/sandbox')

const IMAGE_BYTES = 3 * 2 ** 30
const MAKERS = { xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'], btrfs: ['mkfs.btrfs', '-q'] }

/** Rows of `benchCreated` on `type` (`xfs`, `btrfs`), or one that says why there are none. */
function benchFileSystem(type, options) {
  const skipped = (note) => [{ what: `created, ${options.files} files on ${type}`, median: null, ratio: null, bar: '', met: true, note: `skipped: ${note}` }]
  if (process.platform !== 'linux' || process.getuid() !== 0) return skipped('only root on Linux may mount an image')
  if (spawnSync(MAKERS[type][0], ['-V']).error) return skipped(`${MAKERS[type][0]} is not installed`)
  const sandbox = new Sandbox('bench-image')
  try {
    const args = ['--mount', '--propagation', 'private', process.execPath, __filename, sandbox.directory, type, JSON.stringify(options)]
    const { status, stdout, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
    if (status === 3) return skipped(stderr.trim())
    if (status !== 0) throw new Error(`on ${type}: ${error?.message ?? stderr.trim()}`)
    return JSON.parse(stdout)
  } finally {
    sandbox.dispose()
  }
}

function onMounted([directory, type, options]) {
  const [image, place] = [`${directory}/image`, `${directory}/mounted`]
  fs.writeFileSync(image, '')
  fs.truncateSync(image, IMAGE_BYTES)
  fs.mkdirSync(place)
  const [maker, ...args] = MAKERS[type]
  for (const [program, ...words] of [[maker, ...args, image], ['mount', '-o', 'loop', image, place]]) {
    const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' })
    if (status === 0) continue
    process.stderr.write(`${program}: ${stderr.trim()}\n`)
    process.exitCode = 3
    return
  }
  const { World } = require('./world')
  const { benchCreated } = require('./created')
  const world = new World(place)
  world.enter()
  const rows = benchCreated(world, JSON.parse(options))
  process.stdout.write(JSON.stringify(rows))
}

module.exports = { benchFileSystem }

if (require.main === module) onMounted(process.argv.slice(2))
