'use strict'

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')

/** The calls with an effect that lasts, and those that start and await processes. Names of all architectures. */
const LASTING = 'openat write rename renameat renameat2 mkdir mkdirat unlink unlinkat link linkat symlink symlinkat fsync fdatasync syncfs flock ftruncate chmod fchmod fchmodat'
const PROCESS = 'execve clone clone3 vfork wait4 waitid'
const CALLS = `${LASTING} ${PROCESS}`.split(' ')
const FAULTY = LASTING.split(' ').filter((call) => call !== 'flock')

const isThere = () => spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0
const named = (calls) => calls.map((call) => `?${call}`).join(',')

/**
 * Attaches strace to a process that stands at its barrier, so that the counts of an injection begin with the call under
 * test and not with the start of Node. `follow` traces its other threads and its children as well.
 *
 * @returns {Promise<{ ended: Promise<void>, log: () => string, stop: () => void }>}
 */
async function attach(pid, { follow, trace = CALLS, inject, logFile }) {
  const args = ['-o', logFile, '-p', String(pid), '-e', `trace=${named(trace)}`]
  if (follow) args.push('-f')
  if (inject) args.push('-e', `inject=${inject}`)
  const tracer = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  const attached = new Promise((resolve, reject) => {
    tracer.stderr.setEncoding('utf8').on('data', (chunk) => {
      said += chunk
      if (said.includes('attached')) resolve()
    })
    tracer.on('close', () => reject(new Error(`strace: ${said.trim()}`)))
  })
  const ended = new Promise((resolve) => tracer.on('close', () => resolve()))
  await attached
  return { ended, log: () => fs.readFileSync(logFile, 'utf8'), stop: () => tracer.kill('SIGTERM') }
}

/** How often each call was made, by the process (or thread) that made it most often. */
function countCalls(log) {
  const counts = {}
  for (const line of log.split('\n')) {
    const match = /^(?:(\d+) +)?([a-z_0-9]+)\(/.exec(line)
    if (!match) continue
    const [, pid = 'owner', call] = match
    counts[call] ??= {}
    counts[call][pid] = (counts[call][pid] ?? 0) + 1
  }
  return Object.fromEntries(Object.entries(counts).map(([call, by]) => [call, Math.max(...Object.values(by))]))
}

module.exports = { CALLS, FAULTY, attach, countCalls, isThere }
