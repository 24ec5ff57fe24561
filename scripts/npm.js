'use strict'

// Starting npm from a script: without a shell where npm itself started the script, and on every platform.

const { spawnSync } = require('node:child_process')

/**
 * Runs npm and returns what it wrote to stdout; throws with what it wrote to stderr when it fails. Errors are always
 * written: `npm run --silent` would silence them in every npm below it, and the callers look into them.
 */
function npm(args, options = {}) {
  const own = process.env.npm_execpath
  const [program, first, shell] = own ? [process.execPath, [own], false] : ['npm', [], process.platform === 'win32']
  const result = spawnSync(program, [...first, ...args, '--loglevel=error'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], shell, ...options })
  if (result.error) throw result.error
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')} failed in ${options.cwd}:\n${result.stderr}`)
  return result.stdout
}

/** What npm would pack of a package: `filename`, `size`, `unpackedSize`, `files`. */
function packed(directory) {
  const answer = JSON.parse(npm(['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: directory }))
  // A list up to npm 11, an object by package name after it.
  return Object.values(answer)[0]
}

module.exports = { npm, packed }
