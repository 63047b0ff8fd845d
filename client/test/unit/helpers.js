import { vi } from 'vitest';

/** Replaces `fetch`, and answers each request with what `answer` returns. */
export function stubFetch(answer = () => ({ ok: true })) {
  const requests = [];
  const stub = vi.fn(async (url, init) => {
    const request = { url, init, body: JSON.parse(init.body) };
    requests.push(request);
    return answer(request, requests.length);
  });
  vi.stubGlobal('fetch', stub);
  return requests;
}

/** An answer as the collector gives it. */
export const answer = (status, headers = {}) => ({
  ok: status < 300,
  status,
  headers: new Headers(headers),
  text: async () => '{}',
});

export const setVisibility = (state) => {
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
};

/** All entries of a signal in requests that were made. */
export const entriesOf = (requests, signal = 'logs') => requests.flatMap(({ body }) => body[signal]);

export const messagesOf = (requests) => entriesOf(requests).map(({ message }) => message);
