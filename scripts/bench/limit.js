'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')

const { createRepository } = require('../torture/support/repository')
const { ROOT, Sandbox } = require('../torture/support/sandbox')
const { median } = require('./measure')

// The other scenarios put the environment of their sandbox in the place of this one, without the cargo of the user.
const environment = { ...process.env }

/** What no way of filling a tree can beat here: the same files made from memory, by as many threads as okstra uses. */
function benchLimit({ files, rounds }) {
  const what = `limit, ${files} files from memory`
  const skipped = (note) => [{ what, median: null, ratio: null, bar: '', met: true, note: `skipped: ${note}` }]
  const built = spawnSync('cargo', ['build', '-q', '--release', '--no-default-features', '--example', 'limit'], { cwd: ROOT, env: environment, encoding: 'utf8' })
  if (built.status !== 0) return skipped(built.error?.message ?? 'the example does not build')
  const sandbox = new Sandbox('bench')
  try {
    const repository = createRepository(sandbox, { files, seed: 1 })
    const threads = Math.min(8, os.availableParallelism())
    const times = []
    for (let round = 0; round <= rounds; round++) {
      const target = sandbox.path('made')
      const args = [repository, target, `${threads}`]
      const { status, stdout, stderr } = spawnSync(`${ROOT}/target/release/examples/limit`, args, { encoding: 'utf8' })
      if (status !== 0) return skipped(stderr.trim())
      if (round > 0) times.push(Number(stdout))
      fs.rmSync(target, { recursive: true })
    }
    return [{ what, files, median: median(times), ratio: null, bar: '', met: true, note: `${times.length} runs, ${threads} threads` }]
  } finally {
    sandbox.dispose()
  }
}

module.exports = { benchLimit }
