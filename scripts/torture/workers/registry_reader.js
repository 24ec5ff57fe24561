'use strict'

// Lists the registry as fast as it can until its input closes; counts what throws and rows that vanish.

const { registry } = require('../../../index.js')

let reads = 0
let fewest = 0
let closed = false
const broken = []

function read() {
  if (closed) {
    process.stdout.write(`${JSON.stringify({ reads, broken: broken.slice(0, 20) })}\n`)
    return
  }
  try {
    const rows = registry.list().length
    if (rows < fewest) broken.push(`${rows} rows after ${fewest}`)
    fewest = rows
  } catch (error) {
    broken.push(`${error.code}: ${error.message}`)
  }
  reads++
  setImmediate(read)
}

process.stdout.write('ready\n')
process.stdin.once('data', read)
process.stdin.on('end', () => (closed = true))
