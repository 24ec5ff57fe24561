'use strict'
// The manifests: one version everywhere, and platform packages that the loader and npm find.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { ROOT } = require('./helpers/repository.js')
const { PLATFORMS } = require('../launcher/platforms.js')

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8')
const readJson = (file) => JSON.parse(read(file))
const main = readJson('package.json')

test('all manifests have the version of package.json', () => {
  const cargo = (file) => /^name = "okstra"\r?\nversion = "([^"]+)"/m.exec(read(file))?.[1]
  const lock = readJson('package-lock.json')
  const versions = {
    'Cargo.toml': cargo('Cargo.toml'),
    'Cargo.lock': cargo('Cargo.lock'),
    'package-lock.json': lock.version,
    'package-lock.json, root package': lock.packages[''].version,
    'the built addon': require('..').version(),
  }
  for (const { suffix } of PLATFORMS) versions[suffix] = readJson(`npm/${suffix}/package.json`).version
  // The generated loader has it many times over.
  for (const [, found] of read('index.js').matchAll(/version mismatch, expected (\S+) but/g)) versions[`index.js ${found}`] = found
  for (const [where, found] of Object.entries(versions)) assert.equal(found, main.version, where)
})

test('every target of package.json has a package that the loader asks for and npm can choose', () => {
  const loader = read('index.js')
  assert.deepEqual(fs.readdirSync(path.join(ROOT, 'npm')).sort(), PLATFORMS.map(({ suffix }) => suffix).sort())
  for (const { suffix, packageName, binary, os, cpu, libc } of PLATFORMS) {
    const manifest = readJson(`npm/${suffix}/package.json`)
    assert.deepEqual(
      [manifest.name, manifest.main, manifest.files, manifest.os, manifest.cpu, manifest.libc, manifest.engines, manifest.license],
      [packageName, binary, [binary], [os], [cpu], libc && [libc], main.engines, main.license],
    )
    assert.ok(loader.includes(`require('${packageName}')`) && loader.includes(`require('./${binary}')`), suffix)
  }
  assert.equal(PLATFORMS.length, 8)
})

test('the main package has no dependency of its own; the platform packages are filled in when it is published', () => {
  assert.deepEqual([main.dependencies, main.optionalDependencies], [undefined, undefined])
})

test('the lock files name hashes and no server', () => {
  for (const file of ['package-lock.json', 'scripts/registry/package-lock.json']) {
    for (const [name, entry] of Object.entries(readJson(file).packages)) {
      if (name !== '') assert.deepEqual([name, entry.resolved, typeof entry.integrity], [name, undefined, 'string'])
    }
  }
})
