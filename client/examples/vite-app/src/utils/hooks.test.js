import { beforeEach, describe, expect, it, vi } from 'vitest';

vi.mock('../core/features.js', () => ({ isFeatureEnabled: vi.fn() }));
vi.mock('web-vitals', () => ({
  onCLS: (report) => report({ name: 'CLS', value: 0.01234, rating: 'good' }),
  onINP: (report) => report({ name: 'INP', value: 80, rating: 'good' }),
  onLCP: (report) => report({ name: 'LCP', value: 1250, rating: 'good' }),
}));

import { isFeatureEnabled } from '../core/features.js';
import { initErrorHandling } from './errorHandler.js';
import { logger } from './logger.js';
import { initPerformanceMonitoring } from './performance.js';
import { telemetry } from './telemetry.js';

beforeEach(async () => {
  vi.stubGlobal('fetch', vi.fn().mockResolvedValue({ ok: true }));
  for (const level of ['debug', 'info', 'warn', 'error']) vi.spyOn(console, level).mockReturnValue();
  isFeatureEnabled.mockReturnValue(false);
  telemetry.getBuffer();
  isFeatureEnabled.mockReturnValue(true);
});

describe('telemetry', () => {
  it('is off with the flag, and takes nothing then', () => {
    isFeatureEnabled.mockReturnValue(false);
    logger.info('off');
    expect(telemetry.isEnabled()).toBe(false);
    expect(telemetry.getBuffer()).toEqual({ logs: [], traces: [], metrics: [] });
  });

  it('sends with exactly two headers', async () => {
    logger.info('one');
    await telemetry.flush();
    expect(fetch).toHaveBeenCalledWith(
      'http://localhost:4328/telemetry/ingest',
      expect.objectContaining({
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Telemetry-Token': 'test-token' },
      }),
    );
    expect(telemetry.getBuffer().logs).toHaveLength(0);
  });
});

describe('the hooks', () => {
  it('log', () => {
    for (const level of ['debug', 'info', 'warn', 'error']) logger[level](`a ${level}`, { level });
    expect(telemetry.getBuffer().logs.map(({ level, message, context }) => [level, message, context])).toEqual(
      ['debug', 'info', 'warn', 'error'].map((level) => [level, `a ${level}`, { level }]),
    );
  });

  it('record errors', () => {
    initErrorHandling();
    const error = new TypeError('no');
    window.dispatchEvent(new ErrorEvent('error', { message: 'Uncaught TypeError: no', error }));
    expect(telemetry.getBuffer().logs[0]).toMatchObject({
      level: 'error',
      message: 'Uncaught TypeError: no',
      context: { error: { name: 'TypeError', message: 'no', stack: error.stack } },
    });
  });

  it('record web vitals', () => {
    initPerformanceMonitoring();
    expect(telemetry.getBuffer().metrics.map(({ name, value, labels }) => [name, value, labels])).toEqual([
      ['web_vital_lcp', 1250, { rating: 'good' }],
      ['web_vital_inp', 80, { rating: 'good' }],
      ['web_vital_cls', 0.012, { rating: 'good' }],
    ]);
  });
});
