'use strict'

const { spawnSync } = require('node:child_process')

const { clear, contenders } = require('./contenders')
const { inTurn, median, milliseconds } = require('./measure')

const FULL = 'okstra'
const FAST = 'okstra, fast'
const CONTENDERS = ['git', 'git, flushed', FULL, FAST]
/** Full durability costs at most so much of okstra's own time, and never more than git takes without any. */
const BARS = { [FAST]: 1.3, git: 1 }

/**
 * What it costs that a power cut takes nothing of a worktree away: each contender in turn, on the file system of the world,
 * with everything before flushed, as a flush takes along whatever it finds. The first round warms up.
 */
function benchDurable(world, { files, rounds, label }) {
  const repository = world.repository(files)
  const ways = contenders(world, repository)
  const seen = Object.fromEntries(CONTENDERS.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of inTurn(CONTENDERS, round)) {
      spawnSync('sync', ['-f', world.sandbox.directory])
      const made = milliseconds(() => ways[name].make(world.number()))
      if (round > 0) seen[name].push(made)
    }
    clear(world.sandbox, repository)
  }
  const of = (name) => median(seen[name])
  const row = (name) => ({
    what: `durable, ${label}: ${name}`,
    files,
    median: of(name),
    best: Math.min(...seen[name]),
    ratio: of(name) / of('git'),
    bar: '',
    met: true,
    note: `${rounds} runs, best ${Math.min(...seen[name]).toFixed(1)}`,
  })
  const judged = Object.entries(BARS).map(([beside, bar]) => {
    const ratio = of(FULL) / of(beside)
    return { what: `durable, ${label}: okstra beside ${beside}`, files, median: of(FULL), ratio, bar: `${bar} x ${beside}`, met: ratio <= bar, note: `${rounds} runs` }
  })
  return [...CONTENDERS.map(row), ...judged]
}

module.exports = { benchDurable }
