'use strict'
// Packages of okstra to install from: this launcher and this addon, with a version and content of their own.

const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('./repository.js')

const STEP = '## Opening step\n\nRun the block: `$&`.\n'

/** A small content, told apart by a word. Two versions differ in the word alone. */
function content(word) {
  const skill = (name) => `---\nname: ${name}\n---\n\n<!-- okstra:opening-step -->\n\n${word}\n`
  return {
    'skills/opening-step.md': STEP,
    'skills/okstra-setup/SKILL.md': skill('okstra-setup'),
    'skills/okstra-history/SKILL.md': skill('okstra-history'),
    'templates/reports/final.md': `# Report ${word}\n`,
    'python/okstra/__init__.py': `WORD = "${word}"\n`,
  }
}

/** Writes a package into `directory` and gives the path of its program. */
function makePackage(directory, { version = '1.0.0', files = content('one') } = {}) {
  for (const part of ['bin', 'launcher']) fs.cpSync(path.join(ROOT, part), path.join(directory, part), { recursive: true })
  const write = (name, text) => {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true })
    fs.writeFileSync(path.join(directory, name), text)
  }
  write('package.json', JSON.stringify({ name: 'okstra', version }))
  const addon = JSON.stringify(path.join(ROOT, 'index.js'))
  write('index.js', `module.exports = { ...require(${addon}), version: () => ${JSON.stringify(version)} }\n`)
  for (const [name, text] of Object.entries(files)) write(name, text)
  return path.join(directory, 'bin', 'okstra.js')
}

/** Every file below a directory with its content, links as `-> target`, by relative path. */
function treeOf(directory) {
  const tree = {}
  if (!fs.existsSync(directory)) return tree
  for (const name of fs.readdirSync(directory, { recursive: true }).sort()) {
    const file = path.join(directory, name)
    const stat = fs.lstatSync(file)
    if (stat.isSymbolicLink()) tree[name] = `-> ${fs.readlinkSync(file)}`
    else if (stat.isFile()) tree[name] = fs.readFileSync(file, 'utf8')
  }
  return tree
}

module.exports = { makePackage, content, treeOf }
