#!/usr/bin/env node
'use strict'

const os = require('node:os')
const { parseArgs } = require('node:util')

const addon = require('../index.js')
const { benchCreated } = require('./bench/created')
const { benchReused } = require('./bench/reused')
const { benchStartup } = require('./bench/startup')
const { temporaryRoot } = require('./torture/support/sandbox')

const HELP = `Measures okstra beside git and beside an empty Node, in turn and in one process, on ${temporaryRoot()}.

  node scripts/bench.js [--quick] [--json]

Exits with 1 when a bar is not met. Medians of one run can be compared; figures of two runs or machines cannot.
`

function main() {
  const options = {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  }
  const { quick, json, help } = parseArgs({ options }).values
  if (help) return process.stdout.write(HELP)
  const rows = [
    ...benchStartup({ runs: quick ? 30 : 60 }),
    ...benchReused(addon, { calls: quick ? 500 : 2000 }),
    ...benchCreated(addon, { files: 200, rounds: quick ? 10 : 40, bar: 1.5 }),
    ...benchCreated(addon, { files: 20000, rounds: quick ? 2 : 10, bar: 1.15 }),
  ]
  if (rows.some(({ met }) => !met)) process.exitCode = 1
  if (json) {
    const machine = { cpus: os.cpus().length, platform: os.platform(), node: process.version, place: temporaryRoot() }
    return process.stdout.write(`${JSON.stringify({ machine, rows }, null, 2)}\n`)
  }
  for (const { what, median, ratio, bar, met, note } of rows) {
    const figure = median === null ? '-' : `${median.toFixed(median < 1 ? 4 : 1)} ms`
    const times = ratio === null ? '' : `${ratio.toFixed(2)} x`
    const verdict = bar === '' ? '' : `${met ? 'ok' : 'FAIL'} (bar ${bar})`
    console.log(`${what.padEnd(32)}${figure.padStart(12)}${times.padStart(9)}  ${note}${verdict && `; ${verdict}`}`)
  }
}

main()
