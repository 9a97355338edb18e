import { examples } from "./examples.js";
import { keepToken, takeTokenFromAddress, token } from "./token.js";

const { React, ReactDOM, GraphiQL, graphqlWs } = window;
const at = (id) => document.getElementById(id);
const notice = (sentence) => (at("notice").textContent = sentence);
const address = new URL("graphql", document.baseURI).href;
const storage = GraphiQL.createLocalStorage({ namespace: "maskline" });

async function authorized(url, init) {
  const response = await fetch(url, { ...init, headers: { ...init.headers, authorization: "Bearer " + token() } });
  notice(response.status === 401 ? "The token was not accepted." : "");
  return response;
}

let root, sockets;
function show() {
  sockets?.dispose();
  sockets = graphqlWs.createClient({
    url: address.replace(/^http/, "ws"),
    connectionParams: () => ({ authorization: "Bearer " + token() }),
    retryAttempts: 20,
    shouldRetry: ({ code }) => code !== undefined && code !== 4403,
    on: { closed: ({ code }) => code === 4403 && notice("The token was not accepted.") },
  });
  const fetcher = GraphiQL.createFetcher({ url: address, fetch: authorized, wsClient: sockets, enableIncrementalDelivery: false });
  root ??= ReactDOM.createRoot(at("playground"));
  root.render(React.createElement(GraphiQL, {
    key: token(), // another viewer: the schema is read anew
    fetcher,
    storage,
    defaultTabs: examples,
    shouldPersistHeaders: false,
    isHeadersEditorEnabled: false,
    defaultEditorToolsVisibility: "variables",
  }, React.createElement(GraphiQL.Logo, null, " ")));
  at("token").placeholder = "one is in use";
}

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const kept = keepToken(at("token").value);
  at("token").value = "";
  if (!kept) return notice("That is not a token: it has characters that no token has.");
  notice("");
  show();
});

takeTokenFromAddress();
if (token()) show();
else at("token").focus();
