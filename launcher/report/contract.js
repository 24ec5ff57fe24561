'use strict'
// What a final report consists of, in one place: the template, the skeletons and the checker are all made from this.
//
// A section: `number`, `title`, `level` of its heading, `holds` and, for a skeleton, `note` (a comment for the writer) and
// `body` (its lines). `holds` is
//   filled   there must be something in it
//   open     filled, or the one line `None.`
//   parts    only its sub-sections and, if wanted, a word before them
//   none     exactly the one line `None.` or `None: <why>`
// `note`, `body` and `holds` may be functions of the kind of run, `{ handoff: boolean }`.

/** The one task type whose runs hand a branch over to the user. */
const HANDOFF = 'release-handoff'

/** The role that writes the report of every other run. */
const WRITER = 'report-writer'

/** The sections that runs of other types do not have. */
const HANDOFF_ROOT = '4.6'

/** What 4.6.3 asks for: the menus, and the choice in each that ends the handoff. */
const MENUS = Object.freeze([
  { name: 'H1', asks: 'what is handed over', ends: 'skip' },
  { name: 'H2', asks: 'where it goes', ends: undefined },
  { name: 'H3', asks: 'whether exactly these commands are run', ends: 'cancel' },
])

/** The parts that are empty when the user chose one of those. */
const EMPTY_WITHOUT_HANDOFF = Object.freeze(['4.6.4', '4.6.5', '4.6.6'])

const fill = (what) => `{{fill: ${what}}}`

const SECTIONS = Object.freeze([
  { number: '1', title: 'Summary', level: 2, holds: 'filled', body: [fill('what this run achieved, in three sentences at most')] },
  {
    number: '2',
    title: 'Request and Scope',
    level: 2,
    holds: 'filled',
    body: [fill('what was asked for, and what was left out on purpose')],
  },
  {
    number: '3',
    title: 'Roster and Dispatches',
    level: 2,
    holds: ({ handoff }) => (handoff ? 'none' : 'filled'),
    note: ({ handoff }) =>
      handoff ? 'A release-handoff run has no roster of workers: the lead writes this report itself.' : 'One row for each worker that was dispatched; the last one wrote this report.',
    body: ({ handoff }) =>
      handoff
        ? ['None: the lead ran this handoff and wrote this report.']
        : [
            '| role | task | result file |',
            '|---|---|---|',
            `| ${fill('role')} | ${fill('what it was asked')} | ${fill('file in the worker-results directory')} |`,
            `| ${WRITER} | writes this report | ${WRITER}.md |`,
          ],
  },
  { number: '4', title: 'Results', level: 2, holds: 'parts', body: [] },
  { number: '4.1', title: 'Outcome', level: 3, holds: 'filled', body: [fill('what is true now that was not true before, and what is not')] },
  { number: '4.2', title: 'Findings', level: 3, holds: 'open', body: [fill('what was found out, each with the result it comes from')] },
  { number: '4.3', title: 'Decisions', level: 3, holds: 'open', body: [fill('what was decided, by whom, and what was rejected')] },
  { number: '4.4', title: 'Changes', level: 3, holds: 'open', body: [fill('files and commits that this run changed')] },
  {
    number: '4.5',
    title: 'Open Points and Next Phase',
    level: 3,
    holds: 'open',
    body: [fill('questions without an answer, work that is left, and the phase that should follow')],
  },
  {
    number: HANDOFF_ROOT,
    title: 'Release Handoff Deliverables',
    level: 3,
    holds: 'parts',
    note: [
      'Each entry comes from the recorded log of the git and gh commands, or is an answer of the user to H1, H2 or H3, word',
      'for word. If the user chose skip at H1 or cancel at H3, 4.6.3 stays filled, and 4.6.4, 4.6.5 and 4.6.6 hold the one',
      'line `None: <which choice>`.',
    ].join('\n'),
    body: [],
  },
  {
    number: '4.6.1',
    title: 'Source Verification Report',
    level: 4,
    holds: 'filled',
    body: [fill('path and verdict of the verification report this handoff rests on')],
  },
  {
    number: '4.6.2',
    title: 'Feature Branch & Working-Tree State',
    level: 4,
    holds: 'filled',
    body: [fill('branch, its commit id, its base, and what `git status` said, from the command log')],
  },
  {
    number: '4.6.3',
    title: 'User Selections',
    level: 4,
    holds: 'filled',
    note: 'For each menu the choice, then the answer word for word. A menu that was never shown: `not asked`.',
    body: MENUS.map(({ name, asks }) => `- ${name}: ${fill(asks)} - "${fill('the answer, word for word')}"`),
  },
  {
    number: '4.6.4',
    title: 'Executed Commands',
    level: 4,
    holds: 'filled',
    note: 'As in the command log and in its order: one item for each command, the command in backticks first.',
    body: [`- ${fill('`git ...` or `gh ...`')}: ${fill('exit code and the line of output that matters')}`],
  },
  {
    number: '4.6.5',
    title: 'Commit List',
    level: 4,
    holds: 'filled',
    body: [`- ${fill('commit id')} ${fill('subject')}`],
  },
  {
    number: '4.6.6',
    title: 'Pull Request Outcome',
    level: 4,
    holds: 'filled',
    body: [fill('address, number and state of the pull request; if none was wanted, a sentence that says so')],
  },
  {
    number: '4.6.7',
    title: 'Routing Recommendation',
    level: 4,
    holds: 'filled',
    body: [fill('where the task goes from here, and why')],
  },
  { number: '5', title: 'Verification', level: 2, holds: 'filled', body: [fill('what was run to prove the outcome, and what it said; if nothing was run, why')] },
  { number: '6', title: 'Sources', level: 2, holds: 'filled', body: [fill('files, logs and results that this report rests on')] },
])

/** What stands between the title and the first section: `- <name>: <value>`. */
const FIELDS = Object.freeze(['Task', 'Task type', 'Written by', 'Date'])

const of = (value, kind) => (typeof value === 'function' ? value(kind) : value)

const isPartOfHandoff = (number) => number === HANDOFF_ROOT || number.startsWith(`${HANDOFF_ROOT}.`)

/** The kind of a run. */
function kindOf(taskType) {
  return { handoff: taskType === HANDOFF }
}

/** The sections that a report of this kind has, in order, with what each holds. */
function sectionsOf(kind) {
  return SECTIONS.filter(({ number }) => kind.handoff || !isPartOfHandoff(number)).map((section) => ({
    ...section,
    holds: of(section.holds, kind),
    note: of(section.note, kind),
    body: of(section.body, kind),
  }))
}

/** Who writes a report of this kind. */
function authorOf({ handoff }) {
  return handoff ? 'lead' : WRITER
}

/** The heading of a section, without its marks. */
function headingOf({ number, title, level }) {
  return `${number}${level === 2 ? '.' : ''} ${title}`
}

module.exports = {
  HANDOFF,
  WRITER,
  HANDOFF_ROOT,
  MENUS,
  EMPTY_WITHOUT_HANDOFF,
  SECTIONS,
  FIELDS,
  fill,
  kindOf,
  sectionsOf,
  authorOf,
  headingOf,
  isPartOfHandoff,
}
