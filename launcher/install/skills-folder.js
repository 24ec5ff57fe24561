'use strict'
// The folder from which the agent loads its skills.

const path = require('node:path')

/**
 * The folder for an installation: the one that was asked for (counted from `cwd`), else that of the agent's configuration
 * (`CLAUDE_CONFIG_DIR`), else the one of the installation that is there, else `~/.claude/skills`.
 */
function skillsFolder({ asked, cwd, installed }) {
  if (asked !== undefined) return path.resolve(cwd, asked)
  const configured = process.env.CLAUDE_CONFIG_DIR?.trim()
  if (configured) return path.resolve(cwd, configured, 'skills')
  return installed ?? path.join(require('node:os').homedir(), '.claude', 'skills')
}

module.exports = { skillsFolder }
