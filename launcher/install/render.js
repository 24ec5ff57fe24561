'use strict'
// What is installed of the skills: each SKILL.md with the opening step, which is written once, in its place.

const fs = require('node:fs')
const path = require('node:path')

const SKILLS = path.join(__dirname, '..', '..', 'skills')
const FRAGMENT = 'opening-step.md'
const MARKER = /^<!-- okstra:opening-step -->[ \t]*$/gm

/** The text of a skill with the opening step in place of its marker line. A skill without exactly one is our own bug. */
function renderSkill(text, openingStep) {
  const places = text.match(MARKER)?.length ?? 0
  if (places !== 1) throw new Error(`a skill has the line of the opening step ${places} times, not once`)
  // By a function: `$&` and `$1` in the shell block are no patterns.
  return text.replace(MARKER, () => openingStep.trimEnd())
}

/** All skills as they are installed: `{ name, text }`, by name. `source` is the package's folder of skills. */
function renderedSkills(source = SKILLS) {
  const read = (...names) => fs.readFileSync(path.join(source, ...names), 'utf8').replace(/\r\n/g, '\n')
  const openingStep = read(FRAGMENT)
  return fs
    .readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => ({ name, text: renderSkill(read(name, 'SKILL.md'), openingStep) }))
}

module.exports = { renderSkill, renderedSkills }
