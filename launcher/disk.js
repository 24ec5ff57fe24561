'use strict'
// Files that are written whole or not at all, whatever dies and whenever.

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

/** Makes a file that is not there yet, complete from the first moment; `false` when something of that name exists. */
function createFile(file, content) {
  const temporary = writeTemporary(file, content, 0o666)
  try {
    fs.linkSync(temporary, file)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    // A file system without hard links (exFAT, some network mounts): exclusive, but not whole from the first moment.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(error.code)) throw error
    return createPlain(file, content)
  } finally {
    fs.rmSync(temporary, { force: true })
  }
  syncDirectory(path.dirname(file))
  return true
}

function createPlain(file, content) {
  try {
    fs.writeFileSync(file, content, { flag: 'wx', flush: true })
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  return true
}

/** Replaces a file, or makes it. A symbolic link stays one; the permissions stay as they are. */
function replaceFile(file, content) {
  const target = fs.existsSync(file) ? fs.realpathSync.native(file) : file
  const mode = fs.statSync(target, { throwIfNoEntry: false })?.mode
  const temporary = writeTemporary(target, content, 0o666)
  try {
    if (mode !== undefined) fs.chmodSync(temporary, mode & 0o7777)
    fs.renameSync(temporary, target)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
  syncDirectory(path.dirname(target))
}

function writeTemporary(target, content, mode) {
  const temporary = `${target}.tmp.${process.pid}.${crypto.randomBytes(8).toString('hex')}`
  const descriptor = fs.openSync(temporary, 'wx', mode)
  try {
    fs.writeFileSync(descriptor, content)
    fs.fsyncSync(descriptor)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  } finally {
    fs.closeSync(descriptor)
  }
  return temporary
}

// After this the name survives a power cut. Windows cannot open directories and flushes names with the files.
function syncDirectory(directory) {
  if (process.platform === 'win32') return
  const descriptor = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

module.exports = { createFile, replaceFile }
