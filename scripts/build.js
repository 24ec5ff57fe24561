'use strict'

// Builds the native part, for this machine or a `--target`, and writes index.js and index.d.ts from what it exports.
// `--debug` builds without optimisation; all other arguments go to napi build.

const { run, tool } = require('./run.js')

const napi = tool('@napi-rs/cli', 'napi')
const args = process.argv.slice(2)
const profile = args.includes('--debug') ? [] : ['--release']
const others = args.filter((arg) => arg !== '--debug')
run(process.execPath, [napi, 'build', '--platform', '--features', 'napi', ...profile, ...others])
