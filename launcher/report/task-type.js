'use strict'
// The task type that a report is for. It is free text, but one of them changes what the report holds: a slip of the pen in
// that one must not pass for another type.

const { HANDOFF } = require('./contract.js')
const { usageError } = require('../errors.js')
const { distance } = require('../suggest.js')
const { normalTaskType } = require('./content.js')

/** The option of the commands about reports. */
const TASK_TYPE = { value: 'TYPE', required: true, description: `The task type of the run; ${HANDOFF} is the one with section 4.6` }

/** The task type as it is compared and written. */
function taskTypeOf(text) {
  const taskType = normalTaskType(text)
  if (/\p{Cc}|[{}<>|`#]/u.test(text.trim())) {
    throw usageError(`--task-type cannot be ${JSON.stringify(text)}`, 'Name a task type, as in implementation-planning.')
  }
  if (taskType !== HANDOFF && (distance(taskType, HANDOFF) <= 2 || /hand-?o(?:f|ver)/.test(taskType))) {
    throw usageError(`--task-type cannot be ${JSON.stringify(text)}`, `Did you mean ${HANDOFF}?`)
  }
  return taskType
}

module.exports = { TASK_TYPE, taskTypeOf }
