'use strict'
// Preloaded into a program: ends it with SIGKILL at the n-th call that changes the disk, before the call, or in the middle
// of it where it writes. KILL_AT names n; without it the calls are counted, and the count is written to COUNT_TO.

const fs = require('node:fs')

const { KILL_AT, COUNT_TO } = process.env
const write = fs.writeFileSync
let calls = 0

for (const name of ['mkdirSync', 'openSync', 'writeFileSync', 'renameSync', 'unlinkSync', 'rmSync', 'rmdirSync']) {
  const original = fs[name]
  fs[name] = (...args) => {
    // Only what opens for writing.
    if (name === 'openSync' && args[1] === 'r') return original.apply(fs, args)
    if (++calls === Number(KILL_AT)) {
      if (name === 'writeFileSync') write(args[0], String(args[1]).slice(0, String(args[1]).length / 2))
      process.kill(process.pid, 'SIGKILL')
      // The signal is on its way; nothing more is done.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    }
    return original.apply(fs, args)
  }
}

if (COUNT_TO) process.on('exit', () => write(COUNT_TO, String(calls)))
