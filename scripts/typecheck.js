'use strict'

// Compiles and runs what a user of the package would write: TypeScript as CommonJS and as an ES module, against the
// package by its name, under the strictest settings. Also checks that index.d.ts says nothing wrong on its own.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { root, run, tool } = require('./run.js')

const sources = path.join(root, '__test__', 'types')
const place = fs.mkdtempSync(path.join(os.tmpdir(), 'okstra-types-'))
try {
  const modules = path.join(place, 'node_modules')
  fs.mkdirSync(path.join(modules, '@types'), { recursive: true })
  const kind = process.platform === 'win32' ? 'junction' : 'dir'
  fs.symlinkSync(root, path.join(modules, 'okstra'), kind)
  for (const name of ['@types/node', 'undici-types']) {
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name), kind)
  }
  for (const name of fs.readdirSync(sources)) {
    fs.copyFileSync(path.join(sources, name), path.join(place, name))
  }
  run(process.execPath, [tool('typescript', 'tsc'), '--project', place])
  const env = { ...process.env, OKSTRA_HOME: path.join(place, 'home') }
  for (const name of ['commonjs.cjs', 'module.mjs', 'every.cjs']) {
    run(process.execPath, [path.join(place, 'out', name)], { cwd: place, env })
  }
} finally {
  fs.rmSync(place, { recursive: true, force: true })
}
