'use strict'

// One lane of the scenario, in a mount namespace of its own:
//
//   unshare --mount --propagation private node worker.js OPTIONS    prints { cuts, violations, lost } as JSON
//
// Each story is recorded once and cut off many times. The cut disks lie at the places of the recorded ones, under other
// device numbers, and the machine has another boot id and has just been started: files are bound over the kernel's.

const fs = require('node:fs')
const path = require('node:path')

const { createRandom } = require('../support/random')
const { plantSentinels } = require('../support/repository')
const { check } = require('./check')
const { cut, readLog } = require('./cut')
const { Recorder, copy, hold, make, mount, run, unmount } = require('./disks')
const { STORIES } = require('./stories')
const { World } = require('./world')

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const UPTIME = '/proc/uptime'
const BEGUN = 'begun'
const ANSWERED = 'answered'

/** From here on the kernel says about itself what we want it to. */
function rebooter(directory) {
  const [id, uptime] = [BOOT_ID, UPTIME].map((told, number) => {
    const file = path.join(directory, `boot-${number}`)
    fs.writeFileSync(file, fs.readFileSync(told))
    run('mount', '--bind', file, told)
    return file
  })
  return (number) => {
    fs.writeFileSync(id, `00000000-0000-4000-8000-${String(number).padStart(12, '0')}\n`)
    fs.writeFileSync(uptime, '0.01 0.01\n')
  }
}

const without = (states, task) => Object.fromEntries(Object.entries(states).filter(([name]) => name !== task))

class Lane {
  constructor({ directory, kind, disks, files, fast, logfs }) {
    Object.assign(this, { directory, kind, logfs })
    const numbered = (name) => Array.from({ length: disks }, (_, number) => path.join(directory, `${name}-${number}`))
    this.places = numbered('disk')
    this.base = numbered('base')
    this.images = numbered('image')
    for (const place of this.places) fs.mkdirSync(place)
    for (const image of this.base) make(kind, image)
    this.reboot = rebooter(directory)
    this.boots = 0
    mount(kind, this.base, this.places)
    this.world = new World(this.places, fast ? 'fast' : 'full')
    this.world.populate(files)
    this.readSentinels = plantSentinels(this.world.sandbox, this.world.repository)
    this.sentinels = this.readSentinels()
    unmount(this.places)
  }

  /** Lets a story happen, and gives its log with what was true when. */
  record(story) {
    this.base.forEach((image, number) => copy(image, this.images[number]))
    mount(this.kind, this.images, this.places)
    const states = [story.prepare(this.world)]
    unmount(this.places)
    this.prepared = this.images.map((image, number) => {
      const kept = path.join(this.directory, `prepared-${number}`)
      copy(image, kept)
      return kept
    })
    const recorder = new Recorder(this.logfs, this.directory, this.kind, this.images, this.places)
    for (const [number, step] of story.steps.entries()) {
      step.before?.(this.world)
      recorder.mark(`${BEGUN} ${number}\n`)
      this.world.must(step.args(this.world))
      recorder.mark(`${ANSWERED} ${number}\n`)
      const last = states.at(-1)
      states.push(step.task ? { ...last, [step.task]: step.after(this.world, last[step.task]) } : last)
    }
    recorder.mark('end\n')
    recorder.end()
    return { log: readLog(recorder.log), states, loops: recorder.loops }
  }

  /** Cuts a story off `count` times. */
  visit(name, count, random, told) {
    const story = STORIES[name]
    const { log, states, loops } = this.record(story)
    const held = hold(this.kind, this.prepared, loops, this.directory)
    const end = log.records.findIndex(({ text }) => text === 'end\n')
    const answers = log.records.flatMap(({ text }, at) => (text?.startsWith(ANSWERED) ? [at + 1] : []))
    const violations = []
    let lost = 0
    for (let done = 0; done < count; done++) {
      // Every other cut comes right after an answer, where a promise has just been given.
      const at = done % 2 === 0 ? random.between(1, end) : Math.min(end, random.pick(answers) + random.between(0, 2))
      const seed = random.between(0, 2 ** 31)
      this.prepared.forEach((image, number) => copy(image, this.images[number]))
      lost += cut(log, at, this.images, createRandom(seed))
      this.reboot(++this.boots)
      const marks = log.records.slice(0, at).flatMap(({ text }) => text ?? [])
      const acknowledged = marks.filter((text) => text.startsWith(ANSWERED)).length
      const isOpen = marks.at(-1)?.startsWith(BEGUN)
      const step = story.steps[acknowledged]
      // What somebody writes before a step is flushed by nobody until that is answered.
      const unsure = step?.before ? step.task : undefined
      const open = isOpen && !unsure ? { step, after: states[acknowledged + 1][step.task] } : undefined
      const found = this.lookAt({ story, acknowledged, states: without(states[acknowledged], unsure), open, unsure }, createRandom(seed + 1))
      violations.push(...found.map((what) => `${this.kind}${this.places.length > 1 ? ' x 2' : ''}, ${name}, cut ${at} of ${end} (${seed}), ${acknowledged} answered${open ? `, in ${step.name}` : ''}: ${what}`))
      told?.(found)
    }
    unmount(held)
    return { cuts: count, violations, lost, records: end }
  }

  lookAt(moment, random) {
    try {
      mount(this.kind, this.images, this.places)
    } catch (error) {
      return [`the file system cannot be mounted: ${error.message}`]
    }
    try {
      return check(this.world, { ...moment, readSentinels: this.readSentinels, sentinels: this.sentinels }, random)
    } catch (error) {
      return [`it could not be looked at: ${error.stack}`]
    } finally {
      unmount(this.places)
    }
  }
}

function main(options) {
  const lane = new Lane(options)
  const random = createRandom(options.seed)
  const total = { cuts: 0, violations: [], lost: 0 }
  for (const [name, count] of Object.entries(options.stories)) {
    const told = (found) => process.stderr.write(found.length > 0 ? `${name}: ${found.join('\n  ')}\n` : '.')
    const { cuts, violations, lost } = lane.visit(name, count, random, options.loud ? told : undefined)
    total.cuts += cuts
    total.lost += lost
    total.violations.push(...violations)
  }
  process.stdout.write(JSON.stringify(total))
}

main(JSON.parse(process.argv[2]))
