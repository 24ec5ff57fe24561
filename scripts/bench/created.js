'use strict'

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { clear, contenders } = require('./contenders')
const { inTurn, median, milliseconds, processorTime } = require('./measure')

/**
 * The time to make a worktree, each contender in turn, and their ratio; with `statusBar` also the time until the first
 * `git status` has answered. The first round warms up.
 *
 * @returns one row for each contender and question
 */
function benchCreated(addon, { files, rounds, bar, statusBar }) {
  const sandbox = new Sandbox('bench')
  try {
    Object.assign(process.env, sandbox.environment)
    const repository = createRepository(sandbox, { files, seed: 1 })
    const ways = contenders(sandbox, repository, addon)
    const seen = Object.fromEntries(
      Object.keys(ways).map((name) => [name, { made: [], answered: [], user: 0, system: 0, failed: null }]),
    )
    for (let round = 0; round <= rounds; round++) {
      for (const name of inTurn(Object.keys(ways), round)) {
        const figures = seen[name]
        if (figures.failed) continue
        try {
          const before = processorTime()
          let tree
          const made = milliseconds(() => (tree = ways[name].make(round)))
          const after = processorTime()
          const status = statusBar && tree ? milliseconds(() => sandbox.git(tree, 'status', '--porcelain')) : 0
          if (round === 0) continue
          figures.made.push(made)
          if (tree) figures.answered.push(made + status)
          if (before) {
            figures.user += after.user - before.user
            figures.system += after.system - before.system
          }
        } catch (error) {
          if (!ways[name].peer) throw error
          figures.failed = error.message
        }
      }
      clear(sandbox, repository)
    }
    const row = (what, which, limit) => (name) => {
      const figures = seen[name]
      if (figures.failed) return { what: `${what}: ${name}`, median: null, ratio: null, bar: '', met: true, note: `failed: ${figures.failed}` }
      const ratio = median(figures[which]) / median(seen.git[which])
      const ours = name === 'okstra' && limit !== undefined
      const processor = { user: figures.user / rounds, system: figures.system / rounds }
      return {
        what: `${what}: ${name}`,
        files,
        median: median(figures[which]),
        ratio,
        bar: ours ? `${limit} x git` : '',
        met: ours ? ratio <= limit : true,
        note: `${figures[which].length} runs; processor ${Math.round(processor.user)} + ${Math.round(processor.system)} ms`,
        processor,
      }
    }
    const rows = Object.keys(ways).map(row(`created, ${files} files`, 'made', bar))
    if (!statusBar) return rows
    const answering = Object.keys(ways).filter((name) => seen[name].answered.length > 0)
    return [...rows, ...answering.map(row(`and first status, ${files} files`, 'answered', statusBar))]
  } finally {
    sandbox.dispose()
  }
}

module.exports = { benchCreated }
