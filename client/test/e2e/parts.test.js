/**
 * What the parts record in a real browser, as lines in the collector's day files.
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
});
afterAll(() => site?.stop());
beforeEach(async () => {
  browser = await startBrowser();
  collector = await startCollector();
  proxy = await startProxy(collector.port);
});
afterEach(async () => {
  await browser.stop();
  await proxy.stop();
  await collector.stop();
});

const open = async (parts, options = {}) => {
  const opened = await browser.context.newPage();
  await opened.goto(site.url({ endpoint: proxy.endpoint, token: TOKEN, parts, ...options }));
  await opened.waitForFunction(() => window.telemetry);
  page = opened;
  return opened;
};

const flush = () => page.evaluate(() => window.telemetry.flush());

const expectMessages = async (list, timeout = 30000) => {
  const messages = async () => (await collector.lines()).map(({ message }) => message).sort();
  await expect.poll(async () => (await messages()).length, { timeout }).toBeGreaterThanOrEqual(list.length);
  expect(await messages()).toEqual([...list].sort());
};

describe('vitals', () => {
  const ways = {
    'the tab is closed': () => page.close(),
    'the page is left': () => page.goto(`${site.origin}/empty`),
    'the page is reloaded': () => page.reload(),
  };
  for (const [name, leave] of Object.entries(ways)) {
    it.each(['vitals', 'attribution'])(`all three of %s arrive when ${name}`, async (part) => {
      await open([part]);
      await page.click('button');
      // The browser measures an interaction up to the next frame.
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            new PerformanceObserver((list) => {
              if (list.getEntries().some((entry) => entry.interactionId && entry.duration > 100)) resolve();
            }).observe({ type: 'event', buffered: true, durationThreshold: 16 });
          }),
      );
      await leave();
      await expect
        .poll(async () => [...new Set((await collector.lines('metrics')).map((line) => line.name))].sort(), {
          timeout: 30000,
        })
        .toEqual(['web_vital_cls', 'web_vital_inp', 'web_vital_lcp']);
      // The last line counts: INP grows when an interaction is measured while the page is being hidden.
      const byName = Object.fromEntries((await collector.lines('metrics')).map((line) => [line.name, line]));
      expect(byName.web_vital_inp.value).toBeGreaterThan(50);
      expect(byName.web_vital_lcp.value).toBeGreaterThan(0);
      for (const { labels } of Object.values(byName)) expect(labels.rating).toMatch(/good|needs-improvement|poor/);
      if (part === 'attribution') expect(byName.web_vital_inp.labels.target).toContain('button');
    });
  }
});

it('errors: uncaught ones, rejections and causes, each once, without noise', async () => {
  await open(['errors']);
  await page.evaluate(async () => {
    const later = (run) =>
      new Promise((resolve) =>
        setTimeout(() => {
          setTimeout(resolve);
          run();
        }),
      );
    for (let n = 0; n < 3; n++) {
      await later(() => {
        throw new TypeError('uncaught', { cause: new Error('because') });
      });
    }
    await later(() => Promise.reject(new RangeError('rejected')));
    await later(() => Promise.reject('text'));
    await later(() => {
      const error = new Error('of an extension');
      error.stack =
        'Error: of an extension\n    at f (chrome-extension://abc/x.js:1:2)\n    at http://localhost/own.js:1:2';
      throw error;
    });
    await later(() => {
      const error = new Error('own, called by an extension');
      error.stack = 'Error: own\n    at g (http://localhost/own.js:1:2)\n    at f (chrome-extension://abc/x.js:1:2)';
      throw error;
    });
    dispatchEvent(new ErrorEvent('error', { message: 'Script error.' }));
    dispatchEvent(
      new ErrorEvent('error', { message: 'ResizeObserver loop completed with undelivered notifications.' }),
    );
    document.body.append(Object.assign(new Image(), { src: '/api/missing' }));
  });
  await flush();
  await expectMessages([
    'TypeError: uncaught',
    'RangeError: rejected',
    'Unhandled rejection: text',
    'Error: own, called by an extension',
  ]);
  const [uncaught] = (await collector.lines()).filter(({ message }) => message.startsWith('TypeError'));
  expect(uncaught).toMatchObject({
    level: 'error',
    context: { source: 'error', error: { stack: expect.stringContaining('at '), cause: { message: 'because' } } },
  });
  expect(proxy.posts[0].body.dropped).toEqual([{ signal: 'logs', reason: 'duplicate', count: 2 }]);
});

it('fetch: a span of each call, and a traceparent where it belongs', async () => {
  const other = await startSite();
  await open(['fetch'], { other: `${other.origin}/api/traced` });
  await page.evaluate(async (other) => {
    await fetch('/api/a?token=1');
    await fetch(new Request('/api/missing', { method: 'PUT', headers: { 'X-Own': '1' } }));
    await fetch(`${other}/api/plain`);
    await fetch(`${other}/api/traced`).catch(() => {});
    await fetch('http://localhost:1/').catch(() => {});
    window.telemetry.flush();
  }, other.origin);
  await expect.poll(() => collector.lines('traces')).toHaveLength(5);
  const spans = await collector.lines('traces');
  expect(
    spans.map(({ name, attributes }) => [name, attributes['url.full'], attributes['http.response.status_code']]),
  ).toEqual([
    ['HTTP GET', `${site.origin}/api/a`, 200],
    ['HTTP PUT', `${site.origin}/api/missing`, 404],
    ['HTTP GET', `${other.origin}/api/plain`, 200],
    ['HTTP GET', `${other.origin}/api/traced`, undefined],
    ['HTTP GET', 'http://localhost:1/', undefined],
  ]);
  const seen = (path, from = site) => from.requests.filter((request) => request.path === path).at(-1).headers;
  expect(seen('/api/a').traceparent).toBe(`00-${spans[0].traceId}-${spans[0].spanId}-01`);
  expect(seen('/api/missing')).toMatchObject({ 'x-own': '1', traceparent: expect.any(String) });
  expect(seen('/api/plain', other).traceparent).toBeUndefined();
  expect(seen('/api/traced', other)['access-control-request-headers']).toBe('traceparent');
  expect(proxy.posts.every(({ headers }) => !headers.traceparent)).toBe(true);
  await other.stop();
});

it('pages, console and long frames', async () => {
  await open(['pages', 'console', 'frames']);
  await page.evaluate(() => {
    history.pushState(null, '', '/quiz/42?secret=1');
    history.pushState(null, '', '/quiz/43');
    console.error('went wrong', { n: 1n });
    console.info('not recorded');
  });
  await page.click('button');
  const clicks = async () =>
    (await collector.lines('traces')).filter(({ attributes }) => attributes.scripts[0]?.invoker === 'BUTTON.onclick');
  await expect
    .poll(async () => {
      await flush();
      return (await clicks()).length;
    })
    .toBe(1);
  expect((await clicks())[0]).toMatchObject({ name: 'long_animation_frame', attributes: { page: '/quiz/:id' } });
  await expectMessages(['Page view', 'Page view', 'went wrong']);
  const lines = await collector.lines();
  expect(lines.map(({ context }) => context.page)).toEqual(['/', '/quiz/:id', '/quiz/:id']);
  expect(lines[2].context).toMatchObject({ source: 'console', values: [{ n: '1' }] });
});

describe('persist', () => {
  const logMany = (count, prefix) =>
    page.evaluate(
      ([count, prefix]) => {
        for (let n = 0; n < count; n++) window.telemetry.log('info', `${prefix} ${n}`);
      },
      [count, prefix],
    );
  const expected = (count, prefix) => Array.from({ length: count }, (_, n) => `${prefix} ${n}`);
  /** How many entries the database has. */
  const rows = () =>
    page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open('saberloop-telemetry');
          opening.onerror = reject;
          opening.onsuccess = () => {
            const counting = opening.result.transaction('entries').objectStore('entries').count();
            counting.onsuccess = () => {
              opening.result.close();
              resolve(counting.result);
            };
          };
        }),
    );

  it('leaves nothing behind of what was sent', async () => {
    await open(['persist']);
    await logMany(1000, 'entry');
    await flush();
    await expectMessages(expected(1000, 'entry'));
    await expect.poll(rows).toBe(0);
  });

  it('keeps what is queued when the browser is killed', async () => {
    await open(['persist']);
    await proxy.down();
    await logMany(25, 'entry');
    await expect.poll(rows).toBe(25);
    await browser.kill();
    await proxy.up();
    browser = await startBrowser(browser.folder);
    await open(['persist']);
    await expectMessages(expected(25, 'entry'));
    await expect.poll(rows).toBe(0);
  });

  it('keeps what is queued when the page is reloaded', async () => {
    await open(['persist']);
    await proxy.down();
    await logMany(25, 'entry');
    await expect.poll(rows).toBe(25);
    await page.reload();
    await page.waitForFunction(() => window.telemetry);
    await proxy.up();
    await expectMessages(expected(25, 'entry'));
  });

  it('sends a batch again under the id that it had when the browser was killed', async () => {
    await open(['persist']);
    proxy.fail(faults.hang());
    await logMany(10, 'entry');
    await expect.poll(() => proxy.posts.length).toBe(1);
    await browser.kill();
    browser = await startBrowser(browser.folder);
    await open(['persist']);
    await expectMessages(expected(10, 'entry'));
    expect(proxy.posts[1].body.batchId).toBe(proxy.posts[0].body.batchId);
    expect(proxy.posts[1].body.logs).toEqual(proxy.posts[0].body.logs);
  });

  it('has no entry twice when the browser was killed before the answer came', async () => {
    await open(['persist']);
    proxy.fail(async ({ pass }) => {
      await pass();
    });
    await logMany(10, 'entry');
    await expect.poll(async () => (await collector.lines()).length).toBe(10);
    await browser.kill();
    browser = await startBrowser(browser.folder);
    await open(['persist']);
    await expect.poll(() => proxy.posts.length).toBe(2);
    await expect.poll(rows).toBe(0);
    await expectMessages(expected(10, 'entry'));
  });

  it('leaves to a page that lives what it has', async () => {
    const first = await open(['persist']);
    await proxy.down();
    await logMany(15, 'first');
    await expect.poll(rows).toBe(15);
    await open(['persist']);
    await logMany(15, 'second');
    await expect.poll(rows).toBe(30);
    await first.close();
    await open(['persist']);
    await logMany(15, 'third');
    await expect.poll(rows).toBe(45);
    await proxy.up();
    await expectMessages([...expected(15, 'first'), ...expected(15, 'second'), ...expected(15, 'third')], 60000);
    await expect.poll(rows, { timeout: 30000 }).toBe(0);
    await expectMessages([...expected(15, 'first'), ...expected(15, 'second'), ...expected(15, 'third')]);
  });

  it('deletes everything when the visitor withdraws the consent', async () => {
    await open(['persist']);
    await proxy.down();
    await logMany(25, 'entry');
    await expect.poll(rows).toBe(25);
    await page.evaluate(() => window.telemetry.setConsent(false));
    await expect.poll(rows).toBe(0);
  });
});
