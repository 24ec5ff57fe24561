'use strict'
// The one table of commands: help, parsing and suggestions are all made from it. A command's description and code are
// together in `commands/<name>.js` (`report new` in `commands/report-new.js`), which is read when the command is named.
//
// A command: `summary` (one line), `usage` (what follows its name), `positionals` ([least, most]), `wants` (what the
// first positional is, for the message that misses it; "a task" by default), `options`, `details` (optional
// paragraphs), `examples` ([command, what it does]), `progress` (optional: what a terminal shows while it runs), `run`.
// Modules that only `run` needs are loaded in it, so that help and wrong usage cost no more than the description.
// An option: `value` (the name of its value; none means a switch), `description`, and optionally `short`, `required`,
// `number` (a whole number, from `least` to `most`), `choices`, `multiple` (may be given more than once: an array), `alone`
// (its value may be left out, and is this one then).

const path = require('node:path')

const GLOBAL_OPTIONS = Object.freeze({
  json: { description: 'Answer with one JSON object on stdout, also when something goes wrong' },
  help: { short: 'h', description: 'Show this help' },
})

// In the order of the help.
const GROUPS = Object.freeze([
  ['Tasks', ['provision', 'show', 'path', 'list', 'disk', 'reclaim', 'history', 'release', 'remove', 'restore', 'prune', 'warm']],
  ['Project', ['setup', 'check-project']],
  ['Health', ['doctor', 'adopt', 'guard']],
  ['Reports', ['report new', 'report check']],
  ['Installation', ['install', 'ensure-installed', 'uninstall', 'paths']],
  ['Plumbing', ['call']],
  ['Help', ['help']],
])

const NAMES = GROUPS.flatMap(([, names]) => names)

/** The commands by name; each is loaded when it is asked for. */
const COMMANDS = Object.freeze(
  Object.defineProperties(
    {},
    Object.fromEntries(
      NAMES.map((name) => [
        name,
        { enumerable: true, get: () => require(path.join(__dirname, 'commands', `${name.replace(' ', '-')}.js`)) },
      ]),
    ),
  ),
)

/** The second words of the commands that begin with a word: `new` and `check` for `report`. */
function secondWords(word) {
  return NAMES.filter((name) => name.startsWith(`${word} `)).map((name) => name.slice(word.length + 1))
}

module.exports = { COMMANDS, GLOBAL_OPTIONS, GROUPS, secondWords }
