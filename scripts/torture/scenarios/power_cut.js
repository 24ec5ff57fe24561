'use strict'

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { buildLogfs, missing } = require('../power-cut/disks')
const { STORIES } = require('../power-cut/stories')
const { createRandom } = require('../support/random')
const { inParallel } = require('../support/processes')
const { Sandbox } = require('../support/sandbox')

const WORKER = path.join(__dirname, '..', 'power-cut', 'worker.js')
/** Where repository and home lie: on one file system, and on one each. */
const LANES = [
  { kind: 'ext4', disks: 1 },
  { kind: 'xfs', disks: 1 },
  { kind: 'ext4', disks: 2 },
  { kind: 'xfs', disks: 2 },
]

/** Runs one lane in a mount namespace of its own: whatever ends it also unmounts everything. */
function runLane(options) {
  return new Promise((resolve, reject) => {
    const args = ['--mount', '--propagation', 'private', process.execPath, WORKER, JSON.stringify(options)]
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [said, complained] = ['', '']
    child.stdout.on('data', (chunk) => (said += chunk))
    child.stderr.on('data', (chunk) => {
      complained += chunk
      if (options.loud) process.stderr.write(chunk)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(said))
      else reject(new Error(`${options.kind}: exit ${code}: ${complained.trim()}`))
    })
  })
}

/**
 * Cuts the power in the middle of everything okstra does, on file systems whose every write is known. `kinds`: on how many of
 * the lanes; `only`: one story, by its number; `fast`: without the flushes, to see that their absence is found.
 */
async function cutPower({ seed, cuts, files, kinds = LANES.length, only, fast = 0, directory, keep = false, progress }) {
  const name = 'power-cut'
  const why = missing()
  if (why) return { name, bar: '-', figure: `skipped: ${why}`, violations: [], skipped: true }
  const sandbox = new Sandbox(name, directory)
  try {
    const logfs = buildLogfs(sandbox.directory)
    const random = createRandom(seed)
    const names = Object.keys(STORIES).filter((story) => only === undefined || Object.keys(STORIES).indexOf(story) === only)
    const lanes = LANES.slice(0, kinds).map((lane, number) => ({ ...lane, number, stories: {} }))
    // Dealt out in turn, so that few cuts too meet as much as they can.
    for (let left = cuts, turn = random.between(0, 1000); left > 0; left--, turn++) {
      const lane = lanes[turn % lanes.length]
      const story = names[Math.floor(turn / lanes.length) % names.length]
      lane.stories[story] = (lane.stories[story] ?? 0) + 1
    }
    const busy = lanes.filter(({ stories }) => Object.keys(stories).length > 0)
    const total = { cuts: 0, lost: 0, violations: [] }
    const failed = []
    const work = (lane) => async () => {
      const place = sandbox.path(`lane-${lane.number}`)
      fs.mkdirSync(place)
      const done = await runLane({ ...lane, directory: place, files, fast, logfs, seed: random.between(0, 2 ** 31), loud: process.env.TORTURE_LOUD === '1' })
      fs.rmSync(place, { recursive: true, force: true })
      total.cuts += done.cuts
      total.lost += done.lost
      total.violations.push(...done.violations)
      progress?.(name, total.cuts, cuts)
    }
    // Whatever fails in one: what another has mounted must not be deleted under it.
    await inParallel(busy.map((lane) => () => work(lane)().catch((error) => failed.push(error))), 2)
    if (failed.length > 0) throw failed[0]
    return {
      name,
      bar: `0 violations in ${cuts} power cuts`,
      figure: `${total.violations.length} violations in ${total.cuts} cuts of ${names.length} stories on ${busy.map(({ kind, disks }) => `${disks > 1 ? `${disks} x ` : ''}${kind}`).join(', ')}; ${total.lost} blocks lost`,
      violations: total.violations.map((violation) => `seed ${seed}: ${violation}`),
    }
  } finally {
    if (!keep) sandbox.dispose()
  }
}

module.exports = { run: cutPower }
