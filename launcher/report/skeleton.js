'use strict'
// The skeleton of a final report, made from the contract.

const { HANDOFF, WRITER, SECTIONS, FIELDS, fill, kindOf, sectionsOf, authorOf, headingOf, isPartOfHandoff } = require('./contract.js')

const TITLE = 'Final Report:'

function heading(section) {
  return `${'#'.repeat(section.level)} ${headingOf(section)}`
}

function block(section) {
  const parts = [heading(section)]
  if (section.note) parts.push(`<!-- ${section.note} -->`)
  if (section.body.length > 0) parts.push(section.body.join('\n'))
  return parts.join('\n\n')
}

function head(task, values) {
  return [`# ${TITLE} ${task ?? fill('task-key')}`, FIELDS.map((name) => `- ${name}: ${values[name]}`).join('\n')]
}

/** The report of one run with everything still to be filled in; `task` is its task-key, if it is known. */
function skeleton(taskType, { task, date }) {
  const kind = kindOf(taskType)
  const values = { Task: task ?? fill('task-key'), 'Task type': taskType, 'Written by': authorOf(kind), Date: date }
  return `${[...head(task, values), ...sectionsOf(kind).map(block)].join('\n\n')}\n`
}

/** The template of all runs, with what holds only for some of them said in it: `templates/final-report.md`. */
function template() {
  const about = [
    `<!-- The final report of a run. \`okstra report new --task-type <type>\` writes it as the run needs it, and`,
    `\`okstra report check\` checks it. Comments are for the writer; every {{fill: ...}} is to be replaced. -->`,
  ].join('\n')
  const values = {
    Task: fill('task-key'),
    'Task type': fill('task type'),
    'Written by': fill(`${WRITER}; lead where the task type is ${HANDOFF}`),
    Date: fill('YYYY-MM-DD'),
  }
  const sections = sectionsOf({ handoff: true }).map((section) => {
    if (section.number === '3') return bothRosters()
    if (section.number.length > 3 || !isPartOfHandoff(section.number)) return block(section)
    return block({ ...section, note: `Only where the task type is ${HANDOFF}; every other report leaves 4.6 out.\n${section.note}` })
  })
  return `${[about, ...head(undefined, values), ...sections].join('\n\n')}\n`
}

function bothRosters() {
  const { note, body } = SECTIONS.find(({ number }) => number === '3')
  const other = sectionsOf({ handoff: false }).find(({ number }) => number === '3')
  const handoff = { note: note({ handoff: true }), body: body({ handoff: true }) }
  const exception = `Where the task type is ${HANDOFF}: ${handoff.note}\nIt then holds one line:\n${handoff.body.join('\n')}`
  return block({ ...other, note: `${other.note}\n${exception}` })
}

module.exports = { TITLE, skeleton, template }
