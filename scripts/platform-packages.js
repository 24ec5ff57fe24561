'use strict'

// Writes npm/<platform>/, the manifests of the packages that hold the native part, from package.json. `napi create-npm-dirs`
// makes the manifests; the README says what the package is to somebody who comes across it.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { root, tool } = require('./run.js')
const { PLATFORMS } = require('../launcher/platforms.js')

const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }

function readme({ os, cpu, libc, packageName }) {
  const library = libc ? `, with ${libc}` : ''
  return `# ${packageName}

The native part of okstra for ${SYSTEMS[os]} on ${cpu}${library}.

npm installs it with okstra, as an optional dependency, where it fits. There is nothing to install by hand.
`
}

/** Writes `npm/` in a directory that holds the package.json. */
function writePlatformPackages(project) {
  const args = [tool('@napi-rs/cli', 'napi'), 'create-npm-dirs', '--cwd', project]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`napi create-npm-dirs failed:\n${stdout}${stderr}`)
  for (const platform of PLATFORMS) {
    fs.writeFileSync(path.join(project, 'npm', platform.suffix, 'README.md'), readme(platform))
  }
}

module.exports = { writePlatformPackages }

if (require.main === module) {
  fs.rmSync(path.join(root, 'npm'), { recursive: true, force: true })
  writePlatformPackages(root)
}
