'use strict'

const fs = require('node:fs')
const path = require('node:path')

const { complaint } = require('../support/provisioning')
const { FakeGit } = require('../support/fake_git')
const { startProvision } = require('../support/provisioning')
const { createRandom } = require('../support/random')
const { acrossStages } = require('../support/stage')

/** The owner dies around the call that fills the worktree. */
function ownerDies(how) {
  return async (stage, task) => {
    stage.fake.plan(1, how, 'read-tree')
    const { session } = await provisionWith(stage, stage.fake, task)
    const violations = stage.fake.fired() ? [] : ['read-tree was not called: the row tests nothing']
    return { sessions: [session], violations, check: () => [] }
  }
}

/** Somebody deletes the directory of a worktree in which something is staged: git knows it only by the index. */
async function directoryGone(stage, task) {
  const end = await stage.provision(task)
  if (complaint(end)) return { sessions: [], violations: [complaint(end)], check: () => [] }
  const { path: tree } = end.answer.result
  fs.writeFileSync(path.join(tree, 'staged.txt'), `staged for ${task}\n`)
  stage.sandbox.git(tree, 'add', 'staged.txt')
  const blob = stage.sandbox.git(tree, 'rev-parse', ':staged.txt')
  fs.rmSync(tree, { recursive: true })
  const check = () => {
    const loose = stage.sandbox.git(stage.repository, 'fsck', '--unreachable', '--connectivity-only')
    return loose.includes(blob) ? ['the staged content is lost to the next garbage collection'] : []
  }
  return { sessions: [], violations: [], check }
}

/** What an earlier run has left when git begins to die. */
const BEFORE = {
  fresh: async () => ({ sessions: [], violations: [], check: () => [] }),
  registered: ownerDies('owner-dies-before'),
  filled: ownerDies('owner-dies-after'),
  gone: directoryGone,
}
const EXPECTED = { fresh: ['created', 'reused'], registered: ['created', 'reused'], filled: ['created', 'reused'], gone: ['restored', 'reused'] }
const WAYS = ['dies-before', 'dies-after', 'fails']
/** More git calls than one provision makes; the first that does not come ends the row. */
const MOST_CALLS = 40

async function provisionWith(stage, fake, task) {
  const sandbox = { ...stage.sandbox, environment: fake.environment }
  const child = startProvision(sandbox, stage.repository, task)
  await child.ready
  child.go()
  const end = await child.finish()
  return { ...end, answer: child.answer(), session: child.pid }
}

function judge({ answer, timedOut, code, signal }, expected) {
  if (timedOut) return ['the call did not end']
  if (!answer) return [`no answer: exit ${code}, signal ${signal}`]
  if (answer.ok) {
    const { status } = answer.result
    return expected.includes(status) ? [] : [`the call says ${status}, and nobody could know that`]
  }
  const { code: error, message } = answer.error
  // Any other code claims something about the repository that a dead git has not said.
  return error === 'OKSTRA_GIT_FAILED' ? [] : [`a wrong error: ${error}: ${message}`]
}

/** One row: the first, second, third ... git of a call dies, until there is no further one. */
async function visitRow(stage, { before, way, most }, tally) {
  stage.fake ??= new FakeGit(stage.sandbox)
  const violations = []
  for (let n = 1; n <= most; n++) {
    const task = `git-${before}-${way}-${n}`
    const { sessions, violations: early, check } = await BEFORE[before](stage, task)
    stage.fake.plan(n, way)
    const end = await provisionWith(stage, stage.fake, task)
    const fired = stage.fake.fired()
    const missed = !fired && stage.fake.counted() >= n ? [`it came, and nothing happened to it`] : []
    const call = stage.fake.lastCall()
    const { status, violations: after } = await stage.recover(task, [...sessions, end.session], EXPECTED[before])
    tally[status] = (tally[status] ?? 0) + 1
    const found = [...early, ...missed, ...judge(end, EXPECTED[before]), ...after, ...check()]
    violations.push(...found.map((one) => `${before}, git call ${n} ${way} (last: ${call}): ${one}`))
    if (!fired) {
      if (n === 1) violations.push(`${before}, ${way}: no git was called, the row tests nothing`)
      break
    }
    tally.fired++
  }
  return violations
}

/** Every git that a call starts dies in turn: what is not known must not be taken for what is not there. */
async function gitDies({ seed, sample, ...place }) {
  const rows = Object.keys(BEFORE).flatMap((before) => WAYS.map((way) => ({ before, way, most: MOST_CALLS })))
  const chosen = createRandom(seed).shuffled(rows).slice(0, sample ?? rows.length)
  const tally = { fired: 0, created: 0, reused: 0, restored: 0 }
  const violations = await acrossStages('git-death', { ...place, seed: 1, perStage: 1 }, chosen, (stage, row) =>
    visitRow(stage, row, tally),
  )
  return {
    name: 'git-death',
    bar: `0 violations in ${chosen.length} of ${rows.length} rows, each git call in turn`,
    figure: `${violations.length} violations, ${tally.fired} deaths; next call: ${tally.created} created, ${tally.reused} reused, ${tally.restored} restored`,
    violations,
  }
}

module.exports = { run: gitDies }
