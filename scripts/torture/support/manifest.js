'use strict'

const { createHash } = require('node:crypto')
const fs = require('node:fs')

/** Files over this size are told apart by their size, their place on disk and their ends: reading holes takes long. */
const WHOLE = 64 << 20

function digest(file, size) {
  const hash = createHash('sha256')
  if (size <= WHOLE) return hash.update(fs.readFileSync(file)).digest('hex')
  const handle = fs.openSync(file, 'r')
  try {
    const piece = Buffer.alloc(1 << 20)
    for (const at of [0, size - piece.length]) hash.update(piece.subarray(0, fs.readSync(handle, piece, 0, piece.length, at)))
  } finally {
    fs.closeSync(handle)
  }
  return hash.digest('hex')
}

/**
 * Everything in a tree, by its name (bytes as latin1): kind, mode, size, blocks, time, link count and content of each
 * file, target of each link. Directories without their times: making a link again changes those.
 */
function manifest(directory) {
  const found = new Map()
  const visit = (place, name) => {
    const stat = fs.lstatSync(place, { bigint: true })
    const mode = (stat.mode & 0o7777n).toString(8)
    if (stat.isDirectory()) {
      if (name !== '') found.set(name, `directory ${mode}`)
      for (const child of fs.readdirSync(place, { encoding: 'buffer' })) {
        if (name === '' && child.toString() === '.git') continue
        const below = Buffer.concat([Buffer.isBuffer(place) ? place : Buffer.from(place), Buffer.from('/'), child])
        visit(below, name === '' ? child.toString('latin1') : `${name}/${child.toString('latin1')}`)
      }
    } else if (stat.isSymbolicLink()) {
      found.set(name, `link ${fs.readlinkSync(place, { encoding: 'buffer' }).toString('latin1')}`)
    } else if (stat.isFile()) {
      const size = Number(stat.size)
      found.set(name, `file ${mode} ${size} ${stat.blocks} ${stat.mtimeNs} ${stat.nlink} ${digest(place, size)}`)
    } else {
      found.set(name, `special ${mode}`)
    }
  }
  visit(directory, '')
  return found
}

/** What differs between two manifests, in words. */
function differences(before, after) {
  const words = []
  for (const [name, what] of before) {
    if (after.get(name) !== what) words.push(`${JSON.stringify(name)}: ${what} -> ${after.get(name) ?? 'nothing'}`)
  }
  for (const name of after.keys()) if (!before.has(name)) words.push(`${JSON.stringify(name)}: came from nowhere`)
  return words
}

/** The content of every file below the directories that exist, as a set of hashes. */
function contents(directories) {
  const hashes = new Set()
  for (const directory of directories.filter((one) => fs.existsSync(one))) {
    for (const what of manifest(directory).values()) {
      if (what.startsWith('file ')) hashes.add(what.slice(what.lastIndexOf(' ') + 1))
    }
  }
  return hashes
}

/** What git says about a worktree: its status with ignored files, its index, `HEAD`, and its administrative files. */
function gitState(sandbox, tree) {
  const ask = (...args) => {
    const { status, stdout } = sandbox.tryGit(tree, ...args)
    return `${status}: ${stdout}`
  }
  const admin = sandbox.tryGit(tree, 'rev-parse', '--absolute-git-dir').stdout.trim()
  const files = admin ? fs.readdirSync(admin).filter((name) => !['okstra.json', 'index', 'COMMIT_EDITMSG'].includes(name)) : []
  return new Map([
    ['status', ask('status', '--porcelain=v2', '-z', '--untracked-files=all', '--ignored=matching', '--branch')],
    ['in words', ask('status')],
    ['index', ask('ls-files', '--stage', '-v', '-z')],
    ['HEAD', `${ask('rev-parse', 'HEAD')} ${ask('symbolic-ref', '-q', 'HEAD')}`],
    ['log of HEAD', ask('log', '-g', '--format=%H', 'HEAD')],
    ['administrative files', files.sort().join(' ')],
  ])
}

module.exports = { contents, differences, gitState, manifest }
