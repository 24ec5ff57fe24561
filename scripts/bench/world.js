'use strict'

const fs = require('node:fs')

const addon = require('../../index.js')
const { Sandbox } = require('../torture/support/sandbox')
const { createRepository } = require('./repository')

/** What the scenarios of one run share: a sandbox, in memory unless told otherwise, and repositories, each made once. */
class World {
  constructor(directory) {
    this.addon = addon
    this.sandbox = new Sandbox('bench', directory)
    this.repositories = new Map()
    this.worktrees = 0
  }

  /** Makes this process, in which okstra is called, one of the sandbox. */
  enter() {
    Object.assign(process.env, this.sandbox.environment)
  }

  /** The repository of so many files, with so many bytes in the median. */
  repository(files, median = 1500) {
    const name = `files-${files}-${median}`
    if (!this.repositories.has(name)) this.repositories.set(name, createRepository(this.sandbox, { name, files, median }))
    return this.repositories.get(name)
  }

  /** A number for a worktree that no other one of the run has. */
  number() {
    return ++this.worktrees
  }

  /** Gives the memory of a repository back that no scenario needs any more. */
  forget(files, median = 1500) {
    const name = `files-${files}-${median}`
    if (this.repositories.delete(name)) fs.rmSync(this.sandbox.path(name), { recursive: true, force: true })
  }

  dispose() {
    this.sandbox.dispose()
  }
}

module.exports = { World }
