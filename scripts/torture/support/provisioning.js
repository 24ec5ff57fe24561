'use strict'

const { startWorker } = require('./processes')

/** The options of a provision as the workers get them. */
function provisionOptions(repository, task, more = {}) {
  return {
    taskType: 'implementation',
    projectRoot: repository,
    projectId: 'torture',
    taskGroupSegment: 'group',
    taskIdSegment: task,
    workCategory: 'feature',
    ...more,
  }
}

/** Starts a process that provisions one task when the options are written to it. */
const startProvisioner = (sandbox) => startWorker('provision.js', [], { env: sandbox.environment, session: true })

/** Starts a process that provisions one task when told to. */
function startProvision(sandbox, repository, task, more = {}) {
  const child = startProvisioner(sandbox)
  child.options = JSON.stringify(provisionOptions(repository, task, more))
  return child
}

/** What went wrong with an answer, in words; null when nothing did. */
function complaint({ answer, code, signal, timedOut, stderr }) {
  if (timedOut) return 'no end within the time allowed'
  if (answer?.ok) return null
  if (answer?.error) return `${answer.error.code ?? answer.error.name}: ${answer.error.message}`
  return `no answer: exit ${code}, signal ${signal}: ${String(stderr).trim().slice(-300)}`
}

module.exports = { complaint, provisionOptions, startProvision, startProvisioner }
