'use strict'
// The way of an installation, and of taking one away: lock, look, plan, do, and the manifest last.

const fs = require('node:fs')
const path = require('node:path')
const { addon } = require('../addon.js')
const { LauncherError } = require('../errors.js')
const { okstraHome } = require('../home.js')
const { apply, manifestEntries, sweep } = require('./apply.js')
const { assets, version } = require('./assets.js')
const { flushDirectory, look, obstacle, removeEmpty, removeFile, typed, writeFile } = require('./files.js')
const { isPending, manifestFile, manifestText, nameOf, pendingFile, readManifest, readPending } = require('./manifest.js')
const { knownFiles, planInstall, planRemoval, unsafe } = require('./plan.js')
const { skillsFolder } = require('./skills-folder.js')

/**
 * Installs this version. `chooseSkills({ installed })` gives the folder of the skills, `installed` being the present one;
 * with `dryRun` nothing is changed. `unless()` is asked when the lock is held: if it says yes, nothing is left to do.
 *
 * `{ home, skillsDir, version, previous, steps }`, or nothing when `unless` said so.
 */
async function install({ chooseSkills, dryRun = false, unless = () => false }) {
  const home = okstraHome()
  if (dryRun) return attempt(() => plan(home, chooseSkills))
  return locked(home, () => (unless() ? undefined : perform(home, plan(home, chooseSkills))))
}

function plan(home, chooseSkills) {
  const { state, manifest } = readable(home)
  const skillsDir = chooseSkills({ installed: manifest?.skillsDir })
  const pending = readPending(home)
  const known = knownFiles(manifest, pending)
  const steps = planInstall({ home, skillsDir, former: manifest?.skillsDir, assets: assets(), known })
  return { home, skillsDir, version: version(), previous: manifest?.version, damaged: state === 'damaged', manifest, pending, steps }
}

function perform(home, planned) {
  const { skillsDir, pending, manifest, steps } = planned
  // Before anything is written: a folder that cannot be made must not leave half an installation.
  fs.mkdirSync(skillsDir, { recursive: true })
  fs.mkdirSync(path.dirname(manifestFile(home)), { recursive: true, mode: 0o700 })
  sweep([...steps, { file: manifestFile(home) }, { file: pendingFile(home) }])
  const coming = steps.filter(({ action }) => action === 'write' || action === 'replace')
  if (coming.length > 0) record(pendingFile(home), { files: [...pending, ...coming.map(({ name, hash }) => ({ path: name, sha256: hash }))] })
  const done = apply(steps, home)
  recordFinished(home, { version: planned.version, skillsDir, files: manifestEntries(done) }, manifest)
  removeFile(pendingFile(home), look(pendingFile(home))?.identity)
  return { ...planned, steps: done }
}

// A second installation leaves the manifest, and its time, as they are.
function recordFinished(home, { version: installed, skillsDir, files }, before) {
  const comparable = (one) => one && JSON.stringify([one.version, one.skillsDir, one.files])
  if (comparable(before) === comparable({ version: installed, skillsDir, files })) return
  record(manifestFile(home), { version: installed, installedAt: new Date().toISOString(), skillsDir: nameOf(home, skillsDir), files })
}

function record(file, fields) {
  writeFile(file, manifestText(fields), look(file)?.identity)
  flushDirectory(path.dirname(file))
}

/**
 * Takes the installation away. `{ home, installed, version, steps }`; `installed` says whether there was one.
 */
async function uninstall({ dryRun = false }) {
  const home = okstraHome()
  const before = attempt(() => planUninstall(home))
  if (dryRun) return before
  if (!before.installed) {
    // What an uninstallation that was killed at its last step left.
    removeEmpty(path.dirname(manifestFile(home)), home)
    return before
  }
  return locked(home, () => {
    const planned = planUninstall(home)
    sweep(planned.steps)
    const done = apply(planned.steps, home)
    // The manifest last: whoever is killed before leaves it to the next attempt.
    for (const file of [pendingFile(home), manifestFile(home)]) fs.rmSync(file, { force: true })
    removeEmpty(path.dirname(manifestFile(home)), home)
    return { ...planned, steps: done }
  })
}

function planUninstall(home) {
  const { state, manifest } = readable(home)
  if (state === 'damaged') {
    throw new LauncherError('OKSTRA_INSTALLATION_BROKEN', `cannot tell what is installed in ${home}: ${manifestFile(home)} is damaged`, {
      hint: 'Run `okstra install`, which writes it anew, then uninstall.',
      path: manifestFile(home),
    })
  }
  const steps = planRemoval({ home, known: knownFiles(manifest, readPending(home)), skillsDirs: [manifest?.skillsDir] })
  return { home, installed: state === 'good' || isPending(home), version: manifest?.version, skillsDir: manifest?.skillsDir, steps }
}

function readable(home) {
  const hidden = obstacle(home, manifestFile(home))
  if (hidden) throw unsafe(home, hidden)
  const found = readManifest(home)
  if (found.state !== 'foreign') return found
  throw new LauncherError('OKSTRA_INSTALLATION_BROKEN', `a later okstra${found.manifest.version ? ` (${found.manifest.version})` : ''} installed into ${home}, and this one cannot read its manifest`, {
    hint: 'Use that version or a later one: `npx okstra@latest install`.',
    path: manifestFile(home),
  })
}

async function locked(home, work) {
  const lock = await addon().lockInstallation()
  try {
    return attempt(work)
  } finally {
    lock.release()
  }
}

function attempt(work) {
  try {
    return work()
  } catch (error) {
    throw typed(error)
  }
}

/** The choice of the folder for skills by a person: see `skillsFolder`. */
const chosenBy = (asked, cwd) => ({ installed }) => skillsFolder({ asked, cwd, installed })

module.exports = { install, uninstall, chosenBy }
