'use strict'

const { choosePoints, enumeratePoints } = require('../support/points')
const { acrossStages } = require('../support/stage')
const { FAULTY, attach, isThere } = require('../support/strace')

const SCOPES = ['owner', 'all']
const ERRORS = ['ENOSPC', 'EIO', 'EACCES']

async function visitPoint(stage, { number, point }, tally) {
  const task = `fault-${number}`
  const story = `${point.error} at ${point.scope}: ${point.call} ${point.k}`
  const child = await stage.takeProcess(task)
  const logFile = stage.sandbox.path('fault.strace')
  const inject = `${point.call}:error=${point.error}:when=${point.k}`
  const tracer = await attach(child.pid, { follow: point.scope === 'all', trace: [point.call], inject, logFile })
  child.go()
  const end = await child.finish()
  const answer = child.answer()
  const violations = []
  if (answer?.ok) {
    tally.survived++
  } else {
    tally.refused++
    const failure = answer?.error
    if (end.timedOut) violations.push('the call did not end')
    else if (!failure) violations.push(`no answer: exit ${end.code}, signal ${end.signal}: ${end.stderr.trim().slice(-300)}`)
    else if (!/^OKSTRA_/.test(failure.code ?? '')) violations.push(`not a typed error: ${failure.code}: ${failure.message}`)
    else if (failure.code === 'OKSTRA_INTERNAL') violations.push(`an internal error: ${failure.message}`)
    else tally.codes[failure.code] = (tally.codes[failure.code] ?? 0) + 1
  }
  await tracer.ended
  if (tracer.log().includes('(INJECTED)')) tally.fired++
  const next = await stage.recover(task, [child.pid])
  return [...violations, ...next.violations].map((violation) => `${story}: ${violation}`)
}

/** A full disk, a broken one, a missing right, at each call: a typed error or none, and the next call succeeds. */
async function failAtEachCall({ seed, sample, ...place }) {
  const name = 'faults'
  if (!isThere()) return { name, bar: '-', figure: 'skipped: strace is not on PATH', violations: [], skipped: true }
  const points = (await enumeratePoints(name, { ...place, seed: 1 }, FAULTY, SCOPES)).flatMap((point) =>
    ERRORS.map((error) => ({ ...point, error })),
  )
  const chosen = choosePoints(points, sample, seed).map((point, number) => ({ number, point }))
  const tally = { fired: 0, survived: 0, refused: 0, codes: {} }
  const violations = await acrossStages(name, { ...place, seed: 1 }, chosen, (stage, item) =>
    visitPoint(stage, item, tally),
  )
  const codes = Object.entries(tally.codes).map(([code, count]) => `${count} ${code}`)
  return {
    name,
    bar: `0 violations at ${chosen.length} of ${points.length} faults`,
    figure: `${violations.length} violations, ${tally.fired} faults: ${tally.survived} calls went well, ${tally.refused} failed (${codes.join(', ') || 'none typed'})`,
    violations: violations.map((violation) => `seed ${seed}: ${violation}`),
  }
}

module.exports = { run: failAtEachCall }
