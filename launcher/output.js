'use strict'
// The words of every answer and story: the answer goes to stdout, the story to stderr.

const util = require('node:util')
const { guardStreams, writeText } = require('./write.js')

// The JSON of this version of okstra; the number changes when a field changes its meaning or goes.
const SCHEMA = 1

function writeLines(name, text) {
  if (text.length === 0) return
  if (typeof text === 'string') return writeText(name, `${text}\n`)
  writeText(name, text)
  writeText(name, '\n')
}

/** Writes the answer: a text, or its bytes. */
function answer(text) {
  writeLines('stdout', text)
}

/** Writes one JSON object on one line as the answer; `written` are fields whose values are JSON already, as bytes. */
function answerJson(ok, fields, written = {}) {
  const object = JSON.stringify({ schema: SCHEMA, ok, ...fields })
  if (Object.keys(written).length === 0) return answer(object)
  writeText('stdout', object.slice(0, -1))
  for (const [name, value] of Object.entries(written)) {
    writeText('stdout', `,${JSON.stringify(name)}:`)
    writeText('stdout', value)
  }
  answer('}')
}

/** Writes what a person should know, beside the answer. */
function story(lines) {
  writeLines('stderr', lines.join('\n'))
}

/** Writes an error as a person reads it. */
function errorText({ message, hint, obstacles = [] }) {
  const paint = painter(process.stderr)
  const details = obstacles.map(({ detail }) => detail).join('; ')
  const head = details !== '' && message.endsWith(details) ? message.slice(0, -details.length).trimEnd() : message
  const lines = [`${paint('red', 'okstra:')} ${printable(head, true)}`]
  // Each with the option that allows it, and with the first of what there is.
  for (const { detail, flag, count, examples } of obstacles) {
    lines.push(`  ${printable(detail)}${flag ? paint('dim', ` (${flag})`) : ''}`)
    const shown = examples.slice(0, 3).map((example) => printable(example))
    if (shown.join('') !== '') lines.push(`    ${shown.join(', ')}${count > shown.length ? ', ...' : ''}`)
  }
  if (hint) lines.push(`  ${printable(hint, true)}`)
  story(lines)
}

/**
 * A function `(format, text) -> text` that colours for one stream, or leaves the text alone: when it is no terminal, when
 * NO_COLOR is set, on a terminal without colours.
 */
function painter(stream) {
  const plain = (_format, text) => text
  if (!stream.isTTY || process.env.NO_COLOR || !stream.hasColors?.() || !util.styleText) return plain
  return (format, text) => util.styleText(format, text, { validateStream: false })
}

/** A text that cannot move the cursor, colour the terminal or forge a line of a table. */
function printable(text, keepLines = false) {
  const controls = keepLines ? /(?![\n\t])\p{Cc}/gu : /\p{Cc}/gu
  const names = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  return String(text).replace(controls, (c) => names[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const ZERO = /\p{Mn}|\p{Me}|\u200b|\u200d|\ufe0f/u

/** How many columns of a terminal a text takes. */
function width(text) {
  let columns = 0
  for (const character of text) columns += ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return columns
}

/** Lines with aligned columns, `rows` being arrays of texts; `paint(row, column, padded)` may colour a cell. */
function table(rows, paint = (_row, _column, text) => text) {
  const cells = rows.map((row) => row.map((cell) => printable(cell)))
  const widths = []
  for (const row of cells) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, width(cell))))
  return cells
    .map((row, r) => {
      const padded = row.map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i] - width(cell))))
      return padded.map((cell, i) => paint(r, i, cell)).join('  ').trimEnd()
    })
    .join('\n')
}

module.exports = { guardStreams, answer, answerJson, story, errorText, painter, printable, table, width }
