/* The types above the exports are written in src/binding/types.d.ts; the exports are generated from the Rust code. */
/* eslint-disable */

/** What to provision. */
export interface ProvisionOptions {
  /** The phase of this run (`requirements-discovery`, `implementation`, ...): free text, recorded, never used to decide anything. */
  taskType: string
  /** A directory of the project's git repository. A relative path counts from the working directory of this process. */
  projectRoot: string
  /** The project of the task; made safe (see `safeSegment`). */
  projectId: string
  /** The group of the task; made safe. A blank one is `_`. */
  taskGroupSegment: string
  /** The task's own id; made safe. */
  taskIdSegment: string
  /** The category of the work; decides the prefix of the branch (see `computeBranchName`). */
  workCategory: string
  /** The commit to start from: a branch, tag, commit id or the like; by default `HEAD` of the main worktree. */
  baseRef?: string | null
  /** The longest wait for one lock, in milliseconds: a whole number, 0 to not wait at all. By default `OKSTRA_LOCK_TIMEOUT_MS`, else 120000. */
  lockTimeoutMs?: number | null
  /**
   * Told how far the tree of a new worktree is, at most ten times a second and once at the end (which may be right after
   * the promise was resolved). Where a spare is claimed, only at the end. Not called by the synchronous twin. What it
   * throws is an uncaught exception; the worktree is made all the same.
   */
  onProgress?: ((progress: ProvisionProgress) => unknown) | null
}

/** How many spares to keep of which repository. */
export interface WarmOptions {
  /** A directory of the repository. A relative path counts from the working directory of this process. */
  projectRoot: string
  /** How many are to be ready: 0 to 16, 0 to drop them all; by default 1. */
  count?: number | null
  /** How many bytes of the file system stay free: none is made that would leave fewer, and the oldest are dropped while there are fewer. By default 2,000,000,000. */
  keepFree?: number | null
}

/** How to wait for a lock. */
export interface LockOptions {
  /** The longest wait, in milliseconds: a whole number, 0 to not wait at all. By default `OKSTRA_LOCK_TIMEOUT_MS`, else 120000. */
  lockTimeoutMs?: number | null
}

/** The parts of a worktree's path. */
export interface WorktreePathOptions {
  /** The project of the task; made safe (see `safeSegment`). */
  projectId: string
  /** The group of the task; made safe. */
  taskGroupSegment: string
  /** The task's own id; made safe. */
  taskIdSegment: string
}

/** The parts of a branch name. */
export interface BranchNameOptions {
  /** The category of the work. */
  workCategory: string
  /** The task's own id; made safe (see `safeSegment`). */
  taskIdSegment: string
}

/** What to reserve in the registry. Segments are taken as given. */
export interface ReserveOptions {
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The directory of the worktree. A relative path counts from the working directory of this process. */
  worktreePath: string
  /** The branch of the worktree. */
  branch: string
  /** The full id of the commit that the branch started from. */
  baseRef: string
  /** The phase that reserves; empty by default. */
  phase?: string | null
  /**
   * The common git directory of the repository. With it, another repository may have a branch of the same name; without
   * it, no other active task may.
   */
  repository?: string | null
}

/** What `tasksText` writes down, and how. */
export interface TasksTextOptions {
  /** `table`: for people. `porcelain`: a line for each task, its fields parted by tabs. `json`: an array of `TaskOverview`. */
  form: 'table' | 'porcelain' | 'json'
  /** Only those of one project. */
  projectId?: string | null
  /** Only those in one state (`TaskOverview.state`). */
  state?: string | null
  /** What every line of the porcelain ends with. */
  more?: string | null
}

/** Which tasks to list; what is absent does not narrow the list. */
export interface ListFilter {
  /** Only those of this project, taken as given. */
  projectId?: string | null
  /** Only those of this group, taken as given. */
  taskGroup?: string | null
  /** Only those with this status. */
  status?: 'active' | 'released' | null
}

/** What is true of a task now; see `TaskSurvey.state`. */
export type TaskState = 'active' | 'released' | 'missing' | 'orphan' | 'provisioning' | 'broken'

