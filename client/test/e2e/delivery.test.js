/**
 * What becomes of entries, from the call in a real browser to the lines in the collector's day files. Page and endpoint
 * are on different origins, so that there are preflights.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBrowser } from './browser.js';
import { startCollector, TOKEN } from './collector.js';
import { faults, startProxy } from './proxy.js';
import { startSite } from './site.js';

let browser;
let collector;
let proxy;
let site;
let page;

beforeAll(async () => {
  site = await startSite();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.stop();
  await site?.stop();
});
beforeEach(async () => {
  collector = await startCollector();
  proxy = await startProxy(collector.port);
});
afterEach(async () => {
  await Promise.all(
    browser.context
      .pages()
      .slice(1)
      .map((open) => open.close()),
  );
  await proxy.stop();
  await collector.stop();
});

const open = async (options = {}, path = '/') => {
  page = await browser.context.newPage();
  await page.goto(site.url({ endpoint: proxy.endpoint, token: TOKEN, ...options }, path));
  await page.waitForFunction(() => window.telemetry);
  return page;
};

const logMany = (count, prefix = 'entry') =>
  page.evaluate(
    ([count, prefix]) => {
      for (let n = 0; n < count; n++) window.telemetry.log('info', `${prefix} ${n}`);
    },
    [count, prefix],
  );

const expected = (count, prefix = 'entry') => Array.from({ length: count }, (_, n) => `${prefix} ${n}`).sort();

const messages = async () => (await collector.lines()).map(({ message }) => message).sort();

/** Waits for lines, and makes sure that the client has nothing more to send. */
const expectMessages = async (list, timeout = 60000) => {
  await expect.poll(async () => (await messages()).length, { timeout }).toBeGreaterThanOrEqual(list.length);
  expect(await messages()).toEqual([...list].sort());
};

/** Puts another tab in front. */
const hide = async () => {
  const other = await browser.context.newPage();
  await other.bringToFront();
  await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden');
};

const settled = () =>
  expect
    .poll(() => page.evaluate(() => window.telemetry.stats()), { timeout: 60000 })
    .toMatchObject({ pending: 0, inFlight: 0 });

describe('a burst in one tick', () => {
  it.each([1000, 5000])('of %d arrives whole', async (count) => {
    await open();
    await logMany(count);
    await page.evaluate(() => window.telemetry.flush());
    await expectMessages(expected(count));
    await settled();
    expect(await page.evaluate(() => window.telemetry.stats())).toMatchObject({ sent: count, dropped: {} });
  });

  it('of all three signals arrives, value for value', async () => {
    await open({ release: '1.4.2', environment: 'test' });
    const sent = await page.evaluate(() => {
      for (let n = 0; n < 40; n++) {
        window.telemetry.log('warn', `log ${n}`, { n, text: 'Grüße, 漢字 🎉 \ud83d', list: [1, null, { a: true }] });
        window.telemetry.metric(`metric_${n}`, n / 3, { rating: 'good' });
        window.telemetry.trace(`trace ${n}`, n * 1.1, { error: n % 2 === 0 });
        if (n === 1) window.first = structuredClone(window.telemetry.getBuffer());
      }
      return window.telemetry.flush().then(() => window.first);
    });
    const asSent = ({ received_at, resourceLogs, resourceSpans, resourceMetrics, resource, ...entry }) => entry;
    for (const signal of ['logs', 'traces', 'metrics']) {
      const lines = await collector.lines(signal);
      expect(lines).toHaveLength(40);
      const wanted = JSON.parse(JSON.stringify(sent[signal]).replaceAll('\\ud83d"', '\ufffd"'));
      // Two batches are in flight, and may arrive in any order.
      expect(wanted).toHaveLength(2);
      for (const entry of wanted) expect(lines.map(asSent)).toContainEqual(entry);
    }
    expect(proxy.posts.every(({ body }) => body.resource['service.version'] === '1.4.2')).toBe(true);
  });

  it('needs one preflight for many batches', async () => {
    await open({ batchSize: 1 });
    for (let n = 0; n < 5; n++) {
      await page.evaluate((n) => {
        window.telemetry.log('info', `entry ${n}`);
        return window.telemetry.flush();
      }, n);
    }
    await expectMessages(expected(5));
    expect(proxy.posts).toHaveLength(5);
    expect(proxy.preflights).toHaveLength(1);
    expect(proxy.preflights[0]['access-control-request-headers']).toBe('content-type,x-telemetry-token');
  });
});

