#!/usr/bin/env node
'use strict'

const os = require('node:os')
const { parseArgs } = require('node:util')

const addon = require('../index.js')
const { benchCreated } = require('./bench/created')
const { benchLimit } = require('./bench/limit')
const { benchListed } = require('./bench/listed')
const { benchMemory } = require('./bench/memory')
const { benchParallel } = require('./bench/parallel')
const { benchReused } = require('./bench/reused')
const { benchStartup } = require('./bench/startup')
const { temporaryRoot } = require('./torture/support/sandbox')

/** Each scenario gives its rows; `quick` asks for fewer runs. */
const SCENARIOS = {
  startup: (quick) => benchStartup({ runs: quick ? 30 : 60 }),
  reused: (quick) => benchReused(addon, { calls: quick ? 500 : 2000 }),
  'created-200': (quick) => benchCreated(addon, { files: 200, rounds: quick ? 10 : 40, bar: 1 }),
  'created-2000': (quick) => benchCreated(addon, { files: 2000, rounds: quick ? 4 : 20 }),
  'created-20000': (quick) => benchCreated(addon, { files: 20000, rounds: quick ? 2 : 10, bar: 0.4, statusBar: 0.3 }),
  'created-100000': (quick) => benchCreated(addon, { files: 100000, rounds: quick ? 1 : 3 }),
  limit: (quick) => benchLimit({ files: 20000, rounds: quick ? 2 : 10 }),
  parallel: (quick) => benchParallel(addon, { files: 20000, count: 8, rounds: quick ? 1 : 5, bar: 0.5 }),
  listed: (quick) => benchListed(addon, { worktrees: quick ? 20 : 200, files: 5000, rounds: quick ? 3 : 5, bar: 0.5 }),
  memory: () => benchMemory({ files: 100000, bar: 1.2 }),
}

const HELP = `Measures okstra beside git and beside an empty Node, in turn and in one process, on ${temporaryRoot()}.

  node scripts/bench.js [--quick] [--json] [scenario ...]

Scenarios: ${Object.keys(SCENARIOS).join(', ')} (all of them by default).

Exits with 1 when a bar is not met. Medians of one run can be compared; figures of two runs or machines cannot.
`

async function main() {
  const options = {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const { quick, json, help } = values
  if (help) return process.stdout.write(HELP)
  for (const name of positionals) if (!(name in SCENARIOS)) throw new Error(`there is no scenario ${name}`)
  const rows = []
  for (const name of positionals.length > 0 ? positionals : Object.keys(SCENARIOS)) rows.push(...(await SCENARIOS[name](quick)))
  if (rows.some(({ met }) => !met)) process.exitCode = 1
  if (json) {
    const machine = { cpus: os.cpus().length, platform: os.platform(), node: process.version, place: temporaryRoot() }
    return process.stdout.write(`${JSON.stringify({ machine, rows }, null, 2)}\n`)
  }
  for (const { what, median, unit = 'ms', ratio, bar, met, note } of rows) {
    const figure = median === null ? '-' : `${median.toFixed(median < 1 ? 4 : 1)} ${unit}`
    const times = ratio === null ? '' : `${ratio.toFixed(2)} x`
    const verdict = bar === '' ? '' : `${met ? 'ok' : 'FAIL'} (bar ${bar})`
    console.log(`${what.padEnd(40)}${figure.padStart(12)}${times.padStart(9)}  ${note}${verdict && `; ${verdict}`}`)
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})