/** Which tasks; what is absent does not narrow the choice. */
export interface TaskChoice {
  /** Only those of this project, taken as given. */
  projectId?: string | null
  /** Only those of this group, taken as given. */
  taskGroup?: string | null
  /** Only this task, `<project>/<group>/<task>`. */
  taskKey?: string | null
}

/** Which task to look at. */
export interface InspectOptions {
  /** `<project>/<group>/<task>`. */
  taskKey: string
}

/** What to give back. */
export interface ReclaimOptions extends TaskChoice {
  /** Only these caches, by absolute path; by default all. */
  only?: string[] | null
  /** Also in worktrees with live processes inside. */
  force?: boolean | null
  /** Delete nothing; answer with what could be. */
  dryRun?: boolean | null
}

/** Which tasks to look at, and how closely; what is absent does not narrow the list. */
export interface SurveyOptions {
  /** Only those of this project, taken as given. */
  projectId?: string | null
  /** Only those of this group, taken as given. */
  taskGroup?: string | null
  /** Only this task, `<project>/<group>/<task>`. */
  taskKey?: string | null
  /** Measure what each worktree costs on disk too: a walk over everything in it. */
  disk?: boolean | null
  /** Called whenever more became known of a task. What it throws is an uncaught exception. */
  onTask?: ((task: TaskSurvey) => void) | null
}

/** Which events to read; what is absent does not narrow the list. */
export interface HistoryFilter {
  /** Only those of this task, `<project>/<group>/<task>`. */
  taskKey?: string | null
  /** Only those of this project. */
  projectId?: string | null
  /** At most so many, the newest: a whole number. */
  limit?: number | null
}

/** What to remove. Segments are taken as given. */
export interface RemoveOptions {
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The kinds of obstacles (see `Obstacle`) that do not stand in the way; none by default. */
  allow?: string[] | null
  /** Allows every kind that can be allowed. */
  force?: boolean | null
  /** Deletes the task's branch too; its commits stay reachable while the worktree is in the trash. */
  deleteBranch?: boolean | null
  /** The longest wait for one lock, in milliseconds; as in `ProvisionOptions`. */
  lockTimeoutMs?: number | null
}

/** What to bring back. Segments are taken as given. */
export interface RestoreOptions {
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The entry of the trash; by default the newest of the task. */
  from?: string | null
  /** The longest wait for one lock, in milliseconds; as in `ProvisionOptions`. */
  lockTimeoutMs?: number | null
}

/** What to clear away. */
export interface PruneOptions {
  /** Clears away instead of only proposing; off by default. */
  apply?: boolean | null
  /** Only what belongs to this project, taken as given. */
  projectId?: string | null
  /** Only what is at least so many days old; by default the days of the trash for what would be deleted. */
  olderThanDays?: number | null
  /** Only these proposals, by their `id`: what somebody has seen and agreed to. */
  only?: string[] | null
  /** The longest wait for one lock, in milliseconds; as in `ProvisionOptions`. */
  lockTimeoutMs?: number | null
}

/** Which entries of the trash to list; what is absent does not narrow the list. */
export interface TrashFilter {
  /** Only those of this task, `<project>/<group>/<task>`. */
  taskKey?: string | null
  /** Only those of this project, taken as given. */
  projectId?: string | null
}

/** Which worktree to take into the registry, and for which task. Segments are taken as given. */
export interface AdoptOptions {
  /** The directory of the worktree. A relative path counts from the working directory of this process. */
  path: string
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The branch of a worktree that git has forgotten; any other worktree says itself which one it is on. */
  branch?: string | null
  /** The phase to be recorded; empty by default. */
  phase?: string | null
  /** The longest wait for one lock, in milliseconds; see `ProvisionOptions`. */
  lockTimeoutMs?: number | null
}

/** What a check-up looks at. */
export interface DoctorOptions {
  /** Mend what can be mended; without it nothing is written. */
  fix?: boolean | null
  /** A directory whose repository is looked at too, also when no task is in it. */
  root?: string | null
  /** The longest wait for one lock, in milliseconds; see `ProvisionOptions`. */
  lockTimeoutMs?: number | null
}

/** From where to guard. */
export interface GuardOptions {
  /** The task, `<project>/<group>/<task>`; by default the one whose worktree holds `cwd`. */
  taskKey?: string | null
  /** The directory that a relative path counts from; by default the working directory of this process. */
  cwd?: string | null
}

