'use strict'

// The ways of making a worktree that are measured beside each other.

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { ROOT } = require('../torture/support/sandbox')
const { fillFromMemory } = require('./limit')

const OKSTRA = path.join(ROOT, 'bin', 'okstra.js')

const onPath = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Tools of the field that make a worktree in one command; measured where they are installed. */
const PEERS = {
  wt: (branch) => ['wt', ['switch', '--create', branch, '--no-cd', '--yes']],
  gtr: (branch) => ['git', ['gtr', 'new', branch, '--no-fetch', '--yes']],
}

const request = (repository, id) => ({
  taskType: 'implementation',
  projectRoot: repository,
  projectId: 'bench',
  taskGroupSegment: 'created',
  taskIdSegment: `task-${id}`,
  workCategory: 'feature',
})

function run(sandbox, repository, [program, args]) {
  const options = { cwd: repository, env: sandbox.environment, encoding: 'utf8' }
  const { status, stderr, error } = spawnSync(program, args, options)
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

function start(sandbox, repository, [program, args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: repository, env: sandbox.environment, stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.on('data', (data) => (text += data))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')}: ${text.trim()}`))))
  })
}

/** Does something with okstra's own flush of all files left out. */
function fast(work) {
  process.env.OKSTRA_DURABILITY = 'fast'
  try {
    return work()
  } finally {
    delete process.env.OKSTRA_DURABILITY
  }
}

/**
 * Each contender: `make(id)` makes a worktree and gives its path (`null` where the tool chooses), `start(id)` the same as
 * a promise, `prepare()` does what is done in advance, `measure()` measures itself and gives milliseconds. Each has what
 * its scenarios need; `named`: only for those that name it.
 */
function contenders({ sandbox, addon }, repository) {
  const git = (name, settings) => {
    const place = (id) => sandbox.path('raw', `${name}-${id}`)
    const command = (id) => ['git', [...settings, 'worktree', 'add', '-q', '-b', `${name}-${id}`, place(id)]]
    return {
      make(id) {
        run(sandbox, repository, command(id))
        return place(id)
      },
      start: (id) => start(sandbox, repository, command(id)),
    }
  }
  const expect = ({ status, path: place }) => {
    if (status !== 'created') throw new Error(`okstra: ${status}`)
    return place
  }
  const ways = {
    git: git('git', []),
    'git, 2 workers': git('workers', ['-c', 'checkout.workers=2', '-c', 'checkout.thresholdForParallelism=100']),
    okstra: {
      make: (id) => expect(addon.provisionTaskWorktreeSync(request(repository, id))),
      start: async (id) => expect(await addon.provisionTaskWorktree(request(repository, id))),
    },
    'git, flushed': { named: true, ...git('flushed', ['-c', 'core.fsync=all', '-c', 'core.fsyncMethod=batch']) },
    'okstra, fast': { named: true, make: (id) => expect(fast(() => addon.provisionTaskWorktreeSync(request(repository, id)))) },
    'okstra, a process each': {
      start: (id) => start(sandbox, repository, [process.execPath, [OKSTRA, 'provision', `bench/created/task-${id}`, '--phase', 'implementation']]),
    },
    'okstra, a spare': {
      prepare: () => addon.warmSparesSync({ projectRoot: repository, count: 1 }),
      make: (id) => expect(addon.provisionTaskWorktreeSync(request(repository, `spare-${id}`))),
    },
    'okstra, the command': {
      make(id) {
        run(sandbox, repository, [process.execPath, [OKSTRA, 'provision', `bench/created/command-${id}`, '--phase', 'implementation', '--category', 'feature']])
        return path.join(sandbox.home, 'worktrees', 'bench', 'created', `command-${id}`)
      },
    },
    'from memory': { measure: () => fillFromMemory(repository, sandbox.path('made')) },
  }
  for (const [name, command] of Object.entries(PEERS)) {
    const missing = onPath(name) ? undefined : 'not on PATH'
    ways[name] = {
      peer: true,
      missing,
      make(id) {
        run(sandbox, repository, command(`${name}-${id}`))
        return null
      },
    }
  }
  return ways
}

/** Removes all worktrees, so that each round meets the same repository. */
function clear(sandbox, repository) {
  const listed = sandbox.git(repository, 'worktree', 'list', '--porcelain')
  for (const line of listed.split('\n')) {
    const tree = line.startsWith('worktree ') ? line.slice('worktree '.length) : null
    if (tree && tree !== repository) fs.rmSync(tree, { recursive: true, force: true })
  }
  fs.rmSync(path.join(repository, '.git', 'worktrees'), { recursive: true, force: true })
}

module.exports = { clear, contenders }
