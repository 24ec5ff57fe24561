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


/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/** Holds the lock of what is installed in an okstra home, until `release` is called or the process ends. */
export declare class InstallationLock {
  /** Lets others install. A second call does nothing. */
  release(): void
}

/** What became of an adoption. */
export interface AdoptedWorktree {
  /** `adopted`: the task has it now. `unchanged`: the task had it. */
  status: 'adopted' | 'unchanged'
  /** The row of the task. */
  task: WorktreeEntry
  /** Whether git had forgotten the worktree and knows it again. */
  rebuilt: boolean
  /** The shared directories that are linked into it, sorted as configured. */
  linked: Array<string>
}

/**
 * Takes a worktree that is there already into the registry, as the worktree of a task: one that git or another tool
 * made, or one that git has forgotten (then `branch` must say which branch it was on). Nothing is moved; shared
 * directories are linked into it, and nothing that exists there is replaced.
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT` (it is a main worktree, another task's, on no branch, in the middle of a rebase,
 * no worktree at all), `OKSTRA_KEY_EXISTS`, `OKSTRA_BRANCH_OWNED`, and what git and the disk may give. A refusal changes
 * nothing.
 */
export declare function adoptWorktree(options: AdoptOptions, signal?: AbortSignal | undefined | null): Promise<AdoptedWorktree>

/** The same as `adoptWorktree`, but returns when it is done, and blocks JavaScript until then. */
export declare function adoptWorktreeSync(options: AdoptOptions): AdoptedWorktree

/**
 * Sees that an id as somebody wrote it means the task with this key, and not only one that is spelt the same in paths and
 * branches. A task that is not registered, or of which nothing is recorded, is let through.
 *
 * Throws `OKSTRA_OTHER_ID`, `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
 */
export declare function checkIdOfTask(taskKey: string, taskGroup: string, taskId: string): void

/**
 * Sees that a task is of the project of the repository around a directory, for whoever names the task there without its
 * project. A task that is not registered, and a directory in no repository, are let through.
 *
 * Throws `OKSTRA_OTHER_PROJECT` when the task's repository is no clone of the one around the directory,
 * `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO`, and the errors of git.
 */
export declare function checkProjectOfTask(taskKey: string, directory: string): void

/** How many commits two commits do not share. */
export interface CommitDistance {
  /** Those that the branch has and the other has not. */
  ahead: number
  /** Those that the other has and the branch has not. */
  behind: number
}

/** A commit, for a person. */
export interface CommitSummary {
  /** Its full id. */
  id: string
  /** When it was committed (RFC 3339). */
  at: string
  /** Who wrote it. */
  author: string
  /** The first line of its message. */
  subject: string
}

/**
 * The branch of a task: `<prefix>-<task>`, never with a slash.
 *
 * The prefix comes from the category of the work, trimmed and compared without case: `bug`, `bugfix`, `fix` give `fix`;
 * `feature`, `feat` give `feat`; `improvement` gives `improve`; `refactor`, `refactoring` give `refactor`; `docs`,
 * `test`, `perf`, `chore`, `ops`, `hotfix` give themselves; anything else, also an empty text, gives `task`.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT` when a field is missing or no string.
 */
export declare function computeBranchName(options: BranchNameOptions): string

/**
 * Where the worktree of a task lies, or would lie: `<okstra home>/worktrees/<project>/<group>/<task>`, absolute.
 *
 * The segments are made safe first (see `safeSegment`). The okstra home is `$OKSTRA_HOME`, else `~/.okstra`, read anew
 * at each call. A blank group is `_`. Nothing on the disk is looked at.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT` when a field is missing, no string, or holds a control character, or when the project
 * or the task is blank.
 */
export declare function computeWorktreePath(options: WorktreePathOptions): string

/**
 * The project id of the repository around a directory that has no project file: the one under which this home has tasks
 * of it, so that a directory that was renamed or moved stays the same project, else its name. `null` where there is no
 * repository. Starts git only when the repository has no task, and some task's repository is gone.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO`, and the errors of git.
 */
export declare function defaultProjectId(directory: string): string | null

/** Where a directory lies. */
export interface DirectoryLocation {
  /** The version of the git on PATH, as git says it. */
  gitVersion: string
  /** The repository and worktree; absent when the directory is in no repository. */
  repository?: RepositoryLocation
}

/** What worktrees and what okstra keeps beside them cost on disk. */
export interface DiskReport {
  /** Each task that has a directory. */
  tasks: Array<TaskDiskUse>
  /** Removed worktrees, which `restore` brings back. */
  trash: DiskUse
  /** What recovery took out of the way; nobody had been given it. */
  quarantine: DiskUse
  /** Trees made in advance. */
  spares: DiskUse
  /** Caches that a killed `reclaim` did not finish deleting; the next one does. */
  reclaimed: DiskUse
}

/**
 * What the worktrees of tasks cost on disk, and what okstra keeps beside them. Walks over every file.
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO` or `OKSTRA_ABORTED`.
 */
export declare function diskUse(options?: TaskChoice | undefined | null, signal?: AbortSignal | undefined | null): Promise<DiskReport>

