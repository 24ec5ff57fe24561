'use strict'
const { COMMANDS } = require('../table.js')
const { overview, commandHelp, commandData } = require('../help.js')
const { unknownCommand } = require('../parse.js')

module.exports = function help({ positionals: [name], paint }) {
  if (name === undefined) {
    return { data: { commands: Object.keys(COMMANDS).map(commandData) }, text: overview(paint) }
  }
  if (!Object.hasOwn(COMMANDS, name)) throw unknownCommand(name)
  return { data: { commands: [commandData(name)] }, text: commandHelp(name, paint) }
}
