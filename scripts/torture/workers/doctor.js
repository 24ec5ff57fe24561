'use strict'

// A check-up that mends, of the home in the environment. Prints `ready` first and waits for a line, so that the moment of
// the call is known to the one who starts it; then the report as JSON.

const fs = require('node:fs')

const { doctorSync } = require('../../../index.js')

fs.writeSync(1, 'ready\n')
fs.readSync(0, Buffer.alloc(64))
const start = process.hrtime.bigint()
let answer
try {
  answer = { ok: true, report: doctorSync({ fix: process.argv[3] !== 'look', root: process.argv[2] }) }
} catch (error) {
  answer = { ok: false, error: { code: error.code, message: error.message } }
}
answer.milliseconds = Number(process.hrtime.bigint() - start) / 1e6
fs.writeSync(1, `${JSON.stringify(answer)}\n`)
