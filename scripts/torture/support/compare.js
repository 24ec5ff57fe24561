'use strict'

// Comparing two worktrees of one repository: nothing that a program can see of the trees may differ.

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

/** What is in a worktree: kind, permissions and content of each path. */
function survey(root) {
  const seen = new Map()
  const times = new Map()
  const walk = (directory) => {
    // Names are bytes: two of them may be the same text.
    for (const name of fs.readdirSync(path.join(root, directory))) {
      const relative = path.join(directory, name)
      if (relative === '.git') continue
      const place = path.join(root, relative)
      const found = fs.lstatSync(place)
      const mode = (found.mode & 0o7777).toString(8)
      times.set(relative, found.mtimeMs)
      if (found.isDirectory()) {
        seen.set(relative, `directory ${mode}`)
        walk(relative)
      } else if (found.isSymbolicLink()) {
        seen.set(relative, `link ${fs.readlinkSync(place)}`)
      } else {
        const hash = crypto.createHash('sha1').update(fs.readFileSync(place)).digest('hex')
        seen.set(relative, `file ${mode} ${found.size} ${hash} links ${found.nlink}`)
      }
    }
  }
  walk('')
  return { seen, times }
}

/** What git says of a worktree. */
const QUESTIONS = [
  ['status', '--porcelain', '--ignored'],
  ['ls-files', '--stage', '-z'],
  ['ls-files', '-v', '-z'],
  ['diff', 'HEAD', '--stat'],
  ['write-tree'],
  ['ls-files', '--eol', '-z'],
]

/** Gives every file a time that no index knows, so that git reads it again. */
function touch(root, names) {
  const later = Date.now() / 1000 + 60
  for (const name of names) fs.lutimesSync(path.join(root, name), later, later)
}

const statusLines = (sandbox, tree) => sandbox.tryGit(tree, 'status', '--porcelain', '--ignored').stdout.split('\n')

/**
 * The differences between two worktrees, in words. git is asked after it had to read all files again: what it says of
 * content that its own attributes would change depends on whether it looks.
 */
function differences(sandbox, ours, theirs) {
  const found = []
  const [one, other] = [survey(ours), survey(theirs)]
  const atFirst = statusLines(sandbox, ours)
  touch(ours, one.seen.keys())
  touch(theirs, other.seen.keys())
  const after = new Set(statusLines(sandbox, theirs))
  for (const line of atFirst) if (!after.has(line)) found.push(`the first git status says ${line}`)
  for (const name of new Set([...one.seen.keys(), ...other.seen.keys()])) {
    const [mine, its] = [one.seen.get(name), other.seen.get(name)]
    if (mine !== its) found.push(`${JSON.stringify(name)}: ${mine}, with git ${its}`)
  }
  for (const question of QUESTIONS) {
    const [mine, its] = [ours, theirs].map((tree) => {
      const { status: code, stdout, stderr } = sandbox.tryGit(tree, ...question)
      return `${code} ${stdout} ${stderr}`
    })
    if (mine !== its) found.push(`git ${question.join(' ')}: ${JSON.stringify(mine.slice(0, 300))}, with git ${JSON.stringify(its.slice(0, 300))}`)
  }
  return found
}

/** How many files of a tree have the very times of another one's: those that were copied. Asked before they change. */
function copied(tree, main) {
  const [here, there] = [survey(tree), survey(main)]
  let count = 0
  for (const [name, time] of here.times) {
    if (!here.seen.get(name).startsWith('directory') && there.times.get(name) === time) count++
  }
  return { copied: count, files: [...here.seen.values()].filter((what) => !what.startsWith('directory')).length }
}

module.exports = { copied, differences }
