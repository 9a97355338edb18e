import { ask } from "./api.js";
import { callItem } from "./call.js";
import { caller } from "./dom.js";
import { delay, follow } from "./live.js";
import { CALLS, INBOX, OLDER, ONE, RECEIVED } from "./queries.js";
import { forgetToken, keepToken, takeTokenFromAddress, token } from "./token.js";
import { pending, voicemailItem } from "./voicemail.js";

const LOOK_AGAIN = 4_000;
const PATIENCE = 3 * 60_000;
const LIVE = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…", ended: "No longer live" };

const at = (id) => document.getElementById(id);
let voicemails, calls; // what is on the page, by id
let place; // the cursor of the newest voicemail that we know
let end; // the cursor of the oldest one shown
let stop = () => {};
let session = 0; // answers to an earlier one are not shown

async function start() {
  const own = ++session;
  stop();
  voicemails = new Map();
  calls = new Map();
  at("voicemails").replaceChildren();
  at("calls").replaceChildren();
  at("sign-in").hidden = true;
  at("sign-out").hidden = false;

  let data = null;
  for (let tries = 0; !data; tries++) {
    data = await ask(INBOX).then(works, salvage);
    if (own === session && !data) await new Promise((done) => setTimeout(done, delay(tries)));
    if (own !== session) return;
  }
  at("viewer").textContent = data.viewer.name || data.viewer.email;
  place = data.voicemails.pageInfo.startCursor;
  showPage(data.voicemails);
  showCalls(data.calls);
  at("inbox").hidden = false;
  stop = follow({
    query: RECEIVED,
    variables: () => ({ after: place }),
    onData: arrive,
    onState(state) {
      at("live").textContent = LIVE[state];
      at("live").className = "live " + state;
      at("live").hidden = false;
      if (state === "ended") notice("Live updates have ended. Load this page again to go on.");
    },
    onProblem(problem) {
      // The list is read anew if its place is not known any more.
      if (problem.code === "BAD_USER_INPUT") setTimeout(() => own === session && start(), delay(3));
      else trouble(problem);
    },
  });
}

function signIn(sentence) {
  session++;
  stop();
  forgetToken();
  for (const id of ["inbox", "sign-out", "live"]) at(id).hidden = true;
  at("viewer").textContent = at("arrivals").textContent = "";
  at("voicemails").replaceChildren();
  at("calls").replaceChildren();
  at("sign-in").hidden = false;
  at("token").focus();
  notice(sentence);
}

function notice(sentence) {
  at("notice").textContent = sentence;
  at("notice").hidden = !sentence;
}

function trouble(problem) {
  if (problem.code === "UNAUTHENTICATED") signIn("The token was not accepted. It may have expired; sign in again.");
  else notice(problem.message);
}

function works(data) {
  notice("");
  return data;
}

// salvage shows what went wrong and goes on with the part of the answer that came.
function salvage(problem) {
  trouble(problem);
  return problem.data;
}

function showPage({ edges, pageInfo }) {
  for (const edge of edges) if (edge?.node) at("voicemails").append(...add(edge.node));
  end = pageInfo.endCursor;
  at("older").hidden = !pageInfo.hasNextPage;
  at("no-voicemails").hidden = voicemails.size > 0;
}

// add returns the element of a voicemail, or nothing when it is on the page already.
function add(voicemail) {
  if (voicemails.has(voicemail.id)) return [];
  const read = () => ask(ONE, { id: voicemail.id }).then((data) => data.node);
  const item = voicemailItem(() => read().then((v) => v.audioURL, () => null));
  voicemails.set(voicemail.id, item);
  item.update(voicemail);
  if (pending(voicemail)) lookAgain(item, read, Date.now() + PATIENCE);
  return [item.element];
}

function lookAgain(item, read, until) {
  setTimeout(async () => {
    if (!item.element.isConnected) return;
    try {
      const voicemail = await read();
      item.update(voicemail);
      if (!pending(voicemail)) return refreshCalls();
    } catch (problem) {
      if (problem.code === "NOT_FOUND") return item.element.remove();
      if (problem.code === "UNAUTHENTICATED") return trouble(problem);
    }
    if (Date.now() < until) lookAgain(item, read, until);
  }, LOOK_AGAIN);
}

function arrive({ voicemailReceived: { cursor, node } }) {
  place = cursor;
  if (!node) return;
  const added = add(node);
  if (!added.length) return;
  at("voicemails").prepend(...added);
  voicemails.get(node.id).markNew();
  at("no-voicemails").hidden = true;
  at("arrivals").textContent = "New voicemail from " + caller(node.from);
  refreshCalls();
}

function showCalls({ edges }) {
  const latest = new Map();
  for (const { node } of edges.filter((edge) => edge?.node)) {
    const item = calls.get(node.id) ?? callItem();
    item.update(node);
    latest.set(node.id, item);
  }
  for (const [id, item] of calls) if (!latest.has(id)) item.element.remove();
  calls = latest;
  // What stays where it is must not be moved: it may have the focus.
  [...calls.values()].forEach(({ element }, i) => {
    const there = at("calls").children[i];
    if (there !== element) at("calls").insertBefore(element, there ?? null);
  });
  at("no-calls").hidden = calls.size > 0;
}

let refreshing;
function refreshCalls() {
  clearTimeout(refreshing);
  const own = session;
  refreshing = setTimeout(async () => {
    if (own !== session) return;
    const data = await ask(CALLS).then(works, salvage);
    if (data && own === session) showCalls(data.calls);
  }, 300);
}

at("refresh").addEventListener("click", refreshCalls);

at("older").addEventListener("click", async () => {
  const own = session;
  at("older").disabled = true;
  const data = await ask(OLDER, { after: end }).then(works, salvage);
  at("older").disabled = false;
  if (data && own === session) showPage(data.voicemails);
});

at("sign-out").addEventListener("click", () => signIn(""));

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const kept = keepToken(at("token").value);
  at("token").value = "";
  if (!kept) return notice("That is not a token: it has characters that no token has.");
  notice("");
  start();
});

takeTokenFromAddress();
if (token()) start();
else signIn("");
