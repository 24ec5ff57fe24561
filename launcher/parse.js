'use strict'
// Reads a command line against the table of commands. Everything wrong with it is said with the nearest right name.

const { parseArgs } = require('node:util')
const { COMMANDS, GLOBAL_OPTIONS, secondWords } = require('./table.js')
const { usageError } = require('./errors.js')
const { nearest } = require('./suggest.js')

// What may stand before a command, or without one.
const LEADING = new Map([
  ['--json', 'json'],
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
  ['-V', 'version'],
])

/** Whether the answer is to be JSON; found out before anything else, since a wrong command line is answered too. */
function wantsJson(argv) {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}

/**
 * `{ command, values, positionals }`, with `command` a name of the table, or `version`; switches and values by the names
 * of their options, numbers as numbers.
 */
function parse(argv) {
  const leading = new Set()
  let index = 0
  for (; index < argv.length && argv[index].startsWith('-') && argv[index] !== '--'; index++) {
    const name = LEADING.get(argv[index])
    if (!name) throw unknownOption(argv[index], [...LEADING.keys()], 'okstra help')
    leading.add(name)
  }
  if (leading.has('version')) return { command: 'version', values: {}, positionals: [] }
  if (argv[index] === undefined) {
    if (leading.has('help')) return { command: 'help', values: {}, positionals: [] }
    throw Object.assign(usageError('no command was given', 'See `okstra help`.'), { overview: true })
  }
  const command = commandName(argv.slice(index, index + 2))
  const words = command.split(' ').length
  const parsed = parseCommand(command, argv.slice(index + words))
  if (leading.has('help') || parsed.values.help) return { command: 'help', values: {}, positionals: command.split(' ') }
  checkValues(command, parsed)
  return { command, ...parsed }
}

/** The name of the command that one or two words begin. */
function commandName([first, second]) {
  // Two words in one argument are no name, or the option after them would be taken for one of them.
  if (Object.hasOwn(COMMANDS, first) && !first.includes(' ')) return first
  const seconds = secondWords(first)
  if (seconds.length === 0) throw unknownCommand(first, second)
  if (seconds.includes(second)) return `${first} ${second}`
  const all = `\`okstra ${first}\` is followed by one of ${seconds.join(', ')}.`
  if (second === undefined || second.startsWith('-')) throw usageError(`${first} is not a command by itself`, all)
  const meant = nearest(second, seconds)
  const hint = meant ? `Did you mean \`okstra ${first} ${meant}\`?` : all
  throw usageError(`there is no command ${JSON.stringify(`${first} ${second}`)}`, hint)
}

function parseCommand(command, args) {
  const options = { ...COMMANDS[command].options, ...GLOBAL_OPTIONS }
  const config = {}
  for (const [name, { value, alone, short }] of Object.entries(options)) {
    config[name] = { type: value && alone === undefined ? 'string' : 'boolean', ...(short && { short }) }
  }
  // Not strict: the tokens let us say what is wrong in our own words.
  const { tokens } = parseArgs({ args, options: config, strict: false, allowPositionals: true, tokens: true })
  const values = {}
  const positionals = []
  const known = Object.keys(options).map((name) => `--${name}`)
  for (const token of withOptionalValues(tokens, options)) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    if (!Object.hasOwn(options, token.name)) throw unknownOption(token.rawName, known, `okstra help ${command}`)
    const value = valueOf(token, options[token.name])
    values[token.name] = options[token.name].multiple ? [...(values[token.name] ?? []), value] : value
  }
  return { values, positionals }
}

// Node knows no option whose value may be left out. It is read as a switch, and the word right after it is its value.
function withOptionalValues(tokens, options) {
  const read = []
  for (const token of tokens) {
    const before = read.at(-1)
    if (before?.open && token.kind === 'positional' && token.index === before.index + 1) {
      read.splice(-1, 1, { ...before, value: token.value, open: false })
      continue
    }
    const option = token.kind === 'option' && Object.hasOwn(options, token.name) ? options[token.name] : {}
    const open = option.alone !== undefined && token.value === undefined
    read.push(open ? { ...token, value: option.alone, open } : token)
  }
  return read
}

function valueOf(token, option) {
  if (!option.value) {
    if (token.value !== undefined) throw usageError(`${token.rawName} takes no value`, `Write ${token.rawName} alone.`)
    return true
  }
  const example = `Write ${token.rawName} ${option.value}.`
  if (token.value === undefined || token.value.trim() === '') throw usageError(`${token.rawName} needs a value`, example)
  if (!token.inlineValue && token.value.startsWith('-')) {
    const hint = `${example} For a value that begins with a dash: ${token.rawName}=${token.value}`
    throw usageError(`${token.rawName} needs a value, and ${token.value} looks like an option`, hint)
  }
  if (option.choices && !option.choices.includes(token.value)) {
    const meant = nearest(token.value, option.choices)
    const hint = meant ? `Did you mean ${meant}?` : `Choose one of ${option.choices.join(', ')}.`
    throw usageError(`${token.rawName} cannot be ${JSON.stringify(token.value)}`, hint)
  }
  return option.number ? numberOf(token, option) : token.value
}

// The native part counts in bytes what is given in megabytes, and exactly up to 2^53 - 1.
const MOST = Math.floor(Number.MAX_SAFE_INTEGER / 1_000_000)

function numberOf(token, { least, most = MOST }) {
  const number = Number(token.value)
  if (/^\d+$/.test(token.value) && number >= least && number <= most) return number
  const range = number > most ? `from ${least} to ${most}` : `${least} or more`
  throw usageError(`${token.rawName} cannot be ${JSON.stringify(token.value)}`, `Give a whole number, ${range}.`)
}

function checkValues(command, { values, positionals }) {
  const { options, usage, positionals: [least, most], wants = 'a task' } = COMMANDS[command]
  const hint = `Usage: okstra ${command} ${usage}`
  if (positionals.length < least) throw usageError(`${command} needs ${wants}`, hint)
  if (positionals.length > most) {
    throw usageError(`${command} cannot use the argument ${JSON.stringify(positionals[most])}`, hint)
  }
  for (const [name, option] of Object.entries(options)) {
    if (option.required && values[name] === undefined) throw usageError(`${command} needs --${name} ${option.value}`, hint)
  }
}

/** The error for a command that there is not; `second` is the word after it, which may belong to it. */
function unknownCommand(name, second) {
  const names = Object.keys(COMMANDS)
  const long = second === undefined ? name : `${name} ${second}`
  const meant =
    nearest(long, names.filter((command) => command.includes(' '))) ??
    nearest(name, [...new Set(names.map((command) => command.split(' ', 1)[0]))])
  const hint = meant ? `Did you mean \`okstra ${meant}\`?` : 'See `okstra help` for the commands there are.'
  return usageError(`there is no command ${JSON.stringify(name)}`, hint)
}

function unknownOption(name, known, help) {
  const meant = nearest(name.split('=', 1)[0], known)
  return usageError(`there is no option ${name}`, meant ? `Did you mean ${meant}?` : `See \`${help}\`.`)
}

module.exports = { parse, wantsJson, unknownCommand }
