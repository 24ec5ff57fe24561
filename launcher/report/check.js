'use strict'
// Checks a final report against the contract. Reads nothing itself except the names in the worker-results directory.

const fs = require('node:fs')
const path = require('node:path')
const { HANDOFF, WRITER, kindOf } = require('./contract.js')
const { scan } = require('./markdown.js')
const { outline, isHeadingOfSection } = require('./outline.js')
const { placeholders, holdings, fields, roster } = require('./content.js')
const { selections, commands } = require('./handoff.js')
const { finding } = require('./rules.js')

const UNCLOSED = {
  fence: 'the code fence that begins here is never closed: all that follows counts as code',
  comment: 'the comment that begins here is never closed: nothing that follows can be seen',
}

/**
 * The breaches in a report, by line. `source` is the file as bytes; `log` the text of the command log, `results` what
 * `writerResults` found; both may be absent.
 */
function checkReport(source, taskType, { log, results } = {}) {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(source)
  } catch {
    return [finding(1, 'not-utf8', 'the file is no UTF-8 text')]
  }
  const kind = kindOf(taskType)
  const { lines, problems } = scan(text, isHeadingOfSection)
  const { title, sections, preamble, findings } = outline(lines, kind)
  const answers = kind.handoff ? selections(sections) : { findings: [] }
  const all = [
    ...problems.map((problem) => finding(problem.line, `unclosed-${problem.kind}`, UNCLOSED[problem.kind])),
    ...findings,
    ...fields(preamble, title, taskType, kind),
    ...placeholders(lines),
    ...holdings(sections, kind, answers.ended),
    ...roster(lines, sections, kind),
    ...answers.findings,
    ...(kind.handoff ? commands(sections, answers.ended, log) : []),
    ...(results ? ofResults(results, sections, kind) : []),
  ]
  // Stable: what a line breaches first in this list comes first.
  return all.sort((one, other) => one.line - other.line)
}

/** The files in a worker-results directory that are of a report writer: `{ directory, files: [{ path, size }] }`. */
function writerResults(directory) {
  const names = fs.readdirSync(directory, { recursive: true }).sort()
  const files = names
    .filter((name) => name.split(path.sep).some((part) => /^report[-_ ]?writer(?![a-z0-9])/i.test(part)))
    .map((name) => path.join(directory, name))
    .map((file) => ({ path: file, stat: fs.statSync(file, { throwIfNoEntry: false }) }))
    .filter(({ stat }) => stat?.isFile())
  return { directory, files: files.map(({ path: file, stat }) => ({ path: file, size: stat.size })) }
}

// They stand in no line of the report; the roster is where they would be told.
function ofResults({ directory, files }, sections, { handoff }) {
  const line = sections.get('3')?.line ?? 1
  if (handoff) {
    return files.map(({ path: file }) =>
      finding(line, 'worker-result-forbidden', `${file}: a ${HANDOFF} run leaves no result of a report writer`, { path: file }),
    )
  }
  if (files.length === 0) {
    return [finding(line, 'worker-result-missing', `${directory} holds no result of the ${WRITER} (${WRITER}.md)`, { path: directory })]
  }
  if (files.some(({ size }) => size > 0)) return []
  return files.map(({ path: file }) => finding(line, 'worker-result-empty', `${file} is empty`, { path: file }))
}

module.exports = { checkReport, writerResults }