describe('large entries', () => {
  it('one of 66 KiB arrives whole', async () => {
    await open();
    await page.evaluate(() => {
      window.telemetry.log('info', 'x'.repeat(66 * 1024));
      return window.telemetry.flush();
    });
    await expect.poll(async () => (await collector.lines())[0]?.message.length).toBe(66 * 1024);
  });

  it('one of 66 KiB arrives cut when the tab is closed', async () => {
    await open();
    await page.evaluate(() => window.telemetry.log('info', 'x'.repeat(66 * 1024)));
    await page.close();
    await expect.poll(async () => (await collector.lines())[0]?.message).toMatch(/^x{15000,}…$/);
  });

  it('ten of 7 KiB arrive', async () => {
    await open();
    await page.evaluate(() => {
      for (let n = 0; n < 10; n++) window.telemetry.log('info', `entry ${n}`, { filler: 'x'.repeat(7168) });
    });
    await expectMessages(expected(10));
  });

  it('ten of 7 KiB arrive, as many as the browser lets through, when the tab is closed at once', async () => {
    await open({ batchSize: 100 });
    await page.evaluate(() => {
      for (let n = 0; n < 8; n++) window.telemetry.log('info', `entry ${n}`, { filler: 'x'.repeat(7000) });
    });
    await page.close();
    await expectMessages(expected(8));
  });
});

describe('20 of 20 arrive, none twice, after', () => {
  const all = {
    408: faults.status(408),
    413: faults.status(413),
    429: faults.status(429),
    '429 with Retry-After': faults.status(429, { 'Retry-After': '2' }),
    500: faults.status(500),
    503: faults.status(503, { 'Retry-After': '1' }),
    'a reset before the collector saw it': faults.resetBefore(),
    'no answer': faults.hang(),
  };
  it.each(Object.entries(all))('%s', async (_, fault) => {
    await open({ timeout: 2000 });
    proxy.fail(fault, fault, fault);
    await logMany(20);
    await expectMessages(expected(20));
    await settled();
    expect(await messages()).toEqual(expected(20));
  });

  it('a reset after the collector stored it, which knows the batch by its id', async () => {
    await open();
    proxy.fail(faults.resetAfter(), faults.resetAfter());
    await logMany(20);
    await settled();
    await expectMessages(expected(20));
    expect(proxy.posts.length).toBeGreaterThanOrEqual(4);
    const byId = new Map();
    for (const { body } of proxy.posts) {
      expect(body.logs).toEqual(byId.get(body.batchId) ?? body.logs);
      byId.set(body.batchId, body.logs);
    }
    expect(byId.size).toBe(2);
  });

  it('a failed preflight', async () => {
    await open();
    proxy.failPreflights(3);
    await logMany(20);
    await expectMessages(expected(20));
  });

  it('an endpoint that was away', async () => {
    await open();
    await proxy.down();
    await logMany(20);
    await settled().catch(() => {});
    await proxy.up();
    await expectMessages(expected(20));
  });

  it('being offline', async () => {
    await open();
    await browser.context.setOffline(true);
    await logMany(20);
    await expect.poll(() => page.evaluate(() => window.telemetry.stats().inFlight)).toBe(0);
    await browser.context.setOffline(false);
    await expectMessages(expected(20));
  });

  it('one request that hangs, with the others not waiting', async () => {
    await open({ timeout: 5000 });
    proxy.fail(faults.hang());
    await logMany(20);
    await expect.poll(async () => (await messages()).length, { timeout: 4000 }).toBe(10);
    await expectMessages(expected(20));
  });
});

describe('what is refused for good', () => {
  it.each([401, 403])('by %d is dropped, counted, and reported', async (status) => {
    await open();
    proxy.fail(faults.status(status));
    await logMany(10, 'lost');
    await expect.poll(() => page.evaluate(() => window.telemetry.stats().dropped)).toEqual({ [`http_${status}`]: 10 });
    await logMany(10);
    await expectMessages(expected(10));
    expect(proxy.posts).toHaveLength(2);
    expect(proxy.posts[1].body.dropped).toEqual([{ signal: 'logs', reason: `http_${status}`, count: 10 }]);
  });
});

