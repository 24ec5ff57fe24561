'use strict'

// What must be true after a power cut: at once of everything that had been answered, and after the next call of all.

const fs = require('node:fs')
const path = require('node:path')

const { changedSentinels } = require('../support/repository')
const { contents, differences } = require('./world')

/** git's own files of a worktree; empty, each of them makes git fail or forget. */
const ENTRY = ['HEAD', 'gitdir', 'commondir', 'index', 'locked', 'okstra.json']

const readOf = (file) => {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    return `(${error.code})`
  }
}

/** What is wrong with a task that should be in a state; nothing when all is well. */
function wrongWith(world, task, wanted) {
  const row = rowsOf(world)[world.key(task)]
  const tree = world.tree(task)
  if (!row) return ['no row']
  const wrong = []
  if (row.status !== wanted.status) wrong.push(`its row is ${row.status}, not ${wanted.status}`)
  if (row.last_phase !== wanted.phase) wrong.push(`its phase is ${row.last_phase}, not ${wanted.phase}`)
  if (wanted.removed) {
    if (fs.existsSync(tree)) wrong.push('its directory is there')
    return [...wrong, ...wrongInTrash(world, task, wanted)]
  }
  if (!fs.existsSync(tree)) return [...wrong, 'its directory is gone']
  wrong.push(...differences(contents(tree), wanted.files))
  const admin = readOf(path.join(tree, '.git')).trim().replace(/^gitdir: /, '')
  for (const name of ENTRY) {
    // A released task has no standing lock.
    if (name === 'locked' && wanted.status === 'released') continue
    const text = readOf(path.join(admin, name))
    if (text === '' || text.startsWith('(')) wrong.push(`its ${name} is ${text || 'empty'}`)
  }
  for (const args of [['update-index', '-q', '--refresh'], ['rev-parse', '--verify', 'HEAD^{commit}'], ['status', '--porcelain']]) {
    const { status, stderr } = world.tryGit(tree, ...args)
    if (status !== 0 && args[0] !== 'update-index') wrong.push(`git ${args.join(' ')}: exit ${status}: ${stderr.trim()}`)
  }
  const changed = world.tryGit(tree, 'status', '--porcelain').stdout.trim()
  if (wanted.files === world.base && changed !== '') wrong.push(`git status: ${changed.split('\n').slice(0, 3).join(', ')}`)
  const branch = world.tryGit(tree, 'symbolic-ref', 'HEAD').stdout.trim()
  if (branch !== `refs/heads/${row.branch}`) wrong.push(`it is on ${branch || 'no branch'}`)
  return wrong
}

/** The newest entry of a task in the trash holds what was in its tree. */
function wrongInTrash(world, task, wanted) {
  const trash = path.join(world.home, 'worktrees', '.trash')
  const places = fs.existsSync(trash) ? fs.readdirSync(trash).filter((name) => !name.startsWith('.')).sort().reverse() : []
  for (const place of places) {
    let record
    try {
      record = JSON.parse(fs.readFileSync(path.join(trash, place, 'record.json'), 'utf8'))
    } catch {
      // One that is being prepared has none yet.
      continue
    }
    if (record.task_key !== world.key(task)) continue
    if (!fs.existsSync(record.tree)) return ['its entry in the trash has no tree']
    return differences(contents(record.tree), wanted.files)
  }
  return ['the trash has nothing of it']
}

function rowsOf(world) {
  try {
    return JSON.parse(fs.readFileSync(path.join(world.home, 'worktrees', 'registry.json'), 'utf8')).tasks ?? {}
  } catch (error) {
    return { error: error.message }
  }
}

function wrongWithRepository(world) {
  const wrong = []
  for (const args of [['status', '--porcelain'], ['worktree', 'list'], ['for-each-ref'], ['fsck', '--connectivity-only', '--no-dangling']]) {
    const { status, stderr } = world.tryGit(world.repository, ...args)
    if (status !== 0) wrong.push(`git ${args[0]} in the repository: exit ${status}: ${stderr.trim().slice(0, 300)}`)
  }
  return wrong
}

