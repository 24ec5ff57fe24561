'use strict'
// A question to the person at the terminal.

/** Whether there is somebody to ask: both what we read and what we write to is a terminal. */
function canAsk() {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY)
}

/** Asks a yes-or-no question on stderr; anything but yes is no. `signal` ends the question, which then counts as no. */
async function confirm(question, signal) {
  const readline = require('node:readline/promises')
  const lines = readline.createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal })
    return /^\s*y(es)?\s*$/i.test(answer)
  } catch (error) {
    if (error.name === 'AbortError') return false
    throw error
  } finally {
    lines.close()
  }
}

module.exports = { canAsk, confirm }
