'use strict'

// Makes a fresh clone ready to build: checks the tools, installs the development dependencies. Quiet when all is well.

const { spawnSync } = require('node:child_process')
const { installDependencies } = require('./install.js')
const { fail, root } = require('./run.js')

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

checkTools()
installDependencies(root, 'the development dependencies')
