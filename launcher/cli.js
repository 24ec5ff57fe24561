'use strict'
// From a command line to an answer and an exit code.
//
// A command gives `{ data, text, story }` and writes nothing itself: `data` are the fields of the JSON answer, `text` is
// the answer for a person or a shell, `story` are lines beside it, `after` (optional) is called when all of it is out.
// So nothing reaches stdout before a command succeeded.

const { parse, wantsJson } = require('./parse.js')
const { COMMANDS } = require('./table.js')
const { LauncherError, describe, exitCodeOf } = require('./errors.js')
const output = require('./output.js')

let painter

/** Runs one command line and sets `process.exitCode`. Never throws, and never ends the process before its output left. */
async function main(argv) {
  const json = wantsJson(argv)
  try {
    const result = await run(parse(argv))
    if (json) output.answerJson(true, result.data)
    else {
      output.story(result.story ?? [])
      output.answer(result.text)
    }
    result.after?.()
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    report(error, json)
  }
}

async function run({ command, values, positionals }) {
  if (command === 'version') {
    const { version } = require('../package.json')
    return { data: { version }, text: `okstra ${version}` }
  }
  const { run: execute, progress } = COMMANDS[command]
  const hide = progress ? showProgress(progress) : () => {}
  try {
    return await execute({ values, positionals, cwd: process.cwd(), paint })
  } finally {
    hide()
  }
}

function showProgress(label) {
  output.guardStreams()
  return require('./progress.js').showProgress(label)
}

// Looks at stdout when something is painted, and not before: most commands that agents call paint nothing.
function paint(format, text) {
  painter ??= output.painter(process.stdout)
  return painter(format, text)
}

function report(error, json) {
  const description = describe(error)
  const { data, text = '' } = error instanceof LauncherError ? error : {}
  if (json) output.answerJson(false, { error: description, ...data })
  else {
    if (error?.overview) output.story([require('./help.js').overview(output.painter(process.stderr)), ''])
    output.answer(text)
    output.errorText(description)
  }
  if (process.env.OKSTRA_DEBUG) output.story([String(error?.stack ?? error)])
}

module.exports = { main }
