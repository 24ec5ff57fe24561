'use strict'

// What `git worktree add` leaves behind when it is killed: every distinct outcome of a kill at each of its system calls,
// in the order in which it makes them. Planted by taking a complete worktree apart, so that what stays is git's own.

const fs = require('node:fs')
const path = require('node:path')

// `entry`: the files kept of `worktrees/<id>` (absent: no directory); `tree`: those of the worktree (absent: none), with
// `some` and `all` for the checked out ones. A name ending in `=` is emptied; one that is not there is made, a lock with
// the content of the file that it would become.
const BORN = ['locked', 'gitdir', 'commondir', 'refs']
const HEADED = [...BORN, 'HEAD', 'logs']
const OUTCOMES = [
  ['nothing', {}],
  ['an empty branch lock', { locks: ['branch.lock='] }],
  ['a written branch lock', { locks: ['branch.lock'] }],
  ['a branch lock and its log', { locks: ['branch.lock'], log: true }],
  ['the branch', { branch: true }],
  ['the branch and a config lock', { branch: true, locks: ['config.lock='] }],
  ['an empty entry', { branch: true, entry: [] }],
  ['an entry with an empty lock', { branch: true, entry: ['locked='] }],
  ['a locked entry', { branch: true, entry: ['locked'] }],
  ['an empty tree', { branch: true, entry: ['locked'], tree: [] }],
  ['an empty gitdir', { branch: true, entry: ['locked', 'gitdir='], tree: [] }],
  ['a gitdir', { branch: true, entry: ['locked', 'gitdir'], tree: [] }],
  ['an empty .git', { branch: true, entry: ['locked', 'gitdir'], tree: ['.git='] }],
  ['a .git', { branch: true, entry: ['locked', 'gitdir'], tree: ['.git'] }],
  ['an empty commondir', { branch: true, entry: ['locked', 'gitdir', 'commondir='], tree: ['.git'] }],
  ['a commondir', { branch: true, entry: ['locked', 'gitdir', 'commondir'], tree: ['.git'] }],
  ['no HEAD', { branch: true, entry: BORN, tree: ['.git'] }],
  ['an empty HEAD lock', { branch: true, entry: [...BORN, 'HEAD.lock='], tree: ['.git'] }],
  ['a written HEAD lock', { branch: true, entry: [...BORN, 'HEAD.lock'], tree: ['.git'] }],
  ['a HEAD lock and its log', { branch: true, entry: [...BORN, 'HEAD.lock', 'logs'], tree: ['.git'] }],
  ['no index', { branch: true, entry: HEADED, tree: ['.git'] }],
  ['an index lock', { branch: true, entry: [...HEADED, 'index.lock='], tree: ['.git'] }],
  ['an index lock and some files', { branch: true, entry: [...HEADED, 'index.lock='], tree: ['.git', 'some'] }],
  ['an index lock and all files', { branch: true, entry: [...HEADED, 'index.lock='], tree: ['.git', 'all'] }],
  ['a written index lock', { branch: true, entry: [...HEADED, 'index.lock'], tree: ['.git', 'all'] }],
  ['an ORIG_HEAD lock', { branch: true, entry: [...HEADED, 'index', 'ORIG_HEAD.lock='], tree: ['.git', 'all'] }],
  ['locks on HEAD and branch', { branch: true, entry: [...HEADED, 'index', 'ORIG_HEAD', 'HEAD.lock='], tree: ['.git', 'all'], locks: ['branch.lock='] }],
  ['a lock on the packed refs', { branch: true, entry: [...HEADED, 'index', 'ORIG_HEAD', 'AUTO_MERGE.lock='], tree: ['.git', 'all'], locks: ['packed-refs.lock='] }],
  ['all but the unlock', { branch: true, entry: [...HEADED, 'index', 'ORIG_HEAD'], tree: ['.git', 'all'] }],
  ['all but the hook', { branch: true, entry: [...HEADED.slice(1), 'index', 'ORIG_HEAD'], tree: ['.git', 'all'] }],
  ['a roll-back that was cut short', { branch: true, entry: ['index', 'ORIG_HEAD'], tree: ['.git', 'all'] }],
]

const isFile = (file) => fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true

/** Takes a complete worktree apart until only an outcome is left. `place`: common, admin, tree, branch, base. */
function plant({ branch, entry, tree, locks = [], log }, place) {
  const { common, admin } = place
  const reference = path.join(common, 'refs', 'heads', place.branch)
  const commit = `${place.base}\n`
  if (!branch) {
    fs.rmSync(reference, { force: true })
    if (!log) fs.rmSync(path.join(common, 'logs', 'refs', 'heads', place.branch), { force: true })
  }
  if (!entry) fs.rmSync(admin, { recursive: true, force: true })
  else keep(admin, entry, { ORIG_HEAD: commit })
  if (!tree) fs.rmSync(place.tree, { recursive: true, force: true })
  else if (!tree.includes('all')) keepTree(place.tree, tree)
  for (const lock of locks) {
    const name = lock.replace('=', '').replace('branch', `refs/heads/${place.branch}`)
    fs.writeFileSync(path.join(common, name), lock.endsWith('=') ? '' : commit)
  }
}

function keep(directory, names, made) {
  const wanted = new Map(names.map((name) => [name.replace('=', ''), name.endsWith('=')]))
  for (const [name, empty] of wanted) {
    const file = path.join(directory, name)
    const source = path.join(directory, name.replace(/\.lock$/, ''))
    if (fs.existsSync(file) && !empty) continue
    if (empty) fs.writeFileSync(file, '')
    else if (isFile(source)) fs.copyFileSync(source, file)
    else fs.writeFileSync(file, made[name] ?? '')
  }
  for (const name of fs.readdirSync(directory)) {
    if (!wanted.has(name)) fs.rmSync(path.join(directory, name), { recursive: true })
  }
}

function keepTree(directory, names) {
  const some = names.includes('some') ? ['src'] : []
  for (const name of fs.readdirSync(directory)) {
    if (name !== '.git' && !some.includes(name)) fs.rmSync(path.join(directory, name), { recursive: true, force: true })
  }
  if (names.includes('.git=')) fs.writeFileSync(path.join(directory, '.git'), '')
  if (!names.some((name) => name.startsWith('.git'))) fs.rmSync(path.join(directory, '.git'), { force: true })
}

/** Makes everything below a directory two hours old. */
function makeOld(directory, seconds = Date.now() / 1000 - 7200) {
  for (const name of fs.readdirSync(directory)) {
    const place = path.join(directory, name)
    const stat = fs.lstatSync(place)
    if (stat.isDirectory()) makeOld(place, seconds)
    fs.lutimesSync(place, seconds, seconds)
  }
}

module.exports = { OUTCOMES, makeOld, plant }
