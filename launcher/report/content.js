'use strict'
// What stands in the sections of a report, and below its title.

const { HANDOFF, WRITER, FIELDS, EMPTY_WITHOUT_HANDOFF, sectionsOf, authorOf, headingOf } = require('./contract.js')
const { finding } = require('./rules.js')

const FILL = '{{fill:'
const NONE = /^[\s>*_([-]*(?:none|nothing|empty|n\/a|not applicable)[*_)\]]*\s*(?:$|[.:;,(\u2013\u2014-])/i
const STUB = /^(?:to ?do|tbd|tba|fixme|xxx|\.{3}|\u2026|\?{2,}|lorem ipsum\b.*|y{4}-m{2}-d{2}|to be (?:filled(?: in)?|done|written|determined|added|defined))[.:!]?$/i
const WRITER_NAMED = /report[-_ ]?writer/i
const WRITER_RESULT = /worker-results[\\/]\S*report[-_]?writer|\breport[-_]?writer[\w-]*\.(?:md|json|txt|ya?ml)\b/i
const DELIMITERS = /^\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?\|?\s*$/

/** The lines of a section that say something: no headings, rules, empty list items, nor the frame of a table. */
function content(body) {
  const said = body.filter(({ kind, text }) => (kind === 'text' || kind === 'code') && /[^\s>*+-]/.test(text))
  return said.filter(({ kind, text }, i) => {
    if (kind !== 'text') return true
    return !DELIMITERS.test(text) && !(text.includes('|') && said[i + 1] && DELIMITERS.test(said[i + 1].text))
  })
}

/** Whether a section is explicitly empty. */
function isNone(said) {
  return said.length === 1 && said[0].kind === 'text' && NONE.test(said[0].text)
}

const isOpen = (text) => text.includes(FILL)

/** A line's parts: the cells of a table's row, or the text of a list item or of a line. */
function cellsOf(text) {
  const bare = text.replace(/^[\s>]*(?:[-*+]\s+|\d{1,9}[.)]\s+)?/, '').trimEnd()
  const cells = bare.startsWith('|') ? bare.replace(/^\||\|$/g, '').split(/(?<!\\)\|/) : [bare]
  return cells.map((cell) => cell.trim().replace(/^[*_]+|[*_]+$/g, ''))
}

/** Placeholders that were left in, wherever they are. */
function placeholders(lines) {
  return lines.flatMap(({ line, kind, text }) => {
    if (kind !== 'text' && kind !== 'code' && kind !== 'heading') return []
    const left = /\{\{fill:[^}]*\}*/.exec(text)?.[0] ?? (kind === 'text' ? stubOf(text) : undefined)
    return left ? [finding(line, 'placeholder', `placeholder text was left in: ${left}`)] : []
  })
}

