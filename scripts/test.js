'use strict'

// The whole test suite: the core without Node, then the addon through Node. Both always run, so that one failure does
// not hide another; the closing lines are those of the two runners. `--node` leaves the core out, where an addon was
// built elsewhere and there is no Rust.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const { root } = require('./run.js')
const path = require('node:path')

// Named one by one: what `node --test` makes of a directory differs between Node 20 and 22.
const files = fs
  .readdirSync(path.join(root, '__test__'))
  .filter((name) => name.endsWith('.test.js'))
  .map((name) => path.join('__test__', name))
const runs = [
  ['cargo', ['test', '--no-default-features']],
  [process.execPath, ['--test', ...files]],
].filter(([program]) => program !== 'cargo' || !process.argv.includes('--node'))
const failed = runs.filter(([program, args]) => {
  const { error, status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  if (error) {
    process.stderr.write(`cannot start ${program}: ${error.message}\n`)
  }
  return status !== 0
})
for (const [program, args] of failed) {
  process.stderr.write(`failed: ${program} ${args[0]} ...\n`)
}
process.exitCode = failed.length === 0 ? 0 : 1
