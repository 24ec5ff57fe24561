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
} else if (!require('../launcher/quick.js').answered(process.argv.slice(2))) {
  require('../launcher/cli.js').main(process.argv.slice(2))
}
