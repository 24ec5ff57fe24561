'use strict'

const fs = require('node:fs')
const path = require('node:path')

const { changedSentinels } = require('./repository')

const FIELDS = 'project_id task_group task_id worktree_path branch base_ref created_at last_phase status'

/** Every file below a directory, without the trees that recovery moved aside. */
function filesBelow(directory, found = []) {
  let entries = []
  try {
    entries = fs.readdirSync(directory, { withFileTypes: true })
  } catch {
    return found
  }
  for (const entry of entries) {
    const file = path.join(directory, entry.name)
    if (!entry.isDirectory()) found.push(file)
    else if (entry.name !== 'okstra-quarantine' && entry.name !== 'objects') filesBelow(file, found)
  }
  return found
}

const list = (directory) => {
  try {
    return fs.readdirSync(directory)
  } catch {
    return []
  }
}

/** The intent records that are there. A temporary file of a killed writer is none. */
const intents = (sandbox) =>
  list(path.join(sandbox.home, 'state', 'intents')).filter((name) => name.endsWith('.json'))

/** The lock that the entry of an active task has. */
const STANDING = /^okstra [^/]+\/[^/]+\/[^/]+: use okstra remove$/

/** Lock files that a dead git left in the repository, and worktrees that stayed locked in the name of a run. */
function leftLocks(repository) {
  const found = []
  for (const file of filesBelow(path.join(repository, '.git'))) {
    const name = path.relative(repository, file)
    if (name.endsWith('.lock')) found.push(`left behind: ${name}`)
    if (path.basename(file) === 'locked' && !STANDING.test(fs.readFileSync(file, 'utf8').trim())) {
      found.push(`still locked: ${name}: ${fs.readFileSync(file, 'utf8').trim()}`)
    }
    if (path.basename(file) === 'commondir' && fs.statSync(file).size === 0) found.push(`torn: ${name}`)
  }
  return found
}

/** The registry as Node and as 0.12.0 reads it. */
async function checkRegistry(sandbox, checker, keys) {
  const violations = []
  let data
  try {
    data = JSON.parse(fs.readFileSync(sandbox.registryFile, 'utf8'))
  } catch (error) {
    return [`registry does not parse in Node: ${error.message}`]
  }
  const python = checker ? await checker.check(sandbox.registryFile) : 'ok'
  if (!python.startsWith('ok')) violations.push(`registry does not parse in Python: ${python}`)
  for (const key of keys) {
    const row = data.tasks[key]
    if (!row) violations.push(`no row for ${key}`)
    else if (Object.keys(row).join(' ') !== FIELDS) violations.push(`fields of ${key}: ${Object.keys(row).join(' ')}`)
    else if (row.status !== 'active') violations.push(`row of ${key} is ${row.status}`)
    else if (data.branches[row.branch] !== key) {
      violations.push(`branch ${row.branch} stands for ${data.branches[row.branch]}, not ${key}`)
    }
  }
  return violations
}

/** Is this a complete worktree on its own branch, clean, with its links? */
function checkWorktree(sandbox, { path: tree, branch, baseRef }, base) {
  const violations = []
  const expect = (what, actual, wanted) => {
    if (actual !== wanted) violations.push(`${path.basename(tree)}: ${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`)
  }
  const git = (...args) => {
    const { status, stdout, stderr } = sandbox.tryGit(tree, ...args)
    return status === 0 ? stdout.trimEnd() : `exit ${status}: ${stderr.trim()}`
  }
  expect('status', git('status', '--porcelain'), '')
  expect('HEAD', git('symbolic-ref', 'HEAD'), `refs/heads/${branch}`)
  expect('commit', git('rev-parse', 'HEAD'), base)
  expect('baseRef', baseRef, base)
  let link
  try {
    link = fs.readlinkSync(path.join(tree, '.scratch'))
  } catch (error) {
    link = error.code
  }
  expect('shared link', path.basename(link), '.scratch')
  return violations
}

/** Is the repository usable, and is nothing left that is in somebody's way? */
function checkRepository(sandbox, repository, trees) {
  const violations = leftLocks(repository)
  const fsck = sandbox.tryGit(repository, 'fsck', '--connectivity-only', '--no-dangling')
  if (fsck.status !== 0) violations.push(`git fsck: exit ${fsck.status}: ${fsck.stderr.trim()}`)
  const listed = sandbox.tryGit(repository, 'worktree', 'list', '--porcelain')
  if (listed.status !== 0) violations.push(`git worktree list: exit ${listed.status}: ${listed.stderr.trim()}`)
  const known = listed.stdout.split('\n').filter((line) => line.startsWith('worktree '))
  for (const tree of trees) {
    if (!known.includes(`worktree ${tree}`)) violations.push(`git worktree list does not know ${tree}`)
  }
  // The main worktree and the sentinel's are the two that okstra did not make.
  if (known.length !== trees.length + 2) {
    violations.push(`git worktree list has ${known.length} entries, not ${trees.length + 2}`)
  }
  const exclude = fs.readFileSync(path.join(repository, '.git', 'info', 'exclude'), 'utf8')
  const lines = exclude.split('\n').filter((line) => line === '/.scratch')
  if (lines.length !== 1) violations.push(`info/exclude names the link ${lines.length} times`)
  return violations
}

/** Everything that must be true once a task has been provisioned, whatever died before. */
async function checkAll({ sandbox, repository, base, checker, readSentinels, sentinels }, provisioned) {
  const latest = provisioned[provisioned.length - 1]
  return [
    ...checkWorktree(sandbox, latest, base),
    ...checkRepository(sandbox, repository, provisioned.map((one) => one.path)),
    ...intents(sandbox).map((name) => `intent left: ${name}`),
    ...(await checkRegistry(sandbox, checker, provisioned.map((one) => one.taskKey))),
    ...changedSentinels(sentinels, readSentinels()),
  ]
}

module.exports = { checkAll, checkRegistry, checkRepository, checkWorktree, intents }
