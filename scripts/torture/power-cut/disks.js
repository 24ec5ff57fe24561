'use strict'

// Disks that can be cut off: images that are mounted plainly, or through logfs, which writes down what they receive.

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const MiB = 1 << 20
/** What each file system needs at least, and is mounted with when its twin may be mounted too. */
const KINDS = {
  ext4: { size: 96 * MiB, make: ['mkfs.ext4', '-q'], options: 'loop', held: 'loop,ro,noload' },
  xfs: { size: 320 * MiB, make: ['mkfs.xfs', '-q'], options: 'loop,nouuid', held: 'loop,ro,norecovery,nouuid' },
}
const SOURCE = path.join(__dirname, 'logfs.c')
const pause = new Int32Array(new SharedArrayBuffer(4))

/** Runs a program to its end; throws with its own words. */
function run(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
  return stdout
}

/** Why this machine cannot do it; nothing when it can. */
function missing() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return 'only root on Linux may mount an image'
  for (const device of ['/dev/fuse', '/dev/loop-control']) if (!fs.existsSync(device)) return `${device} is not there`
  for (const program of ['cc', 'pkg-config', 'unshare', 'losetup', 'mkfs.ext4', 'mkfs.xfs']) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `${program} is not installed`
  }
  if (spawnSync('pkg-config', ['--exists', 'fuse3']).status !== 0) return 'the headers of libfuse3 are not installed'
  return undefined
}

/** Compiles logfs into a directory. */
function buildLogfs(directory) {
  const program = path.join(directory, 'logfs')
  const flags = run('pkg-config', '--cflags', '--libs', 'fuse3').trim().split(/\s+/)
  run('cc', '-O2', '-Wall', '-Wextra', '-D_FILE_OFFSET_BITS=64', SOURCE, '-o', program, ...flags)
  return program
}

function make(kind, image) {
  fs.writeFileSync(image, '')
  fs.truncateSync(image, KINDS[kind].size)
  run(...KINDS[kind].make, image)
}

/** Mounts images at their places, in order. */
function mount(kind, images, places) {
  for (const [at, image] of images.entries()) run('mount', '-t', kind, '-o', KINDS[kind].options, image, places[at])
}

/** Unmounts them; who still has a file open there (a git that is just ending) is waited for. */
function unmount(places) {
  for (const place of places) {
    for (let left = 100; ; left--) {
      const { status, stderr } = spawnSync('umount', [place], { encoding: 'utf8' })
      if (status === 0) break
      if (left === 0 || !/busy/.test(stderr)) throw new Error(`umount ${place}: ${stderr.trim()}`)
      Atomics.wait(pause, 0, 0, 50)
    }
  }
}

/** Which loop devices serve these places. */
const devices = (places) => places.map((place) => run('findmnt', '-n', '-o', 'SOURCE', place).trim())

/** Keeps loop devices in use, so that a cut disk gets another number. Gives the places to be unmounted. */
function hold(kind, images, loops, directory) {
  return loops.flatMap((loop, number) => {
    const place = path.join(directory, `held-${number}`)
    fs.mkdirSync(place, { recursive: true })
    const options = KINDS[kind].held.replace('loop', `loop=${loop}`)
    const { status } = spawnSync('mount', ['-t', kind, '-o', options, images[number], place])
    // One that somebody else has by now is in use anyway.
    return status === 0 ? [place] : []
  })
}

const copy = (from, to) => run('cp', '--sparse=always', from, to)

/** Images that are mounted through logfs. */
class Recorder {
  constructor(logfs, directory, kind, images, places) {
    const under = path.join(directory, 'logged')
    fs.mkdirSync(under, { recursive: true })
    this.under = under
    this.places = places
    this.log = path.join(directory, 'log')
    this.process = spawn(logfs, [under, this.log, ...images], { stdio: ['ignore', 'inherit', 'inherit'] })
    for (let left = 200; !fs.existsSync(path.join(under, 'mark')); left--) {
      if (left === 0) throw new Error('logfs did not start')
      Atomics.wait(pause, 0, 0, 20)
    }
    mount(kind, images.map((_, number) => path.join(under, `disk${number}`)), places)
    this.loops = devices(places)
  }

  /** Writes into the log where it is now. */
  mark(text) {
    fs.writeFileSync(path.join(this.under, 'mark'), text)
  }

  end() {
    unmount(this.places)
    unmount([this.under])
  }
}

module.exports = { Recorder, buildLogfs, copy, hold, make, missing, mount, run, unmount }