/** What a directory costs on disk, in bytes. Links are not followed, and what is mounted inside is not counted. */
export interface DiskUse {
  /** The sizes of all files, as `ls` tells them. */
  apparent: number
  /** The blocks of all files and directories; a file with several names counts once. */
  allocated: number
  /**
   * The blocks that deleting it would free: not those that files elsewhere have too. `null` where the file system
   * shares blocks and does not tell which.
   */
  unique: number | null
  /** The blocks in caches, which `reclaim` gives back. `null` where git could not be asked. */
  reclaimable: number | null
  /** How many files and directories there are. */
  entries: number
  /** How many directories could not be read, and are not in the figures; absent when none. */
  unreadable?: number
}

/** The same as `diskUse`, but returns when it is done, and blocks JavaScript until then. */
export declare function diskUseSync(options?: TaskChoice | undefined | null): DiskReport

/**
 * A check-up: the registry against the disk against git. With `fix`, what is sure is mended; without it nothing is
 * written anywhere. Whatever was mended, and whatever remains, is in the report.
 *
 * It can be stopped, also by a kill, at any point: the next one goes on. Nothing is deleted that could be anybody's
 * work.
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_ROOT_NOT_FOUND`, `OKSTRA_GIT_MISSING`, `OKSTRA_GIT_TOO_OLD`,
 * `OKSTRA_IO` or `OKSTRA_ABORTED`.
 */
export declare function doctor(options?: DoctorOptions | undefined | null, signal?: AbortSignal | undefined | null): Promise<DoctorReport>

/** One thing that a check-up found. */
export interface DoctorFinding {
  /** What it is; stable, and listed in docs/doctor.md. */
  code: string
  /** `error`: something does not work. `warning`: it works, and will not for ever. `note`: nothing is wrong. */
  severity: 'error' | 'warning' | 'note'
  /**
   * `fixable`: `fix` mends it. `fixed`: it was mended. `decide`: only a person can decide what is right. `wait`:
   * somebody may be at it; look again later. `failed`: it was to be mended, and that failed.
   */
  outcome: 'fixable' | 'fixed' | 'decide' | 'wait' | 'failed'
  /** The task that it is about, where there is one. */
  taskKey?: string
  /** The path that it is about, where there is one. */
  path?: string
  /** What was found, in one sentence. */
  message: string
  /** What `fix` does or did about it, or what a person can do. */
  remedy: string
  /** Why mending it failed. */
  failure?: string
}

/** What a check-up found. */
export interface DoctorReport {
  /** Whether nothing that is wrong still stands. Notes do not count. */
  clean: boolean
  /** Everything, in the order in which it was looked for. */
  findings: Array<DoctorFinding>
  /** How many tasks were looked at. */
  tasks: number
  /** How many repositories were looked at. */
  repositories: number
}

/** The same as `doctor`, but returns when it is done, and blocks JavaScript until then. */
export declare function doctorSync(options?: DoctorOptions | undefined | null): DoctorReport

/** Every `code` that an error of this package can carry. The list only grows, and no code changes its meaning. */
export declare function errorCodes(): OkstraErrorCode[]

/**
 * Finds the repository around a directory by looking at the disk alone; `null` where there is none.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT`, and `OKSTRA_WORKTREE_REMOVED` where the directory lies in the trash.
 */
export declare function findRepository(directory: string): ProjectRepository | null

/**
 * Whether a task may write to a path, which need not exist: inside the task's worktree, or in a directory that is
 * shared with all tasks. Links are resolved first, also those that dangle, and `..` goes up from where they lead.
 *
 * Without `taskKey` the task is the one whose worktree holds the working directory (`cwd`, by default that of this
 * process); `null` when there is none. Starts no process, takes no lock, writes nothing. It guards against mistakes; it
 * is no sandbox.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_NOT_FOUND` (no such task), `OKSTRA_WORKTREE_REMOVED` (the working directory lies
 * in the trash), `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
 */
export declare function guardPath(path: string, options?: GuardOptions | undefined | null): GuardVerdict | null

/** Whether a task may write to a path. */
export interface GuardVerdict {
  /** Whether it may. */
  allowed: boolean
  /**
   * Where the path lies: in the task's worktree, in a shared directory that is linked into it, anywhere else, or on
   * the link between the worktree and its repository.
   */
  place: 'worktree' | 'shared' | 'outside' | 'git-data'
  /** The path, absolute, with every link of its existing part resolved. */
  path: string
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** The directory of the task's worktree. */
  worktreePath: string
  /** Why it may not, in one sentence; empty when it is allowed. */
  reason: string
  /** Where to write instead; empty when it is allowed. */
  hint: string
}

/** Something that happened to a task. */
export interface HistoryEvent {
  /** When, in UTC: `2026-11-23T07:00:00.000Z`. */
  at: string
  /**
   * What happened: `created`, `reused` (with a new phase), `restored`, `released`, `removed`, `pruned`, `recovered`,
   * `refused`, and what later versions add.
   */
  event: string
  /** The task-key; absent where the event is about the whole registry. */
  taskKey?: string
  /** The phase of the run. */
  phase?: string
  /** The worktree, or the file, that it is about. */
  path?: string
  /** The branch. */
  branch?: string
  /** The full id of the commit that the branch started from. */
  baseRef?: string
  /** More, for a person. */
  detail?: string
  /** The id of the process that did it. */
  pid?: number
}

