'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { milliseconds, median } = require('./measure')

const onPath = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Tools of the field that make a worktree in one command; measured where they are installed. */
const PEERS = {
  wt: (branch) => ['wt', ['switch', '--create', branch, '--no-cd', '--yes']],
  gtr: (branch) => ['git', ['gtr', 'new', branch, '--no-fetch', '--yes']],
}

function spawned(sandbox, repository, [program, args]) {
  const options = { cwd: repository, env: sandbox.environment, encoding: 'utf8' }
  const { status, stderr, error } = spawnSync(program, args, options)
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/** How each contender makes worktree number `i`; all of them are measured from this process. */
function contenders(sandbox, repository, addon) {
  const ways = {
    git: (i) => spawned(sandbox, repository, ['git', ['worktree', 'add', '-q', '-b', `raw-${i}`, sandbox.path('raw', `${i}`)]]),
    okstra(i) {
      const { status } = addon.provisionTaskWorktreeSync({
        taskType: 'implementation',
        projectRoot: repository,
        projectId: 'bench',
        taskGroupSegment: 'created',
        taskIdSegment: `task-${i}`,
        workCategory: 'feature',
      })
      if (status !== 'created') throw new Error(`task-${i}: ${status}`)
    },
  }
  for (const [name, command] of Object.entries(PEERS)) {
    if (onPath(name)) ways[name] = (i) => spawned(sandbox, repository, command(`${name}-${i}`))
  }
  return ways
}

/** Removes all worktrees of a round, so that each round meets the same repository. */
function clear(sandbox, repository) {
  const listed = sandbox.git(repository, 'worktree', 'list', '--porcelain')
  for (const line of listed.split('\n')) {
    const tree = line.startsWith('worktree ') ? line.slice('worktree '.length) : null
    if (tree && tree !== repository) fs.rmSync(tree, { recursive: true, force: true })
  }
  fs.rmSync(path.join(repository, '.git', 'worktrees'), { recursive: true, force: true })
}

/**
 * The time to make a worktree, okstra and git in turn (A B A B ...), and their ratio. The first round warms up.
 *
 * @returns one row for each contender
 */
function benchCreated(addon, { files, rounds, bar }) {
  const sandbox = new Sandbox('bench')
  try {
    Object.assign(process.env, sandbox.environment)
    const repository = createRepository(sandbox, { files, seed: 1 })
    const ways = contenders(sandbox, repository, addon)
    const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
    const broken = {}
    for (let round = 0; round <= rounds; round++) {
      // Who begins changes with the round: the second one meets warmer caches.
      const order = round % 2 === 0 ? Object.keys(ways) : Object.keys(ways).reverse()
      for (const name of order) {
        if (broken[name]) continue
        try {
          const taken = milliseconds(() => ways[name](round))
          if (round > 0) times[name].push(taken)
        } catch (error) {
          if (!(name in PEERS)) throw error
          broken[name] = error.message
        }
      }
      clear(sandbox, repository)
    }
    const git = median(times.git)
    return Object.keys(ways).map((name) => ({
      what: `created, ${files} files: ${name}`,
      median: broken[name] ? null : median(times[name]),
      ratio: broken[name] ? null : median(times[name]) / git,
      bar: name === 'okstra' ? `${bar} x git` : '',
      met: name === 'okstra' ? median(times[name]) / git <= bar : true,
      note: broken[name] ? `failed: ${broken[name]}` : `${times[name].length} runs`,
    }))
  } finally {
    sandbox.dispose()
  }
}

module.exports = { benchCreated }
