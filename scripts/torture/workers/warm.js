'use strict'

// Makes the spares of a repository. Prints `ready` first and waits for the options (JSON) on its input.

const fs = require('node:fs')

const { warmSparesSync } = require('../../../index.js')

fs.writeSync(1, 'ready\n')
const input = Buffer.alloc(65536)
const options = JSON.parse(input.toString('utf8', 0, fs.readSync(0, input)))
fs.writeSync(1, `${JSON.stringify({ ok: true, result: warmSparesSync(options) })}\n`)