/**
 * Everything about one task: what `surveyTasks` tells, what it costs on disk, and path by path what is in its worktree.
 *
 * Rejects with `OKSTRA_NOT_FOUND` when neither the registry nor the home knows it, and as `surveyTasks` does.
 */
export declare function inspectTask(options: InspectOptions, signal?: AbortSignal | undefined | null): Promise<TaskInspection>

/** The same as `inspectTask`, but returns when it is done, and blocks JavaScript until then. */
export declare function inspectTaskSync(options: InspectOptions): TaskInspection

/** A path that was kept. */
export interface KeptCache {
  /** Its path. */
  path: string
  /** Why, in words. */
  reason: string
}

/**
 * What killed runs, deleted repositories and damage left among the spares, and nobody can claim; `prune`, `doctor` and
 * every `warmSpares` clear it away. Where somebody makes spares at this moment, that repository's are left out.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT` and `OKSTRA_IO`.
 */
export declare function listSpareLeftovers(): Array<SpareLeftover>

/**
 * The spares of all repositories that nobody has claimed yet.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT`.
 */
export declare function listSpares(): Array<SpareWorktree>

/**
 * All tasks, or those that the filter lets through, each with the state its directory is in.
 *
 * Looks at each directory once, without git and without a lock.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
 */
export declare function listTasks(filter?: ListFilter | undefined | null): Array<TaskOverview>

/**
 * What lies in the trash, oldest first. Takes no lock and starts no process.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_IO`.
 */
export declare function listTrash(filter?: TrashFilter | undefined | null): Array<TrashEntry>

/** A live process inside a worktree. */
export interface LiveProcess {
  /** Its process id. */
  pid: number
  /** Its command line, cut to 200 characters. */
  command: string
  /** What of it is inside. */
  by: 'working directory' | 'root directory' | 'program' | 'open file'
  /** Whether it started this process, or one that did: the shell or the agent that asks. */
  ancestor: boolean
}

/**
 * Finds out where a directory lies: in which repository, in which of its worktrees, on which branch. Asks git; changes
 * nothing. A relative path counts from the working directory of this process.
 *
 * Rejects with `OKSTRA_ROOT_NOT_FOUND` when there is no such directory, `OKSTRA_GIT_MISSING`, `OKSTRA_GIT_TOO_OLD`,
 * `OKSTRA_GIT_FAILED`, `OKSTRA_GIT_TIMEOUT`, `OKSTRA_DUBIOUS_OWNERSHIP`, `OKSTRA_WORKTREE_BROKEN` when the repository
 * that the directory belongs to is not there, `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_IO`.
 */
export declare function locateDirectory(directory: string): Promise<DirectoryLocation>

/** The same as `locateDirectory`, but returns when it is done: some 20 ms, for git is started several times. */
export declare function locateDirectorySync(directory: string): DirectoryLocation

/**
 * Waits until nobody else installs into the okstra home, and keeps others from it. Makes the home when there is none.
 *
 * The lock of `okstra install`, `ensure-installed` and `uninstall`. `signal` ends the wait.
 *
 * Rejects with `OKSTRA_LOCK_TIMEOUT` (the message names the holder), `OKSTRA_UNSAFE_HOME`, `OKSTRA_IO`,
 * `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_ABORTED`.
 */
export declare function lockInstallation(options?: LockOptions | undefined | null, signal?: AbortSignal | undefined | null): Promise<InstallationLock>

/** The same as `lockInstallation`, but blocks JavaScript until the lock is held. Throws the same errors. */
export declare function lockInstallationSync(options?: LockOptions | undefined | null): InstallationLock

/** Whether the work of a branch is in the default branch. */
export interface MergeVerdict {
  /**
   * `empty`: the branch has no commit of its own. `commits`: all its commits are in `into`. `changes`: `into` has the
   * same changes in other commits, after a squash, a rebase or a cherry-pick. `no`: it is not.
   */
  how: 'empty' | 'commits' | 'changes' | 'no'
  /** The branch that has it. */
  into?: string
}

/** What stands in the way of a removal. */
export interface Obstacle {
  /**
   * What it is: `uncommitted`, `untracked`, `ignored`, `operation`, `detached`, `refs`, `stashes`, `submodules`,
   * `unmerged`, `processes`, `locked`, `branch-in-use`, `residents`, `nested`, `unmovable`, `mount`, `unreadable`, and what later versions add.
   */
  kind: string
  /** One sentence about it. */
  detail: string
  /** How many there are. */
  count: number
  /** The first of them. */
  examples: Array<string>
  /** The option of `okstra remove` that allows it; `null` where nothing does. */
  flag: string | null
}

/** The repository around a directory, as the launcher needs it. */
export interface ProjectRepository {
  /**
   * The root of its main worktree; absent in a bare repository, and where that cannot be known (in a linked worktree of
   * a repository that was made with `--separate-git-dir`).
   */
  main?: string
  /** Its common git directory. */
  common: string
  /** Whether it is bare. A setting against which the index and the files speak is not believed. */
  bare: boolean
  /** What people call it: the name of its directory. */
  name: string
}

