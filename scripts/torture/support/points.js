'use strict'

const { startProvision } = require('./provisioning')
const { createRandom } = require('./random')
const { Stage } = require('./stage')
const { attach, countCalls } = require('./strace')

/**
 * Every point of one provision at which something can be injected: the k-th call of a name, up to the last one of an
 * undisturbed run and a few more (a run after a fault may be longer). `prepare` is called with the stage before each run.
 */
async function enumeratePoints(name, place, calls, scopes, prepare = () => {}) {
  const stage = new Stage(name, place)
  const points = []
  try {
    await stage.measure()
    for (const scope of scopes) {
      await prepare(stage)
      const child = startProvision(stage.sandbox, stage.repository, `count-${scope}`)
      await child.ready
      const options = { follow: scope === 'all', trace: calls, logFile: stage.sandbox.path(`${scope}.strace`) }
      const tracer = await attach(child.pid, options)
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

/**
 * `sample` of them in random order, all of them without one. A sample takes from each scope and call in turn: nine of
 * ten points are a program opening its libraries, and the rare calls are the ones that matter.
 */
function choosePoints(points, sample, seed) {
  const shuffled = createRandom(seed).shuffled(points)
  if (!sample) return shuffled
  const turns = new Map()
  const turn = (point) => {
    const name = `${point.scope} ${point.call}`
    turns.set(name, (turns.get(name) ?? 0) + 1)
    return turns.get(name)
  }
  const ordered = shuffled.map((point) => ({ point, turn: turn(point) })).sort((a, b) => a.turn - b.turn)
  return ordered.slice(0, sample).map(({ point }) => point)
}

module.exports = { choosePoints, enumeratePoints }
