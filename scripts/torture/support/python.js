'use strict'

const { spawnSync } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')

const { Child } = require('./processes')
const { ROOT } = require('./sandbox')

const HELPER = path.join(ROOT, '__test__', 'helpers', 'registry_writer.py')

/** The real interpreter (a version manager's shim costs more than the script), or null where there is none. */
const interpreter = (() => {
  let found
  return () => {
    if (found === undefined) {
      const asked = spawnSync('python3', ['-c', 'import fcntl, sys; print(sys.executable)'], { encoding: 'utf8' })
      found = asked.status === 0 ? asked.stdout.trim() : null
    }
    return found
  }
})()

/** Starts the helper that touches the registry as 0.12.0 does. */
function startPython(args, { env }) {
  return new Child(interpreter(), [HELPER, ...args], { env })
}

/** A Python process that says of one file after the other whether it parses. */
class PythonChecker {
  constructor(env) {
    this.child = startPython(['check'], { env })
    this.lines = readline.createInterface({ input: this.child.process.stdout })[Symbol.asyncIterator]()
    this.ready = this.lines.next()
  }

  /** "ok <rows>", or "bad <why>". */
  async check(file) {
    await this.ready
    this.child.go(file)
    return (await this.lines.next()).value ?? 'bad the checker ended'
  }

  async end() {
    this.child.process.stdin.end()
    await this.child.finish(10_000)
  }
}

module.exports = { PythonChecker, interpreter, startPython }
