'use strict'
// A file system gets another device number when it is mounted anew. Nothing that was written down may depend on it.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')

const run = (command, ...args) => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? { out: stdout.trim() } : { failed: `${command}: ${stderr ?? ''}`.trim() }
}

/** A file system in a file, mounted at a directory; `again()` mounts it with another device number. */
function disk(t) {
  // Not in the sandbox, which is emptied before this is unmounted.
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'okstra-mount-'))
  const image = path.join(directory, 'image')
  const at = path.join(directory, 'mount')
  const devices = []
  fs.mkdirSync(at)
  fs.closeSync(fs.openSync(image, 'w'))
  fs.truncateSync(image, 64 << 20)
  const attach = (file) => {
    const found = run('losetup', '--find', '--show', file)
    if (found.out) devices.push(found.out)
    return found
  }
  t.after(() => {
    run('umount', at)
    for (const device of devices) run('losetup', '--detach', device)
    fs.rmSync(directory, { recursive: true, force: true })
  })
  const mount = () => {
    const device = attach(image)
    return device.failed ? device : run('mount', device.out, at)
  }
  const made = run('mkfs.ext4', '-q', image)
  const failed = made.failed ?? mount().failed
  const again = () => {
    const before = fs.statSync(at).dev
    assert.equal(run('umount', at).failed, undefined)
    run('losetup', '--detach', devices.pop())
    // Somebody else's image gets the number.
    const other = path.join(directory, `other-${devices.length}`)
    fs.writeFileSync(other, Buffer.alloc(1 << 20))
    assert.equal(attach(other).failed, undefined)
    assert.equal(mount().failed, undefined)
    assert.notEqual(fs.statSync(at).dev, before)
  }
  return { at, again, failed }
}

test('a removal and a return that were begun before a mount are finished after it', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root for a loop device')
  const box = sandbox(t)
  const { at, again, failed } = disk(t)
  if (failed) return t.skip(`needs a loop device (${failed})`)
  // Each call a process of its own: one that lives holds the file system.
  const okstra = async (...args) => {
    const env = { OKSTRA_HOME: path.join(at, 'home') }
    const { stdout } = await box.okstra([...args, '--json'], { cwd: main, env })
    return JSON.parse(stdout)
  }
  const main = path.join(at, 'shop')
  box.git(['clone', '-q', box.repository('origin', { files: { 'a.txt': 'a\n' } }), main])
  const task = 'shop/checkout/1'
  const made = await okstra('provision', task, '--phase', 'x')
  fs.writeFileSync(path.join(made.path, 'a.txt'), 'mine\n')
  const intents = path.join(at, 'home', 'state', 'intents')
  const gone = await okstra('remove', task, '--force')
  const record = JSON.parse(fs.readFileSync(path.join(at, 'home/worktrees/.trash', gone.trashId, 'record.json'), 'utf8'))
  await okstra('restore', task)
  const name = crypto.createHash('sha256').update(task).digest('hex').slice(0, 32)
  const begin = (kind, op, entry) => {
    const intent = { op, kind, stage: 'moving', task_key: task, common_dir: path.join(main, '.git') }
    Object.assign(intent, { path: made.path, branch: made.branch, bases: [], commit: '', phase: '', base_ref: '' })
    Object.assign(intent, { created_at: null, entry, since: '2020-01-01T00:00:00.000Z', pid: 1, boot: 'x' })
    fs.writeFileSync(path.join(intents, `${name}.json`), JSON.stringify(intent))
  }
  // The removal died before it had moved anything; its record is as it was written then.
  const place = path.join(at, 'home/worktrees/.trash', record.id)
  fs.mkdirSync(place, { recursive: true })
  fs.writeFileSync(path.join(place, 'record.json'), JSON.stringify(record))
  fs.writeFileSync(path.join(record.git.admin, 'okstra-trash.json'), JSON.stringify(record))
  begin('remove', record.op, record.id)
  again()
  const checked = await okstra('doctor', '--fix')
  assert.ok(!fs.existsSync(made.path) && fs.existsSync(path.join(record.tree, 'a.txt')), JSON.stringify(checked))
  // The return died after it had moved the tree.
  fs.renameSync(record.tree, made.path)
  begin('put-back', 'fedcba9876543210', record.id)
  again()
  await okstra('doctor', '--fix')
  assert.deepEqual(fs.readdirSync(intents), [])
  assert.equal(box.git(['status', '--porcelain'], { cwd: made.path }), ' M a.txt')
  assert.equal((await okstra('provision', task, '--phase', 'x')).status, 'reused')
  assert.equal((await okstra('doctor')).clean, true)
})
