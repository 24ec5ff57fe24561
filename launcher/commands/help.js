'use strict'
const { COMMANDS, secondWords } = require('../table.js')
const { overview, commandHelp, commandData } = require('../help.js')
const { unknownCommand } = require('../parse.js')

function help({ positionals, paint }) {
  const name = positionals.join(' ')
  const begun = secondWords(name).map((second) => `${name} ${second}`)
  if (begun.length > 0) {
    return { data: { commands: begun.map(commandData) }, text: begun.map((command) => commandHelp(command, paint)).join('\n\n') }
  }
  if (name === '') {
    return { data: { commands: Object.keys(COMMANDS).map(commandData) }, text: overview(paint) }
  }
  if (!Object.hasOwn(COMMANDS, name)) throw unknownCommand(name)
  return { data: { commands: [commandData(name)] }, text: commandHelp(name, paint) }
}

module.exports = {
  summary: 'Show the commands, or the help of one',
  usage: '[<command>] [options]',
  positionals: [0, 2],
  options: {},
  examples: [
    ['okstra help', 'all commands'],
    ['okstra help provision', 'one command'],
    ['okstra help --json', 'the table of all commands, for a program'],
  ],
  run: help,
}
