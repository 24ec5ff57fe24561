'use strict'
const { okstraHome } = require('../home.js')
const { check } = require('../install/check.js')

async function ensureInstalled({ values, cwd }) {
  const { version } = require('../../package.json')
  const home = okstraHome()
  const found = check(home)
  if (!found.whole || found.version !== version) {
    return require('../install/repair.js').repair({ home, version, found, cwd })
  }
  const data = { home, version, repaired: false }
  if (values.json) data.changed = require('../install/repair.js').reallyChanged(home, found.changed)
  return { data, text: '', story: [] }
}

module.exports = {
  summary: 'See that what is installed is whole and of this version, and repair it if not',
  usage: '[options]',
  positionals: [0, 0],
  options: {},
  details: [
    'Prints nothing when all is well. What is missing or older is put in place as by `okstra install`, into the same folder of skills, and said on stderr. A file that you changed counts as whole.',
    'What a later version installed is left as it is.',
  ],
  examples: [
    ['okstra ensure-installed', 'before anything that needs the skills, the templates or the Python modules'],
    ['okstra ensure-installed || npx okstra@latest install', 'in a script'],
  ],
  run: ensureInstalled,
}