/** Something that an answer tells beside its status. */
export interface ProvisionNote {
  /** What it is about. The list only grows, and no code changes its meaning; `docs/provisioning.md` says what each means. */
  code: 'other-branch' | 'detached' | 'branch-renamed' | 'branch-gone' | 'operation' | 'remote-branch' | 'base-behind' | 'base-ambiguous' | 'base-operation' | 'base-detached' | 'hooks-missing' | 'hook-failed' | 'not-linked' | 'submodules' | 'recovered' | 'in-trash' | 'other-repository' | 'other-task' | 'registry'
  /** A sentence for a person, without a full stop: what is so, and what to do about it. */
  text: string
  /** The branch, reference, path or operation that it is about, where it is about one. */
  about?: string
  /** How many there are: commits that the base is behind, commits of a remote's branch. */
  count?: number
}

/** How far a new tree is. */
export interface ProvisionProgress {
  /** How many files are in place. */
  done: number
  /** How many files the tree holds when it is complete. */
  total: number
}

/**
 * Gives a task its one isolated git worktree, the same one for every phase, and records the phase.
 *
 * Runs on a thread of its own: neither JavaScript nor Node's thread pool waits. Any number of calls, also from other
 * processes and for the same task, may run at once; exactly one creates, the others wait and get `reused`.
 *
 * `signal` stops the call: what was begun is undone, and the promise is rejected with an error whose `name` is
 * `AbortError`, whose `code` is `OKSTRA_ABORTED` and whose `cause` is the signal's reason. With a signal that is aborted
 * already nothing is started.
 *
 * Rejects with an `OkstraError`; see `OkstraErrorCode` for every `code`. After any error the next attempt is not
 * blocked by left-overs of this one. Wrong arguments reject too, with `OKSTRA_INVALID_ARGUMENT` and the name of the
 * field.
 */
export declare function provisionTaskWorktree(options: ProvisionOptions, signal?: AbortSignal | undefined | null): Promise<WorktreeProvision>

/**
 * The same as `provisionTaskWorktree`, but returns when it is done, and blocks JavaScript until then: for up to
 * `lockTimeoutMs` per lock when others are at work, and for as long as git takes to fill the tree.
 *
 * For scripts. Throws the same errors with the same codes. `onProgress` is not called: JavaScript stands still meanwhile.
 */
export declare function provisionTaskWorktreeSync(options: ProvisionOptions): WorktreeProvision

/**
 * Proposes what may go: released and merged tasks, tasks whose directory is gone, unknown directories, and what has
 * lain in the trash or in quarantine for its days (14, or `OKSTRA_TRASH_DAYS`), and what nobody can claim among the spares.
 * With `apply` it is cleared away: worktrees and directories go into the trash, the rest is deleted. What cannot go stays and says why.
 *
 * `signal` stops it between two items, and within a deletion, which the next call continues.
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_IO` or `OKSTRA_ABORTED`.
 */
export declare function prune(options?: PruneOptions | undefined | null, signal?: AbortSignal | undefined | null): Promise<PruneItem[]>

/** Something that `prune` proposes to clear away, or has. */
export interface PruneItem {
  /** A stable name, for `only`. */
  id: string
  /**
   * `merged`: a released task whose work is in the default branch. `missing`: an active task whose directory is gone.
   * `orphan`: a directory that no row knows. `expired`: an entry of the trash past its days. `quarantine`: something
   * that recovery moved aside, past its days. `unfinished`: what a killed deletion left. `spare`: something among the
   * spares that nobody can claim (see `listSpareLeftovers`). And what later versions add.
   */
  why: string
  /** The task-key, where it is one's. */
  taskKey?: string
  /** Where it lies. */
  path: string
  /** One sentence about it. */
  detail: string
  /** Whether it was cleared away. */
  done: boolean
  /** What became of it, or why it stays; absent when it was only proposed. */
  outcome?: string
  /**
   * Whether something stands in the way, so that nothing is tried: an unknown directory with work in it, an entry of the
   * trash that somebody's git data lies in.
   */
  blocked: boolean
  /** What that is, where it is of the kinds that refuse a removal. */
  obstacles: Array<Obstacle>
}

/** The same as `prune`, but blocks JavaScript until it is done. Throws the same errors. */
export declare function pruneSync(options?: PruneOptions | undefined | null): Array<PruneItem>

/**
 * Gives disk back without removing a worktree: deletes directories that carry a `CACHEDIR.TAG`, and known build output
 * that git ignores. Never anything tracked, never through a link, never a mount point or another repository.
 *
 * With `dryRun` nothing is deleted, and the answer says what could be. A worktree with live processes inside, those that
 * this call comes from left out, is passed over unless `force` is set; so is one that is being provisioned or removed.
 * A killed call leaves no half-deleted cache in a worktree; the next one finishes what was begun.
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_UNSAFE_HOME`, `OKSTRA_IO` or
 * `OKSTRA_ABORTED`.
 */
export declare function reclaim(options?: ReclaimOptions | undefined | null, signal?: AbortSignal | undefined | null): Promise<Array<ReclaimedTask>>

/** A cache. */
export interface ReclaimedCache {
  /** Its path within the worktree. */
  path: string
  /** What makes it one: its `CACHEDIR.TAG`, or its name, while git ignores it. */
  why: 'cachedir-tag' | 'build-output'
  /** The blocks that it takes, or took, in bytes. */
  bytes: number
}

