'use strict'

// Publishes what scripts/stage.js laid out:
//
//   node scripts/publish.js STAGED [--dry-run]
//
// The native parts go first, so that nobody gets a main package whose native part is not there yet. What is published
// already is left out: a run that broke off is simply run again.

const fs = require('node:fs')
const path = require('node:path')
const { npm } = require('./npm.js')
const { fail } = require('./run.js')
const main = require('../package.json').name

/** Publishes the packages in `staged`; returns a line for each. */
function publish(staged, { dryRun = false, env = process.env } = {}) {
  const names = fs.readdirSync(staged).sort((a, b) => (a === main) - (b === main) || a.localeCompare(b))
  return names.map((name) => {
    const { version } = JSON.parse(fs.readFileSync(path.join(staged, name, 'package.json'), 'utf8'))
    if (isPublished(name, version, { cwd: staged, env })) return `${name}@${version}: published already`
    const args = ['publish', `.${path.sep}${name}`, '--access', 'public', '--tag', version.includes('-') ? 'next' : 'latest']
    if (dryRun) args.push('--dry-run')
    // GitHub lends the workflow an identity; the statement where the package was built is signed with it.
    if (env.ACTIONS_ID_TOKEN_REQUEST_URL) args.push('--provenance')
    npm(args, { cwd: staged, env })
    return `${name}@${version}: ${dryRun ? 'would be published' : 'published'}`
  })
}

function isPublished(name, version, options) {
  try {
    return npm(['view', `${name}@${version}`, 'version'], options).trim() === version
  } catch (error) {
    if (/\bE404\b/.test(error.message)) return false
    throw error
  }
}

module.exports = { publish }

if (require.main === module) {
  const args = process.argv.slice(2)
  const staged = args.find((arg) => arg !== '--dry-run')
  if (!staged) fail('usage: node scripts/publish.js STAGED [--dry-run]')
  try {
    process.stdout.write(`${publish(path.resolve(staged), { dryRun: args.includes('--dry-run') }).join('\n')}\n`)
  } catch (error) {
    fail(error.message)
  }
}
