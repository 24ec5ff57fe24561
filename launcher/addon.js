'use strict'
// Loads the native addon, at the first use.

let loaded

/** The addon's exports. */
function addon() {
  loaded ??= require('./module.js')
  return loaded
}

module.exports = { addon }
