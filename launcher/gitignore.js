'use strict'
// A marked block of lines in the `.gitignore` of a worktree.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('./errors.js')
const { ioError } = require('./project-file.js')

const BEGIN = '# >>> okstra: directories that all tasks share >>>'
const END = '# <<< okstra: directories that all tasks share <<<'

/** The line that ignores exactly this directory of the root, also where it is a symbolic link. */
function ignoreLine(name) {
  return `/${name.replace(/[*?[\]\\ ]/g, '\\$&')}`
}

/** Adds the lines that are not there to the block, which is made once. Everything else in the file stays as it is, byte for byte. */
function addLines(root, lines) {
  const file = path.join(root, '.gitignore')
  const stat = fs.lstatSync(file, { throwIfNoEntry: false })
  if (stat && !stat.isFile()) {
    const what = stat.isSymbolicLink() ? 'a symbolic link, which git does not follow' : 'not a regular file'
    const hint = `Put a file there, or add these lines yourself: ${lines.join(' ')}`
    throw new LauncherError('OKSTRA_IO', `cannot add lines to ${file}: it is ${what}`, { hint, path: file })
  }
  try {
    // Bytes as characters: what is in the file need not be UTF-8.
    const present = stat ? fs.readFileSync(file, 'latin1') : ''
    // Another process may have added them since somebody asked git for what is missing.
    const known = new Set(present.split(/\r?\n/))
    const missing = lines.map((line) => Buffer.from(line).toString('latin1')).filter((line) => !known.has(line))
    if (missing.length === 0) return
    require('./disk.js').replaceFile(file, Buffer.from(withLines(present, missing), 'latin1'))
  } catch (error) {
    throw ioError('add lines to', file, error)
  }
}

function withLines(text, lines) {
  const ending = /\r\n/.test(text) ? '\r\n' : '\n'
  const added = lines.map((line) => line + ending).join('')
  const begin = text.search(new RegExp(`^${BEGIN}\\r?$`, 'm'))
  const end = begin < 0 ? -1 : text.slice(begin).search(new RegExp(`^${END}\\r?$`, 'm'))
  if (end >= 0) return text.slice(0, begin + end) + added + text.slice(begin + end)
  const gap = text === '' || text.endsWith('\n') ? '' : ending
  return `${text}${gap}${BEGIN}${ending}${added}${END}${ending}`
}

module.exports = { ignoreLine, addLines }