function stubOf(text) {
  const bare = (cell) => cell.replace(/^[[(<*_`"]+|[\])>*_`"]+$/g, '')
  const stub = cellsOf(text).find((cell) => STUB.test(bare(cell)) || STUB.test(bare(cell.replace(/^[^:]{1,40}:[*_]*\s+/, ''))))
  return stub ?? (NONE.test(text) ? /<[^<>]*>/.exec(text)?.[0] : undefined)
}

/** Whether each section holds what it has to hold. `ended`: nothing was handed over; undefined where that is not known. */
function holdings(sections, kind, ended) {
  return sectionsOf(kind).flatMap((section) => {
    const found = sections.get(section.number)
    if (!found || section.holds === 'parts') return []
    const said = content(found.body)
    const depends = EMPTY_WITHOUT_HANDOFF.includes(section.number)
    const holds = depends && ended ? 'none' : section.holds
    return holding(section, holds, found.line, said, depends ? ended : undefined, depends && ended === undefined)
  })
}

function holding(section, holds, line, said, ended, unknown) {
  const name = `"${headingOf(section)}"`
  const breach = (at, rule, message) => [finding(at, rule, message, { section: section.number })]
  const why = ended ? `, since the user chose ${ended}` : ''
  if (said.length === 0) {
    return holds === 'filled' && !unknown
      ? breach(line, 'section-empty', `${name} holds nothing and has to be filled`)
      : breach(line, 'section-blank', `${name} holds nothing: write "None." or "None: <why>"${why}`)
  }
  if (unknown || said.some(({ text }) => isOpen(text))) return []
  if (holds === 'filled' && isNone(said)) {
    return breach(said[0].line, 'section-empty', `${name} has to be filled, and says only "${said[0].text.trim()}"`)
  }
  if (holds === 'none' && !isNone(said)) {
    return breach(said[0].line, 'section-not-empty', `${name} has to hold "None: <why>" and nothing else${why}`)
  }
  return []
}

/** The lines below the title: what they say of the task, its type, the author and the date. */
function fields(preamble, title, taskType, kind) {
  const values = new Map()
  for (const { line, kind: sort, text } of preamble) {
    if (sort !== 'text') continue
    const [, name, value] = /^([A-Za-z ]+?)\s*[*_]*\s*[:|]\s*[*_]*\s*(.*)$/.exec(cellsOf(text).join(' | ')) ?? []
    const field = FIELDS.find((one) => one.toLowerCase() === name?.toLowerCase())
    if (field && !values.has(field)) values.set(field, { line, value: value.replace(/^[`"'\s|]+|[`"'\s|]+$/g, '') })
  }
  const absent = FIELDS.filter((name) => !values.get(name)?.value).map((name) =>
    finding(values.get(name)?.line ?? title, 'field-missing', `below the title "- ${name}: ..." is missing or empty`),
  )
  return [...absent, ...ofRun(values.get('Task type'), values.get('Written by'), taskType, kind)]
}

function ofRun(type, writer, taskType, kind) {
  const findings = []
  const author = authorOf(kind)
  if (type?.value && !isOpen(type.value) && normalTaskType(type.value) !== taskType) {
    findings.push(finding(type.line, 'task-type', `the report says task type ${type.value}, and is checked for ${taskType}`))
  }
  if (writer?.value && !isOpen(writer.value)) {
    const by = WRITER_NAMED.test(writer.value) ? WRITER : /^[a-z]+/i.exec(writer.value)?.[0].toLowerCase()
    const message = `the report of task type ${taskType} is written by the ${author}, not by "${writer.value}"`
    if (by !== author) findings.push(finding(writer.line, 'author', message))
  }
  return findings
}

/** A task type as it is compared: `Release handoff` is `release-handoff`. */
function normalTaskType(text) {
  return text.trim().toLowerCase().replace(/[\s_]+/g, '-')
}

/** The report writer in the report: in the roster where there is one, and nowhere in a release-handoff run. */
function roster(lines, sections, kind) {
  const section = sections.get('3')
  const said = section ? content(section.body) : []
  if (kind.handoff) {
    const inRoster = isNone(said) ? [] : said.filter(({ text }) => WRITER_NAMED.test(text))
    const elsewhere = lines.filter((line) => !inRoster.includes(line) && (line.kind === 'text' || line.kind === 'code') && WRITER_RESULT.test(line.text))
    return [...inRoster, ...elsewhere].map(({ line }) =>
      finding(line, 'report-writer-forbidden', `a ${HANDOFF} run has no report writer and no result of one: its lead writes the report`),
    )
  }
  if (!section) return []
  const row = said.find(({ text }) => /^[`"']*report[-_ ]?writer\b/i.test(cellsOf(text)[0]))
  const more = { section: '3' }
  if (!row) return [finding(section.line, 'report-writer-missing', `the roster does not name the ${WRITER}, who writes this report`, more)]
  const rest = cellsOf(row.text).join(' | ').replace(/^[`"']*report[-_ ]?writer[`"']*/i, '')
  if (isOpen(rest) || /[\w-]\.\w+/.test(rest)) return []
  return [finding(row.line, 'report-writer-missing', `the roster names no result file of the ${WRITER}`, more)]
}

module.exports = { content, isNone, isOpen, cellsOf, placeholders, holdings, fields, roster, normalTaskType }
