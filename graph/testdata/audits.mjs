// Runs the audits of GraphQL over HTTP against a server and prints each with its outcome, one JSON object a line.
import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (target, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${token}`);
  return fetch(target, { ...init, headers });
};
for (const audit of serverAudits({ url: `${url}/graphql`, fetchFn })) {
  const { status, reason = '' } = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status, reason }));
}