describe('the last batch arrives when the tab is', () => {
  const ways = {
    closed: () => page.close(),
    navigated: () => page.goto(`${site.origin}/empty`),
    reloaded: () => page.reload(),
    'navigated to another origin': () => page.goto('about:blank'),
    'put behind another': () => hide(),
    minimized: async () => {
      const session = await browser.context.newCDPSession(page);
      const { windowId } = await session.send('Browser.getWindowForTarget');
      await session.send('Browser.setWindowBounds', { windowId, bounds: { windowState: 'minimized' } });
      await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden');
      await session.send('Browser.setWindowBounds', { windowId, bounds: { windowState: 'normal' } });
    },
  };
  for (const [name, leave] of Object.entries(ways)) {
    it(name, async () => {
      await open();
      await page.evaluate(() => {
        document.addEventListener('visibilitychange', (event) => event.stopPropagation());
        document.addEventListener('pagehide', (event) => event.stopPropagation());
      });
      await logMany(3);
      await leave();
      await expectMessages(expected(3));
    });
  }

  it('hidden, with an entry made after that, and then closed', async () => {
    await open();
    await hide();
    await logMany(1, 'hidden');
    await page.close();
    await expectMessages(['hidden 0']);
  });

  it('closed, with entries made by listeners of pagehide', async () => {
    await open();
    await page.evaluate(() => {
      addEventListener('pagehide', () => {
        window.telemetry.log('info', 'log');
        window.telemetry.metric('metric', 1);
        window.telemetry.trace('trace', 1);
      });
    });
    await page.close();
    await expectMessages(['log']);
    await expect.poll(() => collector.lines('metrics')).toHaveLength(1);
    await expect.poll(() => collector.lines('traces')).toHaveLength(1);
  });

  it('closed while a batch is in flight, which is not sent again', async () => {
    await open();
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    proxy.fail(async ({ response, pass }) => {
      await held;
      await pass();
      response.end();
    });
    await logMany(10);
    await expect.poll(() => proxy.posts.length).toBe(1);
    await page.close();
    release();
    await expectMessages(expected(10));
    expect(proxy.posts).toHaveLength(1);
  });
});

it('goes on after the back/forward cache', async () => {
  await open();
  await page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => {
      window.persisted = persisted;
    });
  });
  await logMany(3, 'before');
  await page.goto(`${site.origin}/empty`);
  await page.goBack({ waitUntil: 'commit' });
  await expect.poll(() => page.evaluate(() => window.persisted)).toBe(true);
  await logMany(12, 'after');
  await page.evaluate(() => window.telemetry.flush());
  await expectMessages([...expected(3, 'before'), ...expected(12, 'after')]);
});

it('sends what JSON.stringify would fail on, and what is changed after the call as it was', async () => {
  await open();
  await page.evaluate(() => {
    const circular = { a: 1 };
    circular.self = circular;
    const later = { topic: 'Math' };
    window.telemetry.log('info', 'circular', { circular });
    window.telemetry.log('info', 'bigint', { big: 10n });
    window.telemetry.log('info', 'window', { window, document });
    window.telemetry.log('info', 'getter', {
      get bad() {
        throw new Error('no');
      },
    });
    window.telemetry.log('error', new TypeError('as message'), { map: new Map([['k', 1]]), set: new Set([2]) });
    window.telemetry.log('info', 'later', later);
    later.late = true;
    return window.telemetry.flush();
  });
  await expect.poll(() => collector.lines()).toHaveLength(6);
  for (const line of await collector.lines()) expect(line).not.toHaveProperty('resourceLogs');
  const byMessage = Object.fromEntries((await collector.lines()).map(({ message, context }) => [message, context]));
  expect(byMessage).toMatchObject({
    circular: { circular: { a: 1, self: '[Circular]' } },
    bigint: { big: '10' },
    window: { window: '[object Window]', document: '[object HTMLDocument]' },
    getter: { bad: '[Unreadable]' },
    'TypeError: as message': {
      map: { k: 1 },
      set: [2],
      error: { name: 'TypeError', message: 'as message', stack: expect.stringContaining('at ') },
    },
  });
  expect(byMessage.later).toEqual({ topic: 'Math' });
});
