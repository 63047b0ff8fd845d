import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTelemetry } from '../../src/index.js';
import { answer, entriesOf, messagesOf, setVisibility, stubFetch } from './helpers.js';

/** @type {import('../../src/types.js').Telemetry} */
let telemetry;

const create = (options) => {
  telemetry = createTelemetry({ endpoint: 'http://collector/ingest', token: 't', ...options });
  return telemetry;
};

const logMany = (count, from = 0) => {
  for (let n = from; n < from + count; n++) telemetry.log('info', `entry ${n}`);
};

const numbers = (count) => Array.from({ length: count }, (_, n) => `entry ${n}`);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  setVisibility('visible');
  window.dispatchEvent(new Event('pageshow'));
  // Stops what some of the answers below would hold up for ever.
  telemetry.setConsent(false);
  telemetry.stop();
  vi.useRealTimers();
});

describe('batches', () => {
  it('have an id, the time, what the app is, and all three signals', async () => {
    const requests = stubFetch();
    create({ release: '1.4.2', environment: 'production' });
    telemetry.log('info', 'one');
    await telemetry.flush();
    expect(requests[0].body).toEqual({
      logs: [expect.anything()],
      traces: [],
      metrics: [],
      batchId: expect.stringMatching(/^[\da-f]{32}$/),
      sentAt: new Date().toISOString(),
      resource: { 'service.version': '1.4.2', 'deployment.environment.name': 'production' },
    });
  });

  it('carry all of a burst of one tick, with two in flight and keepalive bodies under 64 KiB together', async () => {
    let inFlight = 0;
    let bytes = 0;
    const requests = stubFetch(async ({ init }) => {
      inFlight++;
      bytes += init.body.length;
      expect(inFlight).toBeLessThan(3);
      expect(bytes).toBeLessThan(65536);
      expect(init.keepalive).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inFlight--;
      bytes -= init.body.length;
      return answer(200);
    });
    create();
    logMany(5000);
    await vi.runAllTimersAsync();
    expect(messagesOf(requests).sort()).toEqual(numbers(5000).sort());
    expect(new Set(requests.map(({ body }) => body.batchId)).size).toBe(requests.length);
    expect(requests.length).toBeLessThan(100);
  });

  it('are counted in bytes of UTF-8', async () => {
    const requests = stubFetch(() => answer(200));
    create();
    for (let n = 0; n < 20; n++) telemetry.log('info', '漢'.repeat(4000));
    await vi.runAllTimersAsync();
    expect(entriesOf(requests)).toHaveLength(20);
    for (const { init } of requests) {
      expect(init.keepalive).toBe(true);
      expect(new TextEncoder().encode(init.body).length).toBeLessThan(32768);
    }
  });

  it('give the bytes back only when the answer was read', async () => {
    const ends = [];
    const requests = stubFetch(() => ({ ok: true, text: () => new Promise((resolve) => ends.push(resolve)) }));
    create({ batchSize: 1 });
    for (let n = 0; n < 3; n++) telemetry.log('info', `${'x'.repeat(25000)}${n}`);
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(2);
    ends[0]();
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(3);
    for (const end of ends) end();
  });
});

describe('an entry of 66 KiB', () => {
  it('goes whole, without keepalive, while the page is in front', async () => {
    const requests = stubFetch(() => answer(200));
    create();
    telemetry.log('info', 'x'.repeat(66 * 1024));
    telemetry.log('info', 'small');
    await telemetry.flush();
    expect(requests.map(({ init }) => init.keepalive)).toEqual([false, true]);
    expect(requests[0].body.logs[0].message).toHaveLength(66 * 1024);
  });

  it('goes cut, with keepalive, when the page is hidden', () => {
    const requests = stubFetch(() => answer(200));
    create();
    telemetry.log('info', 'x'.repeat(66 * 1024), { small: 1 });
    setVisibility('hidden');
    expect(requests[0].init.keepalive).toBe(true);
    expect(requests[0].body.logs[0].message).toMatch(/^x{15000,16000}…$/);
    expect(requests[0].body.logs[0].sessionId).toBe(telemetry.getSessionId());
  });
});

