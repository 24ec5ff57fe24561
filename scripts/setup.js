'use strict'

// Makes a fresh clone ready to build: checks the tools, installs the development dependencies. Quiet when all is well.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { fail, root, run } = require('./run.js')

const NEEDED = [
  ['cargo', 'Rust 1.89 or newer is needed to build okstra: install it with rustup (the Rust project\'s installer).'],
  ['git', 'git 2.36 or newer is needed: install it with the package manager of your system.'],
]

function checkTools() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(`okstra needs Node 20 or newer; this is ${process.version}.`)
  }
  for (const [program, message] of NEEDED) {
    const { error, status } = spawnSync(program, ['--version'], { stdio: 'ignore' })
    if (error || status !== 0) {
      fail(`${program} does not run. ${message}`)
    }
  }
}

// npm writes this file when it has finished an installation, so an interrupted one counts as none.
function isInstalled() {
  const modified = (file) => fs.statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs
  const installed = modified('node_modules/.package-lock.json')
  return installed !== undefined && installed >= modified('package-lock.json')
}

function install() {
  process.stderr.write('Installing the development dependencies (npm ci) ...\n')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  if (npm) {
    run(process.execPath, [npm, ...args])
  } else {
    run('npm', args, { shell: process.platform === 'win32' })
  }
  // npm keeps the time of an unchanged file; without this, every later run would install again.
  const now = new Date()
  fs.utimesSync(path.join(root, 'node_modules/.package-lock.json'), now, now)
}

checkTools()
if (!isInstalled()) {
  install()
}
