#!/usr/bin/env node
'use strict'
// Written so that an old Node can read it and say what is wrong, instead of stumbling over newer syntax further in.

var major = parseInt(process.versions.node, 10)
if (major < 20) {
  var message = 'okstra needs Node 20 or newer; this is Node ' + process.versions.node + '.'
  var hint = 'Install a newer Node, or call okstra with one.'
  if (process.argv.indexOf('--json') > 1) {
    var error = { code: 'OKSTRA_NODE_TOO_OLD', message: message, hint: hint }
    console.log(JSON.stringify({ schema: 1, ok: false, error: error }))
  } else {
    console.error('okstra: ' + message + '\n  ' + hint)
  }
  process.exitCode = 1
} else if (!isSettled()) {
  require('../launcher/cli.js').main(process.argv.slice(2))
}

// Every agent skill begins with this one call, and nearly always there is nothing to do and nothing to say. That is found
// out before the launcher is loaded, which would cost more than the answer; everything else is for the launcher.
function isSettled() {
  if (process.argv.length !== 3 || process.argv[2] !== 'ensure-installed') return false
  return require('../launcher/install/check.js').isCurrent()
}
