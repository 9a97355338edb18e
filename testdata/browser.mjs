// Runs an example of docs/examples as a browser does: by its page, with nothing of Node's, on an origin of its own.
//
//   node browser.mjs FOLDER ORIGIN EXAMPLE SERVICE TOKEN
//
// What the page shows is written to stdout, line by line.
import { JSDOM } from 'jsdom';
import { readFile } from 'node:fs/promises';
import WebSocket from 'ws';

const [folder, origin, example, service, token] = process.argv.slice(2);
const { stdout } = process;
const { window } = new JSDOM(await readFile(folder + '/page.html', 'utf8'), { url: origin + '/page.html' });
const { document, Event, MutationObserver } = window;
const { fetch: fetchIt } = globalThis;
console.log = () => {}; // the page shows it
Object.assign(globalThis, {
  document,
  sessionStorage: window.sessionStorage,
  WebSocket: class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, { origin });
      this.on('error', () => {}); // which browsers do not throw
    }
  },
  async fetch(to, init) {
    const answer = await fetchIt(to, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), origin } });
    if (answer.headers.get('access-control-allow-origin') !== origin) throw new TypeError('Failed to fetch');
    return answer;
  },
});
globalThis.process = { nextTick: process.nextTick }; // all that ws needs; no example may need any of it

new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach(({ textContent }) => stdout.write(textContent))))
  .observe(document.getElementById('said'), { childList: true });
await import('file://' + folder + '/page.js');
const fill = (id, value) => Object.assign(document.getElementById(id), { value });
fill('url', service);
fill('token', token);
fill('example', example);
document.getElementById('settings').dispatchEvent(new Event('submit', { cancelable: true }));
