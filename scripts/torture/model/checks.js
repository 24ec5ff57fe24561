'use strict'

// Compares the model with what is there.

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const { intents } = require('../support/invariants')
const { branchOf, ignored, keyOf, required, status } = require('./state')

const LINK = '.scratch'

/** The id that git gives to a file with this content. */
const blobId = (content) => {
  const bytes = Buffer.from(content)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** All files below a directory, without git's own and the links to shared directories: path -> content. */
function filesOf(directory, below = '', found = new Map()) {
  for (const entry of fs.readdirSync(path.join(directory, below), { withFileTypes: true })) {
    const name = path.join(below, entry.name)
    if (entry.isDirectory()) filesOf(directory, name, found)
    else if (entry.isFile() && name !== '.git') found.set(name, fs.readFileSync(path.join(directory, name), 'latin1'))
    else if (!entry.isFile() && name !== LINK) found.set(name, '(no regular file)')
  }
  return found
}

const there = (file) => fs.existsSync(file)

/** What differs between two maps of files, in words. */
function differences(what, actual, wanted) {
  const found = []
  for (const name of new Set([...actual.keys(), ...wanted.keys()])) {
    const [is, should] = [actual.get(name), wanted.get(name)]
    if (is !== should) found.push(`${what}: ${name} is ${JSON.stringify(is)}, not ${JSON.stringify(should)}`)
  }
  return found
}

/** `git status` as path -> code, what is staged as path -> blob id, and where `HEAD` is. */
function gitSays(sandbox, place) {
  const output = sandbox.git(place, 'status', '--porcelain=v2', '--branch', '--untracked-files=all', '--no-renames', '-z')
  const said = { codes: new Map(), staged: new Map() }
  for (const line of output.split('\0').filter(Boolean)) {
    const words = line.split(' ')
    if (line.startsWith('# branch.oid ')) said.head = words[2]
    else if (line.startsWith('# branch.head ')) said.branch = words[2]
    else if (words[0] === '1') {
      said.codes.set(words.slice(8).join(' '), words[1])
      said.staged.set(words.slice(8).join(' '), words[7])
    } else if (words[0] === '?') said.codes.set(line.slice(2), '?')
    else if (!line.startsWith('# ')) said.codes.set(line, 'unexpected')
  }
  return said
}

/** The worktree of a task, byte for byte, and what git says about it. */
function checkTree({ sandbox, placeOf, model }, task) {
  const { tree, name } = task
  const place = placeOf(task)
  if (!tree) return there(place) ? [`${name}: its directory is there`] : []
  if (!there(place)) return [`${name}: its directory is not there`]
  const violations = differences(name, filesOf(place), tree.files)
  if (!fs.lstatSync(path.join(place, LINK), { throwIfNoEntry: false })?.isSymbolicLink()) violations.push(`${name}: no link ${LINK}`)
  const said = gitSays(sandbox, place)
  violations.push(...differences(`${name}: git status`, said.codes, status(model, tree)))
  if (said.head !== tree.head) violations.push(`${name}: HEAD is ${said.head}, not ${tree.head}`)
  const branch = tree.onBranch ? branchOf(task) : '(detached)'
  if (said.branch !== branch) violations.push(`${name}: it is on ${said.branch}, not ${branch}`)
  for (const [file, id] of said.staged) {
    const content = tree.index.get(file)
    if (content !== undefined && blobId(content) !== id) violations.push(`${name}: ${file} is staged with another content`)
  }
  return violations
}

/** What `list` must say of a task: its state, and how many paths are staged, changed and untracked. */
function listing(model, task) {
  const { tree, row } = task
  if (!tree) return row === 'released' ? 'released' : 'missing'
  const codes = [...status(model, tree).values()]
  const count = (counts) => codes.filter(counts).length
  const staged = count((code) => code !== '?' && code[0] !== '.')
  const unstaged = count((code) => code.length > 1 && code[1] !== '.')
  return `${row}, ${staged} staged, ${unstaged} unstaged, ${count((code) => code === '?')} untracked`
}

const inList = ({ state, work }) =>
  work ? `${state}, ${work.staged} staged, ${work.unstaged} unstaged, ${work.untracked} untracked` : state

/** Rows, the map of branches, and what is listed. */
async function checkRegistry({ sandbox, api, checker, placeOf, model }, thorough) {
  const violations = []
  const { ok, result, error } = await api.call('surveyTasks')
  if (!ok) return [`surveyTasks: ${error.code}: ${error.message}`]
  const rows = new Map(result.map((one) => [one.taskKey, one]))
  for (const task of model.tasks) {
    const row = rows.get(keyOf(task))
    rows.delete(keyOf(task))
    const is = row && `${row.status}, ${row.branch}, ${row.worktreePath}: ${inList(row)}`
    const should = task.row ? `${task.row}, ${branchOf(task)}, ${placeOf(task)}: ${listing(model, task)}` : undefined
    if (is !== should) violations.push(`${task.name}: it is listed as ${is}, not as ${should}; ${row?.problem ?? ''}`)
    // That a branch is gone is no problem of a task that was let go.
    else if (row?.problem && (task.tip || task.row === 'released')) violations.push(`${task.name}: it is listed with a problem: ${row.problem}`)
  }
  for (const key of rows.keys()) violations.push(`surveyTasks shows ${key}`)
  if (!there(sandbox.registryFile)) return violations
  const data = JSON.parse(fs.readFileSync(sandbox.registryFile, 'utf8'))
  const owners = model.tasks.filter((task) => task.row === 'active').map((task) => [branchOf(task), keyOf(task)])
  violations.push(...differences('branches', new Map(Object.entries(data.branches)), new Map(owners)))
  const python = thorough && checker ? await checker.check(sandbox.registryFile) : 'ok'
  if (!python.startsWith('ok')) violations.push(`registry does not parse in Python: ${python}`)
  return violations
}

/** The entries of the trash, byte for byte where the trees lie there. */
async function checkTrash({ api, model }) {
  const listed = await api.call('listTrash')
  if (!listed.ok) return [`listTrash: ${listed.error.code}: ${listed.error.message}`]
  const violations = []
  for (const task of model.tasks) {
    const entries = listed.result.filter((one) => one.taskKey === keyOf(task))
    if (entries.length !== task.trash.length) {
      violations.push(`${task.name}: ${entries.length} entries in the trash, not ${task.trash.length}`)
      continue
    }
    for (const [i, entry] of entries.entries()) {
      const wanted = task.trash[i]
      if (wanted.whole) violations.push(...differences(`${task.name}: trash ${i}`, filesOf(entry.tree), wanted.files))
      if (entry.head !== wanted.head) violations.push(`${task.name}: trash ${i} is at ${entry.head}, not ${wanted.head}`)
    }
  }
  return violations
}

/** Branches, git's list of worktrees, what killed processes may have left. */
function checkRepository({ sandbox, repository, placeOf, model }, thorough) {
  const violations = []
  const refs = sandbox.git(repository, 'for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads/feat-*')
  const is = new Map(refs.split('\n').filter(Boolean).map((line) => line.split(' ')))
  const should = model.tasks.filter((task) => task.tip).map((task) => [branchOf(task), task.tip])
  violations.push(...differences('branch', is, new Map(should)))
  const listed = sandbox.tryGit(repository, 'worktree', 'list', '--porcelain')
  if (listed.status !== 0) violations.push(`git worktree list: exit ${listed.status}: ${listed.stderr.trim()}`)
  const known = listed.stdout.split('\n').filter((line) => line.startsWith('worktree ')).slice(1).sort()
  const trees = model.tasks.filter((task) => task.tree || task.entry).map((task) => `worktree ${placeOf(task)}`)
  const wanted = [...trees, `worktree ${sandbox.path('repository-sentinel')}`].sort()
  if (known.join() !== wanted.join()) violations.push(`git worktree list has ${known.join(', ')}; not ${wanted.join(', ')}`)
  for (const name of intents(sandbox)) violations.push(`intent left: ${name}`)
  const active = model.tasks.filter((each) => each.row === 'active')
  const standing = new Set(active.map((each) => `okstra ${keyOf(each)}: use okstra remove`))
  for (const task of active.filter((each) => each.tree)) {
    const reason = sandbox.tryGit(placeOf(task), 'rev-parse', '--git-path', 'locked').stdout.trim()
    if (!there(reason)) violations.push(`${task.name}: it is active, and its entry is not locked`)
  }
  const git = path.join(repository, '.git')
  for (const directory of [git, ...['worktrees', 'refs'].map((name) => path.join(git, name))]) {
    if (!there(directory)) continue
    for (const name of fs.readdirSync(directory, { recursive: directory !== git })) {
      if (name.endsWith('.lock')) violations.push(`lock left: ${path.join(directory, name)}`)
      if (path.basename(name) !== 'locked') continue
      const reason = fs.readFileSync(path.join(directory, name), 'utf8').trim()
      if (!standing.has(reason)) violations.push(`still locked: ${name}: ${reason}`)
    }
  }
  if (thorough) {
    const fsck = sandbox.tryGit(repository, 'fsck', '--connectivity-only', '--no-dangling')
    if (fsck.status !== 0) violations.push(`git fsck: exit ${fsck.status}: ${fsck.stderr.trim()}`)
  }
  return violations
}

/** Every content and commit that anybody could miss: in a worktree, the trash, the quarantine or the repository. */
function checkNothingLost({ sandbox, repository, elsewhere, model }) {
  const { contents, commits } = required(model)
  const output = sandbox.git(repository, 'rev-list', '--objects', '--all', '--reflog', '--indexed-objects')
  const reachable = new Set(output.split('\n').map((line) => line.slice(0, 40)))
  const lost = [...commits].filter((commit) => !reachable.has(commit)).map((commit) => `commit ${commit} is reachable from nothing`)
  const missing = [...contents].filter((content) => !reachable.has(blobId(content)))
  if (missing.length === 0) return lost
  const places = [path.join(sandbox.home, 'worktrees'), elsewhere].filter(there)
  const onDisk = new Set(places.flatMap((place) => [...filesOf(place).values()]))
  return [...lost, ...missing.filter((content) => !onDisk.has(content)).map((content) => `lost: ${JSON.stringify(content)}`)]
}

/** Everything; `thorough` also asks what costs more. */
async function checkAll(world, thorough) {
  return [
    ...(await checkRegistry(world, thorough)),
    ...world.model.tasks.flatMap((task) => checkTree(world, task)),
    ...(await checkTrash(world)),
    ...checkRepository(world, thorough),
    ...checkNothingLost(world),
  ]
}

module.exports = { checkAll, gitSays, ignored }
