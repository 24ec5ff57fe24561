'use strict'

// Programs as a shell starts them: the whole of a command, with Node's own start.

const { spawnSync } = require('node:child_process')
const path = require('node:path')

const BIN = path.join(__dirname, '..', '..', 'bin', 'okstra.js')

// bash measures the child and what that waited for, without its own start.
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&3; } 2>&1'

/** One run of a program: wall clock and user + system time of it and of its children, in milliseconds. */
function timed(program, args, { env, cwd }) {
  const stdio = ['ignore', 'pipe', 'ignore', 'pipe']
  const { status, output } = spawnSync('bash', ['-c', TIMED, 'bash', program, ...args], { env, cwd, stdio, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${output[3].trim()}`)
  const [wall, user, system] = output[1].trim().split(' ').map((seconds) => Number(seconds) * 1000)
  return { wall, cpu: user + system }
}

/** The same for a command line of okstra. */
const okstra = (args, options) => timed(process.execPath, [BIN, ...args], options)

module.exports = { BIN, okstra, timed }
