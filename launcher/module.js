'use strict'
// What `require('okstra')` and `import ... from 'okstra'` give: the generated loader's exports, or one clear error.
//
// The assignment stands as it does, and not in a function, because Node finds the names that an ES module may import by
// reading this file without running it.

try {
  module.exports = require('../index.js')
} catch (error) {
  throw require('./addon-problem.js').loadProblem(error)
}

const { version } = require('../package.json')
// The loader compares versions only when NAPI_RS_ENFORCE_VERSION_CHECK is set; a mixed installation would otherwise show
// itself as an odd failure somewhere later.
const native = module.exports.version?.()
if (native !== version) throw require('./addon-problem.js').versionProblem(version, native)
