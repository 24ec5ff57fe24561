'use strict'

async function uninstall({ values }) {
  const { uninstall: run } = require('../install/install.js')
  const { fieldsOf, linesOf, planOf } = require('../install/tell.js')
  const dryRun = values['dry-run'] === true
  const { home, installed, version, steps } = await run({ dryRun })
  const { removed, kept } = fieldsOf(steps)
  const data = { home, installed, ...(version !== undefined && { version }), dryRun, removed, kept }
  if (!installed) return { data, text: `nothing is installed in ${home}` }
  const stays = `tasks, worktrees and the registry in ${home} stay as they are`
  if (dryRun) return { data, text: planOf(steps).join('\n'), story: [stays] }
  return { data, text: `okstra${version ? ` ${version}` : ''} is no longer installed in ${home}`, story: [...linesOf(steps), stays] }
}

module.exports = {
  summary: 'Take away what `okstra install` wrote, and nothing else',
  usage: '[options]',
  positionals: [0, 0],
  options: { 'dry-run': { description: 'Tell what would be removed, and change nothing' } },
  details: [
    'Files that you changed stay, and are named. So do all tasks: registry, worktrees, branches and state. The program itself goes with `npm uninstall -g okstra`.',
  ],
  examples: [
    ['okstra uninstall', 'skills, templates and Python modules'],
    ['okstra uninstall --dry-run', 'see what would go'],
  ],
  progress: 'uninstalling',
  run: uninstall,
}
