'use strict'

const fs = require('node:fs')

/** The time a function takes, in milliseconds. */
function milliseconds(work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

/** The same for a function that gives a promise. */
async function asyncMilliseconds(work) {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Processor time of this process and of the children that it has waited for, in milliseconds; the kernel counts in
 * steps of 10. `null` where there is no /proc.
 */
function processorTime() {
  try {
    const [, rest] = fs.readFileSync('/proc/self/stat', 'utf8').split(/\) /)
    const [user, system, childUser, childSystem] = rest.split(' ').slice(11, 15).map(Number)
    return { user: (user + childUser) * 10, system: (system + childSystem) * 10 }
  } catch {
    return null
  }
}

/** Runs each contender in turn; who begins changes with the round, because the second one meets warmer caches. */
function inTurn(names, round) {
  return round % 2 === 0 ? names : [...names].reverse()
}

module.exports = { asyncMilliseconds, inTurn, median, milliseconds, processorTime }