describe('a page that goes', () => {
  it('flushes in the capture phase', () => {
    const requests = stubFetch();
    create();
    const stop = (event) => event.stopImmediatePropagation();
    document.addEventListener('visibilitychange', stop, true);
    telemetry.log('info', 'last');
    setVisibility('hidden');
    document.removeEventListener('visibilitychange', stop, true);
    expect(messagesOf(requests)).toEqual(['last']);
  });

  it('sends at once what is added while hidden, by every way in', () => {
    const requests = stubFetch();
    create();
    setVisibility('hidden');
    telemetry.log('info', 'log');
    telemetry.metric('metric', 1);
    telemetry.trace('trace', 1);
    expect(requests).toHaveLength(3);
  });

  it('sends at once what is added after pagehide, and waits no time for a retry', async () => {
    const requests = stubFetch(() => answer(503));
    create();
    telemetry.log('info', 'one');
    await telemetry.flush();
    expect(requests).toHaveLength(1);
    window.dispatchEvent(new Event('pagehide'));
    telemetry.log('info', 'two');
    expect(messagesOf(requests)).toEqual(['one', 'one', 'two']);
    expect(requests[1].body.batchId).toBe(requests[0].body.batchId);
  });

  it('does not send again what is in flight', () => {
    const requests = stubFetch(() => new Promise(() => {}));
    create();
    logMany(10);
    setVisibility('hidden');
    window.dispatchEvent(new Event('pagehide'));
    expect(requests).toHaveLength(1);
  });

  it('never has more than 64 KiB of keepalive bodies in flight, nor more than eight', () => {
    const requests = stubFetch(() => new Promise(() => {}));
    create();
    for (let n = 0; n < 30; n++) telemetry.log('info', 'x'.repeat(7000));
    setVisibility('hidden');
    for (let n = 0; n < 30; n++) telemetry.log('info', 'small');
    window.dispatchEvent(new Event('pagehide'));
    expect(requests.length).toBeLessThan(9);
    expect(requests.reduce((sum, { init }) => sum + init.body.length, 0)).toBeLessThan(65536);
    expect(requests.every(({ init }) => init.keepalive)).toBe(true);
  });

  it('goes on when it comes back from the back/forward cache', async () => {
    const requests = stubFetch(() => answer(200));
    create();
    window.dispatchEvent(new Event('pagehide'));
    window.dispatchEvent(new Event('pageshow'));
    telemetry.log('info', 'back');
    expect(requests).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(30000);
    expect(messagesOf(requests)).toEqual(['back']);
  });
});

