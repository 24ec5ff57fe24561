'use strict'
const { PROJECT, namedTask } = require('../project.js')
const { printable } = require('../output.js')

// Each obstacle that can be allowed, with what its option says; the kinds are those of the core.
const ALLOWED = {
  'discard-changes': ['uncommitted', 'Allow tracked files with uncommitted changes'],
  'discard-untracked': ['untracked', 'Allow untracked files'],
  'discard-ignored': ['ignored', 'Allow ignored files that no cache or build made, such as settings and secrets'],
  'discard-operation': ['operation', 'Allow an unfinished merge, rebase, cherry-pick, revert or bisect'],
  'discard-detached': ['detached', 'Allow a detached HEAD with commits that are on no branch'],
  'discard-refs': ['refs', 'Allow refs of this worktree alone (refs/worktree/) with commits that are on no branch'],
  'ignore-stashes': ['stashes', 'Allow stashes that were made in this worktree; they stay in the repository'],
  'discard-submodules': ['submodules', 'Allow submodules that are checked out'],
  'discard-commits': ['unmerged', 'With --delete-branch: allow commits that are on no other branch or remote'],
  'ignore-processes': ['processes', 'Allow processes that run inside'],
  'ignore-lock': ['locked', "Allow a worktree that is locked with `git worktree lock`"],
}

async function remove(context) {
  const { values } = context
  const { addon } = require('../addon.js')
  const { interruptible } = require('../interruptible.js')
  const { segments: [projectId, taskGroup, taskId], taskKey } = namedTask(context, { acts: true })
  const allow = Object.entries(ALLOWED).filter(([option]) => values[option]).map(([, [kind]]) => kind)
  const removed = await interruptible((signal) =>
    addon().removeTask(
      {
        projectId,
        taskGroup,
        taskId,
        allow,
        force: values.force === true,
        deleteBranch: values['delete-branch'] === true,
        ...(values['lock-timeout'] !== undefined && { lockTimeoutMs: values['lock-timeout'] }),
      },
      signal,
    ),
  )
  return { data: removed, text: `removed ${taskKey}`, story: tell(removed) }
}

function tell({ taskKey, path, branch, branchDeleted, trashId, snapshot, leftOut, note }) {
  const lines = []
  if (trashId) lines.push(`${path} is in the trash; \`okstra restore ${taskKey}\` brings it back as it was`)
  if (snapshot) lines.push(`what was not committed is also in commit ${snapshot.slice(0, 12)} (git stash apply ${snapshot.slice(0, 12)})`)
  if (leftOut.length > 0) lines.push(`in the trash alone: ${leftOut.join(', ')}`)
  lines.push(branchDeleted ? `branch ${branch} is deleted` : `branch ${branch} is kept`)
  if (note) lines.push(`note: ${note}`)
  return lines.map((line) => printable(line))
}

module.exports = {
  summary: 'Remove a task: its worktree goes into the trash, its branch stays',
  usage: '<task> [options]',
  positionals: [1, 1],
  options: {
    project: PROJECT,
    'delete-branch': { description: 'Delete the branch too; its commits are kept as long as the worktree is in the trash' },
    force: { description: 'Allow everything that one of the options below allows' },
    ...Object.fromEntries(Object.entries(ALLOWED).map(([option, [, description]]) => [option, { description }])),
    'lock-timeout': { value: 'MS', number: true, least: 0, description: 'How long to wait for other processes (default: 120000)' },
  },
  details: [
    'Refuses, and exits with 4, when there is anything that somebody could miss; everything that stands in the way is listed with the option that allows it. Repositories, worktrees and mount points inside are never touched.',
    'Nothing is deleted: the directory is moved, whatever its size, and `okstra restore` brings it back as it was until `okstra prune` finds it older than 14 days (OKSTRA_TRASH_DAYS). Uncommitted and untracked files also go into a commit; ignored files do not.',
  ],
  examples: [
    ['okstra remove checkout/fix-42', 'when everything is committed'],
    ['okstra remove checkout/fix-42 --discard-changes --discard-untracked', 'with what is not'],
    ['okstra remove checkout/fix-42 --delete-branch', 'when the branch has been merged'],
  ],
  progress: 'looking at everything that could be lost',
  run: remove,
}
