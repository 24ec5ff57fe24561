'use strict'
// Where okstra keeps its files, by the rule of src/home.rs, for commands that must not pay for loading the addon. A test
// holds the two together.

const path = require('node:path')

const WINDOWS = process.platform === 'win32'

/**
 * The okstra home: `$OKSTRA_HOME` (trimmed; empty counts as unset), else `.okstra` in the user's directory; absolute.
 * `OKSTRA_INVALID_ARGUMENT` where there is none, or where it holds a control character.
 */
function okstraHome() {
  // The characters that Rust trims; those of `String.prototype.trim` are others.
  const named = (process.env.OKSTRA_HOME ?? '').replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '')
  const home = absolute(named === '' ? inside(userDirectory(), '.okstra') : named)
  const [control] = /\p{Cc}/u.exec(home) ?? []
  if (control === undefined) return home
  throw notAllowed('okstra home', home, `it holds the control character ${JSON.stringify(control)}`)
}

function userDirectory() {
  const recorded = () => require('node:os')[WINDOWS ? 'homedir' : 'userInfo']()
  const directory = WINDOWS ? recorded() : process.env.HOME || recorded().homedir
  if (directory && path.isAbsolute(directory)) return directory
  throw notAllowed('HOME', '', 'it names no absolute directory and OKSTRA_HOME is not set')
}

function notAllowed(what, value, reason) {
  const { LauncherError } = require('./errors.js')
  return new LauncherError('OKSTRA_INVALID_ARGUMENT', `${what} ${JSON.stringify(value)} is not allowed: ${reason}`, {
    hint: `Give another ${what}.`,
  })
}

// As Rust's `std::path::absolute`: `..` stays, since behind a symbolic link it means another place than the text says.
function absolute(text) {
  if (WINDOWS) return path.resolve(text)
  const parts = text.split('/').filter((part) => part !== '' && part !== '.')
  const top = /^\/\/(?!\/)/.test(text) ? '//' : '/'
  const root = text.startsWith('/') ? top : process.cwd()
  return parts.length === 0 ? root : inside(root, ...parts)
}

/** A path below a directory. Unlike `path.join` it leaves `..` where it is. */
function inside(directory, ...names) {
  return [directory.endsWith(path.sep) ? directory.slice(0, -1) : directory, ...names].join(path.sep)
}

/** Where everything lies in an okstra home that another program may want to find. */
function placesIn(home) {
  return {
    home,
    worktrees: inside(home, 'worktrees'),
    registry: inside(home, 'worktrees', 'registry.json'),
    skills: inside(home, 'skills'),
    templates: inside(home, 'templates'),
    pythonPath: inside(home, 'python'),
  }
}

module.exports = { okstraHome, placesIn, inside }
