// Talking to the gateway: the session, requests, and the stream of snapshots.

let token = '';

// ask sends a request to the API; what goes wrong is thrown with the gateway's own words.
export async function ask(path, method = 'GET', body, again = true) {
  const headers = {};
  if (method !== 'GET') headers['X-Steelyard-Page'] = token;
  const answer = await fetch('api/v1/' + path, { method, headers, cache: 'no-store', body: body === undefined ? undefined : JSON.stringify(body) });
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  if (answer.status === 403 && method !== 'GET' && again) {
    await session(); // the gateway has been started again: the page has another token
    return ask(path, method, body, false);
  }
  throw new Error(told.error?.message || 'the gateway answered ' + answer.status);
}
const entered = (s) => { token = s.page || ''; return s.login; };
export const session = () => ask('session').then(entered);
export const login = (secret) => ask('session', 'POST', { token: secret }).then(entered);

// watch calls heard with each snapshot, while the page can be seen: a browser opens six connections to one host, so a tab
// that nobody looks at gives its own back. lost is called when there is no connection.
export function watch(heard, lost) {
  let source, timer;
  const close = () => { source?.close(); source = undefined; clearTimeout(timer); };
  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource('api/v1/snapshot');
    source.onmessage = (m) => heard(JSON.parse(m.data));
    source.onerror = () => {
      const ended = source?.readyState === EventSource.CLOSED; // refused: browsers do not try again by themselves
      lost();
      if (ended) { close(); timer = setTimeout(open, 2000); }
    };
  };
  document.addEventListener('visibilitychange', open);
  addEventListener('pagehide', close);
  addEventListener('pageshow', (e) => { if (e.persisted) open(); });
  open();
}
