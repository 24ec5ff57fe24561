'use strict'

// Repositories to measure with: made from a seed, with the sizes and depths that source trees have.
//
//   node scripts/bench/repository.js FILE OPTIONS    writes the input of git fast-import

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')

const { createRandom } = require('../torture/support/random')

const WORDS = 'task branch tree commit phase group index object lease agent review merge build fetch'.split(' ')
const POOL = 8 << 20
const FILES_PER_DIRECTORY = 12
const DEEPEST = 8
/** Every so many files one has a megabyte. */
const BETWEEN_LARGE = 2000
const LARGE = 1 << 20

/** Text in lines, from which every file is a piece: it packs as source code does, and costs no time. */
function textPool(random) {
  let text = ''
  while (text.length < POOL) text += `${random.pick(WORDS)}_${random.pick(WORDS)} = ${random.between(0, 99999)}\n`
  return Buffer.from(text)
}

/** Log-normal, as the sizes of source files are. */
function fileSize(random, median) {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  return Math.max(1, Math.min(POOL / 2, Math.round(median * Math.exp(1.2 * normal))))
}

/** Names of directories: each lies in an earlier one, rather in one of the first. */
function directories(random, count) {
  const made = [{ path: 'src', depth: 1 }]
  while (made.length < count) {
    const parent = made[Math.floor(made.length * random.next() ** 2)]
    if (parent.depth < DEEPEST) made.push({ path: `${parent.path}/${random.pick(WORDS)}-${made.length}`, depth: parent.depth + 1 })
  }
  return made.map((directory) => directory.path)
}

/** Writes the input of `git fast-import` for one commit. */
function writeFastImport(file, { files, seed, median }) {
  const random = createRandom(seed)
  const pool = textPool(random)
  const places = directories(random, Math.ceil(files / FILES_PER_DIRECTORY))
  const output = fs.openSync(file, 'w')
  const add = (name, content) => fs.writevSync(output, [Buffer.from(`M 100644 inline ${name}\ndata ${content.length}\n`), content, Buffer.from('\n')])
  fs.writeSync(output, 'commit refs/heads/main\ncommitter okstra <okstra@example.invalid> 1700000000 +0000\ndata 6\nfiles\n\n')
  add('.gitignore', Buffer.from('*.log\n.scratch/\n'))
  for (let i = 1; i < files; i++) {
    const size = i % BETWEEN_LARGE === BETWEEN_LARGE - 1 ? LARGE : fileSize(random, median)
    const start = random.between(0, pool.length - size)
    const head = Buffer.from(`# file ${i}\n`)
    add(`${places[i % places.length]}/${random.pick(WORDS)}-${i}.txt`, Buffer.concat([head, pool.subarray(start, start + size)]))
  }
  fs.closeSync(output)
}

/**
 * Makes a repository with one commit of `files` files on `main`, checked out, and gives its path. `median` is the median
 * of their sizes, in bytes.
 *
 * What goes into it is written by another process: to start git costs more in one with a lot of memory, which would be
 * measured.
 */
function createRepository(sandbox, { name = 'repository', files, seed = 1, median = 1500 }) {
  const directory = sandbox.path(name)
  sandbox.git(sandbox.directory, 'init', '-q', '-b', 'main', directory)
  const file = sandbox.path(`${name}.import`)
  const written = spawnSync(process.execPath, [__filename, file, JSON.stringify({ files, seed, median })], { encoding: 'utf8' })
  if (written.status !== 0) throw new Error(`a repository of ${files} files: ${written.stderr}`)
  const input = fs.openSync(file, 'r')
  // Packed quickly; to unpack costs the same whatever the level.
  const options = { cwd: directory, env: sandbox.environment, encoding: 'utf8', stdio: [input, 'pipe', 'pipe'] }
  const { status, stderr } = spawnSync('git', ['-c', 'core.compression=1', 'fast-import', '--quiet', '--depth=0'], options)
  fs.closeSync(input)
  fs.rmSync(file)
  if (status !== 0) throw new Error(`git fast-import: ${stderr}`)
  sandbox.git(directory, 'reset', '-q', '--hard')
  return directory
}

module.exports = { createRepository }

if (require.main === module) writeFastImport(process.argv[2], JSON.parse(process.argv[3]))
