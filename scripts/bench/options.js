'use strict'

// The command line of the benchmark.

const { parseArgs } = require('node:util')

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] },
  json: { type: 'string' },
  svg: { type: 'string' },
  tables: { type: 'string', multiple: true, default: [] },
  from: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
}
const NAMES = Object.keys(OPTIONS).map((name) => `--${name}`).join(', ')

/** The options, with the scenarios that are named in `only`. */
function optionsOf(args, scenarios) {
  const { values, positionals } = parsed(args)
  const only = [...positionals, ...values.only]
  const unknown = only.find((name) => !scenarios.includes(name))
  if (unknown !== undefined) throw new Error(`there is no scenario ${unknown}, only ${scenarios.join(', ')}`)
  return { ...values, only }
}

function parsed(args) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    // Node names the option in quotes, with `<value>` behind it where one is missing.
    const [, option = '', name] = /'((?:-\w, )?-*([\w-]*))/.exec(error.message) ?? []
    if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new Error(`there is no option ${option}, only ${NAMES}`, { cause: error })
    throw new Error(OPTIONS[name]?.type === 'string' ? `${option} needs a value` : `${option} takes no value`, { cause: error })
  }
}

module.exports = { optionsOf }
