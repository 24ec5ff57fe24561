'use strict'
const path = require('node:path')
const { printable } = require('../output.js')

async function warm({ values, cwd }) {
  const { addon } = require('../addon.js')
  const root = path.resolve(cwd, values.root ?? '.')
  const count = values.count ?? require('../refill.js').wanted(root) ?? 1
  // Nobody waits for a spare: whoever works on this machine comes first.
  require('node:os').setPriority(19)
  const { interruptible } = require('../interruptible.js')
  const done = await interruptible((signal) =>
    addon().warmSpares(
      { projectRoot: root, count, ...(values['keep-free'] !== undefined && { keepFree: values['keep-free'] * 1_000_000 }) },
      signal,
    ),
  )
  const { ready, made, updated, dropped, reason } = done
  const parts = [[made, 'made'], [updated, 'brought up to date'], [dropped, 'dropped']]
  const changes = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  return {
    data: done,
    text: `${ready} ready${changes.length > 0 ? ` (${changes.join(', ')})` : ''}`,
    story: [
      ...(count === 0 && values.count === undefined ? ['note: "warm" of the project file is 0; --count makes some all the same'] : []),
      ...(reason ? [printable(`note: ${reason}`)] : []),
    ],
  }
}

module.exports = {
  summary: 'Keep trees ready, so that the next provision takes milliseconds',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    count: { value: 'N', number: true, least: 0, most: 16, description: 'How many are to be ready, at most 16; 0 drops them (default: "warm" of the project file; 1 where it names none)' },
    root: { value: 'DIR', description: 'A directory of the repository (default: the current directory)' },
    'keep-free': { value: 'MB', number: true, least: 0, description: 'How many megabytes of the disk stay free: none is made that would leave fewer, and the oldest are dropped while there are fewer (default: 2000)' },
  },
  details: [
    'A spare is a filled tree that git does not know yet. `okstra provision` claims one, brings it to the commit that is wanted, and goes on as ever; what comes out is what git makes.',
    'With `"warm": N` in .project-docs/okstra/project.json, every `okstra provision` that makes a new worktree starts this in the background, at the lowest priority.',
    'Whatever is not finished is deleted at once, also after Ctrl-C. What killed runs and deleted repositories left is swept by every warming, of any repository, and by `okstra prune`.',
    'While another process makes them, this one leaves it to that; `--count 0` waits for it instead.',
  ],
  examples: [
    ['okstra warm --count 2', 'keep two trees of this repository ready'],
    ['okstra warm --count 0', 'give their disk space back'],
  ],
  progress: 'making spares',
  run: warm,
}
