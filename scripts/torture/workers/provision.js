'use strict'

// Provisions one worktree and prints the outcome as JSON. Prints `ready` first and waits for the options (JSON, with
// `asynchronous` for the other way of calling) on its input, so that the moment of the call is known to the one who
// starts it.

const fs = require('node:fs')

const { provisionTaskWorktree, provisionTaskWorktreeSync } = require('../../../index.js')

/** An injected fault may hit our own output: the second attempt is the one that counts. */
function print(value) {
  const line = `${JSON.stringify(value)}\n`
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      fs.writeSync(1, line)
      return
    } catch {
      // Tried again.
    }
  }
}

function failure(error) {
  const { name, code, message, stack, hint } = error
  process.exitCode = 1
  return { ok: false, error: { name, code, message, hint, stack: code ? undefined : stack } }
}

async function main() {
  fs.writeSync(1, 'ready\n')
  const input = Buffer.alloc(65536)
  const { asynchronous, ...options } = JSON.parse(input.toString('utf8', 0, fs.readSync(0, input)))
  const start = process.hrtime.bigint()
  const answer = { ok: true }
  try {
    answer.result = asynchronous ? await provisionTaskWorktree(options) : provisionTaskWorktreeSync(options)
  } catch (error) {
    Object.assign(answer, failure(error))
  }
  answer.milliseconds = Number(process.hrtime.bigint() - start) / 1e6
  print(answer)
}

main()
