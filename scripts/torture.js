#!/usr/bin/env node
'use strict'

const { parseArgs } = require('node:util')

const { SCENARIOS } = require('./torture/scenarios')
const { randomSeed } = require('./torture/support/random')

const HELP = `Breaks okstra on purpose and counts what does not heal.

  node scripts/torture.js [options] [scenario ...]

Scenarios: ${Object.keys(SCENARIOS).join(', ')} (all of them by default).

  --seed <number>       repeat a run (printed by each run)
  --set <name>=<count>  change a count of the scenarios, e.g. --set provisions=1 (may be given more than once)
  --small               the counts of the test suite
  --keep                keep the directory of a stage with a violation
  --directory <dir>     where to work (memory by default, a disk for parallel)
  --json                one object a scenario instead of the table
`

function parse() {
  const options = {
    seed: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    small: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    directory: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  for (const name of positionals) {
    if (!(name in SCENARIOS)) throw new Error(`there is no scenario ${name}`)
  }
  const counts = Object.fromEntries(
    values.set.map((pair) => {
      const [name, count] = pair.split('=')
      if (!/^\d+$/.test(count ?? '')) throw new Error(`--set ${pair}: no name=count`)
      return [name, Number(count)]
    }),
  )
  const names = positionals.length > 0 ? positionals : Object.keys(SCENARIOS)
  return { ...values, seed: Number(values.seed ?? randomSeed()), counts, names }
}

const show = (name, done, total) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} of ${total} ${done === total ? '\n' : ''}`)
}

async function main() {
  const { names, counts, seed, small, keep, directory, json, help } = parse()
  if (help) return process.stdout.write(HELP)
  if (!json) console.log(`seed ${seed}`)
  for (const name of names) {
    const scenario = SCENARIOS[name]
    const start = Date.now()
    const size = { ...(small ? scenario.small : scenario.full), ...counts }
    const result = await scenario.run({ ...size, seed, keep, directory, progress: show })
    const seconds = Number(((Date.now() - start) / 1000).toFixed(1))
    if (result.violations.length > 0) process.exitCode = 1
    if (json) {
      console.log(JSON.stringify({ ...result, seed, seconds }))
      continue
    }
    const verdict = result.skipped ? 'skip' : result.violations.length > 0 ? 'FAIL' : 'ok'
    console.log(`${verdict.padEnd(5)}${name.padEnd(14)}${result.bar}\n${' '.repeat(19)}${result.figure} [${seconds} s]`)
    for (const violation of result.violations) console.log(`     ! ${violation}`)
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})
