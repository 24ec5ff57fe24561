'use strict'
const { okstraHome, placesIn } = require('../home.js')
const { SHELLS, exportLines } = require('../shells.js')

// The names of the answer's fields, as variables of a shell.
const VARIABLES = {
  home: 'OKSTRA_HOME',
  worktrees: 'OKSTRA_WORKTREES',
  registry: 'OKSTRA_REGISTRY',
  skills: 'OKSTRA_SKILLS',
  templates: 'OKSTRA_TEMPLATES',
  pythonPath: 'OKSTRA_PYTHONPATH',
  version: 'OKSTRA_VERSION',
}

function paths({ values: { shell }, paint }) {
  const data = { ...placesIn(okstraHome()), version: require('../../package.json').version }
  const variables = Object.entries(VARIABLES).map(([field, name]) => [name, data[field]])
  if (shell !== undefined) return { data, text: exportLines(shell, variables) }
  const { table } = require('../output.js')
  return { data, text: table(variables, (_row, column, cell) => (column === 0 ? paint('bold', cell) : cell)) }
}

module.exports = {
  summary: 'Tell where everything lies, also to a shell',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    shell: {
      value: '[SHELL]',
      alone: 'posix',
      choices: Object.keys(SHELLS),
      description: 'As lines that set and export the variables: for bash, zsh, dash and sh (also as posix, and without a name), for fish or for powershell',
    },
  },
  details: [
    'The lines are safe to evaluate whatever characters the paths hold. Python finds the okstra modules when PYTHONPATH names OKSTRA_PYTHONPATH.',
    'The places are told whether they exist or not; `okstra install` fills OKSTRA_SKILLS, OKSTRA_TEMPLATES and OKSTRA_PYTHONPATH.',
  ],
  examples: [
    ['okstra paths', 'for a person'],
    ['eval "$(okstra paths --shell)"', 'in bash, zsh or dash'],
    ['okstra paths --shell fish | source', 'in fish'],
    ['okstra paths --shell powershell | Out-String | Invoke-Expression', 'in PowerShell'],
    ['okstra paths --json', 'for a program'],
  ],
  run: paths,
}
