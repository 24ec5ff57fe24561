'use strict'
// Help as text, made from the table of commands.

const { COMMANDS, GLOBAL_OPTIONS, GROUPS } = require('./table.js')
const { EXIT_MEANINGS } = require('./errors.js')

// A terminal's own width where it is narrower; below 40 columns nothing reads well.
const COLUMNS = Math.max(40, Math.min(100, process.stdout.columns || 100))

const ENVIRONMENT = [
  ['OKSTRA_HOME', 'Where worktrees and the registry are kept (default: ~/.okstra)'],
  ['OKSTRA_WORKTREE_SYNC_DIRS', 'Directories and files of the main worktree that every task sees through a link, with colons between (default: .project-docs:.scratch:graphify-out)'],
  ['OKSTRA_LOCK_TIMEOUT_MS', 'How long to wait for other processes (default: 120000)'],
  ['OKSTRA_TRASH_DAYS', 'How many days a removed worktree can be restored before `okstra prune` proposes to delete it (default: 14)'],
  ['OKSTRA_GIT_TIMEOUT', 'How long one git process may take, in seconds'],
  ['OKSTRA_DURABILITY', 'full: what was answered outlives a power cut; fast: files written moments before may be empty after one (default: full)'],
  ['CLAUDE_CONFIG_DIR', "The agent's configuration: `okstra install` puts the skills into its folder skills (default: ~/.claude)"],
  ['NO_COLOR', 'Set: no colours'],
]

const optionName = (name, { short, value }) => `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`

function wrap(text, indent) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]
    if (last !== '' && indent + last.length + 1 + word.length > COLUMNS) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}

function definitions(pairs) {
  const column = Math.max(...pairs.map(([term]) => term.length)) + 4
  return pairs.map(([term, text]) => `  ${term.padEnd(column - 2)}${wrap(text, column)}`)
}

function examples(pairs) {
  return pairs.map(([command, what]) => `  $ ${command}\n      ${what}`)
}

// One column for all groups, so that the summaries stand below each other.
function commandGroups(paint) {
  const lines = definitions(Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]))
  return GROUPS.flatMap(([title, names]) => [paint('bold', `${title}:`), ...lines.splice(0, names.length), ''])
}

/** The help of okstra as a whole. */
function overview(paint) {
  return [
    wrap('okstra gives every task one isolated git worktree, the same one in every phase.', 0),
    '',
    `${paint('bold', 'Usage:')} okstra <command> [arguments] [options]`,
    '',
    ...commandGroups(paint),
    paint('bold', 'Options:'),
    ...definitions([
      ...Object.entries(GLOBAL_OPTIONS).map(([name, option]) => [optionName(name, option), option.description]),
      ['-v, --version', 'Show the version'],
    ]),
    '',
    paint('bold', 'Environment:'),
    ...definitions(ENVIRONMENT),
    '',
    paint('bold', 'Exit codes:'),
    ...definitions(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning])),
    '',
    paint('bold', 'Examples:'),
    ...examples(COMMANDS.provision.examples.slice(0, 2)),
    ...examples(COMMANDS.list.examples.slice(0, 1)),
    '',
    wrap('See `okstra help <command>` for the options and examples of one command.', 0),
  ].join('\n')
}

/** The help of one command. */
function commandHelp(name, paint) {
  const { summary, usage, options, details = [], examples: samples } = COMMANDS[name]
  const all = Object.entries({ ...options, ...GLOBAL_OPTIONS })
  return [
    wrap(`${summary}.`, 0),
    '',
    `${paint('bold', 'Usage:')} okstra ${name} ${usage}`,
    '',
    ...details.flatMap((paragraph) => [wrap(paragraph, 0), '']),
    paint('bold', 'Options:'),
    ...definitions(
      all.map(([option, table]) => [optionName(option, table), table.description + (table.required ? ' (required)' : '')]),
    ),
    '',
    paint('bold', 'Examples:'),
    ...examples(samples),
  ].join('\n')
}

/** The table of commands as data. */
function commandData(name) {
  const { summary, usage, options, details = [], examples: samples } = COMMANDS[name]
  return {
    name,
    summary,
    usage: `okstra ${name} ${usage}`,
    details,
    options: Object.entries({ ...options, ...GLOBAL_OPTIONS }).map(([option, { value, short, required, choices, description }]) => ({
      name: `--${option}`,
      ...(short && { short: `-${short}` }),
      ...(value && { value }),
      ...(choices && { choices }),
      required: required === true,
      description,
    })),
    examples: samples.map(([command, what]) => ({ command, what })),
  }
}

module.exports = { overview, commandHelp, commandData }
