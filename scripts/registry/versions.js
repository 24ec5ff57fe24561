'use strict'

// The packages in two versions: as they are here, and as the next release would be.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { root, tool } = require('../run.js')
const { PLATFORMS, currentPlatform } = require('../../launcher/platforms.js')

const VERSION = require('../../package.json').version
const NEXT = VERSION.replace(/\d+$/, (patch) => Number(patch) + 1)

// Whatever carries the version. The loader has it too: it can be made to compare.
const VERSIONED = ['Cargo.toml', 'Cargo.lock', 'package.json', 'index.js', ...PLATFORMS.map(({ suffix }) => `npm/${suffix}/package.json`)]
const LEFT_OUT = new Set(['node_modules', 'target', '.git'].map((name) => path.join(root, name)))

/** Copies the sources and makes the next version of them, with one more line in a skill; builds its native part. */
function nextVersion(place) {
  fs.cpSync(root, place, { recursive: true, filter: (source) => !LEFT_OUT.has(source) && !source.endsWith('.node') })
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(place, 'node_modules'), 'junction')
  for (const name of VERSIONED) {
    const file = path.join(place, name)
    const text = fs.readFileSync(file, 'utf8')
    fs.writeFileSync(file, name === 'Cargo.lock' ? ownEntry(text) : text.replaceAll(VERSION, NEXT))
  }
  fs.appendFileSync(path.join(place, 'skills', 'okstra-setup', 'SKILL.md'), '\nNew in the next version.\n')
  renameLibrary(path.join(place, 'Cargo.toml'))
  const args = [tool('@napi-rs/cli', 'napi'), 'build', '--platform', '--features', 'napi', ...profile()]
  const env = { ...process.env, CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? path.join(root, 'target') }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: place, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`building version ${NEXT} failed:\n${stdout}${stderr}`)
}

const ownEntry = (text) => text.replace(`name = "okstra"\nversion = "${VERSION}"`, `name = "okstra"\nversion = "${NEXT}"`)

// It is built in the target directory of this clone, whose compiled dependencies it takes. There both libraries would have
// one name, and cargo would take the one for the other.
function renameLibrary(manifest) {
  const text = fs.readFileSync(manifest, 'utf8')
  fs.writeFileSync(manifest, text.replace(/^\[lib\]$/m, '[lib]\nname = "okstra_next"'))
}

// As the binary that is here: a release build is a tenth of a debug build's size.
function profile() {
  return fs.statSync(path.join(root, currentPlatform().binary)).size > 10_000_000 ? [] : ['--release']
}

/**
 * A directory of binaries for all platforms: the one built in `source` for this machine, and for the others a text, so
 * that npm has the same choice as it will have.
 */
function binaries(source, place) {
  fs.mkdirSync(place)
  const here = currentPlatform()
  for (const { binary, suffix } of PLATFORMS) {
    const file = path.join(place, binary)
    if (binary === here.binary) fs.copyFileSync(path.join(source, binary), file)
    else fs.writeFileSync(file, `not a build for ${suffix}\n`)
  }
}

module.exports = { VERSION, NEXT, nextVersion, binaries }
