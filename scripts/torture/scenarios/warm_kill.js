'use strict'

const { choosePoints } = require('../support/points')
const { startWorker, sessionEnds } = require('../support/processes')
const { checkSpares, spares, warm } = require('../support/spares')
const { acrossStages, Stage } = require('../support/stage')
const { attach, countCalls, isThere } = require('../support/strace')

const WANTED = 2
const SCOPES = ['owner', 'all']

async function startWarming(stage) {
  const child = startWorker('warm.js', [], { env: stage.sandbox.environment, session: true })
  child.options = JSON.stringify({ projectRoot: stage.repository, count: WANTED, keepFree: 0 })
  await child.ready
  return child
}

/** The k-th call of each name in an undisturbed warming. */
async function enumerate(place) {
  const stage = new Stage('warm-kill', place)
  const points = []
  try {
    for (const scope of SCOPES) {
      warm(stage.sandbox, stage.repository, 0)
      const child = await startWarming(stage)
      const tracer = await attach(child.pid, { follow: scope === 'all', logFile: stage.sandbox.path(`${scope}.strace`) })
      child.go()
      await child.finish()
      await tracer.ended
      for (const [call, count] of Object.entries(countCalls(tracer.log()))) {
        for (let k = 1; k <= count + 1; k++) points.push({ scope, call, k })
      }
    }
  } finally {
    await stage.dispose()
  }
  return points
}

async function visit(stage, { number, point: { scope, call, k } }, tally) {
  const child = await startWarming(stage)
  const inject = `${call}:signal=SIGKILL:when=${k}`
  const logFile = stage.sandbox.path('warm.strace')
  const tracer = await attach(child.pid, { follow: scope === 'all', trace: [call], inject, logFile })
  child.go()
  await child.finish()
  await tracer.ended
  if (tracer.log().includes('killed by SIGKILL')) tally.fired++
  await sessionEnds(child.pid)
  const { ready, reason } = warm(stage.sandbox, stage.repository, WANTED)
  const violations = checkSpares(stage.sandbox, WANTED)
  if (ready !== WANTED || spares(stage.sandbox).ready.length !== WANTED) {
    violations.push(`the next warming has ${ready} ready (${reason ?? 'no reason'})`)
  }
  const next = await stage.recover(`warm-${number}`, [], ['created'])
  if (spares(stage.sandbox).ready.length !== WANTED - 1) violations.push('the provision after it claimed none')
  return [...violations, ...next.violations].map((violation) => `killed at ${scope}: ${call} ${k}: ${violation}`)
}

/** Death at every system call of a warming: the next one makes what is missing and sweeps what is left. */
async function killWarming({ seed, sample, ...place }) {
  const name = 'warm-kill'
  if (!isThere()) return { name, bar: '-', figure: 'skipped: strace is not on PATH', violations: [], skipped: true }
  const tally = { fired: 0 }
  const points = await enumerate({ ...place, seed: 1 })
  const chosen = choosePoints(points, sample, seed).map((point, number) => ({ number, point }))
  const violations = await acrossStages(name, { ...place, seed: 1 }, chosen, (stage, item) => visit(stage, item, tally))
  return {
    name,
    bar: `0 violations at ${chosen.length} of ${points.length} kill points`,
    figure: `${violations.length} violations, ${tally.fired} kills`,
    violations: violations.map((violation) => `seed ${seed}: ${violation}`),
  }
}

module.exports = { run: killWarming }
