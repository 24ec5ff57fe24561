'use strict'

const { createRepository } = require('../torture/support/repository')
const { Sandbox } = require('../torture/support/sandbox')
const { BIN, timed } = require('./command')
const { median } = require('./measure')

const BAR = 1.25

/**
 * What the launcher's start costs beside an empty Node, in turn, for the commands that agents call before each use;
 * `ensure-installed` with nothing to repair.
 */
function benchStartup({ runs }) {
  const sandbox = new Sandbox('bench')
  try {
    const env = { ...sandbox.environment, OKSTRA_HOME: sandbox.path('installed'), CLAUDE_CONFIG_DIR: sandbox.path('agent') }
    const repository = createRepository(sandbox, { files: 5, seed: 1 })
    timed(process.execPath, [BIN, 'install'], { env })
    timed(process.execPath, [BIN, 'provision', 'bench/start/task', '--phase', 'implementation', '--root', repository], { env })
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
        const taken = timed(process.execPath, contenders[name], { env })
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
