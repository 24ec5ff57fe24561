'use strict'
// From a command line to an answer and an exit code.
//
// A command gives `{ data, text, story }` and writes nothing itself: `data` are the fields of the JSON answer, `text` (or
// its bytes) is the answer for a person or a shell, `story` are lines beside it, `after` (optional) is called when all of
// it is out. A field that is JSON already comes in `written`, as bytes. So nothing reaches stdout before a command
// succeeded.

const { parse, wantsJson } = require('./parse.js')
const { COMMANDS } = require('./table.js')
const { LauncherError, describe, exitCodeOf, noDirectory } = require('./errors.js')
const output = require('./output.js')

let painter

/** Runs one command line and sets `process.exitCode`. Never throws, and never ends the process before its output left. */
async function main(argv) {
  const json = wantsJson(argv)
  try {
    const result = await run(parse(argv))
    if (json) output.answerJson(true, result.data, result.written)
    else {
      output.story(result.story ?? [])
      output.answer(result.text)
    }
    result.after?.()
  } catch (thrown) {
    const error = thrown?.syscall === 'uv_cwd' ? noDirectory() : thrown
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
    return await execute({ values, positionals, cwd: currentDirectory(), paint })
  } finally {
    hide()
  }
}

// Empty when it was deleted: then what counts from it fails where that is resolved, and nothing else does.
function currentDirectory() {
  try {
    return process.cwd()
  } catch {
    return ''
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
