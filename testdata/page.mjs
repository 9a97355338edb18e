// The inbox page, as its service serves it, in a DOM without a browser.
//
//   node page.mjs http://host/#token=TOKEN [TOKEN in use] [yes]
//
// A line on stdin asks what the page shows, and one line of JSON answers. With "yes" as last argument every question is answered so, and
// otherwise with no.
import { JSDOM } from 'jsdom';
import { mkdir, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const [address, inUse, answer] = process.argv.slice(2);
const get = async (path) => (await fetch(new URL(path, address))).text();
const { window } = new JSDOM(await get('.'), { url: address });
if (inUse) window.sessionStorage.setItem('maskline-token', inUse);
const asked = [];
window.confirm = (question) => {
  asked.push(question);
  return answer === 'yes';
};
const { fetch: fetchIt } = globalThis;
Object.assign(globalThis, {
  document: window.document,
  sessionStorage: window.sessionStorage,
  location: window.location,
  history: window.history,
  confirm: window.confirm,
  addEventListener: window.addEventListener.bind(window),
  removeEventListener: window.removeEventListener.bind(window),
  WebSocket: class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.on('error', () => {}); // which browsers do not throw
    }
  },
  fetch: (to, init) => fetchIt(new URL(to, window.document.baseURI), init),
});

// Node takes scripts from files only.
const { pathname: dir } = new URL('page/', import.meta.url);
await mkdir(dir, { recursive: true });
await writeFile(dir + 'package.json', '{"type": "module"}');
for (const todo = ['inbox.js'], done = new Set(); todo.length; ) {
  const name = todo.pop();
  if (done.has(name)) continue;
  done.add(name);
  const text = await get('assets/' + name);
  await writeFile(dir + name, text);
  todo.push(...[...text.matchAll(/from "\.\/([a-z]+\.js)"/g)].map(([, found]) => found));
}
await import(dir + 'inbox.js');

const texts = (selector) => [...window.document.querySelectorAll(selector)].map((e) => e.textContent);
const at = (id) => window.document.getElementById(id);
createInterface({ input: process.stdin }).on('line', () =>
  console.log(JSON.stringify({
    asked,
    hash: window.location.hash,
    viewer: at('viewer').textContent,
    state: at('live').hidden ? '' : at('live').dataset.state,
    live: at('live').textContent,
    notice: at('notice').textContent,
    signsIn: !at('sign-in').hidden,
    transcripts: texts('#voicemails blockquote'),
    outcomes: texts('#calls .badge'),
    empty: !at('no-voicemails').hidden,
  })));
console.log('ready');
