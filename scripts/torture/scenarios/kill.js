'use strict'

const { kill, killDescendants, killSession, sleepBlocking } = require('../support/processes')
const { createRandom } = require('../support/random')
const { acrossStages } = require('../support/stage')

/** Whom the kill reaches: the owner alone (git lives on), everything it started too, or git alone. */
const VICTIMS = ['owner', 'session', 'git']

const strike = {
  owner: kill,
  session: killSession,
  git: killDescendants,
}

/** One task: killed one to three times at random moments, the recovering calls included, then provisioned. */
async function killChain(stage, seed, tally) {
  const random = createRandom(seed)
  const task = `kill-${seed}`
  const sessions = []
  const story = []
  const struck = []
  for (let left = random.between(1, 3); left > 0; left--) {
    const child = await stage.takeProcess(task, { asynchronous: random.next() < 0.5 })
    const victim = random.pick(VICTIMS)
    const delay = random.next() * 1.2 * stage.duration
    sessions.push(child.pid)
    child.go()
    sleepBlocking(delay)
    const reached = strike[victim](child.pid)
    struck.push(() => (victim === 'git' ? reached > 0 : child.answer() === null))
    story.push(`${victim} at ${delay.toFixed(2)} ms`)
    tally.kills++
    // With git alone dead the owner still has to answer; nobody waits for the dead.
    if (victim === 'git') {
      const end = await child.finish()
      if (end.timedOut || end.signal) story.push('the owner did not end')
    }
  }
  const { status, violations } = await stage.recover(task, sessions)
  tally.landed += struck.filter((inside) => inside()).length
  tally[status] = (tally[status] ?? 0) + 1
  return violations.map((violation) => `seed ${seed} (${story.join(', ')}): ${violation}`)
}

/** Death at random moments: whatever died and when, the next call heals it and nothing is lost. */
async function killRandomly({ provisions, seed, ...place }) {
  const tally = { kills: 0, landed: 0, created: 0, reused: 0 }
  const seeds = Array.from({ length: provisions }, (_, i) => seed + i)
  const violations = await acrossStages('kill', { ...place, seed: 1 }, seeds, (stage, chain) =>
    killChain(stage, chain, tally),
  )
  return {
    name: 'kill',
    bar: `0 violations in ${provisions} provisions`,
    figure: `${violations.length} violations after ${tally.kills} kills (${tally.landed} inside the call); next call: ${tally.created} created, ${tally.reused} reused`,
    violations,
  }
}

module.exports = { run: killRandomly }
