'use strict'

// Starting other programs from the project's scripts: output goes through, a failure ends the script with its code.

const { spawnSync } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '..')

function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) {
    fail(`cannot start ${program}: ${result.error.message}`)
  }
  if (result.status !== 0) {
    process.exit(result.status ?? 1)
  }
  return result
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

// The script behind a program of node_modules. Started with this very node, it needs no shell and no PATH, and works
// the same on Windows.
function tool(name, program = name) {
  const directory = path.join(root, 'node_modules', name)
  const { bin } = require(path.join(directory, 'package.json'))
  return path.join(directory, typeof bin === 'string' ? bin : bin[program])
}

module.exports = { fail, root, run, tool }
