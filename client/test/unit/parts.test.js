import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { consoleLogs } from '../../src/console.js';
import { errors } from '../../src/errors.js';
import { fetchSpans, startSpan } from '../../src/fetch.js';
import { createTelemetry } from '../../src/index.js';
import { pageViews } from '../../src/pages.js';
import { persist } from '../../src/persist.js';
import { reactErrorHandlers } from '../../src/react.js';
import { answer, stubFetch } from './helpers.js';

/** @type {import('../../src/types.js').Telemetry} */
let telemetry;

const create = (...parts) => {
  telemetry = createTelemetry({ endpoint: 'http://collector/ingest', token: 't', batchSize: 1000, parts });
  return telemetry;
};
const logs = () => telemetry.getBuffer().logs;

beforeEach(() => stubFetch(() => answer(200)));
afterEach(() => telemetry.stop());

describe('errors', () => {
  const fail = (error, message = `Uncaught ${error}`) => dispatchEvent(new ErrorEvent('error', { error, message }));
  const withStack = (message, stack) => Object.assign(new Error(message), { stack });

  it.each([
    ['Chrome', 'Error: m\n    at f (chrome-extension://id/a.js:1:2)\n    at http://localhost/own.js:1:2'],
    ['Firefox', 'f@moz-extension://id/a.js:1:2\ng@http://localhost/own.js:1:2'],
    ['Safari', 'f@safari-web-extension://id/a.js:1:2\ng@http://localhost/own.js:1:2'],
  ])('leaves out the code of extensions in %s', (_, stack) => {
    create(errors());
    fail(withStack('foreign', stack));
    expect(logs()).toEqual([]);
  });

  it.each([
    [
      'calls of extensions',
      'Error: m\n    at f (http://localhost/own.js:1:2)\n    at g (chrome-extension://id/a.js:1:2)',
    ],
    ['code that Safari hides', 'f@webkit-masked-url://hidden/:1:2'],
  ])('records %s', (_, stack) => {
    create(errors());
    fail(withStack('own', stack));
    expect(logs()).toHaveLength(1);
  });

  it('records the same error once within the window, and counts the others', () => {
    vi.useFakeTimers();
    create(errors({ window: 1000 }));
    const error = new Error('again');
    for (let n = 0; n < 5; n++) fail(error);
    expect(logs()).toHaveLength(1);
    expect(telemetry.stats().dropped).toEqual({ duplicate: 4 });
    vi.advanceTimersByTime(1001);
    fail(error);
    expect(logs()).toHaveLength(2);
    vi.useRealTimers();
  });

  it('records so many and no more', () => {
    create(errors({ maxPerWindow: 3 }));
    for (let n = 0; n < 5; n++) fail(new Error(`error ${n}`));
    expect(logs()).toHaveLength(3);
    expect(telemetry.stats().dropped).toEqual({ rate_limited: 2 });
  });

  it('does not fail over odd rejections', () => {
    create(errors());
    const unreadable = {
      get message() {
        throw new Error('no');
      },
    };
    for (const reason of [undefined, null, 7, Symbol('s'), { message: 1 }, { a: 1 }, unreadable]) {
      dispatchEvent(Object.assign(new Event('unhandledrejection'), { reason }));
    }
    expect(logs().map(({ message }) => message)).toEqual(['Unhandled rejection: no Error', 'Unhandled rejection: 1']);
  });

  it('ends', async () => {
    create(errors());
    await telemetry.stop();
    dispatchEvent(Object.assign(new Event('unhandledrejection'), { reason: new Error('late') }));
    expect(telemetry.stats().pending).toBe(0);
  });
});

it('console: records what is written once, and gives the console back', async () => {
  const original = vi.spyOn(console, 'warn').mockReturnValue();
  const before = console.warn;
  create(consoleLogs());
  console.warn('careful', { a: 1 });
  expect(original).toHaveBeenCalledWith('careful', { a: 1 });
  expect(logs()).toMatchObject([{ level: 'warn', message: 'careful', context: { values: [{ a: 1 }] } }]);
  await telemetry.stop();
  expect(console.warn).toBe(before);
});

it('pages: names the views, and adds the page to what follows', () => {
  history.replaceState(null, '', '/');
  create(pageViews());
  history.pushState(null, '', '/quiz/42?a=1');
  history.pushState(null, '', '/quiz/43');
  history.pushState(null, '', '/user/123e4567-e89b-12d3-a456-426614174000/edit');
  history.pushState(null, '', '/#/quiz/7?a=1');
  telemetry.trace('t', 1);
  expect(logs().map(({ context }) => context.page)).toEqual(['/', '/quiz/:id', '/user/:id/edit', '#/quiz/:id']);
  expect(telemetry.getBuffer().traces[0].attributes.page).toBe('#/quiz/:id');
  history.replaceState(null, '', '/');
});

it('react: records errors with their component stack', () => {
  create();
  const { onUncaughtError, onCaughtError, onRecoverableError } = reactErrorHandlers(telemetry);
  onUncaughtError(new Error('a'), { componentStack: 'at App' });
  onCaughtError(new Error('b'), {});
  onRecoverableError('c');
  expect(logs().map(({ level, message }) => [level, message])).toEqual([
    ['fatal', 'Error: a'],
    ['error', 'Error: b'],
    ['warn', 'c'],
  ]);
  expect(logs()[0].context).toMatchObject({ source: 'react.uncaught', componentStack: 'at App' });
});

it('fetch: spans by hand end once', () => {
  create(fetchSpans());
  const span = startSpan(telemetry, 'load', { a: 1 });
  span.end({ b: 2 });
  span.end();
  expect(telemetry.getBuffer().traces).toMatchObject([
    { name: 'load', traceId: span.traceId, spanId: span.spanId, attributes: { a: 1, b: 2 } },
  ]);
  expect(span.traceparent).toBe(`00-${span.traceId}-${span.spanId}-01`);
});

it('persist: does nothing where the browser has no locks', async () => {
  create(persist());
  telemetry.log('info', 'm');
  await telemetry.flush();
  expect(telemetry.stats()).toMatchObject({ sent: 1 });
});