/** The caches of one worktree, and what becomes or became of them. */
export interface ReclaimedTask {
  /** The task-key. */
  taskKey: string
  /** The directory of the worktree, absolute. */
  worktreePath: string
  /** Caches that may go, or, after `reclaim`, those that are gone. */
  caches: Array<ReclaimedCache>
  /** The blocks that they take, or took, in bytes. */
  bytes: number
  /** Caches that are kept, each with the reason. */
  kept: Array<KeptCache>
  /** Why the whole worktree is passed over, in a sentence. */
  skipped?: string
  /** The live processes inside, those that this call comes from left out. */
  processes: Array<LiveProcess>
  /** What was taken out of the worktree and could not be deleted, where it lies now, with the reason. */
  left: Array<KeptCache>
}

/** The same as `reclaim`, but returns when it is done, and blocks JavaScript until then. */
export declare function reclaimSync(options?: ReclaimOptions | undefined | null): Array<ReclaimedTask>

/**
 * Moves the worktree of a task into okstra's trash, whatever its size in an instant, and releases the task. The branch
 * stays unless `deleteBranch` is set; uncommitted and untracked files also go into a commit under `refs/okstra/trash/`.
 *
 * Rejects with `OKSTRA_WOULD_LOSE_WORK` when there is anything that somebody could miss; `obstacles` of the error lists
 * all of it, and `allow` takes their kinds. Nothing was changed then. `signal` stops the call before the move; from
 * there on it is finished, if not by this call then by the next one about the task.
 */
export declare function removeTask(options: RemoveOptions, signal?: AbortSignal | undefined | null): Promise<TaskRemoval>

/** The same as `removeTask`, but blocks JavaScript until it is done. Throws the same errors. */
export declare function removeTaskSync(options: RemoveOptions): TaskRemoval

/** The repository and worktree that a directory lies in. */
export interface RepositoryLocation {
  /** The common git directory, resolved: the identity of the repository. */
  commonDir: string
  /**
   * The root of the main worktree; absent in a bare repository, and in a linked worktree of a repository that was
   * made with `--separate-git-dir`, where git does not record it.
   */
  mainWorktree?: string
  /** The root of the worktree that the directory lies in; absent inside a git directory. */
  worktree?: string
  /** Whether that worktree is a linked one. */
  linked: boolean
  /** Whether the repository is bare. */
  bare: boolean
  /** The branch that is checked out, also before its first commit; absent when `HEAD` is detached. */
  branch?: string
  /** The full commit id of `HEAD`; absent before the first commit. */
  head?: string
}

/**
 * Brings a removed or released task back: directory, branch, uncommitted, staged and untracked files as they were.
 *
 * Rejects with `OKSTRA_NOT_FOUND`, `OKSTRA_NOT_IN_TRASH`, with `OKSTRA_KEY_EXISTS` when the task has its worktree, with
 * `OKSTRA_PATH_EXISTS` when something else lies at its place, with `OKSTRA_BRANCH_OWNED`; nothing was changed then.
 */
export declare function restoreTask(options: RestoreOptions, signal?: AbortSignal | undefined | null): Promise<TaskRestoration>

/** The same as `restoreTask`, but blocks JavaScript until it is done. Throws the same errors. */
export declare function restoreTaskSync(options: RestoreOptions): TaskRestoration

/**
 * Turns any text into one segment of a task-key, which is also one path component and part of a branch name.
 *
 * Lower-case; every run of characters outside `[a-z0-9-]` becomes one `-`; dashes at both ends go; an empty result is
 * `_`. Where letters or digits outside ASCII were dropped, `-` and 8 hex digits of a hash of the text are appended, and
 * a result over 80 bytes is cut and ends with the same hash. Applying it twice changes nothing more.
 *
 * Throws `OKSTRA_INVALID_ARGUMENT` when `value` is no string.
 */
export declare function safeSegment(value: string): string

/**
 * The configured shared directories (`OKSTRA_WORKTREE_SYNC_DIRS`, else the default), in the order of the configuration,
 * with what is true of them in a main worktree. Without `mainWorktree` they are only named. `commonDir` is needed where
 * the worktree does not name its repository (`core.worktree`).
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT` when the configuration names a place outside the worktree,
 * `OKSTRA_ROOT_NOT_FOUND`, and the errors of git as `locateDirectory` does.
 */
export declare function sharedDirectories(mainWorktree?: string | undefined | null, commonDir?: string | undefined | null): Promise<SharedDirectory[]>

/** The same as `sharedDirectories`, but returns when it is done: some 6 ms for each directory. */
export declare function sharedDirectoriesSync(mainWorktree?: string | undefined | null, commonDir?: string | undefined | null): Array<SharedDirectory>

/** One of the configured shared directories. */
export interface SharedDirectory {
  /** As configured, from the root of the main worktree, with `/` between its parts. */
  name: string
  /** Whether the main worktree has it. */
  present: boolean
  /** Whether git tracks files in it. */
  tracked: boolean
  /** Whether a `.gitignore` of the main worktree ignores it. `info/exclude` and the user's own excludes do not count. */
  ignored: boolean
}

/** Something among the spares that nobody can claim. */
export interface SpareLeftover {
  /** Its directory. */
  path: string
  /**
   * `unfinished`: whoever was making it died. `abandoned`: so did whoever had claimed it. `unreadable`: nothing tells
   * whose it is. `gone`: its repository is gone. And what later versions add.
   */
  reason: string
  /** The common git directory of its repository, where that is known. */
  repository?: string
}

