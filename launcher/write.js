'use strict'
// Writes to one of the two streams at once.
//
// To open `process.stdout` costs 3 ms, a tenth of what an empty Node takes; the descriptor is there already. Where it does
// not take everything (a pipe that another program made non-blocking is full), the stream writes the rest. On Windows a
// console wants characters and not bytes, and the stream is the way.

const fs = require('node:fs')

const DESCRIPTORS = { stdout: 1, stderr: 2 }

const streaming = { stdout: false, stderr: false }

let guarded = false

/** Makes the two streams safe to write to. A reader that went away is no error; anything else that stops us is. */
function guardStreams() {
  if (guarded) return
  guarded = true
  process.stdout.on('error', (error) => {
    if (error.code === 'EPIPE') return
    process.exitCode = 1
    process.stderr.write(`okstra: cannot write the answer: ${error.message}\n`)
  })
  // Nobody is left to be told.
  process.stderr.on('error', () => {})
}

/**
 * Writes a text, or its bytes, to `stdout` or `stderr`. Never throws: what cannot be written is told on stderr and in the
 * exit code.
 */
function writeText(name, text) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const rest = streaming[name] || process.platform === 'win32' ? text : writeNow(DESCRIPTORS[name], bytes)
  if (rest.length === 0) return
  // What comes later must not overtake it.
  streaming[name] = true
  guardStreams()
  process[name].write(rest)
}

/** What the descriptor did not take. A failure is met again, and told, by the stream. */
function writeNow(descriptor, bytes) {
  let written = 0
  try {
    while (written < bytes.length) written += fs.writeSync(descriptor, bytes, written)
  } catch {
    return bytes.subarray(written)
  }
  return ''
}

module.exports = { guardStreams, writeText }
