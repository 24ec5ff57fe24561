'use strict'
// The calls that agents make before each use, in their plain form: `ensure-installed`, `path TASK`, `paths --shell` and
// `guard PATH`. Reading the table of commands and parsing options would cost more than the answer does.
//
// It is the command's own code that answers. Whatever is not plain, has something to say beside the answer, or fails, is
// left to the launcher, which begins anew: so that errors and help are the same by either way.

/** Answers a command line and tells whether it did; nothing was written if not. */
function answered(argv) {
  try {
    const text = answerOf(argv)
    if (text === undefined) return false
    if (text !== '') require('./write.js').writeText('stdout', `${text}\n`)
    return true
  } catch {
    return false
  }
}

function answerOf([command, word, ...more]) {
  if (more.length > 0) return undefined
  if (command === 'ensure-installed') return word === undefined && require('./install/check.js').isCurrent() ? '' : undefined
  if (command === 'paths') return word === '--shell' ? textOf(require('./commands/paths.js'), { values: { shell: 'posix' } }) : undefined
  if ((command !== 'path' && command !== 'guard') || word === undefined || word.startsWith('-')) return undefined
  return textOf(require(`./commands/${command}.js`), { values: {}, positionals: [word], cwd: process.cwd() })
}

function textOf({ run }, context) {
  const { text, story = [] } = run(context)
  return story.length === 0 ? text : undefined
}

module.exports = { answered }
