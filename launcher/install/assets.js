'use strict'
// What this package has to install: skills with their opening step, templates, and the Python modules.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('../errors.js')
const { renderedSkills } = require('./render.js')

const ROOT = path.join(__dirname, '..', '..')

// Python leaves compiled modules beside its sources where it may, also in a source tree.
const OFFERED = { skills: () => true, templates: () => true, python: (name) => name.endsWith('.py') }

/** The version of this package. */
const version = () => require(path.join(ROOT, 'package.json')).version

/** `[{ path, content }]`, by path, with `/` between names: `skills/<name>/SKILL.md`, `templates/...`, `python/...`. */
function assets() {
  try {
    const texts = new Map(renderedSkills(path.join(ROOT, 'skills')).map(({ name, text }) => [`skills/${name}/SKILL.md`, text]))
    return Object.keys(OFFERED)
      .flatMap((folder) => filesBelow(folder))
      .map((name) => ({ path: name, content: Buffer.from(texts.get(name) ?? fs.readFileSync(path.join(ROOT, name))) }))
  } catch (error) {
    throw new LauncherError('OKSTRA_INSTALLATION_BROKEN', `cannot read what is to be installed in ${ROOT}: ${error.message}`, {
      hint: 'Install the package okstra again, then run `npx okstra@latest install`.',
      path: ROOT,
    })
  }
}

function filesBelow(folder) {
  const offered = OFFERED[folder]
  const names = fs.existsSync(path.join(ROOT, folder)) ? fs.readdirSync(path.join(ROOT, folder), { recursive: true }) : []
  return names
    .map((name) => `${folder}/${name.split(path.sep).join('/')}`)
    .filter((name) => offered(name) && fs.statSync(path.join(ROOT, name)).isFile())
    // What lies directly in `skills` are fragments: they are part of the skills already.
    .filter((name) => folder !== 'skills' || name.split('/').length > 2)
    .sort()
}

module.exports = { assets, version }
