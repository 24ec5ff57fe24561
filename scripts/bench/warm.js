'use strict'

const { clear, contenders } = require('./contenders')
const { measure } = require('./created')
const { inTurn, median } = require('./measure')

/**
 * Whether the claim of a spare costs the same whatever the size of the repository, and what it costs beside git: both
 * repositories in turn, and git at the large one.
 */
function benchWarm(world, { small, large, rounds, bar, flatBar }) {
  const sizes = { small: world.repository(small), large: world.repository(large) }
  const ways = Object.fromEntries(Object.entries(sizes).map(([name, repository]) => [name, contenders(world, repository)]))
  const spare = (name) => ways[name]['okstra, a spare']
  const times = { small: [], large: [], git: [] }
  for (let round = 0; round <= rounds; round++) {
    for (const name of inTurn(['small', 'large', 'git'], round)) {
      // git takes the longest by far and varies the least.
      if (name === 'git' && round > 3) continue
      const way = name === 'git' ? ways.large.git : spare(name)
      const { made } = measure(world, way)
      if (round > 0) times[name].push(made)
    }
    for (const repository of Object.values(sizes)) clear(world.sandbox, repository)
  }
  const [one, other, git] = ['small', 'large', 'git'].map((name) => median(times[name]))
  const row = (what, time, ratio, limit, unit) => ({ what, median: time, ratio, bar: `${limit} x ${unit}`, met: ratio <= limit, note: `${rounds} runs` })
  return [
    row(`claim of a spare, ${large} files, beside git`, other, other / git, bar, 'git'),
    row(`the same, beside ${small} files`, other, other / one, flatBar, `${small} files (${one.toFixed(1)} ms)`),
  ]
}

module.exports = { benchWarm }
