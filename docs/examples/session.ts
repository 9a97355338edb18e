// Where the service is, and who asks. In Node: MASKLINE_URL=https://calls.example.com MASKLINE_TOKEN=… node dist/graphql-ws.js
// In a browser page.html keeps both for the tab.
const given = (name: string): string | undefined =>
  globalThis.process?.env?.[name] ?? globalThis.sessionStorage?.getItem(name) ?? undefined;

export const url = (given('MASKLINE_URL') ?? 'http://127.0.0.1:8080') + '/graphql';

let over = false;

export const isSignedOut = () => over;

// Headers are asked for before each request and each connection: the place to renew a token before it runs out.
export function headers() {
  if (over) throw new Error('The token is not valid any more.');
  return { authorization: `Bearer ${given('MASKLINE_TOKEN')}` };
}

// The service does not take the token: it was revoked, or is over (HTTP 401, socket 4403). Trying again does not help: here a page asks
// for another one.
export function signedOut() {
  if (!over) console.log('signed out');
  over = true;
}

// An error that ends a subscription: nothing that passes, or, as was said already, a token that is over.
export function report(error: unknown) {
  if (!over) console.error(error);
}
