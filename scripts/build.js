'use strict'

// Builds the native part for this machine, and writes index.js and index.d.ts from what it exports.

const { run, tool } = require('./run.js')

const napi = tool('@napi-rs/cli', 'napi')
const profile = process.argv.includes('--debug') ? [] : ['--release']
run(process.execPath, [napi, 'build', '--platform', '--features', 'napi', ...profile])
