'use strict'
// What only the report of a release-handoff run has: the user's answers, and the commands that were run.

const { MENUS } = require('./contract.js')
const { content, isNone, isOpen, cellsOf } = require('./content.js')
const { finding } = require('./rules.js')

const NOT_ASKED = /^not (?:asked|shown)\b/i
const COMMAND = /^(?:[A-Za-z_]\w*=\S*\s+)*(?:git|gh)(?:\.exe)?(?:\s|$)/

/**
 * `{ ended, findings }`: `ended` is what ended the handoff ("skip at H1"), `''` if nothing did, undefined where the
 * answers do not tell.
 */
function selections(sections) {
  const section = sections.get('4.6.3')
  if (!section) return { ended: undefined, findings: [] }
  const said = content(section.body)
  const answers = new Map(MENUS.map(({ name }) => [name, answerTo(name, said)]))
  const [first, , last] = MENUS.map((menu) => ({ ...menu, ...answers.get(menu.name) }))
  const ended = whatEnded(first, last)
  const breach = (line, message) => finding(line, 'selection-missing', message, { section: '4.6.3' })
  // A section that holds nothing, or only `None`, is told so once.
  if (said.length === 0 || isNone(said)) return { ended: undefined, findings: [] }
  const findings = MENUS.flatMap(({ name }) => {
    const { line, choice } = answers.get(name)
    if (line === undefined) return [breach(section.line, `the answer to ${name} is missing: "- ${name}: <choice> - \\"<answer>\\"", or "- ${name}: not asked"`)]
    if (choice === '') return [breach(line, `${name} has no answer`)]
    const mustBeAsked = name === first.name || (name === last.name && ended === '')
    return mustBeAsked && NOT_ASKED.test(choice) ? [breach(line, `${name} has to be asked before anything is handed over`)] : []
  })
  return { ended, findings }
}

function answerTo(name, said) {
  const begins = new RegExp(`^[\`"'*_]*${name}\\b[^:|]*[:|][*_]*\\s*(.*)$`, 'i')
  for (const { line, text } of said) {
    const match = begins.exec(cellsOf(text).join(' | '))
    // A number from the menu may stand before the choice.
    if (match) return { line, choice: match[1].trim().replace(/^[`"'*_([\u201c\u2018]*(?:\d+\s*[.):-]\s*)?[`"'*_\u201c\u2018]*/, '') }
  }
  return { line: undefined, choice: undefined }
}

function whatEnded(first, last) {
  const known = ({ choice }) => choice !== undefined && choice !== '' && !isOpen(choice)
  const chose = ({ choice, ends }) => known({ choice }) && new RegExp(`^${ends}`, 'i').test(choice)
  if (chose(first)) return `${first.ends} at ${first.name}`
  if (chose(last)) return `${last.ends} at ${last.name}`
  return known(first) && known(last) ? '' : undefined
}

/** The commands of 4.6.4: git and gh alone, and each of them in the recorded log where one is given. */
function commands(sections, ended, log) {
  const section = sections.get('4.6.4')
  const said = section ? content(section.body) : []
  if (ended || said.length === 0 || isNone(said) || said.some(({ text }) => isOpen(text))) return []
  const entries = commandsIn(said)
  const recorded = log?.split(/\r?\n/).map(logged)
  const breach = (line, rule, message) => finding(line, rule, message, { section: '4.6.4' })
  if (entries.length === 0) return [breach(said[0].line, 'command-foreign', '4.6.4 names no command: write each in backticks, or in a code fence')]
  return entries.flatMap(({ line, command }) => {
    if (!COMMAND.test(command)) return [breach(line, 'command-foreign', `"${command}" is neither a git nor a gh command`)]
    if (recorded && !recorded.some((entry) => records(entry, squeezed(command)))) {
      return [breach(line, 'command-unrecorded', `"${command}" is not in the command log`)]
    }
    return []
  })
}

// In a fence, where one line has a prompt, the others are output.
function commandsIn(said) {
  const prompts = said.some(({ kind, text }) => kind === 'code' && /^\s*\$ /.test(text))
  return said.flatMap(({ line, kind, text }) => {
    if (kind === 'code') {
      const command = prompts ? /^\s*\$ (.*)$/.exec(text)?.[1] : text
      return command?.trim() ? [{ line, command: command.trim() }] : []
    }
    const span = /(`+)(.+?)\1/.exec(text)?.[2]
    return span ? [{ line, command: span.trim().replace(/^\$ /, '') }] : []
  })
}

/** The command that a line of the log holds: the line itself, or the `command` of a JSON object in it. */
function logged(line) {
  let entry
  try {
    entry = JSON.parse(line)
  } catch {
    return squeezed(line)
  }
  const command = entry?.command ?? entry?.argv
  return squeezed(Array.isArray(command) ? command.join(' ') : String(command ?? line))
}

// Before the command there may be a time or a prompt, after it how it ended.
function records(entry, command) {
  for (let at = entry.indexOf(command); at >= 0; at = entry.indexOf(command, at + 1)) {
    if ((at === 0 || entry[at - 1] === ' ') && /^(?:$|[:;,]| (?:[(#:]|[-=]>|exit\b))/.test(entry.slice(at + command.length))) return true
  }
  return false
}

// The same words are quoted in many ways.
function squeezed(text) {
  return text.replace(/[\\"']/g, '').replace(/\s+/g, ' ').trim()
}

module.exports = { selections, commands }
