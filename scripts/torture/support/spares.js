'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ADDON = path.join(__dirname, '..', '..', '..', 'index.js')
const WARM = `
  const { warmSparesSync } = require(${JSON.stringify(ADDON)})
  console.log(JSON.stringify(warmSparesSync(JSON.parse(process.argv[1]))))`

const list = (directory) => {
  try {
    return fs.readdirSync(directory)
  } catch {
    return []
  }
}

/** Brings the spares of a repository to a number, in a process of its own, and gives its answer. */
function warm(sandbox, repository, count) {
  const options = JSON.stringify({ projectRoot: repository, count, keepFree: 0 })
  return JSON.parse(execFileSync(process.execPath, ['-e', WARM, options], { env: sandbox.environment, encoding: 'utf8' }))
}

/** The directories of all spares by their state. */
function spares(sandbox) {
  const pools = path.join(sandbox.home, 'worktrees', '.spares')
  const names = list(pools).flatMap((pool) => list(path.join(pools, pool)))
  const of = (state) => names.filter((name) => name.startsWith(`${state}-`))
  return { ready: of('ready'), making: of('making'), claimed: of('claimed') }
}

/** What was found in quarantine before, by sandbox. */
const found = new WeakMap()

/** Trees that recovery moved aside with files in them since this was called last. */
function newlyAside(sandbox) {
  const quarantine = path.join(sandbox.home, 'worktrees', '.quarantine')
  const filled = list(quarantine).filter((name) => list(path.join(quarantine, name, 'tree')).some((file) => file !== '.git'))
  const before = found.get(sandbox) ?? new Set()
  found.set(sandbox, new Set(filled))
  return filled.filter((name) => !before.has(name))
}

/**
 * After a task was provisioned, whatever died before: the spare was claimed or is there still, and nothing lies in
 * between.
 */
function checkSpares(sandbox, before) {
  const { ready, making, claimed } = spares(sandbox)
  const violations = [...making, ...claimed].map((name) => `a spare was left as ${name}`)
  if (ready.length > before) violations.push(`${ready.length} spares, and there were ${before}`)
  // A run at a path that a dead one had used claims none but fills its tree (src/provision/times.rs); killed at that, the
  // tree goes there, and the spare is still ready. One that is not was moved there.
  const aside = newlyAside(sandbox)
  if (ready.length < before) for (const name of aside) violations.push(`a spare lies in quarantine: ${name}`)
  return violations
}

module.exports = { checkSpares, spares, warm }
