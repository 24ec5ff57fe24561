'use strict'
// The platforms that okstra is built for, from the target triples of package.json: what npm, Node and the generated
// loader call them.

const { name, napi } = require('../package.json')

const ARCHITECTURES = { x86_64: 'x64', aarch64: 'arm64' }
const SYSTEMS = { linux: 'linux', darwin: 'darwin', windows: 'win32' }
const C_LIBRARIES = { gnu: 'glibc', musl: 'musl' }

/** A target triple in the words of Node and npm: `os`, `cpu`, on Linux `libc`, and the name of the package. */
function platformOf(triple) {
  const [architecture, , system, abi] = triple.split('-')
  const os = SYSTEMS[system]
  const cpu = ARCHITECTURES[architecture]
  const suffix = [os, cpu, abi].filter(Boolean).join('-')
  const libc = os === 'linux' ? C_LIBRARIES[abi] : undefined
  return { triple, os, cpu, libc, suffix, packageName: `${name}-${suffix}`, binary: `${napi.binaryName}.${suffix}.node` }
}

/** Every platform there is a package for. */
const PLATFORMS = napi.targets.map(platformOf)

/** The C library of this process: `glibc`, `musl`, or nothing outside Linux. Asks Node for a report, which costs 10 ms. */
function currentLibc() {
  if (process.platform !== 'linux') return undefined
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
}

/** The platform this process runs on, when there is a package for it. */
function currentPlatform(libc = currentLibc()) {
  return PLATFORMS.find(({ os, cpu, libc: needed }) => os === process.platform && cpu === process.arch && needed === libc)
}

module.exports = { PLATFORMS, currentLibc, currentPlatform }
