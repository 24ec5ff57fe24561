'use strict'

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { clear, contenders } = require('./contenders')
const { asyncMilliseconds, inTurn, median } = require('./measure')

/** The time until `count` worktrees that were asked for at once are all there. */
async function benchParallel(addon, { files, count, rounds, bar }) {
  const sandbox = new Sandbox('bench')
  try {
    Object.assign(process.env, sandbox.environment)
    const repository = createRepository(sandbox, { files, seed: 1 })
    const ways = contenders(sandbox, repository, addon, { workers: false, peers: false })
    const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
    let failures = 0
    for (let round = 0; round <= rounds; round++) {
      for (const name of inTurn(Object.keys(ways), round)) {
        const taken = await asyncMilliseconds(async () => {
          const ends = await Promise.allSettled(Array.from({ length: count }, (_, i) => ways[name].start(`${round}-${i}`)))
          const failed = ends.filter(({ status }) => status === 'rejected')
          // git fails where two of its adds meet (its own race); then the others are all that is measured.
          if (name === 'git') failures += failed.length
          else if (failed.length > 0) throw failed[0].reason
        })
        if (round > 0) times[name].push(taken)
        clear(sandbox, repository)
      }
    }
    const git = median(times.git)
    return Object.keys(ways).map((name) => ({
      what: `${count} at once, ${files} files: ${name}`,
      files,
      median: median(times[name]),
      ratio: median(times[name]) / git,
      bar: name === 'okstra' ? `${bar} x git` : '',
      met: name === 'okstra' ? median(times[name]) / git <= bar : true,
      note: `${times[name].length} rounds${name === 'git' ? `; ${failures} of its adds failed` : ''}`,
    }))
  } finally {
    sandbox.dispose()
  }
}

module.exports = { benchParallel }
