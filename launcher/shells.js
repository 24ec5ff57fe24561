'use strict'
// Environment variables as lines that a shell evaluates, whatever characters the values hold.

// In single quotes nothing is special in a POSIX shell but the quote itself, neither to an interactive one.
const posix = {
  quote: (value) => `'${value.replaceAll("'", "'\\''")}'`,
  // The semicolon is for whoever forgets the quotes in `eval "$(...)"`: then the lines become one.
  line: (name, quoted) => `export ${name}=${quoted};`,
}

const fish = {
  quote: (value) => `'${value.replace(/[\\']/g, '\\$&')}'`,
  line: (name, quoted) => `set -gx ${name} ${quoted};`,
}

const powershell = {
  // To PowerShell the typographic single quotes are quotes too.
  quote: (value) => `'${value.replace(/['\u2018-\u201b]/g, '$&$&')}'`,
  line: (name, quoted) => `$env:${name} = ${quoted}`,
}

const SHELLS = Object.freeze({ posix, bash: posix, zsh: posix, dash: posix, sh: posix, fish, powershell })

/** The lines that set and export variables, `[name, value]` each, in the language of one of `SHELLS`. */
function exportLines(shell, variables) {
  const { quote, line } = SHELLS[shell]
  return variables.map(([name, value]) => line(name, quote(value))).join('\n')
}

module.exports = { SHELLS, exportLines }
