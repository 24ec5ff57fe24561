'use strict'

// What a run of the benchmark says: as text, and as the object that `--json` writes.

const { spawnSync } = require('node:child_process')
const os = require('node:os')

/** The rows as lines. */
function textOf(rows) {
  const lines = rows.map(({ what, median, unit = 'ms', ratio, bar, met, note }) => {
    const figure = median === null ? '-' : `${median.toFixed(median < 1 ? 4 : 1)} ${unit}`
    const times = ratio === null ? '' : `${ratio.toFixed(ratio < 0.1 ? 3 : 2)} x`
    const verdict = bar === '' ? '' : `${met ? 'ok' : 'FAIL'} (bar ${bar})`
    return `${what.padEnd(46)}${figure.padStart(12)}${times.padStart(9)}  ${note}${verdict && `; ${verdict}`}\n`
  })
  return lines.join('')
}

/** The rows with what is needed to know where they come from. */
function report(rows, { place, at, load }) {
  const version = (program) => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? null
  const machine = { cpus: os.availableParallelism(), platform: os.platform(), kernel: os.release(), node: process.version, git: version('git'), place, load }
  return { schema: 1, at, machine, rows }
}

module.exports = { report, textOf }
