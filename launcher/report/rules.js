'use strict'
// The rules that `okstra report check` names: ids that never change their meaning, each with what it stands for. The table
// in docs/reports.md holds the same.

const RULES = Object.freeze({
  'not-utf8': 'the file is no UTF-8 text',
  'unclosed-fence': 'a code fence is opened and never closed: all that follows is code',
  'unclosed-comment': 'an HTML comment is opened and never closed: all that follows is invisible',
  title: 'the report does not begin with `# Final Report: <task-key>`',
  'field-missing': 'Task, Task type, Written by or Date is missing below the title, or empty',
  'task-type': 'the report is of another task type than the one it is checked for',
  author: 'the report is written by the wrong role: the report writer, or in a release-handoff run the lead',
  'section-missing': 'a section that this kind of report has is not there',
  'section-order': 'a section stands in the wrong place',
  'section-duplicate': 'a section is there twice',
  'section-extra': 'a heading that this kind of report does not have',
  'section-title': 'the number of a section with another title',
  'section-number': 'the title of a section with another number, or with none',
  'section-level': 'the heading of a section has the wrong level',
  'handoff-forbidden': '4.6 or a part of it in a report that is not of a release-handoff run',
  'section-empty': 'a section that must be filled holds nothing, or only `None`',
  'section-blank': 'a section holds nothing at all where `None.` has to say so',
  'section-not-empty': 'a section that must hold `None` and no more holds something',
  placeholder: 'placeholder text was left in',
  'selection-missing': '4.6.3 lacks the answer to H1, H2 or H3',
  'command-foreign': '4.6.4 holds no command, or one that is neither git nor gh',
  'command-unrecorded': '4.6.4 holds a command that is not in the command log',
  'report-writer-missing': 'the roster does not name the report writer and its result file',
  'report-writer-forbidden': 'the report of a release-handoff run names a report writer or its result',
  'worker-result-missing': 'the worker-results directory holds no result of the report writer',
  'worker-result-empty': "the report writer's file in the worker-results directory is empty",
  'worker-result-forbidden': 'the worker-results directory of a release-handoff run holds a result of a report writer',
})

/** One breach: where, which rule, what exactly; `more` may name the `section` and a `path`. */
function finding(line, rule, message, more = {}) {
  if (!Object.hasOwn(RULES, rule)) throw new Error(`no rule ${rule}`)
  return { line, rule, message, ...more }
}

module.exports = { RULES, finding }