describe('retries', () => {
  it.each([408, 429, 500, 502, 503])('after %d the same batch with the same id', async (status) => {
    const requests = stubFetch((_, n) => answer(n < 4 ? status : 200));
    create();
    logMany(20);
    await vi.runAllTimersAsync();
    expect(telemetry.stats()).toMatchObject({ sent: 20, pending: 0, dropped: {} });
    const byId = Map.groupBy?.(requests, ({ body }) => body.batchId) ?? new Map();
    for (const same of byId.values()) {
      for (const { body } of same) expect(body.logs).toEqual(same[0].body.logs);
    }
    expect(requests.at(-1).body.sentAt > requests[0].body.sentAt).toBe(true);
  });

  it.each([400, 401, 403, 404, 405])(
    'not after %d: the entries are dropped, and the next batch says so',
    async (status) => {
      const requests = stubFetch((_, n) => answer(n === 1 ? status : 200));
      create();
      logMany(10);
      await vi.advanceTimersByTimeAsync(0);
      expect(telemetry.stats().dropped).toEqual({ [`http_${status}`]: 10 });
      logMany(10, 10);
      await vi.runAllTimersAsync();
      expect(requests).toHaveLength(2);
      expect(requests[1].body.dropped).toEqual([{ signal: 'logs', reason: `http_${status}`, count: 10 }]);
      expect(messagesOf(requests.slice(1))).toEqual(numbers(20).slice(10));
    },
  );

  it('report losses again until a batch with the report arrives', async () => {
    const requests = stubFetch((_, n) => answer([400, 400, 503][n - 1] ?? 200));
    create();
    logMany(30);
    await vi.runAllTimersAsync();
    const reported = requests.filter((_, n) => n > 2).flatMap(({ body }) => body.dropped ?? []);
    expect(reported.reduce((sum, { count }) => sum + count, 0)).toBe(20);
  });

  it('halve what is too large, and cut a single entry', async () => {
    const requests = stubFetch(({ body, init }) =>
      answer(body.logs.length > 2 || init.body.length > 20000 ? 413 : 200),
    );
    create();
    logMany(9);
    telemetry.log('info', 'x'.repeat(25000));
    await vi.runAllTimersAsync();
    expect(telemetry.stats()).toMatchObject({ sent: 10, dropped: {} });
    const stored = requests.filter(({ body, init }) => body.logs.length < 3 && init.body.length < 20000);
    expect(
      messagesOf(stored)
        .map((message) => message.slice(0, 7))
        .sort(),
    ).toEqual([...numbers(9), 'xxxxxxx'].sort());
  });

  it('wait longer and longer, and as long as Retry-After says', async () => {
    const requests = stubFetch((_, n) =>
      answer(n < 4 ? 503 : n < 5 ? 429 : 200, n < 4 ? {} : { 'Retry-After': '100' }),
    );
    create();
    logMany(10);
    const times = [];
    for (let n = 1; n < 6; n++) {
      const start = Date.now();
      while (requests.length < n) await vi.advanceTimersByTimeAsync(100);
      times.push((Date.now() - start) / 1000);
    }
    expect(times[1]).toBeGreaterThanOrEqual(1);
    expect(times[2]).toBeGreaterThanOrEqual(2);
    expect(times[3]).toBeGreaterThanOrEqual(4);
    expect(times[3]).toBeLessThan(7);
    expect(times[4]).toBeGreaterThanOrEqual(100);
  });

  it('are quiet, and end, when the endpoint is away', async () => {
    const requests = stubFetch(() => {
      throw new TypeError('Failed to fetch');
    });
    create();
    logMany(100);
    await vi.advanceTimersByTimeAsync(3600000);
    expect(requests.length).toBeLessThan(45);
    await vi.runAllTimersAsync();
    expect(telemetry.stats()).toMatchObject({ pending: 0, inFlight: 0, dropped: { network: 100 } });
  });

  it('do not count while offline, and come at once when online', async () => {
    const onLine = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    const requests = stubFetch(() => {
      if (!navigator.onLine) throw new TypeError('Failed to fetch');
      return answer(200);
    });
    create();
    logMany(20);
    await vi.advanceTimersByTimeAsync(3600000);
    expect(telemetry.stats().dropped).toEqual({});
    onLine.mockReturnValue(true);
    requests.splice(0);
    window.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(0);
    expect(messagesOf(requests)).toHaveLength(20);
  });

  it('leave the other request alone when one hangs', async () => {
    const requests = stubFetch((_, n) => (n === 1 ? new Promise(() => {}) : answer(200)));
    create();
    logMany(100);
    await vi.advanceTimersByTimeAsync(0);
    expect(messagesOf(requests)).toHaveLength(100);
    expect(telemetry.stats()).toMatchObject({ sent: 90, inFlight: 1 });
  });
});

it('holds no more than it may, and counts what it drops', async () => {
  const requests = stubFetch(() => new Promise(() => {}));
  create({ maxQueueBytes: 50000 });
  logMany(1000);
  const { logs } = telemetry.getBuffer();
  expect(JSON.stringify(logs).length).toBeLessThan(55000);
  expect(logs.at(-1).message).toBe('entry 999');
  expect(telemetry.stats().dropped.queue_full).toBe(1000 - logs.length - entriesOf(requests).length);
});

it('sends nothing without an endpoint, and waits for one', async () => {
  const requests = stubFetch(() => answer(200));
  let endpoint;
  create({ endpoint: () => endpoint });
  logMany(20);
  await telemetry.flush();
  expect(requests).toHaveLength(0);
  endpoint = 'http://late/';
  await telemetry.flush();
  expect(entriesOf(requests)).toHaveLength(20);
});

it('does not send one entry alone because there was nothing to flush before it', async () => {
  const requests = stubFetch(() => answer(200));
  create();
  await telemetry.flush();
  telemetry.log('info', 'one');
  expect(requests).toHaveLength(0);
});
