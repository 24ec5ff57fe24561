'use strict'
// Loads the native addon, at the first use, and says plainly what is wrong when it cannot be loaded.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('./errors.js')

const ENTRY = path.join(__dirname, '..', 'index.js')

let loaded

/** The addon's exports. */
function addon() {
  loaded ??= load()
  return loaded
}

function load() {
  try {
    return require(ENTRY)
  } catch (error) {
    throw new LauncherError('OKSTRA_ADDON_MISSING', `the native part of okstra cannot be loaded: ${reason(error)}`, {
      hint: hint(),
    })
  }
}

// The generated loader tries several places and chains one error to the next; what the dynamic linker says about a file
// that is there tells more than a place where nothing is.
function reason(error) {
  const chain = []
  for (let link = error; link instanceof Error && !chain.includes(link); link = link.cause) chain.push(link)
  const refused = chain.find((link) => link.code === 'ERR_DLOPEN_FAILED')
  if (refused) return firstLine(refused.message)
  if (error.code === 'MODULE_NOT_FOUND' && !fs.existsSync(ENTRY)) return 'it has not been built'
  const target = `${process.platform}-${process.arch}`
  const missing = chain.every((link) => link.code === 'MODULE_NOT_FOUND' || /native binding/i.test(link.message))
  return missing ? `no build for this machine (${target}) is installed` : `${firstLine(error.message)} (${target})`
}

function hint() {
  const source = fs.existsSync(path.join(__dirname, '..', 'Cargo.toml'))
  if (source) return 'Build it with `npm run build`.'
  return 'Install okstra again with its optional dependencies (`npm install --include=optional`), with the Node that runs it.'
}

function firstLine(text) {
  return String(text).split('\n', 1)[0]
}

module.exports = { addon }
