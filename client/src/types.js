/**
 * The shapes that the package takes and gives. Nothing here runs.
 */

/** @typedef {'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | (string & {})} Level */
/** @typedef {'logs' | 'traces' | 'metrics'} Signal */

/**
 * One log line, span or data point, as it is sent.
 *
 * @typedef {{ timestamp: string, sessionId: string, [member: string]: any }} Entry
 */

/** @typedef {{ logs: Entry[], traces: Entry[], metrics: Entry[] }} Buffer */

/**
 * Entries that were lost, and why: `queue_full`, `network`, `http_401` and the like, `duplicate`, `rate_limited`.
 *
 * @typedef {{ signal: string, reason: string, count: number }} Dropped
 */

/**
 * @typedef {object} Redact
 * @property {(string | RegExp)[]} [names] Further names of members whose values are replaced: they contain or match one
 *   of these.
 * @property {RegExp[]} [texts] Further texts to replace, wherever they stand, with the flag `g`.
 */

/**
 * @typedef {object} Options
 * @property {string | (() => string)} [endpoint] Where to POST to. Nothing is sent while there is none.
 * @property {string | (() => string)} [token] The value of the header `X-Telemetry-Token`.
 * @property {boolean | 'true' | (() => unknown)} [enabled] Whether anything is kept or sent at all, looked at on every
 *   call. Default: true.
 * @property {boolean} [consent] Whether the visitor agreed. Default: true; with false nothing is kept until
 *   `setConsent(true)`.
 * @property {string} [release] The version of the app, sent as `service.version`.
 * @property {string} [environment] Such as `production`, sent as `deployment.environment.name`.
 * @property {Level} [minLevel] Logs of a lower level are left out, those of a level
 *   of your own among them. Default: none are.
 * @property {(string | RegExp)[]} [ignoreErrors] Errors are left out whose message contains or matches one of these.
 * @property {(entry: Entry, signal: Signal) => Entry | null} [beforeSend] Sees every entry at the call; returns it,
 *   changed or not, or null to leave it out. If it throws, the entry is left out as well.
 * @property {number} [sampleRate] The share of sessions to keep, 0 to 1. Default: 1. A session that is not kept holds
 *   its last 50 entries in memory and is kept from its first error on.
 * @property {number} [sessionIdle] Milliseconds without an entry after which a new session begins. Default: 30 minutes.
 * @property {Redact | false} [redact] What to replace at the call, besides what usually is secret. With false nothing
 *   is replaced.
 * @property {number} [batchSize] As many entries are sent at once. Default: 10.
 * @property {number} [flushInterval] Milliseconds after which fewer are sent. Default: 30000.
 * @property {number} [maxQueueBytes] The memory for what is not sent yet; the oldest are dropped beyond. Default: 4 MB.
 * @property {number} [timeout] Milliseconds to wait for an answer. Default: 10000.
 * @property {Part[]} [parts] What else to record: `errors()`, `vitals()`, and so on.
 */

/**
 * @typedef {object} Telemetry
 * @property {(level: Level, message: unknown, context?: unknown) => void} log Records a log line. An `Error` may be the
 *   message.
 * @property {(name: string, value: unknown, labels?: unknown) => void} metric Records a data point.
 * @property {(name: string, durationMs: number, attributes?: unknown) => void} trace Records an operation that has just
 *   ended.
 * @property {() => Promise<void>} flush Sends what there is, and waits for the answers.
 * @property {() => boolean} isEnabled Whether entries are taken.
 * @property {() => Buffer} getBuffer The entries that are in no batch yet.
 * @property {() => string} getSessionId
 * @property {(fields: Record<string, unknown>) => void} setContext Adds fields to all further logs and spans.
 * @property {(user: Record<string, unknown> | null) => void} setUser Adds the member `user` to all further logs and spans;
 *   null ends that.
 * @property {(granted: boolean) => void} setConsent With false everything that is not sent is deleted.
 * @property {() => Stats} stats
 * @property {() => Promise<void>} stop Sends what there is, and takes nothing more.
 */

/**
 * @typedef {object} Stats
 * @property {number} pending Entries that are in no batch yet.
 * @property {number} inFlight Requests.
 * @property {number} sent Entries that the collector took.
 * @property {Record<string, number>} dropped Entries that were lost, for each reason.
 */

/**
 * A part records something by itself. It returns what ends that.
 *
 * @typedef {(telemetry: Telemetry, core: Core) => (() => void) | void} Part
 */

/**
 * What parts can do beyond the interface.
 *
 * @typedef {object} Core
 * @property {Options} options
 * @property {(signal: Signal, entry: Record<string, unknown>, field: string) => void} add Records an entry; `field` is
 *   the member that takes the common context.
 * @property {(signal: Signal, reason: string, count?: number) => void} drop Counts entries that are not recorded.
 * @property {Partial<Store>} store Is told of all that is queued.
 * @property {(items: Item[], id?: string) => void} restore Queues a batch that a store has kept.
 */

/**
 * A queued entry. A store may give it a key.
 *
 * @typedef {{ signal: string, entry: any, bytes: number, key?: string }} Item
 */

/**
 * @typedef {object} Store
 * @property {(item: Item) => void} add
 * @property {(id: string, items: Item[]) => Promise<unknown> | void} group Notes that these entries go as one batch. It
 *   is sent when the promise is settled, or at once if there is none.
 * @property {(items: Item[]) => void} remove
 * @property {() => void} clear
 */

export {};
