'use strict'
// What the installation does to the disk, and the only code of it that does. Nothing here follows a link that stands
// where a file of ours belongs, and a file is replaced whole or not at all.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('../errors.js')
const { inside } = require('../home.js')

const TEMPORARY = /^(.+)\.tmp\.\d+\.[0-9a-f]{16}$/

/** What lies at a place, the link itself where it is one; nothing where nothing is. */
function look(file) {
  let stat
  try {
    stat = fs.lstatSync(file)
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
  const kind = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'directory' : 'special file'
  return { kind, size: stat.size, mtimeMs: stat.mtimeMs, identity: `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}` }
}

// Below something that is no directory there is nothing either.
const isAbsence = ({ code }) => code === 'ENOENT' || code === 'ENOTDIR'

/** The SHA-256 of a content, or of a file, in hex. */
function sha256(content) {
  return require('node:crypto').createHash('sha256').update(content).digest('hex')
}

/** The nearest thing between `base` and `file` that is no directory, and so hides where a write would go. */
function obstacle(base, file) {
  const between = path.relative(base, path.dirname(file)).split(path.sep).filter(Boolean)
  let directory = base
  for (const name of between) {
    directory = inside(directory, name)
    const found = look(directory)
    if (!found) return undefined
    if (found.kind !== 'directory') return { path: directory, kind: found.kind }
  }
  return undefined
}

/**
 * Writes a file beside its place and renames it there, flushed to the device, unless what lies there is no longer
 * `expected` (an identity that `look` gave, nothing for "no file"). Gives what lies there now, or nothing when it did not
 * write.
 */
function writeFile(file, content, expected) {
  const temporary = `${file}.tmp.${process.pid}.${require('node:crypto').randomBytes(8).toString('hex')}`
  try {
    const descriptor = fs.openSync(temporary, 'wx', 0o644)
    try {
      fs.writeFileSync(descriptor, content)
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
    // Whoever saves the file between this look and the rename loses: the window is a few microseconds.
    if (look(file)?.identity !== expected) {
      fs.unlinkSync(temporary)
      return undefined
    }
    fs.renameSync(temporary, file)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
  return look(file)
}

/** Removes a file when it is still the `expected` one; says whether it did. */
function removeFile(file, expected) {
  const found = look(file)
  if (!found || found.identity !== expected) return false
  fs.unlinkSync(file)
  return true
}

/** Removes what killed writers left of the files with these names. With the lock held no writer is alive. */
function sweepTemporaries(directory, names) {
  for (const entry of entriesOf(directory)) {
    if (names.has(TEMPORARY.exec(entry)?.[1])) fs.rmSync(inside(directory, entry), { force: true })
  }
}

/** Removes a directory and those above it, below `base`, as long as nothing is in them. */
function removeEmpty(directory, base) {
  for (let place = directory; place !== base && path.relative(base, place).split(path.sep)[0] !== '..'; place = path.dirname(place)) {
    try {
      fs.rmdirSync(place)
    } catch (error) {
      if (error.code !== 'ENOENT') return
    }
  }
}

/** The names in a directory; none when there is no such directory. */
function entriesOf(directory) {
  try {
    return fs.readdirSync(directory)
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

/** Flushes a directory: after this the names in it survive a power cut. Windows flushes them with the files. */
function flushDirectory(directory) {
  if (process.platform === 'win32') return
  const descriptor = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

const ACTIONS = { mkdir: 'make the directory', open: 'open', write: 'write', fsync: 'flush to the device', rename: 'rename', unlink: 'remove', scandir: 'read the directory', lstat: 'look at', rmdir: 'remove the directory', rm: 'remove' }

/** An error of the operating system as one of okstra's; any other as it is. */
function typed(error) {
  if (!error?.syscall || String(error.code).startsWith('OKSTRA_')) return error
  const [, reason] = /^\w+: ([^,]+)/.exec(error.message) ?? [undefined, error.code]
  const place = error.dest ?? error.path
  return new LauncherError('OKSTRA_IO', `cannot ${ACTIONS[error.syscall] ?? error.syscall}${place ? ` ${place}` : ''}: ${reason}`, {
    hint: 'See that the place exists, is writable and has free space, then try again.',
    ...(place && { path: place }),
  })
}

module.exports = { look, sha256, obstacle, writeFile, removeFile, sweepTemporaries, removeEmpty, entriesOf, flushDirectory, typed }
