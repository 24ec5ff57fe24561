'use strict'
// The one table of commands: help, parsing and suggestions are all made from it.
//
// A command: `summary` (one line), `usage` (what follows its name), `positionals` ([least, most]), `options`,
// `details` (optional paragraphs), `examples` ([command, what it does]), `load` (gives the function that runs it).
// An option: `value` (the name of its value; none means a switch), `description`, and optionally `short`, `required`,
// `number` (a whole number, at least `least`).

const PROJECT = { value: 'PROJECT', description: "The project of a <group>/<task> (default: the current repository's)" }

const GLOBAL_OPTIONS = Object.freeze({
  json: { description: 'Answer with one JSON object on stdout, also when something goes wrong' },
  help: { short: 'h', description: 'Show this help' },
})

const COMMANDS = Object.freeze({
  provision: {
    summary: 'Give a task its worktree: the same one every time',
    usage: '[<project>/]<group>/<task> --phase PHASE [options]',
    positionals: [1, 1],
    options: {
      phase: { value: 'PHASE', required: true, description: 'The phase of this run; recorded with the task' },
      category: { value: 'CATEGORY', description: 'The kind of work (bug, feature, refactor, docs, ...): gives the branch its prefix' },
      root: { value: 'DIR', description: "A directory of the project's repository (default: the current directory)" },
      project: { value: 'PROJECT', description: "The project of a <group>/<task> (default: the repository's)" },
      base: { value: 'REF', description: 'The branch, tag or commit to start from (default: HEAD of the main worktree)' },
      'lock-timeout': { value: 'MS', number: true, least: 0, description: 'How long to wait for other processes (default: 120000)' },
    },
    details: [
      'Prints the path of the worktree on stdout and what was done on stderr.',
      'Without a project in the task and without --project, the project is the one that .project-docs/okstra/project.json of the main worktree names, else the name of the directory of the main worktree.',
      'Outside a git repository, and in a worktree that is isolated already, nothing is made: the path is the given directory.',
    ],
    examples: [
      ['okstra provision checkout/fix-42 --phase implementation --category bug', 'in the repository of the project'],
      ['cd "$(okstra provision shop/checkout/fix-42 --phase error-analysis --root ~/shop)"', 'from anywhere'],
      ['okstra provision checkout/fix-42 --phase implementation --base origin/main --json', 'for a program'],
    ],
    progress: 'making the worktree ready',
    load: () => require('./commands/provision.js'),
  },
  show: {
    summary: 'Show everything about one task',
    usage: '<task> [options]',
    positionals: [1, 1],
    options: { project: PROJECT },
    examples: [
      ['okstra show checkout/fix-42', 'in the repository of the project'],
      ['okstra show shop/checkout/fix-42 --json', 'from anywhere, for a program'],
    ],
    load: () => require('./commands/show.js'),
  },
  path: {
    summary: "Print the path of a task's worktree, and nothing else",
    usage: '<task> [options]',
    positionals: [1, 1],
    options: { project: PROJECT },
    details: ['Ends with 3 when there is no such task.'],
    examples: [
      ['cd "$(okstra path checkout/fix-42)"', 'go there'],
      ['git -C "$(okstra path shop/checkout/fix-42)" log --oneline', 'look at it from anywhere'],
    ],
    load: () => require('./commands/path.js'),
  },
  list: {
    summary: 'List the tasks of this machine',
    usage: '[options]',
    positionals: [0, 0],
    options: {
      project: { value: 'PROJECT', description: 'Only those of one project' },
      status: { value: 'STATUS', choices: ['active', 'released', 'missing'], description: 'Only those that are active, released or missing (their directory is gone)' },
    },
    examples: [
      ['okstra list', 'all of them'],
      ['okstra list --project shop --status active', 'those of one project that are being worked on'],
      ['okstra list --json', 'for a program'],
    ],
    load: () => require('./commands/list.js'),
  },
  history: {
    summary: 'Tell what happened, to one task or to all, the newest first',
    usage: '[<task>] [options]',
    positionals: [0, 1],
    options: {
      project: { value: 'PROJECT', description: "Only one project; with a <group>/<task>, its project (default: the current repository's)" },
      limit: { value: 'N', number: true, least: 1, description: 'At most so many events, the newest (default: 50)' },
    },
    examples: [
      ['okstra history checkout/fix-42', 'of one task'],
      ['okstra history --project shop --limit 10', 'the newest ten of a project'],
    ],
    load: () => require('./commands/history.js'),
  },
  release: {
    summary: 'Release a task: nothing is deleted, its branch is no longer reserved',
    usage: '<task> [options]',
    positionals: [1, 1],
    options: { project: PROJECT },
    details: ['`okstra provision` brings a released task back on its own branch.'],
    examples: [
      ['okstra release checkout/fix-42', 'in the repository of the project'],
      ['okstra release shop/checkout/fix-42 --json', 'from anywhere, for a program'],
    ],
    load: () => require('./commands/release.js'),
  },
  help: {
    summary: 'Show the commands, or the help of one',
    usage: '[<command>] [options]',
    positionals: [0, 1],
    options: {},
    examples: [
      ['okstra help', 'all commands'],
      ['okstra help provision', 'one command'],
      ['okstra help --json', 'the table of all commands, for a program'],
    ],
    load: () => require('./commands/help.js'),
  },
})

module.exports = { COMMANDS, GLOBAL_OPTIONS }
