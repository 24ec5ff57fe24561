'use strict'

const { clear, contenders } = require('./contenders')
const { fillFromMemory } = require('./limit')
const { asyncMilliseconds, inTurn, median } = require('./measure')

/** The time until `count` worktrees that were asked for at once are all there. */
async function benchParallel(world, { files, count, rounds, bar }) {
  const repository = world.repository(files)
  const { git, okstra, 'okstra, a process each': separate } = contenders(world, repository)
  const ways = { git, okstra, 'okstra, a process each': separate }
  const names = [...Object.keys(ways), 'from memory']
  const times = Object.fromEntries(names.map((name) => [name, []]))
  let failures = 0
  const together = (name) =>
    asyncMilliseconds(async () => {
      const ends = await Promise.allSettled(Array.from({ length: count }, () => ways[name].start(world.number())))
      const failed = ends.filter(({ status }) => status === 'rejected')
      // git fails where two of its adds meet (its own race); then the others are all that is measured.
      if (name === 'git') failures += failed.length
      else if (failed.length > 0) throw failed[0].reason
    })
  const targets = Array.from({ length: count }, (_, number) => world.sandbox.path(`made-${number}`))
  for (let round = 0; round <= rounds; round++) {
    for (const name of inTurn(names, round)) {
      const taken = name === 'from memory' ? fillFromMemory(repository, ...targets) : await together(name)
      if (round > 0) times[name].push(taken)
      clear(world.sandbox, repository)
    }
  }
  return names.map((name) => {
    const ratio = median(times[name]) / median(times.git)
    return {
      what: `${count} at once, ${files} files: ${name}`,
      files,
      median: median(times[name]),
      ratio,
      bar: name === 'okstra' ? `${bar} x git` : '',
      met: name === 'okstra' ? ratio <= bar : true,
      note: `${times[name].length} rounds${name === 'git' ? `; ${failures} of its adds failed` : ''}`,
    }
  })
}

module.exports = { benchParallel }
