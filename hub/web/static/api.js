/** The tracking API of the hub that served this page. */

/** The JSON answer; rejects with what the hub said. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) =>
      [value].flat().flatMap((one) => (one === undefined || one === '' ? [] : [[name, one]])),
    ),
  );
  return answerOf(fetch(query.size > 0 ? `${path}?${query}` : path, { headers: { accept: 'application/json' } }));
}

/** A change: POST, PUT, PATCH or DELETE, in the name of who sits here. */
export async function send(method, path, body) {
  const headers = { accept: 'application/json', 'x-milepost-user': userName() };
  if (body === undefined) return answerOf(fetch(path, { method, headers }));
  headers['content-type'] = 'application/json';
  return answerOf(fetch(path, { method, headers, body: JSON.stringify(body) }));
}

async function answerOf(request) {
  const response = await request.catch(() => {
    throw new Error('the hub cannot be reached');
  });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const { code, message = `the hub answered ${response.status}`, candidates = [], detail, problems } = body.error ?? {};
  throw Object.assign(new Error(message), {
    code,
    candidates,
    problems: problems ?? detail?.problems ?? body.problems ?? [],
  });
}

const USER = 'milepost-user';

/** Who sits here, as far as the hub knows before there is a sign-in. */
export const userName = () => localStorage.getItem(USER) ?? 'anonymous';
export const setUserName = (name) => (name === '' ? localStorage.removeItem(USER) : localStorage.setItem(USER, name));

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