/** A tree made in advance. */
export interface SpareWorktree {
  /** Its name. */
  id: string
  /** The directory of its files. */
  path: string
  /** The common git directory of its repository. */
  repository: string
  /** The full id of the commit whose files it holds. */
  commit: string
  /** When it was made or brought up to date (RFC 3339, UTC). */
  madeAt: string
  /** Whether a provision would take it: git's settings are those it was made under, and its repository is there. */
  usable: boolean
}

/**
 * All tasks, or those that the options let through, with everything that a look at their worktrees and repositories
 * tells: uncommitted work, operations in progress, how far the branch is from its base and its upstream, whether it is
 * merged or pushed, who is inside. Directories below the home that the registry does not know are among them.
 *
 * Worktrees are examined side by side, in the background. Changes nothing and takes no lock of git's. What fails for
 * one task is told with it, as `problem` and `null`.
 *
 * `options.onTask` is called whenever more became known of a task, first with its registry entry alone; what was not
 * asked yet is absent then. `signal` stops the survey.
 *
 * Rejects with `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT`, `OKSTRA_GIT_MISSING`, `OKSTRA_GIT_TOO_OLD`,
 * `OKSTRA_IO` or `OKSTRA_ABORTED`.
 */
export declare function surveyTasks(options?: SurveyOptions | undefined | null, signal?: AbortSignal | undefined | null): Promise<Array<TaskSurvey>>

/** The same as `surveyTasks`, but returns when it is done, and blocks JavaScript until then. `onTask` is not called. */
export declare function surveyTasksSync(options?: SurveyOptions | undefined | null): Array<TaskSurvey>

/** What one worktree costs on disk. */
export interface TaskDiskUse {
  /** The task-key. */
  taskKey: string
  /** The directory of the worktree, absolute. */
  worktreePath: string
  /** What is true of the task now. */
  state: TaskState
  /** What it costs. */
  disk: DiskUse
}

/** Everything about one task. */
export interface TaskInspection {
  /** The task, with what it costs on disk. */
  task: TaskSurvey
  /** What there is in its worktree, path by path; absent where there is no worktree that works. */
  worktree?: WorktreeDetails
}

/** A task as `listTasks` shows it: its registry entry and what the disk says. */
export interface TaskOverview {
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The directory of the worktree, absolute. */
  worktreePath: string
  /** The branch of the worktree. */
  branch: string
  /** The full id of the commit that the branch started from; empty where nothing recorded it. */
  baseRef: string
  /** Since when the registry knows it: local time with offset, `2026-11-23T07:00:00+0000`. */
  createdAt: string
  /** The phase that used the worktree last. */
  lastPhase: string
  /** What the registry says. */
  status: 'active' | 'released'
  /** What is true now: `missing` when the directory of an active task is gone, else the status. */
  state: 'active' | 'released' | 'missing'
  /** The common git directory of the repository, where it is known. */
  repository?: string
}

/** What became of a removal. */
export interface TaskRemoval {
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** Where the worktree was. */
  path: string
  /** The branch of the task. */
  branch: string
  /** Whether that branch is gone. */
  branchDeleted: boolean
  /** The entry in the trash that holds the worktree; absent when its directory was gone and git had nothing of it. */
  trashId?: string
  /** The full id of the commit that holds what was uncommitted, shaped like a stash; absent when nothing was. */
  snapshot?: string
  /** Files that are in the trash alone, because they are too large for a commit or could not be read. */
  leftOut: Array<string>
  /** What a person should know, in sentences; may be empty. */
  note: string
}

/** What became of a return. */
export interface TaskRestoration {
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** The directory of the worktree. */
  path: string
  /** The branch of the task. */
  branch: string
  /**
   * `trash`: the worktree as it was. `snapshot`: the trash had been emptied, and the files were made again from the
   * commit that holds them. `branch`: the task had nothing in the trash and was brought back on its branch.
   */
  source: 'trash' | 'snapshot' | 'branch'
  /** The entry of the trash that it was; absent with `branch`. */
  trashId?: string
  /** What a person should know, in sentences; may be empty. */
  note: string
}

/**
 * What `okstra list --fast` prints, as UTF-8. `all` is how many tasks the filter lets through, `shown` how many of them
 * are in the state that is asked for.
 *
 * Made here because a hundred thousand objects would cost ten times as much as all the rest. Throws as `listTasks` does.
 */
export declare function tasksText(options: TasksTextOptions): TasksText

/** What `okstra list --fast` prints. */
export interface TasksText {
  /** How many tasks there are. */
  all: number
  /** How many of them are in the text. */
  shown: number
  /** The text, without a line break at its end; of no task, empty (as JSON: `[]`). */
  text: Uint8Array
}

/**
 * A task with everything that a look at its worktree and its repository tells. A field that is absent has nothing to
 * tell; one that is `null` was asked and could not be found out.
 */
