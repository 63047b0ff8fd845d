import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTelemetry } from '../../src/index.js';
import { answer, entriesOf, messagesOf, stubFetch } from './helpers.js';

/** @type {import('../../src/types.js').Telemetry} */
let telemetry;
let requests;

const create = (options) => {
  telemetry = createTelemetry({ endpoint: 'http://collector/ingest', token: 't', ...options });
  return telemetry;
};

const onlyLog = () => telemetry.getBuffer().logs[0];

beforeEach(() => {
  requests = stubFetch(() => answer(200));
});

afterEach(async () => {
  vi.useRealTimers();
  await telemetry.stop();
});

describe('a copy of what is logged', () => {
  const copied = (context) => {
    create();
    telemetry.log('info', 'm', context);
    return JSON.parse(JSON.stringify(onlyLog().context));
  };

  it('is made at the call', () => {
    create();
    const context = { list: [1], nested: { a: 1 } };
    telemetry.log('info', 'm', context);
    context.late = true;
    context.list.push(2);
    context.nested.a = 2;
    expect(onlyLog().context).toEqual({ list: [1], nested: { a: 1 } });
  });

  it('can be sent whatever it is of', () => {
    const circular = { name: 'a' };
    circular.self = circular;
    circular.list = [circular];
    const twice = { a: 1 };
    expect(
      copied({
        circular,
        bigint: 12345678901234567890n,
        symbol: Symbol('s'),
        nan: Number.NaN,
        infinite: -1 / 0,
        window,
        element: document.body,
        buffer: new Uint8Array(3),
        fn: () => {},
        twice: [twice, twice],
        get thrower() {
          throw new Error('no');
        },
        toJSONThrower: {
          toJSON() {
            throw new Error('no');
          },
        },
        nothing: null,
        missing: undefined,
      }),
    ).toEqual({
      circular: { name: 'a', self: '[Circular]', list: ['[Circular]'] },
      bigint: '12345678901234567890',
      symbol: 'Symbol(s)',
      nan: 'NaN',
      infinite: '-Infinity',
      window: expect.stringMatching(/^.object (Window|global).$/),
      element: '[object HTMLBodyElement]',
      buffer: '[object Uint8Array]',
      twice: [{ a: 1 }, { a: 1 }],
      thrower: '[Unreadable]',
      toJSONThrower: '[Unreadable]',
      nothing: null,
    });
  });

  it('shows what errors, maps, sets and dates hold', () => {
    const cause = new TypeError('cause');
    const error = Object.assign(new Error('outer', { cause }), { code: 7 });
    expect(
      copied({
        error,
        map: new Map([['a', { b: 1 }]]),
        set: new Set([1, 'two']),
        date: new Date(0),
        url: new URL('http://a/b'),
      }),
    ).toEqual({
      error: {
        name: 'Error',
        message: 'outer',
        stack: error.stack,
        code: 7,
        cause: { name: 'TypeError', message: 'cause', stack: cause.stack },
      },
      map: { a: { b: 1 } },
      set: [1, 'two'],
      date: '1970-01-01T00:00:00.000Z',
      url: 'http://a/b',
    });
  });

  it('is bounded', () => {
    let deep = {};
    for (let n = 0; n < 1000; n++) deep = { deep };
    const start = performance.now();
    const wide = Object.fromEntries(Array.from({ length: 100000 }, (_, n) => [`key ${n}`, n]));
    const context = copied({ deep, wide, long: 'x'.repeat(1e6) });
    expect(JSON.stringify(context).length).toBeLessThan(700000);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('takes a context that is no object as it is', () => {
    create();
    telemetry.setContext({ page: '/' });
    for (const context of [null, 'text', [1, 2], 3]) telemetry.log('info', 'm', context);
    expect(telemetry.getBuffer().logs.map(({ context }) => context)).toEqual([null, 'text', [1, 2], 3]);
  });

  it('makes text of an error that is the message', () => {
    create();
    const error = new RangeError('too far');
    telemetry.log('error', error, { topic: 'Math' });
    expect(onlyLog().message).toBe('RangeError: too far');
    expect(onlyLog().context).toEqual({
      error: { name: 'RangeError', message: 'too far', stack: error.stack },
      topic: 'Math',
    });
  });

  it('never throws', () => {
    create({ beforeSend: () => BigInt(1), ignoreErrors: ['x'] });
    const nasty = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    for (const value of [nasty, Symbol('s'), 1n, Object.create(null), () => {}, window, undefined]) {
      telemetry.log(value, value, value);
      telemetry.log('error', value, value);
      telemetry.metric(value, value, value);
      telemetry.trace(value, value, value);
      telemetry.setContext(value);
      telemetry.setUser(value);
    }
    createTelemetry(null);
    createTelemetry({
      enabled: () => {
        throw new Error('no');
      },
    }).log('info', 'm');
    createTelemetry({
      parts: [
        () => {
          throw new Error('no');
        },
        null,
      ],
    }).stop();
  });
});

describe('secrets', () => {
  it('are replaced by name and by pattern', () => {
    create({ redact: { names: ['pin', /^x-/], texts: [/\d{4}-\d{4}/g] } });
    telemetry.log('info', 'Got Bearer abc.def-1 and eyJhbGciOi.eyJzdWIi.c2ln', {
      password: 'p',
      accessToken: 't',
      promptTokens: 12,
      nested: { 'x-key': 1, API_KEY: 'k', pin: 1 },
      link: 'https://a/cb?state=1&code=secret&x=1',
      card: 'no 1234-5678!',
    });
    expect(onlyLog().message).toBe('Got [REDACTED] and [REDACTED]');
    expect(onlyLog().context).toEqual({
      password: '[REDACTED]',
      accessToken: '[REDACTED]',
      promptTokens: 12,
      nested: { 'x-key': '[REDACTED]', API_KEY: '[REDACTED]', pin: '[REDACTED]' },
      link: 'https://a/cb?state=1[REDACTED]&x=1',
      card: 'no [REDACTED]!',
    });
  });

  it('stay where redaction is off', () => {
    create({ redact: false });
    telemetry.log('info', 'm', { password: 'p' });
    expect(onlyLog().context).toEqual({ password: 'p' });
  });

  it.each([
    ['/app?token=1#access_token=2', '/app'],
    ['/app?a=1#/quiz/1?code=2', '/app#/quiz/1'],
    ['/app#top', '/app'],
    ['/app#!/quiz', '/app#!/quiz'],
  ])('are not in the URL: %s', (href, clean) => {
    history.replaceState(null, '', href);
    create();
    telemetry.log('info', 'm');
    expect(onlyLog().url).toBe(location.origin + clean);
    history.replaceState(null, '', '/');
  });
});

describe('what is kept', () => {
  it('is no log of a lower level', () => {
    create({ minLevel: 'warn' });
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal', 'own']) telemetry.log(level, level);
    expect(telemetry.getBuffer().logs.map(({ level }) => level)).toEqual(['warn', 'error', 'fatal']);
  });

  it('is no error that is ignored', () => {
    create({ ignoreErrors: ['ResizeObserver (loop', /^Error: net/] });
    telemetry.log('error', 'the ResizeObserver (loop ended');
    telemetry.log('error', new Error('net down'));
    telemetry.log('error', 'other net');
    telemetry.log('info', 'ResizeObserver (loop');
    expect(telemetry.getBuffer().logs.map(({ message }) => message)).toEqual(['other net', 'ResizeObserver (loop']);
  });

  it('is what beforeSend makes of it', () => {
    create({
      beforeSend(entry, signal) {
        if (signal === 'metrics') return null;
        if (signal === 'traces') throw new Error('no');
        return { ...entry, message: entry.message.toUpperCase(), extra: 1n };
      },
    });
    telemetry.log('info', 'm');
    telemetry.metric('m', 1);
    telemetry.trace('t', 1);
    expect(telemetry.getBuffer()).toMatchObject({ logs: [{ message: 'M', extra: '1' }], metrics: [], traces: [] });
  });

  it('has the common context, which a call can overrule', () => {
    create();
    telemetry.setContext({ page: '/quiz', topic: 'none' });
    telemetry.setUser({ id: '42' });
    telemetry.log('info', 'm', { topic: 'Math' });
    telemetry.trace('t', 1);
    telemetry.metric('m', 1);
    telemetry.setUser(null);
    telemetry.log('info', 'n');
    const { logs, traces, metrics } = telemetry.getBuffer();
    expect(logs[0].context).toEqual({ page: '/quiz', topic: 'Math', user: { id: '42' } });
    expect(traces[0].attributes).toEqual({ page: '/quiz', topic: 'none', user: { id: '42' } });
    expect(metrics[0].labels).toEqual({});
    expect(logs[1].context).toEqual({ page: '/quiz', topic: 'none' });
  });
});

describe('consent', () => {
  it('is needed first where the app says so', async () => {
    create({ consent: false });
    telemetry.log('info', 'before');
    expect(telemetry.isEnabled()).toBe(false);
    telemetry.setConsent(true);
    telemetry.log('info', 'after');
    await telemetry.flush();
    expect(messagesOf(requests)).toEqual(['after']);
  });

  it('can be withdrawn', async () => {
    create();
    telemetry.log('info', 'm');
    telemetry.setConsent(false);
    telemetry.setConsent(true);
    await telemetry.flush();
    expect(requests).toHaveLength(0);
  });
});

describe('sessions', () => {
  it('end when nothing happens', () => {
    vi.useFakeTimers();
    create();
    const first = telemetry.getSessionId();
    vi.advanceTimersByTime(29 * 60000);
    telemetry.log('info', 'm');
    vi.advanceTimersByTime(29 * 60000);
    expect(telemetry.getSessionId()).toBe(first);
    vi.advanceTimersByTime(31 * 60000);
    telemetry.log('info', 'n');
    expect(telemetry.getSessionId()).not.toBe(first);
  });

  it('that are not kept send their last 50 entries with the first error, and what follows', async () => {
    create({ sampleRate: 0 });
    for (let n = 0; n < 60; n++) telemetry.log('info', `${n}`);
    telemetry.metric('m', 1);
    await telemetry.flush();
    expect(requests).toHaveLength(0);
    telemetry.log('error', 'failed');
    telemetry.log('info', 'then');
    await telemetry.flush();
    expect(entriesOf(requests).length + entriesOf(requests, 'metrics').length).toBe(52);
    expect(messagesOf(requests)).toEqual([...Array.from({ length: 49 }, (_, n) => `${n + 11}`), 'failed', 'then']);
  });

  it('are kept at the rate', () => {
    vi.useFakeTimers();
    let kept = 0;
    create({ sampleRate: 0.3, sessionIdle: 1000 });
    for (let n = 0; n < 2000; n++) {
      const before = telemetry.getBuffer().logs.length + requests.length * 10;
      telemetry.log('info', 'm');
      kept += telemetry.getBuffer().logs.length + requests.length * 10 > before ? 1 : 0;
      vi.advanceTimersByTime(1001);
    }
    expect(kept).toBeGreaterThan(400);
    expect(kept).toBeLessThan(800);
  });
});

it('stops', async () => {
  const end = vi.fn();
  create({ parts: [() => end] });
  telemetry.log('info', 'm');
  await telemetry.stop();
  expect(messagesOf(requests)).toEqual(['m']);
  expect(end).toHaveBeenCalledOnce();
  telemetry.log('info', 'n');
  expect(telemetry.isEnabled()).toBe(false);
  expect(telemetry.getBuffer().logs).toEqual([]);
});
