'use strict'

const fs = require('node:fs')
const path = require('node:path')

const okstra = require('../../../index.js')
const { contents, missing } = require('../support/contents')
const { OUTCOMES, makeOld, plant } = require('../support/outcomes')
const { createRandom } = require('../support/random')
const { createRepository } = require('../support/repository')
const { Sandbox } = require('../support/sandbox')

const TASK = 'killed'
const OP = '0123456789abcdef'

const options = (repository) => ({
  taskType: 'implementation',
  projectRoot: repository,
  projectId: 'torture',
  taskGroupSegment: 'group',
  taskIdSegment: TASK,
  workCategory: 'feature',
})

/** A complete worktree of okstra, its run not over: the row is not written, the intent stands. */
function ours(sandbox, repository) {
  const made = okstra.provisionTaskWorktreeSync(options(repository))
  const common = path.join(repository, '.git')
  const admin = path.join(common, 'worktrees', TASK)
  fs.rmSync(path.join(admin, 'okstra.json'))
  fs.writeFileSync(path.join(admin, 'locked'), `okstra:${OP}`)
  for (const name of fs.readdirSync(path.join(sandbox.home, 'worktrees'))) {
    if (/^(registry\.json|history)/.test(name)) fs.rmSync(path.join(sandbox.home, 'worktrees', name))
  }
  const intent = {
    op: OP,
    kind: 'create',
    stage: 'filling',
    task_key: made.taskKey,
    common_dir: common,
    path: made.path,
    branch: made.branch,
    bases: [made.baseRef],
    commit: made.baseRef,
    phase: 'implementation',
    base_ref: made.baseRef,
    created_at: null,
    since: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    pid: 1,
    boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  }
  // Named like the lock file of the task.
  const state = path.join(sandbox.home, 'state')
  const lock = fs.readdirSync(path.join(state, 'locks')).find((name) => /^task-.*\.lock$/.test(name))
  const file = path.join(state, 'intents', `${lock.slice('task-'.length, -'.lock'.length)}.json`)
  return {
    place: { common, admin, tree: made.path, branch: made.branch, base: made.baseRef },
    begin: () => fs.writeFileSync(file, JSON.stringify(intent)),
  }
}

/** A worktree that somebody else's git has made. */
function foreign(sandbox, repository) {
  const tree = sandbox.path('foreign')
  sandbox.git(repository, 'worktree', 'add', '-q', '--lock', '--reason', 'initializing', '-b', 'foreign', tree)
  const common = path.join(repository, '.git')
  const base = sandbox.git(repository, 'rev-parse', 'HEAD')
  return { place: { common, admin: path.join(common, 'worktrees', 'foreign'), tree, branch: 'foreign', base }, begin() {} }
}

const WHOSE = { ours, foreign }
// What a recovery takes away: locks, the notes of the run itself, the log of a branch that stands where the run made it.
const TAKEN = /\.lock$|\.owner$|\/state\/|\/locked$|\/registry\.json|history\.jsonl|\/logs\/refs\/heads\/feat-killed$/

function visit(sandbox, whose, outcome) {
  const repository = createRepository(sandbox, { files: 3 })
  const { place, begin } = WHOSE[whose](sandbox, repository)
  plant(outcome, place)
  makeOld(sandbox.directory)
  begin()
  const before = contents(sandbox.directory, TAKEN)

  const first = okstra.doctorSync({ fix: true, root: repository })
  const violations = []
  const failed = first.findings.filter((finding) => finding.outcome === 'failed')
  violations.push(...failed.map(({ code, failure }) => `${code} could not be mended: ${failure}`))
  const second = okstra.doctorSync({ root: repository })
  const left = second.findings.filter((finding) => finding.severity !== 'note' || finding.outcome === 'fixable')
  violations.push(...left.map(({ code, message }) => `still found: ${code}: ${message}`))
  violations.push(...missing(before, contents(sandbox.directory, TAKEN)).map((file) => `lost: ${file}`))
  violations.push(...unusable(sandbox, repository))
  if (whose === 'foreign') {
    const kept = outcome.entry && !fs.existsSync(place.admin) ? [`${place.admin} is gone`] : []
    violations.push(...kept, ...(outcome.tree && !fs.existsSync(place.tree) ? [`${place.tree} is gone`] : []))
  }
  const { status, path: tree } = okstra.provisionTaskWorktreeSync(options(repository))
  if (!['created', 'reused'].includes(status)) violations.push(`the next call says ${status}`)
  const dirty = sandbox.git(tree, 'status', '--porcelain')
  if (dirty) violations.push(`the worktree is not clean: ${dirty}`)
  return violations
}

/** The commands that a torn entry or a stale lock breaks. */
function unusable(sandbox, repository) {
  const commands = [
    ['worktree', 'list'],
    ['fsck', '--connectivity-only'],
    ['branch', '-v'],
    ['commit', '-q', '--allow-empty', '-m', 'after'],
    ['pack-refs', '--all'],
    ['config', 'user.email', 'okstra@example.invalid'],
  ]
  return commands.flatMap((command) => {
    const { status, stderr } = sandbox.tryGit(repository, ...command)
    // A foreign entry that has no HEAD yet stays as it is, and fsck says so; nothing else may be wrong.
    const told = stderr.replace(/^error: worktrees\/foreign\/HEAD: .*\n?/gm, '')
    const passed = status === 0 || (told.trim() === '' && told !== stderr)
    return passed && !/fatal|error/.test(told) ? [] : [`git ${command.join(' ')}: ${status}: ${stderr.trim()}`]
  })
}

/** Everything that a killed `git worktree add` can leave, ours and others': a check-up puts it right, losing nothing. */
async function outcomes({ seed, sample, directory, keep, progress }) {
  const all = Object.keys(WHOSE).flatMap((whose) => OUTCOMES.map(([name, outcome]) => ({ whose, name, outcome })))
  const chosen = createRandom(seed).shuffled(all).slice(0, sample ?? all.length)
  const environment = { ...process.env }
  const violations = []
  for (const [index, { whose, name, outcome }] of chosen.entries()) {
    progress?.('outcomes', index, chosen.length)
    const sandbox = new Sandbox('outcomes', directory)
    let found
    try {
      // The addon reads the environment at each call.
      for (const variable of Object.keys(process.env)) delete process.env[variable]
      Object.assign(process.env, sandbox.environment)
      found = visit(sandbox, whose, outcome)
    } catch (error) {
      found = [error.message]
    } finally {
      for (const variable of Object.keys(process.env)) delete process.env[variable]
      Object.assign(process.env, environment)
    }
    violations.push(...found.map((one) => `${whose}, ${name}: ${one}`))
    if (keep && found.length > 0) violations.push(`kept: ${sandbox.directory}`)
    else sandbox.dispose()
  }
  progress?.('outcomes', chosen.length, chosen.length)
  return {
    name: 'outcomes',
    bar: `0 violations in ${chosen.length} of ${all.length} outcomes of killed adds`,
    figure: `${violations.length} violations`,
    violations,
  }
}

module.exports = { run: outcomes }