/** Why something failed; stable. The list only grows, and no code changes its meaning. */
export type OkstraErrorCode =
  /** A value from outside is not allowed: a name, a branch, a base, a path, a number, an environment variable. */
  | 'OKSTRA_INVALID_ARGUMENT'
  /** The project root does not exist or is not a directory. */
  | 'OKSTRA_ROOT_NOT_FOUND'
  /** The directory is in no git repository. */
  | 'OKSTRA_NO_REPOSITORY'
  /** The task is in no registry row. */
  | 'OKSTRA_NOT_FOUND'
  /** Something lies at the worktree path that the registry does not know. */
  | 'OKSTRA_PATH_EXISTS'
  /** The branch exists and belongs to no task. */
  | 'OKSTRA_BRANCH_EXISTS'
  /** The branch belongs to another task of the same repository. */
  | 'OKSTRA_BRANCH_OWNED'
  /** The branch is checked out in another worktree. */
  | 'OKSTRA_BRANCH_CHECKED_OUT'
  /** The task-key is active already. */
  | 'OKSTRA_KEY_EXISTS'
  /** The repository has no commit to start from. */
  | 'OKSTRA_NO_COMMITS'
  /** The branch that `HEAD` names does not exist, while others do. */
  | 'OKSTRA_HEAD_UNBORN'
  /** `HEAD`, or the branch that it names, cannot be read. */
  | 'OKSTRA_HEAD_UNREADABLE'
  /** A commit to start from is missing in the repository. */
  | 'OKSTRA_OBJECTS_MISSING'
  /** The base names no commit of the repository. */
  | 'OKSTRA_BASE_NOT_FOUND'
  /** git ended with an error; its own message is kept. */
  | 'OKSTRA_GIT_FAILED'
  /** git did not end in time and was stopped. */
  | 'OKSTRA_GIT_TIMEOUT'
  /** No git on PATH. */
  | 'OKSTRA_GIT_MISSING'
  /** The git on PATH is older than okstra needs. */
  | 'OKSTRA_GIT_TOO_OLD'
  /** git refuses the repository because another user owns it. */
  | 'OKSTRA_DUBIOUS_OWNERSHIP'
  /** The repository that a worktree belongs to is not there any more. */
  | 'OKSTRA_REPOSITORY_GONE'
  /** The task with this key was asked for under another id, which is spelt the same in paths and branches. */
  | 'OKSTRA_OTHER_ID'
  /** The task is of another project: the repository that asks is no clone of the task's own. */
  | 'OKSTRA_OTHER_PROJECT'
  /** The worktree is there, but its link to its repository is broken. */
  | 'OKSTRA_WORKTREE_BROKEN'
  /** The directory lies in a worktree that was removed. */
  | 'OKSTRA_WORKTREE_REMOVED'
  /** The okstra home could be changed by somebody else, or belongs to somebody else. */
  | 'OKSTRA_UNSAFE_HOME'
  /** A lock was not free within the time allowed. */
  | 'OKSTRA_LOCK_TIMEOUT'
  /** The registry cannot be read, and cannot be healed. */
  | 'OKSTRA_REGISTRY_CORRUPT'
  /** It was refused because work would be lost; `obstacles` lists what stands in the way. */
  | 'OKSTRA_WOULD_LOSE_WORK'
  /** The trash holds nothing of that name, or nothing of it any more. */
  | 'OKSTRA_NOT_IN_TRASH'
  /** The operating system refused a file operation. */
  | 'OKSTRA_IO'
  /** The caller aborted the operation. */
  | 'OKSTRA_ABORTED'
  /** A bug in okstra: a broken invariant or a panic that was caught. */
  | 'OKSTRA_INTERNAL'

/** What every function of this package throws, or rejects with, when it fails. */
export interface OkstraError extends Error {
  /** What went wrong. */
  code: OkstraErrorCode
  /** What to do, in one sentence. */
  hint: string
  /** The path that it is about, where there is one. */
  path?: string
  /** The branch that it is about, where there is one. */
  branch?: string
  /** The task that it is about, where there is one. */
  taskKey?: string
  /** With `OKSTRA_WOULD_LOSE_WORK`: everything that stands in the way. */
  obstacles?: Obstacle[]
}

