'use strict'

// Checks what would be published: the files that must be there are, nothing else slips in, and both manifests carry the
// same version. Prints the sizes.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { fail, root } = require('./run.js')

const REQUIRED = ['LICENSE', 'bin/okstra.js', 'index.d.ts', 'index.js', 'launcher/cli.js', 'package.json', 'python/okstra_ctl/__init__.py']
const ALLOWED = [/^(LICENSE|README\.md|package\.json|index\.js|index\.d\.ts)$/, /^bin\/okstra\.js$/, /^(launcher|skills|templates)\//, /^python\/.*\.py$/]
const FORBIDDEN = /\.node$|__test__|\.test\.|node_modules|^target\//
const MAX_BYTES = 1024 * 1024

function packedFiles() {
  const npm = process.env.npm_execpath
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const [program, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  const answer = JSON.parse(execFileSync(program, [...first, ...args], options))
  // A list up to npm 11, an object by package name after it.
  return Object.values(answer)[0]
}

function cargoVersion() {
  const manifest = fs.readFileSync(path.join(root, 'Cargo.toml'), 'utf8')
  return /^\[package\][^[]*?^version\s*=\s*"([^"]+)"/ms.exec(manifest)?.[1]
}

const { version } = require('../package.json')
const lock = require('../package-lock.json')
const problems = []
if (cargoVersion() !== version || lock.version !== version) {
  problems.push(`versions differ: package.json ${version}, package-lock.json ${lock.version}, Cargo.toml ${cargoVersion()}`)
}
for (const [name, entry] of Object.entries(lock.packages)) {
  if (entry.resolved && !entry.link) {
    problems.push(`package-lock.json names a download address for ${name}`)
  }
}

const packed = packedFiles()
const names = packed.files.map((file) => file.path)
for (const name of REQUIRED) {
  if (!names.includes(name)) {
    problems.push(`missing from the package: ${name}`)
  }
}
for (const name of names) {
  if (FORBIDDEN.test(name) || !ALLOWED.some((pattern) => pattern.test(name))) {
    problems.push(`must not be in the package: ${name}`)
  }
}
if (packed.unpackedSize > MAX_BYTES) {
  problems.push(`the package is ${packed.unpackedSize} bytes, and more than ${MAX_BYTES} were not expected`)
}

if (problems.length > 0) {
  fail(problems.join('\n'))
}
process.stdout.write(`${packed.filename}: ${names.length} files, ${packed.size} bytes packed, ${packed.unpackedSize} unpacked\n`)
