'use strict'
// Loads the native addon, at the first use.

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const ABIS = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }

let loaded

/** The addon's exports. */
function addon() {
  loaded ??= direct() ?? require('./module.js')
  return loaded
}

/**
 * The addon of this version, without the generated loader, whose 36 kB cost twice what opening the addon does. Nothing
 * where there is any doubt: two of them for this system (of which the loader knows the right one), none in its usual
 * place, one that does not load. The loader then finds it, or says why not.
 */
function direct() {
  if (Object.keys(process.env).some((name) => name.startsWith('NAPI_RS_'))) return undefined
  const { version } = require('../package.json')
  try {
    const found = candidates().filter((file) => fs.existsSync(file))
    const native = found.length === 1 ? require(found[0]) : undefined
    return native?.version() === version ? native : undefined
  } catch {
    return undefined
  }
}

/** Where the addon of this system may lie: in a clone beside the manifest; npm lays its package beside ours. */
function candidates() {
  const system = `${process.platform}-${process.arch}`
  return (ABIS[process.platform] ?? ['']).flatMap((abi) => {
    const binary = `okstra.${system}${abi}.node`
    return [path.join(ROOT, binary), path.join(ROOT, '..', `okstra-${system}${abi}`, binary)]
  })
}

module.exports = { addon }