export interface TaskSurvey {
  /** The task-key, `<project>/<group>/<task>`; of an orphan, the one that its place stands for. */
  taskKey: string
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The directory of the worktree, absolute. */
  worktreePath: string
  /** The branch of the task; of an orphan, the one that is checked out. */
  branch?: string
  /** The full id of the commit that the branch started from, where that was recorded. */
  baseRef?: string
  /** Since when the registry knows it: local time with offset, `2026-11-23T07:00:00+0000`. */
  createdAt?: string
  /** The phase that used the worktree last. */
  lastPhase?: string
  /** What the registry says; absent for what it does not know. */
  status?: 'active' | 'released'
  /**
   * What is true now. `missing`: it is active, and its directory is gone. `orphan`: a directory that the registry does not know.
   * `provisioning`: somebody is making, restoring or removing it right now. `broken`: see `problem`.
   */
  state: TaskState
  /** What is wrong, in a sentence. */
  problem?: string
  /** The common git directory of the repository, where it is known. */
  repository?: string
  /** What is checked out, where that is another branch than `branch`. */
  checkedOut?: string
  /** The full id of the commit of a detached `HEAD`. */
  detached?: string
  /** What is not committed. */
  work?: WorkCounts | null
  /** What git is in the middle of: `merge`, `rebase`, `am`, `cherry-pick`, `revert`, `bisect`; absent when nothing. */
  operations?: Array<string> | null
  /** The full id of the commit that the branch stands at. */
  tip?: string
  /** How far the branch is from the commit that it started from. */
  base?: CommitDistance | null
  /** What the branch follows. */
  upstream?: UpstreamDistance
  /** Whether the work of the branch is in the default branch (of a remote, or what the main worktree has checked out). */
  merged?: MergeVerdict | null
  /** How many commits of the branch are on no remote-tracking branch; absent when the repository has none. */
  unpushed?: number | null
  /** How many commits of the branch are on no other branch and no remote-tracking branch. */
  onlyHere?: number | null
  /** Live processes inside. `null`: this system does not tell. */
  processes?: Array<LiveProcess> | null
  /** What the worktree costs on disk, where that was asked. */
  disk?: DiskUse | null
}

/** An entry of the trash. */
export interface TrashEntry {
  /** Its name, for `from` of `restoreTask`. */
  id: string
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** When it was removed, in UTC: `2026-11-23T07:00:00.000Z`. */
  removedAt: string
  /** Where the worktree was. */
  path: string
  /** Where it lies now. */
  tree: string
  /** Whether it still lies there. */
  whole: boolean
  /** The branch of the task, where it was on one. */
  branch?: string
  /** The full id of the commit that was checked out. */
  head?: string
  /** The full id of the commit that holds what was uncommitted. */
  snapshot?: string
  /** How many tracked files had uncommitted changes. */
  uncommitted: number
  /** How many files git did not know. */
  untracked: number
}

/** The branch that a branch follows. */
export interface UpstreamDistance {
  /** Its name, as `origin/main`. */
  name: string
  /** How far apart they are; `null` when the upstream is gone. */
  distance: CommitDistance | null
}

/** The version of this package, `major.minor.patch`; the native part and the JavaScript part have the same. */
export declare function version(): string

/** What was done about the spares of a repository. */
export interface WarmedSpares {
  /** How many may be claimed now. */
  ready: number
  /** How many were made. */
  made: number
  /** How many were brought to the present commit. */
  updated: number
  /** How many were dropped: too many, made under other settings, no room on disk, of a repository that is gone, or damaged. */
  dropped: number
  /** Why there are fewer than wanted, in a sentence; absent when there are not. */
  reason?: string
}

/**
 * Keeps trees of a repository ready, filled with the present `HEAD` of its main worktree, so that the next provisions
 * claim one instead of checking files out. A claimed tree is brought to the commit that is wanted, and comes out as git
 * would have made it.
 *
 * Makes and updates until there are `count`, drops those above it and those that were made under other git settings, and,
 * in all repositories, what nobody can claim. Where fewer than `keepFree` bytes are free it drops the oldest until there
 * are, or none is left. One process at a time does this for a repository; another one gets an answer with a `reason` at
 * once, and with a `count` of 0 it waits. Takes as long as checking out the files that are missing; nothing waits for it.
 * When it fails, or `signal` stops it, nothing unfinished is left.
 *
 * Rejects with an `OkstraError`, as `provisionTaskWorktree` does.
 */
export declare function warmSpares(options: WarmOptions, signal?: AbortSignal | undefined | null): Promise<WarmedSpares>

/** The same as `warmSpares`, but returns when it is done, and blocks JavaScript until then. */
export declare function warmSparesSync(options: WarmOptions): WarmedSpares

/** How much in a worktree is not committed. */
export interface WorkCounts {
  /** Paths with anything uncommitted, each counted once. */
  changed: number
  /** Paths with something staged. */
  staged: number
  /** Tracked paths that differ from what is staged. */
  unstaged: number
  /** Paths with a conflict. */
  conflicted: number
  /** Files that git does not know and does not ignore. */
  untracked: number
}

/** What there is in a worktree. Paths are relative to it; names that are no UTF-8 are shown with U+FFFD. */
export interface WorktreeDetails {
  /** Paths whose staged content is not that of `HEAD`. */
  staged: Array<string>
  /** Tracked paths whose content is not what is staged. */
  unstaged: Array<string>
  /** Paths with a conflict. */
  conflicted: Array<string>
  /** Files that git does not know and does not ignore. */
  untracked: Array<string>
  /** What git ignores and no build makes again: settings, secrets, notes. A directory is one path. */
  ignored: Array<string>
  /** What a build makes again. */
  caches: Array<string>
  /** Submodules with something of their own. */
  submodules: Array<string>
  /** okstra's own links. */
  links: Array<string>
  /** With a detached `HEAD`: how many of its commits are on no branch, remote-tracking branch or tag. */
  nowhere?: number
  /** The reason with which the worktree is locked, where it is; may be empty. */
  lock?: string
  /** The last commit. */
  lastCommit?: CommitSummary
}

