'use strict'

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const WORKERS = path.join(__dirname, '..', 'workers')
const pause = new Int32Array(new SharedArrayBuffer(4))

/** Blocks this thread; fractions of a millisecond count, which timers do not offer. */
function sleepBlocking(milliseconds) {
  if (milliseconds > 0) Atomics.wait(pause, 0, 0, milliseconds)
}

/**
 * A child process whose output is collected. It may wait at a barrier: it prints `ready` as its first line and starts
 * when `go` writes to its input.
 */
class Child {
  constructor(command, args, options) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
    this.stdout = ''
    this.stderr = ''
    this.ended = false
    this.process.stdin.on('error', () => {})
    this.process.stderr.setEncoding('utf8').on('data', (chunk) => (this.stderr += chunk))
    this.process.stdout.setEncoding('utf8')
    const started = new Promise((resolve) => {
      this.process.stdout.on('data', (chunk) => {
        this.stdout += chunk
        if (this.stdout.includes('\n')) resolve()
      })
    })
    this.done = new Promise((resolve) => {
      this.process.on('error', (error) => resolve({ code: null, signal: null, error }))
      this.process.on('close', (code, signal) => resolve({ code, signal }))
    })
    this.process.on('exit', () => (this.ended = true))
    this.ready = Promise.race([started, this.done])
  }

  get pid() {
    return this.process.pid
  }

  go(line = this.options ?? 'go') {
    this.process.stdin.write(`${line}\n`)
  }

  /** Waits for the end, and ends the process itself when that takes longer than `limit` milliseconds. */
  async finish(limit = 120_000) {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      this.process.kill('SIGKILL')
    }, limit)
    const end = await this.done
    clearTimeout(timer)
    return { ...end, timedOut, stdout: this.stdout, stderr: this.stderr }
  }

  /** The JSON object on the last line of the output, or null. */
  answer() {
    try {
      return JSON.parse(this.stdout.trimEnd().split('\n').pop())
    } catch {
      return null
    }
  }
}

/** Starts a Node worker of this suite. With `session` it leads a session of its own, so that all it starts is found. */
function startWorker(name, args, { env, session = false }) {
  return new Child(process.execPath, [path.join(WORKERS, name), ...args], { env, detached: session })
}

/** The living processes of a session: pid and name. Zombies do not count. Linux only. */
function sessionProcesses(session) {
  const found = []
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    let stat
    try {
      stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8')
    } catch {
      continue
    }
    // "pid (name) state ppid pgrp session ..."; the name may hold spaces and parentheses.
    const close = stat.lastIndexOf(')')
    const fields = stat.slice(close + 2).split(' ')
    if (Number(fields[3]) === session && fields[0] !== 'Z' && fields[0] !== 'X') {
      found.push({ pid: Number(entry), name: stat.slice(stat.indexOf('(') + 1, close) })
    }
  }
  return found
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** Kills a session leader and everything in its session; looks again until nothing is left, as the dying may fork. */
function killSession(leader) {
  kill(leader)
  for (let left = sessionProcesses(leader); left.length > 0; left = sessionProcesses(leader)) {
    for (const { pid } of left) kill(pid)
  }
}

/** Kills what a session leader has started, and not the leader. Gives how many. */
function killDescendants(leader) {
  const children = sessionProcesses(leader).filter(({ pid }) => pid !== leader)
  for (const { pid } of children) kill(pid)
  return children.length
}

/** Waits until a session is empty; gives what is left of it after `limit` milliseconds. */
async function sessionEnds(session, limit = 5000) {
  const end = Date.now() + limit
  for (;;) {
    const left = sessionProcesses(session)
    if (left.length === 0 || Date.now() > end) return left
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Runs `tasks` (functions that give promises), at most `width` at once. */
async function inParallel(tasks, width) {
  let next = 0
  const lane = async () => {
    while (next < tasks.length) await tasks[next++]()
  }
  await Promise.all(Array.from({ length: Math.min(width, tasks.length) }, lane))
}

module.exports = {
  Child,
  inParallel,
  killDescendants,
  killSession,
  kill,
  sessionEnds,
  sessionProcesses,
  sleepBlocking,
  startWorker,
}
