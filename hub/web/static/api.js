/** The tracking API of the hub that served this page. */

/** The JSON answer; rejects with what the hub said. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ''),
  );
  const response = await fetch(query.size > 0 ? `${path}?${query}` : path, { headers: { accept: 'application/json' } });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const error = new Error(body.error?.message ?? `the hub answered ${response.status}`);
  throw Object.assign(error, { code: body.error?.code, candidates: body.error?.candidates ?? [] });
}

export const packagePath = (packageId) => `/packages/${encodeURIComponent(packageId)}`;
export const apiPath = (packageId, part = '') => `/v1/packages/${encodeURIComponent(packageId)}${part}`;

/**
 * Follows a stream of server-sent events; the browser reconnects by itself. `opened` is called at each (re)connection, when
 * what was missed must be loaded. Shows in #live whether it is connected.
 */
export function follow(path, handlers, opened = () => {}) {
  const live = document.getElementById('live');
  const show = (state, text) => {
    if (!live) return;
    live.dataset.state = state;
    live.querySelector('.live-text').textContent = text;
  };
  const source = new EventSource(path);
  source.addEventListener('open', () => {
    show('on', 'Live');
    opened();
  });
  source.addEventListener('error', () => show('off', 'Reconnecting'));
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  return source;
}
