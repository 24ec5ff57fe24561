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

/** Trees that recovery moved aside with files in them: a spare that got there is lost. */
function filledQuarantine(sandbox) {
  const quarantine = path.join(sandbox.home, 'worktrees', '.quarantine')
  return list(quarantine).filter((name) => list(path.join(quarantine, name, 'tree')).some((file) => file !== '.git'))
}

/**
 * After a task was provisioned, whatever died before: the spare was claimed or is there still, and nothing lies in
 * between.
 */
function checkSpares(sandbox, before) {
  const { ready, making, claimed } = spares(sandbox)
  const violations = [...making, ...claimed].map((name) => `a spare was left as ${name}`)
  if (ready.length > before) violations.push(`${ready.length} spares, and there were ${before}`)
  for (const name of filledQuarantine(sandbox)) violations.push(`a filled tree lies in quarantine: ${name}`)
  return violations
}

module.exports = { checkSpares, spares, warm }
