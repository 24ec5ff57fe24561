'use strict'

/** The scenarios in the order in which they run, each with its full size and the size that fits a test run. */
const SCENARIOS = {
  parallel: {
    run: require('./parallel').run,
    full: { processes: 32, rounds: 10, files: 300 },
    small: { processes: 16, rounds: 1, files: 100 },
  },
  'same-key': {
    run: require('./same_key').run,
    full: { processes: 64, rounds: 5, files: 300 },
    small: { processes: 24, rounds: 1, files: 100 },
  },
  fill: {
    run: require('./fill').run,
    full: { repositories: 300, large: 1 },
    small: { repositories: 40, large: 0 },
  },
  registry: {
    run: require('./registry').run,
    full: { processes: 32, operations: 200, pythons: 8, changes: 100 },
    small: { processes: 8, operations: 60, pythons: 3, changes: 24 },
  },
  kill: {
    run: require('./kill').run,
    full: { provisions: 300, files: 300 },
    small: { provisions: 30, files: 300 },
  },
  'git-death': {
    run: require('./git_death').run,
    full: { files: 20 },
    small: { files: 20, sample: 6 },
  },
  'syscall-kill': {
    run: require('./syscall_kill').run,
    full: { files: 20 },
    small: { files: 20, sample: 24 },
  },
  'spare-kill': {
    run: require('./syscall_kill').run,
    full: { files: 20, spare: true },
    small: { files: 20, spare: true, sample: 16 },
  },
  'warm-kill': {
    run: require('./warm_kill').run,
    full: { files: 20 },
    small: { files: 20, sample: 12 },
  },
  faults: {
    run: require('./faults').run,
    full: { files: 20, sample: 600 },
    small: { files: 20, sample: 24 },
  },
  'dirty-states': {
    run: require('./dirty_states').run,
    full: {},
    small: { sample: 11 },
  },
  'remove-kill': {
    run: require('./removal_kill').remove,
    full: { runs: 300, files: 40 },
    small: { runs: 5, files: 40 },
  },
  'restore-kill': {
    run: require('./removal_kill').restore,
    full: { runs: 300, files: 40 },
    small: { runs: 5, files: 40 },
  },
  'prune-kill': {
    run: require('./removal_kill').prune,
    full: { runs: 300, files: 40 },
    small: { runs: 5, files: 40 },
  },
  'doctor-kill': {
    run: require('./doctor_kill').run,
    full: { runs: 300, files: 20 },
    small: { runs: 8, files: 20 },
  },
  'power-cut': {
    run: require('./power_cut').run,
    full: { cuts: 500, files: 40 },
    small: { cuts: 4, files: 12, kinds: 1 },
  },
  outcomes: {
    run: require('./outcomes').run,
    full: {},
    small: { sample: 10 },
  },
  model: {
    run: require('./model').run,
    full: { sequences: 200, steps: 30 },
    small: { sequences: 6, steps: 20 },
  },
}

module.exports = { SCENARIOS }