/** What the registry knows of one task. */
export interface WorktreeEntry {
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** The project. */
  projectId: string
  /** The group. */
  taskGroup: string
  /** The task's own id. */
  taskId: string
  /** The directory of the worktree, absolute. */
  worktreePath: string
  /** The branch of the worktree. */
  branch: string
  /** The full id of the commit that the branch started from; empty where nothing recorded it. */
  baseRef: string
  /** Since when the registry knows it: local time with offset, `2026-11-23T07:00:00+0000`. */
  createdAt: string
  /** The phase that used the worktree last. */
  lastPhase: string
  /** `active`: the task owns its branch. `released`: it gave the branch free; row and directory are kept. */
  status: 'active' | 'released'
}

/** What became of a provisioning. */
export interface WorktreeProvision {
  /**
   * `created`: a new branch and a new worktree. `reused`: the task had its worktree. `restored`: the task was known,
   * and its worktree was brought back with all its commits. `skipped-not-git`: the project root is in no git
   * repository. `skipped-in-worktree`: the project root is in a linked worktree, the caller is isolated already.
   */
  status: 'created' | 'reused' | 'restored' | 'skipped-not-git' | 'skipped-in-worktree'
  /** The directory to work in, absolute; the project root when the status begins with `skipped`. */
  path: string
  /**
   * The branch that is checked out there; empty when `HEAD` is detached, and when skipped. Where it is not the task's own,
   * `notes` says so.
   */
  branch: string
  /** The full id of the commit that the branch started from; empty when skipped. */
  baseRef: string
  /**
   * The whole answer as one sentence, never empty: what happened, where, on which branch, from which base, for which
   * phase; then what is linked and the texts of `notes`, parted by semicolons.
   */
  note: string
  /** What a person should know and a program may act on. */
  notes: Array<ProvisionNote>
  /** The task-key, `<project>/<group>/<task>`. */
  taskKey: string
  /** The shared files and directories that are linked into the worktree, sorted as configured. */
  linked: Array<string>
  /** The exit code of the repository's post-checkout hook, when one ran and did not end with 0. */
  postCheckoutExit?: number
}

export declare namespace registry {
  /**
   * What happened, newest first; bounded, the oldest events are dropped in time. Takes no lock.
   *
   * Throws `OKSTRA_INVALID_ARGUMENT` or `OKSTRA_IO`.
   */
  export function history(filter?: HistoryFilter | undefined | null): Array<HistoryEvent>
  /**
   * What the registry knows of all tasks, or of those that the filter lets through. Takes no lock.
   *
   * Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
   */
  export function list(filter?: ListFilter | undefined | null): Array<WorktreeEntry>
  /**
   * What the registry knows of a task, active or released; `null` when it knows nothing. Takes no lock.
   *
   * Throws `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
   */
  export function lookup(projectId: string, taskGroup: string, taskId: string): WorktreeEntry | null
  /**
   * Gives a task's branch free and marks its row `released`; the row and the directory are kept. Returns the entry as it
   * was before, `null` when the registry does not know the task. Releasing twice changes nothing more.
   *
   * Throws `OKSTRA_LOCK_TIMEOUT`, `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_UNSAFE_HOME`, `OKSTRA_REGISTRY_CORRUPT` or
   * `OKSTRA_IO`.
   */
  export function release(projectId: string, taskGroup: string, taskId: string): WorktreeEntry | null
  /**
   * Gives a branch and a directory to a task, without touching git or the directory.
   *
   * Throws `OKSTRA_KEY_EXISTS` when the task is active already, `OKSTRA_BRANCH_OWNED` when another active task of the same
   * repository (or of an unknown one) has the branch, `OKSTRA_LOCK_TIMEOUT` when the registry stayed locked for
   * `OKSTRA_LOCK_TIMEOUT_MS` (120000 by default), `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_UNSAFE_HOME`,
   * `OKSTRA_REGISTRY_CORRUPT` or `OKSTRA_IO`.
   */
  export function reserve(options: ReserveOptions): WorktreeEntry
  /**
   * The task-key of three segments: `<project>/<group>/<task>`.
   *
   * A blank group is `_`. Throws `OKSTRA_INVALID_ARGUMENT` when a segment is no string, when the project or the task is
   * empty, or when one holds a slash or a control character.
   */
  export function taskKey(projectId: string, taskGroup: string, taskId: string): string
  /**
   * Records the phase that uses a task's worktree; does nothing when the registry does not know the task.
   *
   * Throws `OKSTRA_LOCK_TIMEOUT`, `OKSTRA_INVALID_ARGUMENT`, `OKSTRA_UNSAFE_HOME`, `OKSTRA_REGISTRY_CORRUPT` or
   * `OKSTRA_IO`.
   */
  export function touchPhase(projectId: string, taskGroup: string, taskId: string, phase: string): void
}
