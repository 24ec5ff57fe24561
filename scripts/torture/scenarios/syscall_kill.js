'use strict'

const { choosePoints, enumeratePoints } = require('../support/points')
const { createRandom } = require('../support/random')
const { checkSpares, spares, warm } = require('../support/spares')
const { acrossStages } = require('../support/stage')
const { CALLS, attach, isThere } = require('../support/strace')

/** `owner`: the process that called us, git lives on. `all`: whatever process first makes its k-th call, git included. */
const SCOPES = ['owner', 'all']

const describe = ({ scope, call, k }) => `${scope}: ${call} ${k}`

/** Provisions a task while the process (or its git) is killed at its k-th call of a name. */
async function killedAt(stage, task, { scope, call, k }) {
  const child = await stage.takeProcess(task)
  const logFile = stage.sandbox.path('kill.strace')
  const inject = `${call}:signal=SIGKILL:when=${k}`
  const tracer = await attach(child.pid, { follow: scope === 'all', trace: [call], inject, logFile })
  child.go()
  await new Promise((resolve) => {
    child.process.on('exit', resolve)
    if (child.ended) resolve()
  })
  return { session: child.pid, tracer, fired: () => tracer.log().includes('killed by SIGKILL') }
}

async function visitPoint(stage, { number, point, again }, tally, withSpare) {
  const task = `syscall-${number}`
  if (withSpare) warm(stage.sandbox, stage.repository, 1)
  const runs = [await killedAt(stage, task, point)]
  // The recovering call dies too, at a point of its own.
  if (again) runs.push(await killedAt(stage, task, again))
  const { status, violations } = await stage.recover(task, runs.map(({ session }) => session))
  for (const run of runs) {
    await run.tracer.ended
    if (run.fired()) tally.fired++
  }
  tally[status] = (tally[status] ?? 0) + 1
  if (withSpare) {
    violations.push(...checkSpares(stage.sandbox, 1))
    if (spares(stage.sandbox).ready.length === 0) tally.claimed++
  }
  const story = [point, again].filter(Boolean).map(describe).join(', then ')
  return violations.map((violation) => `killed at ${story}: ${violation}`)
}

/** Death at every system call of a provision, one after the other; with `spare`, of one that finds a spare to claim. */
async function killAtEachCall({ seed, sample, spare = false, ...place }) {
  const name = spare ? 'spare-kill' : 'syscall-kill'
  if (!isThere()) return { name, bar: '-', figure: 'skipped: strace is not on PATH', violations: [], skipped: true }
  const points = await enumeratePoints(name, { ...place, seed: 1 }, CALLS, SCOPES, (stage) => {
    if (spare) warm(stage.sandbox, stage.repository, 1)
  })
  const random = createRandom(seed)
  const chosen = choosePoints(points, sample, seed).map((point, number) => ({
    number,
    point,
    // Every third: the product of all points with all points would take days.
    again: number % 3 === 0 ? random.pick(points) : null,
  }))
  const tally = { fired: 0, created: 0, reused: 0, claimed: 0 }
  const violations = await acrossStages(name, { ...place, seed: 1 }, chosen, (stage, item) =>
    visitPoint(stage, item, tally, spare),
  )
  return {
    name,
    bar: `0 violations at ${chosen.length} of ${points.length} kill points`,
    figure: `${violations.length} violations, ${tally.fired} kills; next call: ${tally.created} created, ${tally.reused} reused${spare ? `; ${tally.claimed} spares claimed` : ''}`,
    violations: violations.map((violation) => `seed ${seed}: ${violation}`),
  }
}

module.exports = { run: killAtEachCall }
