'use strict'

const { draw, shrink, walk } = require('../model/sequence')
const { inParallel } = require('../support/processes')

const WIDTH = 2

/** Random sequences of everything that happens to tasks, against a model that says what must be true after each step. */
async function followModel({ sequences, steps, seed, directory, keep, progress }) {
  const violations = []
  let done = 0
  let calls = 0
  const follow = async (number) => {
    const drawn = draw(seed + number, steps)
    const result = await walk(drawn, { directory, keep })
    calls += (result.at ?? steps - 1) + 1
    if (result.violations.length > 0) {
      const short = await shrink(drawn, result, { directory })
      const repeat = `--seed ${seed + number} --set sequences=1`
      const kept = result.kept ? `; kept for a look: ${result.kept}` : ''
      violations.push(`${repeat}: ${short.steps.join('; ')}: ${short.violations.slice(0, 4).join('; ')}${kept}`)
    }
    progress?.('model', ++done, sequences)
  }
  await inParallel(Array.from({ length: sequences }, (_, number) => () => follow(number)), WIDTH)
  return {
    name: 'model',
    bar: `model and reality agree after each of ${steps} steps of ${sequences} sequences`,
    figure: `${violations.length} sequences differ, ${calls} steps`,
    violations,
  }
}

module.exports = { run: followModel }
