'use strict'

// The files that the benchmark reads and writes. A run takes many minutes: where its results cannot go is to be known
// before it begins, and where that changed meanwhile they are not to be lost.

const fs = require('node:fs')

const reason = (error) => error.message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*)?$/s, '')

/** Fails when a file cannot be written. It is there afterwards only where it was before. */
function checkWritable(file) {
  const known = fs.existsSync(file)
  try {
    fs.closeSync(fs.openSync(file, 'a'))
    if (!known) fs.unlinkSync(file)
  } catch (error) {
    throw new Error(`cannot write ${file}: ${reason(error)}. Name a file in a directory that is there and can be written to.`, { cause: error })
  }
}

const textOf = (result) => `${JSON.stringify(result, null, 2)}\n`

/** Writes a result, or what was made of it; where that fails the result goes to standard output, as `--from` takes it. */
function write(file, result, text = textOf(result)) {
  try {
    fs.writeFileSync(file, text)
  } catch (error) {
    process.stdout.write(textOf(result))
    throw new Error(`cannot write ${file}: ${reason(error)}. The rows are on standard output; keep them in a file for --from.`, { cause: error })
  }
}

/** The result that an earlier run wrote. */
function readResult(file) {
  try {
    const result = JSON.parse(fs.readFileSync(file, 'utf8'))
    if (Array.isArray(result?.rows)) return result
    throw new Error('it holds no rows')
  } catch (error) {
    throw new Error(`cannot read the rows of ${file}: ${reason(error)}. Name a file that --json wrote.`, { cause: error })
  }
}

module.exports = { checkWritable, readResult, write }
