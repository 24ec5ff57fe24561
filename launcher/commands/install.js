'use strict'

async function install({ values, cwd }) {
  const { install: run, chosenBy } = require('../install/install.js')
  const { fieldsOf, linesOf, planOf } = require('../install/tell.js')
  const dryRun = values['dry-run'] === true
  const { home, skillsDir, version, previous, damaged, steps } = await run({ chooseSkills: chosenBy(values['skills-dir'], cwd), dryRun })
  const data = { home, skillsDir, version, ...(previous !== undefined && { previous }), dryRun, ...fieldsOf(steps) }
  const summary = `okstra ${version} ${dryRun ? 'would be' : 'is'} installed in ${home}, its skills in ${skillsDir}`
  if (dryRun) {
    return { data, text: planOf(steps).join('\n') || 'nothing would change', story: [summary] }
  }
  const upgraded = previous !== undefined && previous !== version ? [`${previous} was installed`] : []
  const mended = damaged ? ['the manifest was damaged: files that differ from this version were kept'] : []
  const lines = linesOf(steps)
  return { data, text: summary, story: [...upgraded, ...mended, ...(lines.length === 0 ? ['everything was in place already'] : lines)] }
}

module.exports = {
  summary: 'Put skills, templates and Python modules in place, or bring them up to date',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    'skills-dir': { value: 'DIR', description: "The agent's folder of skills (default: $CLAUDE_CONFIG_DIR/skills; else the one of the installation that is there; else ~/.claude/skills)" },
    'dry-run': { description: 'Tell what would be done, and change nothing' },
  },
  details: [
    'Everything goes below the okstra home, and the skills also into the folder from which the agent loads them. What was written is recorded with its hash; run it as often as you like.',
    'A file that you changed, or that was there before okstra, is kept; the new one is written beside it, with .okstra-new at the end of its name. With another folder than before, the skills move there.',
  ],
  examples: [
    ['okstra install', 'also after an upgrade; `npx okstra@latest install` without having okstra'],
    ['okstra install --dry-run', 'see what an upgrade would do'],
    ['okstra install --skills-dir ~/work/.claude/skills', 'for an agent that keeps its skills elsewhere'],
  ],
  progress: 'installing',
  run: install,
}
