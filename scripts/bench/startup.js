'use strict'

const { spawnSync } = require('node:child_process')
const path = require('node:path')

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { median } = require('./measure')

const BIN = path.join(__dirname, '..', '..', 'bin', 'okstra.js')
const BAR = 1.25

// bash measures the child alone, without its own start.
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&1; } 2>&1'

/** One run of a program: wall clock and user + system time, in milliseconds. */
function timed(args, env) {
  const { status, stdout } = spawnSync('bash', ['-c', TIMED, 'bash', process.execPath, ...args], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
  const [wall, user, system] = stdout.trim().split(' ').map((seconds) => Number(seconds) * 1000)
  return { wall, cpu: user + system }
}

/**
 * What the launcher's start costs beside an empty Node, in turn, for the commands that agents call before each use;
 * `ensure-installed` with nothing to repair.
 */
function benchStartup({ runs }) {
  const sandbox = new Sandbox('bench')
  try {
    const env = { ...sandbox.environment, OKSTRA_HOME: sandbox.path('installed'), CLAUDE_CONFIG_DIR: sandbox.path('agent') }
    const repository = createRepository(sandbox, { files: 5, seed: 1 })
    timed([BIN, 'install'], env)
    timed([BIN, 'provision', 'bench/start/task', '--phase', 'implementation', '--root', repository], env)
    const contenders = {
      'node -e 0': ['-e', '0'],
      'ensure-installed': [BIN, 'ensure-installed'],
      'path TASK': [BIN, 'path', 'bench/start/task'],
      'paths --shell': [BIN, 'paths', '--shell'],
    }
    const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
    for (let run = 0; run <= runs; run++) {
      // Who begins changes with the run, and the first one warms up.
      const order = run % 2 === 0 ? Object.keys(contenders) : Object.keys(contenders).reverse()
      for (const name of order) {
        const taken = timed(contenders[name], env)
        if (run > 0) times[name].push(taken)
      }
    }
    const medians = (name) => ({ wall: median(times[name].map(({ wall }) => wall)), cpu: median(times[name].map(({ cpu }) => cpu)) })
    const bare = medians('node -e 0')
    return Object.keys(contenders).map((name) => {
      const { wall, cpu } = medians(name)
      const judged = name !== 'node -e 0'
      return {
        what: `start: ${name}`,
        median: wall,
        ratio: wall / bare.wall,
        bar: judged ? `${BAR} x node -e 0, both` : '',
        met: !judged || (wall / bare.wall <= BAR && cpu / bare.cpu <= BAR),
        note: `user+sys ${cpu.toFixed(1)} ms, ${(cpu / bare.cpu).toFixed(2)} x; ${runs} runs`,
      }
    })
  } finally {
    sandbox.dispose()
  }
}

module.exports = { benchStartup }
