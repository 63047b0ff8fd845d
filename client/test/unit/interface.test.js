/**
 * The interface of the client in the field. The drop-in and the factory have to keep what apps rely on, with the mocks
 * that apps use: a flag that changes after the import, environment variables that are stubbed, answers that are
 * `{ ok: true }` and nothing else.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

vi.mock('../core/features.js', () => ({ isFeatureEnabled: vi.fn() }));

import { createCompat } from '../../src/compat.js';
import { isFeatureEnabled } from '../core/features.js';

const clients = {
  'drop-in': async () => (await import('../../drop-in/telemetry.js')).telemetry,
  createCompat: async () =>
    createCompat({
      isFeatureEnabled,
      enabled: () => import.meta.env.VITE_TELEMETRY_ENABLED === 'true',
      endpoint: import.meta.env.VITE_TELEMETRY_ENDPOINT,
      token: import.meta.env.VITE_TELEMETRY_TOKEN,
    }),
};

describe.each(Object.entries(clients))('%s', (_, create) => {
  let telemetry;
  let fetchMock;

  beforeEach(async () => {
    vi.resetModules();
    vi.stubEnv('VITE_TELEMETRY_ENABLED', 'true');
    vi.stubEnv('VITE_TELEMETRY_ENDPOINT', 'https://test.com/ingest');
    vi.stubEnv('VITE_TELEMETRY_TOKEN', 'test-token');
    fetchMock = vi.fn().mockResolvedValue({ ok: true });
    vi.stubGlobal('fetch', fetchMock);
    telemetry = await create();
    isFeatureEnabled.mockReturnValue(true);
  });
  afterEach(() => telemetry.stop());

  it('exports telemetry alone', async () => {
    expect(Object.keys(await import('../../drop-in/telemetry.js'))).toEqual(['telemetry']);
  });

  it('is on while flag and configuration are', () => {
    expect(telemetry.isEnabled()).toBe(true);
    isFeatureEnabled.mockReturnValue(false);
    expect(telemetry.isEnabled()).toBe(false);
    isFeatureEnabled.mockReturnValue(undefined);
    expect(telemetry.isEnabled()).toBe(false);
    isFeatureEnabled.mockReturnValue(true);
    vi.stubEnv('VITE_TELEMETRY_ENABLED', 'false');
    expect(telemetry.isEnabled()).toBe(false);
    expect(isFeatureEnabled).toHaveBeenCalledWith('TELEMETRY');
  });

  it('buffers entries as plain objects', () => {
    telemetry.log('info', 'Test message', { key: 'value' });
    telemetry.metric('web_vital_lcp', 1250, { rating: 'good' });
    telemetry.trace('api.generateQuestions', 2450, { model: 'claude' });

    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const sessionId = telemetry.getSessionId();
    expect(telemetry.getBuffer()).toStrictEqual({
      logs: [
        {
          timestamp: time,
          level: 'info',
          message: 'Test message',
          context: { key: 'value' },
          sessionId,
          url: location.href,
          userAgent: navigator.userAgent,
        },
      ],
      metrics: [{ timestamp: time, name: 'web_vital_lcp', value: 1250, labels: { rating: 'good' }, sessionId }],
      traces: [
        {
          timestamp: time,
          traceId: expect.stringMatching(/^[\da-f]{32}$/),
          spanId: expect.stringMatching(/^[\da-f]{16}$/),
          name: 'api.generateQuestions',
          duration: 2450,
          attributes: { model: 'claude' },
          sessionId,
        },
      ],
    });
  });

  it('buffers nothing while off, and forgets what it has when it is switched off', () => {
    isFeatureEnabled.mockReturnValue(false);
    telemetry.log('info', 'off');
    isFeatureEnabled.mockReturnValue(true);
    expect(telemetry.getBuffer()).toEqual({ logs: [], traces: [], metrics: [] });

    telemetry.log('info', 'on');
    vi.stubEnv('VITE_TELEMETRY_ENABLED', 'false');
    expect(telemetry.getBuffer()).toEqual({ logs: [], traces: [], metrics: [] });
    vi.stubEnv('VITE_TELEMETRY_ENABLED', 'true');
    expect(telemetry.getBuffer().logs).toHaveLength(0);
    expect(fetchMock).not.toHaveBeenCalled();
  });

  it('sends with two headers, and is judged by ok alone', async () => {
    telemetry.log('info', 'Test');
    await telemetry.flush();
    expect(fetchMock).toHaveBeenCalledTimes(1);
    const [url, init] = fetchMock.mock.calls[0];
    expect(url).toBe('https://test.com/ingest');
    expect(init).toMatchObject({ method: 'POST', keepalive: true });
    expect(init.headers).toStrictEqual({ 'Content-Type': 'application/json', 'X-Telemetry-Token': 'test-token' });
    expect(JSON.parse(init.body)).toMatchObject({ logs: [{ message: 'Test' }], traces: [], metrics: [] });
    expect(telemetry.getBuffer().logs).toHaveLength(0);
    expect(telemetry.stats()).toMatchObject({ sent: 1, dropped: {} });
  });

  it('sends the tenth entry at once', () => {
    for (let n = 1; n < 10; n++) telemetry.log('info', `${n}`);
    expect(fetchMock).not.toHaveBeenCalled();
    telemetry.metric('tenth', 10);
    expect(fetchMock).toHaveBeenCalledTimes(1);
  });

  it('sends fewer after 30 s', async () => {
    vi.useFakeTimers();
    telemetry.log('info', 'one');
    await vi.advanceTimersByTimeAsync(29999);
    expect(fetchMock).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(fetchMock).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  it('does not fail where fetch does', async () => {
    fetchMock.mockRejectedValue(new Error('Network error'));
    telemetry.log('info', 'Test');
    await expect(telemetry.flush()).resolves.not.toThrow();
    vi.stubGlobal('fetch', undefined);
    telemetry.log('info', 'Test');
    await expect(telemetry.flush()).resolves.not.toThrow();
    vi.stubGlobal('fetch', () => {
      throw new Error('at once');
    });
    telemetry.log('info', 'Test');
    await expect(telemetry.flush()).resolves.not.toThrow();
    expect(telemetry.stats().inFlight).toBe(0);
  });

  it('keeps its session id', () => {
    expect(telemetry.getSessionId()).toBe(telemetry.getSessionId());
    expect(telemetry.getSessionId()).toMatch(/^\d+-[\da-z]{9}$/);
  });
});
