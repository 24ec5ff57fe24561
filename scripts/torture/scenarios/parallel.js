'use strict'

const { Child } = require('../support/processes')
const { complaint, startProvision } = require('../support/provisioning')
const { createRepository } = require('../support/repository')
const { Sandbox, diskRoot } = require('../support/sandbox')

const ADD = 'read go; exec git worktree add -q -b "$1" "$2"'

/** Starts everything, waits until all stand at the barrier, lets them go at once and waits for all. */
async function race(children) {
  await Promise.all(children.map((child) => child.ready))
  for (const child of children) child.go()
  return Promise.all(children.map((child) => child.finish()))
}

async function okstraRound(sandbox, repository, round, processes) {
  const tasks = Array.from({ length: processes }, (_, i) => `round-${round}-${i}`)
  const children = tasks.map((task) => startProvision(sandbox, repository, task))
  const ends = await race(children)
  return ends.flatMap((end, i) => {
    const answer = children[i].answer()
    const wrong = complaint({ ...end, answer })
    if (wrong) return [`${tasks[i]}: ${wrong}`]
    if (answer.result.status !== 'created') return [`${tasks[i]}: ${answer.result.status}`]
    const dirty = sandbox.tryGit(answer.result.path, 'status', '--porcelain')
    return dirty.status === 0 && dirty.stdout === '' ? [] : [`${tasks[i]}: not clean: ${dirty.stdout}${dirty.stderr}`]
  })
}

async function rawRound(sandbox, repository, round, processes) {
  const children = Array.from({ length: processes }, (_, i) => {
    const args = ['-c', `echo ready; ${ADD}`, 'sh', `raw-${round}-${i}`, sandbox.path('raw', `${round}-${i}`)]
    return new Child('sh', args, { cwd: repository, env: sandbox.environment })
  })
  const ends = await race(children)
  return ends.filter(({ code }) => code !== 0).length
}

/** Many processes at once, each provisions a task of its own in one repository; beside it what raw git does. */
async function parallel({ processes, rounds, files, seed, directory = diskRoot() }) {
  const violations = []
  let rawFailures = 0
  for (let round = 0; round < rounds; round++) {
    const sandbox = new Sandbox('parallel', directory)
    try {
      const ours = createRepository(sandbox, { name: 'ours', files, seed })
      const raws = createRepository(sandbox, { name: 'raws', files, seed })
      violations.push(...(await okstraRound(sandbox, ours, round, processes)))
      rawFailures += await rawRound(sandbox, raws, round, processes)
    } finally {
      sandbox.dispose()
    }
  }
  const total = processes * rounds
  const percent = ((100 * rawFailures) / total).toFixed(0)
  return {
    name: 'parallel',
    bar: `0 failures of ${total} (${processes} at once, ${rounds} rounds)`,
    figure: `${violations.length} failures; raw git worktree add: ${rawFailures} of ${total} (${percent} %)`,
    violations,
  }
}

module.exports = { race, run: parallel }
