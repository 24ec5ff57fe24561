'use strict'

// Lays out what is published, each package in a directory of its own, and changes nothing here:
//
//   node scripts/stage.js OUT [BINARIES]
//
// OUT/okstra is the main package with its optionalDependencies filled, OUT/okstra-<platform> each native part. BINARIES
// (the root of this clone by default) holds the `.node` files, in any depth. The release publishes these directories,
// and the proof with a local registry publishes the same.

const fs = require('node:fs')
const path = require('node:path')
const { packed } = require('./npm.js')
const { fail, root } = require('./run.js')
const { PLATFORMS } = require('../launcher/platforms.js')
const manifest = require('../package.json')

// Of use in a clone only.
const DEVELOPMENT = ['scripts', 'devDependencies']

/** Lays out the main package and those of `platforms` in `out`; returns their directories, the main package last. */
function stage({ out, binaries = root, platforms = PLATFORMS }) {
  const found = new Map(binaryFiles(binaries).map((file) => [path.basename(file), file]))
  const missing = platforms.filter(({ binary }) => !found.has(binary))
  if (missing.length > 0) throw new Error(`no binary for ${missing.map(({ suffix }) => suffix).join(', ')} in ${binaries}`)
  const natives = platforms.map((platform) => stageNative(platform, found.get(platform.binary), out))
  return [...natives, stageMain(out)]
}

function binaryFiles(directory) {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(directory, entry.name)
    if (entry.isDirectory()) return /^(node_modules|target|\.git)$/.test(entry.name) ? [] : binaryFiles(file)
    return file.endsWith('.node') ? [file] : []
  })
}

function stageNative({ suffix, packageName, binary }, file, out) {
  const place = path.join(out, packageName)
  fs.cpSync(path.join(root, 'npm', suffix), place, { recursive: true })
  fs.copyFileSync(path.join(root, 'LICENSE'), path.join(place, 'LICENSE'))
  fs.copyFileSync(file, path.join(place, binary))
  rewrite(place, (own) => own)
  return place
}

function stageMain(out) {
  const place = path.join(out, manifest.name)
  for (const { path: name } of packed(root).files) {
    fs.cpSync(path.join(root, name), path.join(place, name), { recursive: true })
  }
  rewrite(place, (own) => {
    for (const name of DEVELOPMENT) delete own[name]
    own.optionalDependencies = Object.fromEntries(PLATFORMS.map(({ packageName }) => [packageName, own.version]))
    return own
  })
  return place
}

// npm compares the repository with the one that a provenance statement comes from; only the workflow knows it.
function rewrite(place, change) {
  const file = path.join(place, 'package.json')
  const own = change(JSON.parse(fs.readFileSync(file, 'utf8')))
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (server && repository) own.repository = { type: 'git', url: `git+${server}/${repository}.git` }
  fs.writeFileSync(file, `${JSON.stringify(own, null, 2)}\n`)
}

module.exports = { stage }

if (require.main === module) {
  const [out, binaries] = process.argv.slice(2)
  if (!out) fail('usage: node scripts/stage.js OUT [BINARIES]')
  try {
    const places = stage({ out: path.resolve(out), binaries })
    process.stdout.write(places.map((place) => `${place}\n`).join(''))
  } catch (error) {
    fail(error.message)
  }
}
