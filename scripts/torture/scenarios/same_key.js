'use strict'

const { complaint, startProvision } = require('../support/provisioning')
const { createRepository } = require('../support/repository')
const { Sandbox } = require('../support/sandbox')
const { race } = require('./parallel')

/** Many processes at once ask for the same task: one makes its worktree, all get that one. */
async function sameKey({ processes, rounds, files, seed, directory }) {
  const violations = []
  const seen = { created: 0, reused: 0 }
  for (let round = 0; round < rounds; round++) {
    const sandbox = new Sandbox('same-key', directory)
    try {
      const repository = createRepository(sandbox, { files, seed })
      // Every other caller is asynchronous: both ways must meet at the same lock.
      const children = Array.from({ length: processes }, (_, i) =>
        startProvision(sandbox, repository, 'same', { asynchronous: i % 2 === 1 }),
      )
      const ends = await race(children)
      const tally = { created: 0, reused: 0 }
      const places = new Set()
      ends.forEach((end, i) => {
        const answer = children[i].answer()
        const wrong = complaint({ ...end, answer })
        if (wrong) return violations.push(`process ${i}: ${wrong}`)
        const { status, path, branch, baseRef } = answer.result
        tally[status] = (tally[status] ?? 0) + 1
        places.add(`${path} ${branch} ${baseRef}`)
      })
      if (tally.created !== 1 || tally.reused !== processes - 1) violations.push(`statuses: ${JSON.stringify(tally)}`)
      if (places.size !== 1) violations.push(`different answers: ${[...places].join('; ')}`)
      const trees = sandbox.git(repository, 'worktree', 'list', '--porcelain').match(/^worktree /gm).length
      if (trees !== 2) violations.push(`${trees} worktrees, not the main one and one more`)
      for (const status of Object.keys(tally)) seen[status] = (seen[status] ?? 0) + tally[status]
    } finally {
      sandbox.dispose()
    }
  }
  return {
    name: 'same-key',
    bar: `${rounds} x (1 created, ${processes - 1} reused)`,
    figure: Object.entries(seen)
      .map(([status, count]) => `${count} ${status}`)
      .join(', '),
    violations,
  }
}

module.exports = { run: sameKey }
