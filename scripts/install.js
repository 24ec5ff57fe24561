'use strict'

// Installs a directory's dependencies from its lock file, when that has not been done since the lock file changed.

const fs = require('node:fs')
const path = require('node:path')
const { run } = require('./run.js')

function installDependencies(directory, what) {
  if (isInstalled(directory)) return
  process.stderr.write(`Installing ${what} (npm ci) ...\n`)
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  if (npm) {
    run(process.execPath, [npm, ...args], { cwd: directory })
  } else {
    run('npm', args, { cwd: directory, shell: process.platform === 'win32' })
  }
  // npm keeps the time of an unchanged file; without this, every later run would install again.
  const now = new Date()
  fs.utimesSync(path.join(directory, 'node_modules/.package-lock.json'), now, now)
}

// npm writes this file when it has finished an installation, so an interrupted one counts as none.
function isInstalled(directory) {
  const modified = (file) => fs.statSync(path.join(directory, file), { throwIfNoEntry: false })?.mtimeMs
  const installed = modified('node_modules/.package-lock.json')
  return installed !== undefined && installed >= modified('package-lock.json')
}

module.exports = { installDependencies }
