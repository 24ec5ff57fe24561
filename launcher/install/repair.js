'use strict'
// What `ensure-installed` does when all is not well.

const fs = require('node:fs')
const { LauncherError } = require('../errors.js')
const { check } = require('./check.js')
const { sha256 } = require('./files.js')
const { install } = require('./install.js')
const { fileOf, readManifest } = require('./manifest.js')
const { skillsFolder } = require('./skills-folder.js')
const { fieldsOf, linesOf } = require('./tell.js')
const { isLater } = require('./versions.js')

const HINT = 'Run `npx okstra@latest install`.'

/** Brings the installation to this version and makes it whole, or says why that cannot be; the answer of the command. */
async function repair({ home, version, found, cwd }) {
  if (isLater(found.version, version)) return leave({ home, version, found })
  const good = () => {
    const now = check(home)
    return now.whole && now.version === version
  }
  let result
  try {
    // The folder of the installation that is there wins: the repair must not move the skills.
    result = await install({ chooseSkills: ({ installed }) => installed ?? skillsFolder({ cwd }), unless: good })
  } catch (error) {
    if (!String(error?.code).startsWith('OKSTRA_')) throw error
    throw cannot(home, error.message, error)
  }
  const after = check(home)
  if (!after.whole) throw cannot(home, `${after.reason}, and okstra replaces nothing that it did not write`, { code: 'OKSTRA_INSTALLATION_BROKEN' })
  // Another process did it while this one waited.
  if (!result) return { data: { home, version, repaired: false, changed: reallyChanged(home, after.changed) }, text: '', story: [] }
  const { previous, skillsDir, steps } = result
  const why = found.reason ?? `${previous} was installed`
  const story = [`okstra ${version}: ${why}; brought in order in ${home}, with the skills in ${skillsDir}`, ...linesOf(steps)]
  return { data: { home, version, repaired: true, reason: why, skillsDir, ...fieldsOf(steps) }, text: '', story }
}

// Two versions that repair what the other one did would never end.
function leave({ home, version, found }) {
  if (!found.whole) {
    throw cannot(home, `${found.reason}, and it is of a later version, ${found.version}, than this one, ${version}`, { code: 'OKSTRA_INSTALLATION_BROKEN' })
  }
  const story = [`okstra ${found.version} is installed in ${home}; this is ${version}, which leaves it as it is (\`okstra install\` would put ${version} in its place)`]
  return { data: { home, version: found.version, repaired: false, changed: reallyChanged(home, found.changed) }, text: '', story }
}

function cannot(home, reason, { code, hint, path, exitCode }) {
  return new LauncherError(code, `cannot repair the installation in ${home}: ${reason}`, {
    hint: hint && !hint.includes('npx okstra@latest install') ? `${hint} Then: ${HINT}` : HINT,
    ...(path && { path }),
    ...(exitCode !== undefined && { exitCode }),
  })
}

/** Of the files with another size or time than they were written with, those with another content, as paths. */
function reallyChanged(home, names) {
  if (names.length === 0) return []
  const { manifest } = readManifest(home)
  const hashes = new Map(manifest?.files.map(({ path, sha256: hash }) => [path, hash]))
  return names.filter((name) => hashOf(fileOf(home, name)) !== hashes.get(name)).map((name) => fileOf(home, name))
}

function hashOf(file) {
  try {
    return sha256(fs.readFileSync(file))
  } catch {
    // Gone or closed to us since it was looked at: not as it was written, in any case.
    return undefined
  }
}

module.exports = { repair, reallyChanged }
