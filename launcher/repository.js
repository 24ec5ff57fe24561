'use strict'
// Which repository a directory belongs to, read from the disk: git is not started, so that every command can ask.
//
// The native part asks git itself before it makes anything. Here a name is found, and the place of the project file; what
// git would not take for a repository only leads to another name.

const fs = require('node:fs')
const path = require('node:path')

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const readLine = (file) => readText(file)?.replace(/\r?\n$/, '')

function resolved(place) {
  try {
    return fs.realpathSync.native(place)
  } catch {
    return path.resolve(place)
  }
}

/**
 * The repository around a directory, or nothing: `{ main, common, bare, name }`. `main` is the root of its main worktree;
 * absent in a bare repository, and where that cannot be known (in a linked worktree of a repository that was made with
 * `--separate-git-dir`). `common` is its common git directory. `name` is what people call it.
 */
function findRepository(start) {
  for (let directory = resolved(start); ; directory = path.dirname(directory)) {
    const gitDirectory = gitDirectoryOf(directory)
    if (gitDirectory) return describe(gitDirectory, directory)
    if (isGitDirectory(directory)) return describe(directory)
    if (path.dirname(directory) === directory) return undefined
  }
}

/** The git directory that the `.git` of a worktree is, or names. */
function gitDirectoryOf(worktree) {
  const dotGit = path.join(worktree, '.git')
  const stat = fs.statSync(dotGit, { throwIfNoEntry: false })
  if (stat?.isDirectory()) return fs.existsSync(path.join(dotGit, 'HEAD')) ? resolved(dotGit) : undefined
  const link = stat?.isFile() && /^gitdir: (.*?)\r?\n?$/s.exec(readText(dotGit) ?? '')
  return link ? resolved(path.resolve(worktree, link[1])) : undefined
}

function isGitDirectory(directory) {
  return ['HEAD', 'objects', 'refs'].every((name) => fs.existsSync(path.join(directory, name)))
}

function describe(gitDirectory, worktree) {
  const pointer = readLine(path.join(gitDirectory, 'commondir'))
  const common = pointer === undefined ? gitDirectory : resolved(path.resolve(gitDirectory, pointer))
  const { bare, worktree: configured } = coreSettings(common)
  const main = bare ? undefined : mainWorktree(common, configured, worktree, pointer !== undefined)
  return { main, common, bare, name: nameOf(main, common) }
}

function mainWorktree(common, configured, worktree, linked) {
  if (configured !== undefined) return resolved(path.resolve(common, configured))
  if (worktree !== undefined && !linked) return worktree
  if (path.basename(common) === '.git') return path.dirname(common)
  return worktree && throughLink(worktree, common)
}

// A task's worktree sees the shared directories of the main worktree through links: they know where it is when git does
// not. The other end must be of the same repository.
function throughLink(worktree, common) {
  const link = path.join(worktree, '.project-docs')
  if (!fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined
  const main = path.dirname(resolved(link))
  return gitDirectoryOf(main) === common ? main : undefined
}

function nameOf(main, common) {
  if (main) return path.basename(main)
  const own = path.basename(common)
  return own.startsWith('.') ? path.basename(path.dirname(common)) : own.replace(/\.git$/, '')
}

/** `core.bare` and `core.worktree` as a repository's own configuration has them. */
function coreSettings(common) {
  const settings = { bare: false, worktree: undefined }
  // git moves both to the second file when worktrees get configurations of their own.
  for (const file of ['config', 'config.worktree']) {
    let inCore = false
    for (const line of (readText(path.join(common, file)) ?? '').split(/\r?\n/)) {
      const section = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)
      if (section) inCore = section[1].toLowerCase() === 'core'
      const entry = inCore && /^(?:\s*\[[^\]]*\])?\s*(bare|worktree)\s*(?:=\s*(.*))?$/i.exec(line)
      if (!entry) continue
      if (entry[1].toLowerCase() === 'bare') settings.bare = isTrue(entry[2])
      else if (entry[2] !== undefined) settings.worktree = valueOf(entry[2])
    }
  }
  return settings
}

function isTrue(value) {
  return value === undefined || /^(true|yes|on|[1-9]\d*)$/i.test(valueOf(value))
}

/** A value without the quotes, escapes and comment that git's configuration files may have. */
function valueOf(text) {
  let value = ''
  let quoted = false
  let kept = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') quoted = !quoted
    else if (!quoted && (character === '#' || character === ';')) break
    else if (character === '\\') value += { n: '\n', t: '\t', b: '\b' }[text[++i]] ?? text[i] ?? ''
    else value += character
    if (quoted || !/\s/.test(character)) kept = value.length
  }
  return value.slice(0, kept)
}

module.exports = { findRepository }
