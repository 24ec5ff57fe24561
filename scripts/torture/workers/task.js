'use strict'

// Calls functions of the addon: each line of its input is `{ call, options }`, each line of its output the outcome. Prints
// `ready` first.

const readline = require('node:readline')
const okstra = require('../../../index.js')

process.stdout.write('ready\n')
const lines = readline.createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  const { call, options } = JSON.parse(line)
  const start = process.hrtime.bigint()
  const answer = { ok: true }
  try {
    answer.result = await okstra[call](options)
  } catch ({ name, code, message, obstacles }) {
    Object.assign(answer, { ok: false, error: { name, code, message, obstacles } })
  }
  answer.milliseconds = Number(process.hrtime.bigint() - start) / 1e6
  process.stdout.write(`${JSON.stringify(answer)}\n`)
})
lines.on('close', () => process.exit())