/**
 * Looks at one cut. `acknowledged`: how many steps of the story had been answered; `states`: what was true of each task
 * then; `open`: the step under way, where there was one, with what would be true after it; `unsure`: a task in which
 * somebody was writing.
 *
 * @returns {string[]} violations
 */
function check(world, { story, acknowledged, states, open, unsure, readSentinels, sentinels }, random) {
  const violations = []
  const blame = (when, list) => violations.push(...list.map((what) => `${when}: ${what}`))
  const look = (when, apart) => {
    for (const [task, wanted] of Object.entries(states)) {
      if (task !== apart) blame(`${when}, ${task}`, wrongWith(world, task, wanted))
    }
    blame(when, changedSentinels(sentinels, readSentinels()))
  }
  const broken = story.broken && acknowledged === 0
  if (!broken) {
    // Between two calls nothing may be out of order; in one, git itself leaves its files unflushed for a moment.
    if (!open && !unsure) blame('at once', wrongWithRepository(world))
    if (!open?.step.pruned && !open?.step.mended) look('at once', open?.step.task)
  }
  const again = () => {
    if (!open) return
    const { step, after } = open
    const { code, error, text } = world.okstra(step.args(world))
    if (code !== 0 && !step.repeat?.includes(error?.code)) blame(`${step.name} again`, [`exit ${code}: ${text}`])
    else if (step.task) states = { ...states, [step.task]: after }
  }
  const mend = () => {
    // What it could not mend shows in the check-up that follows.
    world.okstra(['doctor', '--fix'])
    const { data, text } = world.okstra(['doctor'])
    // A person's own git leaves its lock file when the power is cut, and nobody knows yet that it is dead.
    const ofOwner = ({ taskKey, path: place }) => unsure && (taskKey === world.key(unsure) || place?.includes(`/worktrees/${unsure}/`))
    const left = (data.findings ?? [{ code: text }]).filter((finding) => finding.severity !== 'note' && !ofOwner(finding))
    if (left.length > 0) blame('after one doctor --fix', left.map((finding) => `${finding.code}: ${finding.message ?? finding.detail ?? ''} ${finding.path ?? ''} ${finding.outcome ?? ''}`))
  }
  const inTurn = random.next() < 0.5 ? [again, mend] : [mend, again, mend]
  for (const act of inTurn) act()
  look('after the next call')
  blame('after the next call', wrongWithRepository(world))
  ends(world, acknowledged > 0 || open ? story.steps : [], states, blame)
  return violations
}

/** The last word, with the steps that came to their end: tasks can be provisioned, what was removed comes back whole, what was pruned is gone. */
function ends(world, steps, states, blame) {
  const did = (what) => steps.some((step) => step[what])
  const must = (args, task, wanted) => {
    const { code, text } = world.okstra(args)
    if (code !== 0) return blame(args.join(' '), [`exit ${code}: ${text}`])
    if (task) blame(`after ${args[0]} ${task}`, wrongWith(world, task, wanted))
  }
  if (did('pruned')) {
    const trash = path.join(world.home, 'worktrees', '.trash')
    const left = fs.existsSync(trash) ? fs.readdirSync(trash) : []
    if (left.length > 0) blame('after prune', [`left in the trash: ${left.join(', ')}`])
    const refs = world.tryGit(world.repository, 'for-each-ref', 'refs/okstra/trash').stdout.trim()
    if (refs !== '') blame('after prune', [`left in the repository: ${refs}`])
  }
  if (did('installed')) must(['ensure-installed'])
  must(world.provision('afterwards', 'last'), 'afterwards', { status: 'active', phase: 'last', files: world.base })
  for (const [task, wanted] of Object.entries(states)) {
    if (wanted.removed) must(['restore', world.key(task)], task, { ...wanted, status: 'active', removed: false })
    else must(world.provision(task, 'last'), task, { ...wanted, status: 'active', phase: 'last' })
  }
  must(['history'])
}

module.exports = { check, contents }
